//! Answers to clients: response objects and the items in them.

use std::borrow::Cow;

use serde::Serialize;

use super::reasoning;
use super::request::echo_members;
use crate::client::{AnswerHead, ClientRequest};
use crate::{Finish, Response, TokenUsage};

/// The body of a whole answer.
pub(crate) fn encode_response(client: &ClientRequest, head: &AnswerHead, response: &Response) -> Vec<u8> {
    let (end, output) = (Ending::of(&response.finish, !response.text.is_empty()), items(head, response));
    let mut out = Vec::new();
    let state =
        State { status: end.status(), reason: end.reason(), error: None, output: &output, usage: response.usage };
    Frame::new(client, head.clone()).write(&state, &mut out);
    out
}

/// One item of an answer.
#[derive(Debug, Clone, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum Item<'a> {
    Reasoning {
        id: String,
        summary: Vec<Part<'a>>,
        encrypted_content: Option<Cow<'a, str>>,
    },
    Message {
        id: String,
        status: &'static str,
        role: &'static str,
        content: Vec<Part<'a>>,
    },
    FunctionCall {
        id: String,
        status: &'static str,
        call_id: Cow<'a, str>,
        name: Cow<'a, str>,
        arguments: Cow<'a, str>,
    },
}

impl Item<'_> {
    pub(super) fn id(&self) -> &str {
        match self {
            Item::Reasoning { id, .. } | Item::Message { id, .. } | Item::FunctionCall { id, .. } => id,
        }
    }

    pub(super) fn set_status(&mut self, word: &'static str) {
        match self {
            Item::Reasoning { .. } => {}
            Item::Message { status, .. } | Item::FunctionCall { status, .. } => *status = word,
        }
    }
}

impl<'a> Item<'a> {
    /// The last part; none where there is no part yet, or can be none.
    pub(super) fn part(&self) -> Option<&Part<'a>> {
        match self {
            Item::Reasoning { summary: parts, .. } | Item::Message { content: parts, .. } => parts.last(),
            Item::FunctionCall { .. } => None,
        }
    }

    pub(super) fn push_part(&mut self, part: Part<'a>) {
        match self {
            Item::Reasoning { summary: parts, .. } | Item::Message { content: parts, .. } => parts.push(part),
            Item::FunctionCall { .. } => {}
        }
    }

    /// The text of the last part, or the arguments.
    pub(super) fn text(&self) -> Option<&str> {
        match self {
            Item::FunctionCall { arguments, .. } => Some(arguments),
            _ => self.part().map(Part::as_str),
        }
    }

    /// Adds to the text of the last part, or to the arguments.
    pub(super) fn append(&mut self, piece: &str) {
        let text = match self {
            Item::FunctionCall { arguments, .. } => Some(arguments),
            Item::Reasoning { summary: parts, .. } | Item::Message { content: parts, .. } => {
                parts.last_mut().map(Part::as_mut)
            }
        };
        if let Some(text) = text {
            text.to_mut().push_str(piece);
        }
    }
}

