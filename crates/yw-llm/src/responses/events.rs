//! Streams to clients.

use serde::Serialize;
use serde_json::Value;
use yw_task::Dialect;

use super::answer::{Ending, Failure, Frame, Item, Part, State, append_json, call_id, call_item_id, message};
use super::reasoning;
use crate::client::{AnswerHead, ClientError, ClientRequest, encode_error};
use crate::{Finish, ProviderErrorKind, Reasoning, StreamEvent, TokenUsage};

/// Writes the events of a streamed response.
///
/// Thoughts, texts and calls become one item each, opened by their first step and closed by the first step of another
/// kind; only a call stays open beside a text, since its arguments may go on.
#[derive(Debug)]
pub(crate) struct EventWriter {
    frame: Frame,
    events: Events,
    has_started: bool,
    is_over: bool,
    /// Every item, as far as it came, in the order of the output.
    items: Vec<Item<'static>>,
    /// The item of each call.
    call_items: Vec<usize>,
    open_thoughts: Option<usize>,
    open_message: Option<usize>,
    open_call: Option<usize>,
    finish: Option<Finish>,
    usage: Option<TokenUsage>,
}

impl EventWriter {
    pub(crate) fn new(client: &ClientRequest, head: AnswerHead) -> Self {
        EventWriter {
            frame: Frame::new(client, head),
            events: Events::default(),
            has_started: false,
            is_over: false,
            items: Vec::new(),
            call_items: Vec::new(),
            open_thoughts: None,
            open_message: None,
            open_call: None,
            finish: None,
            usage: None,
        }
    }

    pub(crate) fn push(&mut self, step: &StreamEvent, out: &mut Vec<u8>) {
        if self.is_over {
            return;
        }
        self.start(out);
        match step {
            StreamEvent::Text(piece) if !piece.is_empty() => self.push_text(piece, out),
            StreamEvent::Reasoning(piece) if !piece.is_empty() => self.push_thoughts(piece, out),
            StreamEvent::ReasoningEnd(thoughts) => self.end_thoughts(thoughts, out),
            StreamEvent::ToolCall { id, name } => self.start_call(id, name, out),
            StreamEvent::Arguments { call_idx, piece } if !piece.is_empty() => {
                self.push_arguments(*call_idx, piece, out);
            }
            StreamEvent::Usage(usage) => self.usage = Some(*usage),
            StreamEvent::Finish(finish) => self.finish = Some(finish.clone()),
            // The dialect has no word for the stop text.
            _ => {}
        }
    }

    pub(crate) fn finish(&mut self, out: &mut Vec<u8>) {
        if std::mem::replace(&mut self.is_over, true) {
            return;
        }
        self.start(out);
        let finish = self.finish.take().unwrap_or(Finish::Stop);
        let ending = Ending::of(&finish, false);
        self.close_thoughts(None, out);
        // Only what stands last was cut off.
        let last = self.items.len().checked_sub(1);
        let status = |idx: Option<usize>| if idx == last { ending.status() } else { "completed" };
        let (message, call) = (status(self.open_message), status(self.open_call));
        self.close_message(message, out);
        self.close_call(call, out);
        let kind = match ending {
            Ending::Completed => "response.completed",
            Ending::Incomplete { .. } => "response.incomplete",
        };
        self.emit_response(kind, ending.status(), ending.reason(), None, out);
    }

    pub(crate) fn fail(&mut self, error: &ClientError, out: &mut Vec<u8>) {
        if std::mem::replace(&mut self.is_over, true) {
            return;
        }
        self.start(out);
        let ClientError { kind, message, param, code } = error;
        let encoded = encode_error(Dialect::Responses, error, "");
        let mut encoded: Value = serde_json::from_slice(&encoded).unwrap_or_default();
        let body = Broken {
            code: code.as_deref().unwrap_or(failure_code(*kind)),
            message,
            param: param.as_deref(),
            error: encoded.get_mut("error").map(Value::take).unwrap_or_default(),
        };
        self.events.emit("error", &body, out);
        let failure = Failure { code: failure_code(*kind), message };
        self.emit_response("response.failed", "failed", None, Some(failure), out);
    }

    fn start(&mut self, out: &mut Vec<u8>) {
        if !std::mem::replace(&mut self.has_started, true) {
            self.emit_response("response.created", "in_progress", None, None, out);
            self.emit_response("response.in_progress", "in_progress", None, None, out);
        }
    }

