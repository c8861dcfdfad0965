//! What foundation models are asked and answer, in the words of each provider: bytes in, events out, no IO.
//!
//! A [`Request`] says what to ask without saying whom. [`encode_request`] turns it into the body that a dialect expects,
//! [`decode_response`] reads the reply, [`decode_error`] reads a refusal, and a [`StreamDecoder`] reads a stream that
//! arrives in pieces of any size. [`PriceTable`] knows what the tokens cost.
//!
//! The types to know are [`Request`], [`Response`] and [`Price`].
//!
//! ```
//! use yw_llm::{EncodeOptions, PriceTable, Request, decode_response, encode_request};
//! use yw_task::{Dialect, ModelRef};
//!
//! let model = ModelRef::parse("openai/gpt-5-mini").unwrap();
//! let request = Request::new("Is water wet?", 100).with_system("Answer with one word.");
//! let body = encode_request(Dialect::OpenAi, &model.model, &request, &EncodeOptions::default());
//! assert!(body.starts_with(br#"{"model":"gpt-5-mini""#));
//!
//! // ... send it to `base_url` + `request_path(dialect)` with `auth_headers(dialect, key)`, and receive:
//! let reply = br#"{"id":"c1","model":"gpt-5-mini","choices":[{"message":{"content":"Yes."},"finish_reason":"stop"}],
//!                  "usage":{"prompt_tokens":20,"completion_tokens":2}}"#;
//! let response = decode_response(Dialect::OpenAi, reply)?;
//! assert_eq!(response.text, "Yes.");
//! let price = PriceTable::builtin().find(&model).unwrap();
//! assert_eq!(price.cost(&response.usage.unwrap()).to_string(), "$0.000009");
//! # Ok::<(), yw_llm::DecodeError>(())
//! ```
//!
//! Not here: sockets, retries, budgets and keys (`yw-gateway`), prompts and typed answers (`yw-arena`).

pub mod anthropic;
mod dialect;
mod error;
mod json;
mod message;
pub mod openai;
mod prices;
mod response;
mod sse;
mod stream;
mod tokens;

pub use dialect::{
    EncodeOptions, JsonMode, MaxTokensField, SeedField, auth_headers, decode_error, decode_response, encode_request,
    request_path,
};
pub use error::{DecodeError, ProviderError, ProviderErrorKind, StreamError};
pub use message::{Message, Output, Part, Request, Role, Tool, ToolCall, ToolChoice};
pub use prices::{Price, PriceError, PriceTable};
pub use response::{Finish, Response, TokenUsage};
pub use sse::{SseDecoder, SseEvent};
pub use stream::{ResponseBuilder, StreamDecoder, StreamEvent};
pub use tokens::{estimate_tokens, max_input_tokens};