/// A piece of an item.
#[derive(Debug, Clone, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum Part<'a> {
    SummaryText { text: Cow<'a, str> },
    OutputText { text: Cow<'a, str>, annotations: [(); 0], logprobs: [(); 0] },
    Refusal { refusal: Cow<'a, str> },
}

impl<'a> Part<'a> {
    pub(super) fn text(text: impl Into<Cow<'a, str>>) -> Self {
        Part::OutputText { text: text.into(), annotations: [], logprobs: [] }
    }

    fn as_str(&self) -> &str {
        match self {
            Part::SummaryText { text } | Part::OutputText { text, .. } | Part::Refusal { refusal: text } => text,
        }
    }

    fn as_mut(&mut self) -> &mut Cow<'a, str> {
        match self {
            Part::SummaryText { text } | Part::OutputText { text, .. } | Part::Refusal { refusal: text } => text,
        }
    }
}

/// How an answer ends, in this dialect.
#[derive(Debug, Clone, Copy)]
pub(super) enum Ending<'a> {
    Completed,
    Incomplete { reason: &'a str },
}

impl<'a> Ending<'a> {
    /// The ending for a reason to finish. A refusal that is told as such is complete; one that is not was the provider's,
    /// which withheld the answer or the rest of it.
    pub(super) fn of(finish: &'a Finish, tells_refusal: bool) -> Self {
        match finish {
            Finish::Length => Ending::Incomplete { reason: "max_output_tokens" },
            Finish::Refused if !tells_refusal => Ending::Incomplete { reason: "content_filter" },
            Finish::Other(word) if !word.is_empty() => Ending::Incomplete { reason: word },
            Finish::Stop | Finish::ToolCalls | Finish::Refused | Finish::Other(_) => Ending::Completed,
        }
    }

    pub(super) fn status(self) -> &'static str {
        match self {
            Ending::Completed => "completed",
            Ending::Incomplete { .. } => "incomplete",
        }
    }

    pub(super) fn reason(self) -> Option<&'a str> {
        match self {
            Ending::Completed => None,
            Ending::Incomplete { reason } => Some(reason),
        }
    }
}

fn items<'a>(head: &AnswerHead, response: &'a Response) -> Vec<Item<'a>> {
    let is_refusal = response.finish == Finish::Refused;
    let status = Ending::of(&response.finish, true).status();
    let mut items: Vec<Item<'a>> = Vec::new();
    for (idx, thoughts) in response.reasoning.iter().enumerate() {
        items.push(Item::Reasoning {
            id: reasoning::item_id(thoughts, head, idx),
            summary: summary(&thoughts.text),
            encrypted_content: thoughts.signature.as_deref().map(Cow::from),
        });
    }
    if !response.text.is_empty() {
        let text = response.text.as_str();
        let part = if is_refusal { Part::Refusal { refusal: text.into() } } else { Part::text(text) };
        // Only what stands last was cut off.
        let status = if response.tool_calls.is_empty() { status } else { "completed" };
        items.push(message(head, items.len(), status, vec![part]));
    }
    for (call_idx, call) in response.tool_calls.iter().enumerate() {
        items.push(Item::FunctionCall {
            id: call_item_id(head, items.len()),
            status: if call_idx + 1 == response.tool_calls.len() { status } else { "completed" },
            call_id: call_id(&call.id, head, call_idx),
            name: call.name.as_str().into(),
            arguments: call.arguments.as_str().into(),
        });
    }
    items
}

/// The parts of a summary: none for thoughts that are hidden.
pub(super) fn summary<'a>(text: impl Into<Cow<'a, str>>) -> Vec<Part<'a>> {
    let text = text.into();
    if text.is_empty() { Vec::new() } else { vec![Part::SummaryText { text }] }
}

pub(super) fn message<'a>(head: &AnswerHead, idx: usize, status: &'static str, content: Vec<Part<'a>>) -> Item<'a> {
    Item::Message { id: format!("msg_{}_{idx}", head.id), status, role: "assistant", content }
}

pub(super) fn call_item_id(head: &AnswerHead, item_idx: usize) -> String {
    format!("fc_{}_{item_idx}", head.id)
}

/// The id by which a client names a call when it gives the result; made up where the provider gave none.
pub(super) fn call_id<'a>(id: &'a str, head: &AnswerHead, call_idx: usize) -> Cow<'a, str> {
    if id.is_empty() { format!("call_{}_{call_idx}", head.id).into() } else { id.into() }
}

/// What of a response object stays the same while the answer comes.
#[derive(Debug)]
pub(super) struct Frame {
    pub(super) head: AnswerHead,
    /// The id with its prefix.
    id: String,
    /// The members that repeat the request, as in [`echo_members`].
    echo: Vec<u8>,
}