    fn push_text(&mut self, piece: &str, out: &mut Vec<u8>) {
        self.close_thoughts(None, out);
        let idx = match self.open_message {
            Some(idx) => idx,
            None => self.open_message(out),
        };
        let item = &mut self.items[idx];
        item.append(piece);
        let place = Place { content_index: Some(0), ..Place::of(item, idx) };
        self.events.emit("response.output_text.delta", &place.delta(piece).with_logprobs(), out);
    }

    fn open_message(&mut self, out: &mut Vec<u8>) -> usize {
        let idx = self.open_item(message(&self.frame.head, self.items.len(), "in_progress", Vec::new()), out);
        let item = &mut self.items[idx];
        item.push_part(Part::text(""));
        let place = Place { content_index: Some(0), part: item.part(), ..Place::of(item, idx) };
        self.events.emit("response.content_part.added", &place, out);
        self.open_message = Some(idx);
        idx
    }

    fn close_message(&mut self, status: &'static str, out: &mut Vec<u8>) {
        let Some(idx) = self.open_message.take() else { return };
        let item = &mut self.items[idx];
        item.set_status(status);
        let place = Place { content_index: Some(0), ..Place::of(item, idx) };
        self.events.emit("response.output_text.done", &Place { text: item.text(), ..place }.with_logprobs(), out);
        self.events.emit("response.content_part.done", &Place { part: item.part(), ..place }, out);
        self.emit_item("response.output_item.done", idx, out);
    }

    fn push_thoughts(&mut self, piece: &str, out: &mut Vec<u8>) {
        self.close_message("completed", out);
        let idx = match self.open_thoughts {
            Some(idx) => idx,
            None => self.open_thoughts(&Reasoning::default(), out),
        };
        let item = &mut self.items[idx];
        if item.part().is_none() {
            item.push_part(Part::SummaryText { text: "".into() });
            let place = Place { summary_index: Some(0), part: item.part(), ..Place::of(item, idx) };
            self.events.emit("response.reasoning_summary_part.added", &place, out);
        }
        item.append(piece);
        let place = Place { summary_index: Some(0), ..Place::of(item, idx) };
        self.events.emit("response.reasoning_summary_text.delta", &place.delta(piece), out);
    }

    /// Opens thoughts without any yet; of `thoughts`, only what makes the id counts.
    fn open_thoughts(&mut self, thoughts: &Reasoning, out: &mut Vec<u8>) -> usize {
        let id = reasoning::item_id(thoughts, &self.frame.head, self.items.len());
        let idx = self.open_item(Item::Reasoning { id, summary: Vec::new(), encrypted_content: None }, out);
        self.open_thoughts = Some(idx);
        idx
    }

    fn end_thoughts(&mut self, thoughts: &Reasoning, out: &mut Vec<u8>) {
        if self.open_thoughts.is_none() {
            self.close_message("completed", out);
            self.open_thoughts(thoughts, out);
        }
        if !thoughts.text.is_empty() {
            self.push_thoughts(&thoughts.text, out);
        }
        self.close_thoughts(thoughts.signature.as_deref(), out);
    }

    fn close_thoughts(&mut self, signature: Option<&str>, out: &mut Vec<u8>) {
        let Some(idx) = self.open_thoughts.take() else { return };
        if let Item::Reasoning { encrypted_content, .. } = &mut self.items[idx] {
            *encrypted_content = signature.map(|cipher| cipher.to_owned().into());
        }
        let item = &self.items[idx];
        if item.part().is_some() {
            let place = Place { summary_index: Some(0), ..Place::of(item, idx) };
            self.events.emit("response.reasoning_summary_text.done", &Place { text: item.text(), ..place }, out);
            self.events.emit("response.reasoning_summary_part.done", &Place { part: item.part(), ..place }, out);
        }
        self.emit_item("response.output_item.done", idx, out);
    }

    fn start_call(&mut self, id: &str, name: &str, out: &mut Vec<u8>) {
        self.close_thoughts(None, out);
        self.close_message("completed", out);
        self.close_call("completed", out);
        let head = &self.frame.head;
        let item = Item::FunctionCall {
            id: call_item_id(head, self.items.len()),
            status: "in_progress",
            call_id: call_id(id, head, self.call_items.len()).into_owned().into(),
            name: name.to_owned().into(),
            arguments: "".into(),
        };
        let idx = self.open_item(item, out);
        self.call_items.push(idx);
        self.open_call = Some(idx);
    }

