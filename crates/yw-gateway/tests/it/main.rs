//! The gateway against the scripted server, over real sockets.

mod budget;
mod errors;
mod fake;
mod replies;
mod retries;
mod tape;

use std::sync::Arc;
use std::time::Duration;

use yw_gateway::{CallOptions, Gateway, GatewayConfig, ProviderConfig, ReplyStore};
use yw_llm::{Price, PriceTable, Request};
use yw_task::{Dialect, ModelRef};
use yw_testkit::{Script, ScriptedServer};

fn model() -> ModelRef {
    ModelRef::parse("scripted/some-model").unwrap()
}

fn request(text: &str) -> Request {
    Request::new(text, 50)
}

/// A script that answers yes.
fn yes() -> Script {
    Script::answer(|_| "yes")
}

/// A provider at this address that does not keep tests waiting.
fn provider(dialect: Dialect, base_url: impl Into<String>) -> ProviderConfig {
    ProviderConfig {
        backoff: Duration::from_millis(2),
        timeout: Duration::from_secs(10),
        ..ProviderConfig::new("scripted", dialect, base_url)
    }
}

/// A gateway to one provider, at the prices of the scripted server's bill.
fn gateway_to(provider: ProviderConfig, store: Option<Arc<dyn ReplyStore>>) -> Gateway {
    let price = Price::per_million(1.0, 5.0).unwrap().with_cached_input(0.1).unwrap();
    let prices = PriceTable::empty().with_override(model(), price);
    Gateway::new(GatewayConfig { providers: vec![provider], prices }, store).unwrap()
}

fn gateway(server: &ScriptedServer, store: Option<Arc<dyn ReplyStore>>) -> Gateway {
    gateway_to(provider(Dialect::OpenAi, server.base_url_openai()), store)
}

async fn ask(gateway: &Gateway, text: &str) -> Result<yw_gateway::Reply, yw_gateway::CallError> {
    gateway.complete(&model(), &request(text), &CallOptions::default()).await
}
