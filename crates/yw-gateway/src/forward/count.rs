//! Counting tokens where the provider can.

use bytes::BytesMut;
use serde::Deserialize;
use yw_llm::rewrite_request;
use yw_task::{Dialect, ModelRef};

use super::ClientCall;
use crate::Gateway;
use crate::route::Router;

/// Below the base address of a server that speaks Anthropic's dialect.
const PATH: &str = "/v1/messages/count_tokens";

/// No count is longer.
const MAX_REPLY_BYTES: usize = 64 << 10;

#[derive(Deserialize)]
struct Counted {
    input_tokens: u64,
}

impl Gateway {
    /// How many tokens a request of Anthropic's dialect has, and who says so: the first model of the route whose provider
    /// counts in this dialect; none if there is none, or it does not say. Costs nothing.
    pub async fn count_tokens<'a>(&self, call: &ClientCall, router: &'a Router) -> Option<(&'a ModelRef, u64)> {
        let spec = router.spec();
        let speaks = |model: &ModelRef| self.providers.get(&model.provider).filter(|p| p.counts_tokens());
        let (provider, model) = spec.targets.iter().find_map(|t| Some((speaks(&t.model)?, &t.model)))?;
        let body = rewrite_request(&call.body, &call.peek, Some(&model.model), false);
        let url = provider.url_of(PATH);
        let mut headers = provider.headers(Dialect::Anthropic).clone();
        if let Some(trace) = &call.trace {
            trace.write(&mut headers);
        }
        let counting = async {
            let mut response = provider.send(&url, headers, body.into()).await.ok()?;
            let mut reply = BytesMut::new();
            while let Some(piece) = response.chunk().await.ok()? {
                if reply.len() + piece.len() > MAX_REPLY_BYTES {
                    return None;
                }
                reply.extend_from_slice(&piece);
            }
            let counted = serde_json::from_slice::<Counted>(&reply).ok()?;
            response.status().is_success().then_some((model, counted.input_tokens))
        };
        tokio::time::timeout(spec.attempt_timeout, counting).await.ok()?
    }
}
