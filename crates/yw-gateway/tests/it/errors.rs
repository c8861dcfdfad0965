//! What errors say, and what they never say.

use yw_gateway::{Budget, CallError, CallOptions, Gateway, GatewayConfig, GatewayError, ProviderConfig, Secret};
use yw_llm::PriceTable;
use yw_task::{Dialect, ModelRef, Usd};
use yw_testkit::{Fault, ScriptedServer, When};

use crate::{ask, fake, gateway, gateway_to, model, provider, request, yes};

fn well_known() -> Gateway {
    let names = ["openai", "anthropic"];
    let providers = names.map(|name| ProviderConfig::well_known(name).unwrap()).to_vec();
    Gateway::new(GatewayConfig { providers, prices: PriceTable::builtin() }, None).unwrap()
}

async fn error_of(gateway: &Gateway, model: &str, budget: Option<&Budget>) -> String {
    let options = CallOptions { budget, ..CallOptions::default() };
    gateway.complete(&ModelRef::parse(model).unwrap(), &request("a"), &options).await.unwrap_err().to_string()
}

#[tokio::test]
async fn errors_say_what_to_do() {
    let gateway = well_known();
    assert_eq!(
        error_of(&gateway, "antropic/claude-haiku-4-5", None).await,
        "there is no provider `antropic` for the model `antropic/claude-haiku-4-5`; add [provider.antropic] or use one of: \
         anthropic, openai"
    );
    assert_eq!(
        error_of(&gateway, "openai/gpt-5-mini", None).await,
        "`openai/gpt-5-mini` needs a key: set OPENAI_API_KEY"
    );

    let server = ScriptedServer::start(yes()).await.unwrap();
    let gateway = crate::gateway(&server, None);
    let budget = Budget::new(Usd::from_dollars(0.001));
    assert_eq!(
        error_of(&gateway, "scripted/other", Some(&budget)).await,
        "the price of `scripted/other` is not known, so the money limit cannot be kept; add [price.\"scripted/other\"] with \
         input and output in dollars per million tokens"
    );
    assert_eq!(
        error_of(&gateway, "scripted/some-model", Some(&budget)).await,
        "`scripted/some-model` was not asked: the call may cost $0.002379 and $0.001 of $0.001 is left"
    );
    assert!(server.requests().is_empty());
}

#[tokio::test]
async fn a_server_of_another_dialect_is_found_out() {
    let base_url = fake::start("200 OK", "", r#"{"hello":"world"}"#).await;
    let error = ask(&gateway_to(provider(Dialect::OpenAi, base_url), None), "a").await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "the answer of `scripted/some-model` cannot be read; check the dialect and base_url of [provider.scripted]"
    );
    let source = std::error::Error::source(&error).unwrap().to_string();
    assert_eq!(source, "the reply has no choices[0]; does the server speak this dialect?");
}

#[test]
fn a_key_is_missing_only_where_it_is_demanded() {
    let gateway = well_known();
    assert!(gateway.has_provider("openai") && !gateway.has_provider("mistral"));
    assert_eq!(gateway.key_missing("openai").as_deref(), Some("OPENAI_API_KEY"));
    assert_eq!(gateway.key_missing("mistral"), None);
    let missing = |needs_key: bool, key: Option<&str>| {
        let mut config = ProviderConfig::new("own", Dialect::OpenAi, "https://models.example/v1");
        (config.needs_key, config.api_key) = (needs_key, key.map(Secret::new));
        gateway_to(config, None).key_missing("own")
    };
    assert_eq!(missing(false, None), None);
    assert_eq!(missing(true, Some("sk-1")), None);
    assert_eq!(missing(true, None).as_deref(), Some("OWN_API_KEY"));
    assert_eq!(missing(true, Some(" ")).as_deref(), Some("OWN_API_KEY"));
}

#[test]
fn two_providers_of_one_name_are_refused() {
    let config = provider(Dialect::OpenAi, "http://127.0.0.1:1/v1");
    let gateway =
        Gateway::new(GatewayConfig { providers: vec![config.clone(), config], prices: PriceTable::empty() }, None);
    assert!(matches!(gateway, Err(GatewayError::Duplicate { .. })));
}

#[tokio::test]
async fn no_message_holds_a_key() {
    const KEY: &str = "sk-very-secret";
    let quoting = Fault::Status { code: 401, retry_after: None, body: Some(format!("unknown key {KEY}, sorry")) };
    let quoting_again = Fault::Status { code: 503, retry_after: None, body: Some(format!("busy, {KEY}")) };
    let faults = [
        quoting,
        quoting_again,
        Fault::status(500),
        Fault::Reset,
        Fault::CutMidBody,
        Fault::MalformedJson,
        Fault::ErrorInReply,
    ];
    for dialect in Dialect::ALL {
        for fault in &faults {
            let server = ScriptedServer::start(yes().fault(When::Always, fault.clone())).await.unwrap();
            let config = provider(dialect, server.base_url(dialect)).with_api_key(Secret::new(KEY));
            let shown = format!("{config:?}");
            let gateway = gateway_to(config, None);
            let error: CallError = ask(&gateway, "a").await.unwrap_err();
            let shown = format!("{shown} {gateway:?} {error} {error:?}");
            assert!(!shown.contains(KEY), "{shown}");
        }
    }
    assert_eq!(format!("{:?}", Secret::new(KEY)), "***");
}

#[tokio::test]
async fn a_model_without_a_price_is_free_to_ask_without_a_budget() {
    let server = ScriptedServer::start(yes()).await.unwrap();
    let gateway = gateway(&server, None);
    let unpriced = ModelRef { model: "other".into(), ..model() };
    let reply = gateway.complete(&unpriced, &request("a"), &CallOptions::default()).await.unwrap();
    assert_eq!(gateway.price(&unpriced), None);
    assert!(reply.usage.input_tokens > 0 && reply.usage.usd == Usd::ZERO);
}