/// What of a response object changes.
#[derive(Debug)]
pub(super) struct State<'a> {
    pub(super) status: &'static str,
    /// Why the answer is incomplete.
    pub(super) reason: Option<&'a str>,
    pub(super) error: Option<Failure<'a>>,
    pub(super) output: &'a [Item<'a>],
    pub(super) usage: Option<TokenUsage>,
}

#[derive(Debug, Clone, Copy, Serialize)]
pub(super) struct Failure<'a> {
    pub(super) code: &'static str,
    pub(super) message: &'a str,
}

#[derive(Serialize)]
struct Reason<'a> {
    reason: &'a str,
}

#[derive(Serialize)]
struct Object<'a> {
    id: &'a str,
    object: &'static str,
    created_at: u64,
    status: &'static str,
    background: bool,
    error: Option<Failure<'a>>,
    incomplete_details: Option<Reason<'a>>,
    model: &'a str,
    output: &'a [Item<'a>],
    usage: Option<Usage>,
}

impl Frame {
    pub(super) fn new(client: &ClientRequest, head: AnswerHead) -> Self {
        Frame { id: format!("resp_{}", head.id), echo: echo_members(client), head }
    }

    /// Appends the response object.
    pub(super) fn write(&self, state: &State<'_>, out: &mut Vec<u8>) {
        let object = Object {
            id: &self.id,
            object: "response",
            created_at: self.head.created,
            status: state.status,
            background: false,
            error: state.error,
            incomplete_details: state.reason.map(|reason| Reason { reason }),
            model: &self.head.model,
            output: state.output,
            usage: state.usage.map(Usage::of),
        };
        append_json(&object, out);
        // The members that repeat the request go into the same object.
        out.pop();
        out.push(b',');
        out.extend_from_slice(&self.echo);
        out.push(b'}');
    }
}

/// Usage in the words of this dialect, which counts as the common usage does.
#[derive(Debug, Serialize)]
struct Usage {
    input_tokens: u64,
    input_tokens_details: InputDetails,
    output_tokens: u64,
    output_tokens_details: OutputDetails,
    total_tokens: u64,
}

#[derive(Debug, Serialize)]
struct InputDetails {
    cached_tokens: u64,
    cache_write_tokens: u64,
    #[serde(skip_serializing_if = "is_zero")]
    audio_tokens: u64,
    #[serde(skip_serializing_if = "is_zero")]
    image_tokens: u64,
}

#[derive(Debug, Serialize)]
struct OutputDetails {
    reasoning_tokens: u64,
    #[serde(skip_serializing_if = "is_zero")]
    audio_tokens: u64,
}

fn is_zero(count: &u64) -> bool {
    *count == 0
}

impl Usage {
    fn of(usage: TokenUsage) -> Self {
        Usage {
            input_tokens: usage.input_tokens,
            input_tokens_details: InputDetails {
                cached_tokens: usage.cached_tokens,
                cache_write_tokens: usage.cache_write_tokens,
                audio_tokens: usage.input_audio_tokens,
                image_tokens: usage.input_image_tokens,
            },
            output_tokens: usage.output_tokens,
            output_tokens_details: OutputDetails {
                reasoning_tokens: usage.reasoning_tokens,
                audio_tokens: usage.output_audio_tokens,
            },
            total_tokens: usage.input_tokens.saturating_add(usage.output_tokens),
        }
    }
}

/// Appends `value` as JSON. The types of this dialect have string keys and no sets of bytes, so that nothing can fail.
pub(super) fn append_json(value: &impl Serialize, out: &mut Vec<u8>) {
    let start = out.len();
    if serde_json::to_writer(&mut *out, value).is_err() {
        out.truncate(start);
        out.extend_from_slice(b"{}");
    }
}

/// `value` as JSON.
pub(super) fn to_json(value: &impl Serialize) -> Vec<u8> {
    let mut out = Vec::with_capacity(1_024);
    append_json(value, &mut out);
    out
}
