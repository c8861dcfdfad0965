//! The most that a request can use, before anybody is asked.

use yw_gateway::route::RouteSpec;
use yw_gateway::{ClientCall, Operation};
use yw_llm::{ClientErrorKind, MediaSource, Part, max_input_tokens};
use yw_task::Usd;

use super::Proxy;
use super::error::Refusal;

/// More tokens than providers count for one picture or one page of a document at its largest.
const MEDIA_TOKENS: u64 = 20_000;

/// Tokens and money that a call can use at most.
#[derive(Debug)]
pub(super) struct Bound {
    pub(super) input_tokens: u64,
    pub(super) output_tokens: u64,
    /// The error is a model whose price is not known.
    pub(super) usd: Result<Usd, String>,
}

/// The bound of a call over a route: at the price of its dearest model.
pub(super) fn of(proxy: &Proxy, call: &ClientCall, route: &RouteSpec) -> Bound {
    let input_tokens = input_tokens(call);
    let n_answers = u64::from(call.peek.n_answers);
    let output_tokens = match call.operation {
        Operation::Chat => {
            n_answers.saturating_mul(call.peek.max_tokens.map_or(proxy.default_output_tokens, u64::from))
        }
        Operation::Embeddings => 0,
    };
    let mut usd = Ok(Usd::ZERO);
    for target in &route.targets {
        usd = match (usd, proxy.gateway.price(&target.model)) {
            (Ok(most), Some(price)) => Ok(most.max(price.bound_of_any(input_tokens, output_tokens))),
            (Ok(_), None) => Err(target.model.to_string()),
            (Err(unpriced), _) => Err(unpriced),
        };
    }
    Bound { input_tokens, output_tokens, usd }
}

impl Bound {
    /// Without a price a limit in money cannot be kept.
    pub(super) fn require_price(self, limits_dollars: bool) -> Result<Usd, Refusal> {
        match self.usd {
            Err(model) if limits_dollars => {
                let message = format!(
                    "the price of `{model}` is not known, so the limit in dollars cannot be kept; add [price.\"{model}\"] to \
                     the project file"
                );
                Err(Refusal::new(ClientErrorKind::Permission, "no_price", message))
            }
            usd => Ok(usd.unwrap_or(Usd::ZERO)),
        }
    }
}

fn input_tokens(call: &ClientCall) -> u64 {
    let by_bytes = max_input_tokens(call.body.len());
    let may_have_media = [&b"image"[..], b"file", b"document", b"audio"].iter().any(|w| contains(&call.body, w));
    if !may_have_media {
        return by_bytes;
    }
    let Ok(decoded) = call.decoded() else { return by_bytes };
    let media = media_in(&decoded.request.system, decoded.request.messages.iter().flat_map(|m| &m.content));
    (by_bytes.saturating_sub(media.bytes)).saturating_add(media.n * MEDIA_TOKENS)
}

fn contains(body: &[u8], word: &[u8]) -> bool {
    memchr::memmem::find(body, word).is_some()
}

#[derive(Default)]
struct MediaCount {
    n: u64,
    bytes: u64,
}

fn media_in<'a>(system: &'a [Part], parts: impl Iterator<Item = &'a Part>) -> MediaCount {
    let mut count = MediaCount::default();
    for part in system.iter().chain(parts) {
        let results = match part {
            Part::ToolResult(result) => result.content.as_slice(),
            _ => std::slice::from_ref(part),
        };
        for part in results {
            let (Part::Image(media) | Part::Document(media) | Part::Audio(media)) = part else { continue };
            count.n += 1;
            if let MediaSource::Base64(data) = &media.source {
                count.bytes += data.len() as u64;
                // A document has about a page every 50 kB at least; sound has 32 tokens a second at 4 kB each.
                count.n += data.len() as u64 / (50 << 10);
            }
        }
    }
    count
}
