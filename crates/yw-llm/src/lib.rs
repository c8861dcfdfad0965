//! What foundation models are asked and answer, in the words of each provider: bytes in, events out, no IO.
//!
//! A [`Request`] says what to ask without saying whom. [`encode_request`] turns it into the body that a dialect expects,
//! [`decode_response`] reads the reply, [`decode_error`] reads a refusal, and a [`StreamDecoder`] reads a stream that
//! arrives in pieces of any size. [`PriceTable`] knows what the tokens cost.
//!
//! Clients that speak a dialect are answered in it: [`decode_request`] reads what they ask, [`encode_response`],
//! [`StreamEncoder`] and [`encode_error`] write what they get, whatever the provider spoke. Where both speak the same,
//! the bytes pass through: [`peek_request`] and [`peek_response`] see what must be known of them, [`rewrite_request`]
//! changes the model and nothing else.
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
mod attachment;
pub mod bedrock;
mod check;
mod client;
mod dialect;
pub mod embedding;
mod error;
mod framing;
pub mod gemini;
mod hosting;
mod json;
mod lenient;
mod media;
mod message;
pub mod openai;
mod path;
mod prices;
mod response;
pub mod responses;
mod sse;
mod stream;
mod tokens;

pub use check::check_request;
pub use client::{
    AnswerHead, ClientError, ClientErrorKind, ClientRequest, Peek, ReplyHead, RequestError, StreamEncoder,
    UsageChunkFilter, ask_for_usage, decode_request, decode_usage, encode_error, encode_error_event, encode_response,
    encode_response_as_stream, encode_usage, peek_request, peek_response, read_usage, replace_model, rewrite_request,
};
pub use dialect::{
    EncodeOptions, JsonMode, MaxTokensField, ReasoningField, SeedField, auth_headers, decode_error, decode_response,
    encode_request, request_path,
};
pub use embedding::{EmbeddingFormat, EmbeddingInput, EmbeddingRequest, EmbeddingResponse};
pub use error::{DecodeError, ProviderError, ProviderErrorKind, StreamError};
pub use hosting::{Hosting, VERTEX_COUNT_TOKENS_PATH, hosted_request_path, vertex_body, vertex_count_body};
pub use message::{
    CacheTime, Effort, Media, MediaSource, Message, Output, Part, Reasoning, Request, Role, Sampling, Thinking, Tool,
    ToolCall, ToolChoice, ToolResult,
};
pub use prices::{Price, PriceError, PriceTable};
pub use response::{Finish, Response, TokenUsage};
pub use sse::{SseDecoder, SseEvent};
pub use stream::{ResponseBuilder, StreamDecoder, StreamEvent};
pub use tokens::{estimate_request_tokens, estimate_tokens, max_input_tokens};