    /// Pieces of a call that is closed come from no provider, since calls come one after the other; they are lost.
    fn push_arguments(&mut self, call_idx: usize, piece: &str, out: &mut Vec<u8>) {
        let Some(&idx) = self.call_items.get(call_idx).filter(|idx| self.open_call == Some(**idx)) else { return };
        let item = &mut self.items[idx];
        item.append(piece);
        let place = Place::of(item, idx).delta(piece);
        self.events.emit("response.function_call_arguments.delta", &place, out);
    }

    fn close_call(&mut self, status: &'static str, out: &mut Vec<u8>) {
        let Some(idx) = self.open_call.take() else { return };
        let item = &mut self.items[idx];
        item.set_status(status);
        let place = Place { arguments: item.text(), ..Place::of(item, idx) };
        self.events.emit("response.function_call_arguments.done", &place, out);
        self.emit_item("response.output_item.done", idx, out);
    }

    fn open_item(&mut self, item: Item<'static>, out: &mut Vec<u8>) -> usize {
        let idx = self.items.len();
        self.items.push(item);
        self.emit_item("response.output_item.added", idx, out);
        idx
    }

    fn emit_item(&mut self, kind: &str, idx: usize, out: &mut Vec<u8>) {
        self.events.emit(kind, &WholeItem { output_index: idx, item: &self.items[idx] }, out);
    }

    fn emit_response(
        &mut self,
        kind: &str,
        status: &'static str,
        reason: Option<&str>,
        error: Option<Failure<'_>>,
        out: &mut Vec<u8>,
    ) {
        self.events.begin(kind, out);
        out.extend_from_slice(b",\"response\":");
        self.frame.write(&State { status, reason, error, output: &self.items, usage: self.usage }, out);
        out.extend_from_slice(b"}\n\n");
    }
}

/// Frames events and counts them.
#[derive(Debug, Default)]
struct Events {
    n_sent: u64,
}

impl Events {
    /// Appends an event whose members are those of `body`, of which there is at least one.
    fn emit(&mut self, kind: &str, body: &impl Serialize, out: &mut Vec<u8>) {
        self.begin(kind, out);
        let brace = out.len();
        append_json(body, out);
        // The members go on in the object that was begun.
        if let Some(byte) = out.get_mut(brace) {
            *byte = b',';
        }
        out.extend_from_slice(b"\n\n");
    }

    fn begin(&mut self, kind: &str, out: &mut Vec<u8>) {
        out.extend_from_slice(
            format!("event: {kind}\ndata: {{\"type\":\"{kind}\",\"sequence_number\":{}", self.n_sent).as_bytes(),
        );
        self.n_sent += 1;
    }
}

/// The members of the events about a part of an item; an event has those that its type wants.
#[derive(Debug, Clone, Copy, Serialize)]
struct Place<'a> {
    item_id: &'a str,
    output_index: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    content_index: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    summary_index: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    delta: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    arguments: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    logprobs: Option<[(); 0]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    part: Option<&'a Part<'a>>,
}

impl<'a> Place<'a> {
    fn of(item: &'a Item<'_>, idx: usize) -> Self {
        Place {
            item_id: item.id(),
            output_index: idx,
            content_index: None,
            summary_index: None,
            delta: None,
            text: None,
            arguments: None,
            logprobs: None,
            part: None,
        }
    }

    fn delta(self, piece: &'a str) -> Self {
        Place { delta: Some(piece), ..self }
    }

    /// The client's library wants a list in the events of texts.
    fn with_logprobs(self) -> Self {
        Place { logprobs: Some([]), ..self }
    }
}

#[derive(Serialize)]
struct WholeItem<'a> {
    output_index: usize,
    item: &'a Item<'a>,
}

/// A failure. The reference has its members in the event itself, while the server has them in an object, by which the
/// client's library knows that it must raise an error; whoever reads either finds them.
#[derive(Serialize)]
struct Broken<'a> {
    code: &'a str,
    message: &'a str,
    param: Option<&'a str>,
    error: Value,
}

/// The code of a failed response, of which the dialect has a closed list.
fn failure_code(kind: ProviderErrorKind) -> &'static str {
    match kind {
        ProviderErrorKind::RateLimited => "rate_limit_exceeded",
        ProviderErrorKind::InvalidRequest | ProviderErrorKind::TooLarge => "invalid_prompt",
        _ => "server_error",
    }
}
