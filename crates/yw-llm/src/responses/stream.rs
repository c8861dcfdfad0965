use std::borrow::Cow;

use serde::Deserialize;
use serde_json::Value;

use super::decode::{End, call_id, read_error, read_usage};
use super::reasoning;
use crate::dialect::ANSWER_TOOL;
use crate::json::{items, text, text_or_empty};
use crate::{SseEvent, StreamError, StreamEvent};

/// Reads the events of a streamed response.
///
/// Servers that imitate the dialect leave out some of its events: text that comes only with the end of its part or item is
/// told then, and what was told piece by piece is not told again.
#[derive(Debug, Default)]
pub(crate) struct EventReader {
    has_started: bool,
    has_finished: bool,
    end: End,
    calls: Vec<Call>,
    /// Bytes told of the text part or the thoughts that come at the moment.
    n_told: usize,
    /// Bytes told of the item that comes at the moment.
    n_told_of_item: usize,
    /// Which of the two forms of thoughts the item has that comes at the moment; a summary repeats what the other says.
    thoughts: Option<Thoughts>,
}

/// A call of a tool, found by the place of its item in the output.
#[derive(Debug)]
struct Call {
    output_index: u64,
    /// Which of the told calls it is; none for the answer tool.
    call_idx: Option<usize>,
    n_told: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Thoughts {
    Whole,
    Summary,
}

/// An event's type, for servers that do not repeat it as the event's name.
#[derive(Deserialize)]
struct Typed<'a> {
    #[serde(borrow, rename = "type", default)]
    kind: Cow<'a, str>,
}

/// The next piece of something.
#[derive(Deserialize)]
struct Delta<'a> {
    #[serde(borrow, default)]
    delta: Cow<'a, str>,
    #[serde(default)]
    output_index: u64,
}

/// The whole of something that ends.
#[derive(Deserialize)]
struct Done<'a> {
    #[serde(borrow, default, alias = "refusal", alias = "arguments")]
    text: Cow<'a, str>,
    #[serde(default)]
    output_index: u64,
}

#[derive(Deserialize)]
struct SummaryPart {
    #[serde(default)]
    summary_index: u64,
}

#[derive(Deserialize)]
struct ItemEvent {
    #[serde(default)]
    output_index: u64,
    #[serde(default)]
    item: Value,
}

#[derive(Deserialize)]
struct Lifecycle {
    response: Head,
}

/// What is needed of a response object; the rest, which repeats request and answer, is passed over.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Head {
    id: Value,
    model: Value,
    status: Value,
    incomplete_details: Value,
    error: Value,
    usage: Value,
}

impl EventReader {
    pub(crate) fn read(&mut self, event: &SseEvent, out: &mut Vec<StreamEvent>) -> Result<(), StreamError> {
        let data = event.data.as_str();
        if event.name.is_empty() {
            // Proxies that know chat completions only end every stream so.
            if data == "[DONE]" {
                return Ok(());
            }
            let kind = serde_json::from_str::<Typed<'_>>(data)?.kind;
            return self.read_typed(&kind, data, out);
        }
        self.read_typed(&event.name, data, out)
    }

    pub(crate) fn is_complete(&self) -> bool {
        self.has_finished
    }

    fn read_typed(&mut self, kind: &str, data: &str, out: &mut Vec<StreamEvent>) -> Result<(), StreamError> {
        match kind {
            "response.output_text.delta" => self.tell_text(serde_json::from_str::<Delta<'_>>(data)?.delta, out),
            "response.refusal.delta" => {
                self.end.has_refused = true;
                self.tell_text(serde_json::from_str::<Delta<'_>>(data)?.delta, out);
            }
            "response.output_text.done" | "response.refusal.done" => {
                self.end.has_refused |= kind == "response.refusal.done";
                let done: Done<'_> = serde_json::from_str(data)?;
                self.tell_text(rest(&done.text, self.n_told).into(), out);
                self.n_told = 0;
            }
            "response.function_call_arguments.delta" => {
                let delta: Delta<'_> = serde_json::from_str(data)?;
                self.tell_arguments(delta.output_index, delta.delta, out);
            }
            "response.function_call_arguments.done" => {
                let done: Done<'_> = serde_json::from_str(data)?;
                self.end_arguments(done.output_index, &done.text, out);
            }
            "response.reasoning_summary_part.added" => {
                let is_first = serde_json::from_str::<SummaryPart>(data)?.summary_index == 0;
                let between = if is_first { "" } else { reasoning::PART_BREAK };
                self.tell_thoughts(Thoughts::Summary, between.into(), out);
            }
            "response.reasoning_summary_text.delta" => {
                self.tell_thoughts(Thoughts::Summary, serde_json::from_str::<Delta<'_>>(data)?.delta, out);
            }
            "response.reasoning_text.delta" => {
                self.tell_thoughts(Thoughts::Whole, serde_json::from_str::<Delta<'_>>(data)?.delta, out);
            }
            "response.output_item.added" => self.start_item(&serde_json::from_str(data)?, out),
            "response.output_item.done" => self.end_item(&serde_json::from_str(data)?, out),
            "response.created" | "response.queued" | "response.in_progress" => {
                self.start(&serde_json::from_str::<Lifecycle>(data)?.response, out);
            }
            "response.completed" | "response.incomplete" => {
                self.end(&serde_json::from_str::<Lifecycle>(data)?.response, out);
            }
            "response.failed" => {
                let head = serde_json::from_str::<Lifecycle>(data)?.response;
                return Err(StreamError::Provider(read_error(None, &head.error)));
            }
            "error" => {
                let body: Value = serde_json::from_str(data)?;
                // The reference has the members in the event itself; the server sends them in an object.
                let error = body.get("error").filter(|error| !error.is_null()).unwrap_or(&body);
                return Err(StreamError::Provider(read_error(None, error)));
            }
            // Parts that begin and end, annotations, the provider's own tools, and events that do not exist yet.
            _ => {}
        }
        Ok(())
    }

    fn start(&mut self, head: &Head, out: &mut Vec<StreamEvent>) {
        if !std::mem::replace(&mut self.has_started, true) {
            out.push(StreamEvent::Start { id: text_or_empty(&head.id, ""), model: text_or_empty(&head.model, "") });
        }
    }

    fn end(&mut self, head: &Head, out: &mut Vec<StreamEvent>) {
        self.start(head, out);
        self.has_finished = true;
        self.end.has_calls = self.calls.iter().any(|call| call.call_idx.is_some());
        out.extend(read_usage(&head.usage).map(StreamEvent::Usage));
        out.push(StreamEvent::Finish(self.end.finish(&head.status, &head.incomplete_details)));
    }

    fn start_item(&mut self, event: &ItemEvent, out: &mut Vec<StreamEvent>) {
        (self.n_told, self.n_told_of_item, self.thoughts) = (0, 0, None);
        if text(&event.item, "/type") == Some("function_call") {
            self.start_call(event.output_index, &event.item, out);
        }
    }

    fn start_call(&mut self, output_index: u64, item: &Value, out: &mut Vec<StreamEvent>) {
        let name = text_or_empty(item, "/name");
        let call_idx = if name == ANSWER_TOOL {
            self.end.has_answer_call = true;
            None
        } else {
            out.push(StreamEvent::ToolCall { id: call_id(item), name });
            Some(self.calls.iter().filter(|call| call.call_idx.is_some()).count())
        };
        self.calls.push(Call { output_index, call_idx, n_told: 0 });
    }

    fn end_item(&mut self, event: &ItemEvent, out: &mut Vec<StreamEvent>) {
        match text(&event.item, "/type") {
            Some("function_call") => {
                if self.calls.iter().all(|call| call.output_index != event.output_index) {
                    self.start_call(event.output_index, &event.item, out);
                }
                self.end_arguments(event.output_index, text(&event.item, "/arguments").unwrap_or_default(), out);
            }
            Some("message") if self.n_told_of_item == 0 => {
                for part in items(&event.item, "/content") {
                    let refusal = text(part, "/refusal");
                    self.end.has_refused |= refusal.is_some();
                    self.tell_text(refusal.or_else(|| text(part, "/text")).unwrap_or_default().into(), out);
                }
            }
            Some("reasoning") => {
                let Some(mut thoughts) = reasoning::read_item(&event.item) else { return };
                if self.n_told_of_item == 0 && !thoughts.text.is_empty() {
                    out.push(StreamEvent::Reasoning(std::mem::take(&mut thoughts.text)));
                }
                thoughts.text.clear();
                out.push(StreamEvent::ReasoningEnd(thoughts));
            }
            _ => {}
        }
        (self.n_told, self.n_told_of_item, self.thoughts) = (0, 0, None);
    }

    fn tell_text(&mut self, piece: Cow<'_, str>, out: &mut Vec<StreamEvent>) {
        self.n_told += piece.len();
        self.n_told_of_item += piece.len();
        if !piece.is_empty() {
            out.push(StreamEvent::Text(piece.into_owned()));
        }
    }

    fn tell_thoughts(&mut self, kind: Thoughts, piece: Cow<'_, str>, out: &mut Vec<StreamEvent>) {
        if piece.is_empty() || *self.thoughts.get_or_insert(kind) != kind {
            return;
        }
        self.n_told_of_item += piece.len();
        out.push(StreamEvent::Reasoning(piece.into_owned()));
    }

    fn tell_arguments(&mut self, output_index: u64, piece: Cow<'_, str>, out: &mut Vec<StreamEvent>) {
        // The one that came last is meant where the place is none that was announced.
        let idx = self.calls.iter().rposition(|call| call.output_index == output_index);
        let Some(call) = idx.or(self.calls.len().checked_sub(1)).and_then(|idx| self.calls.get_mut(idx)) else {
            return;
        };
        call.n_told += piece.len();
        if piece.is_empty() {
            return;
        }
        let piece = piece.into_owned();
        out.push(match call.call_idx {
            Some(call_idx) => StreamEvent::Arguments { call_idx, piece },
            None => StreamEvent::Text(piece),
        });
    }

    fn end_arguments(&mut self, output_index: u64, arguments: &str, out: &mut Vec<StreamEvent>) {
        let call = self.calls.iter().rfind(|call| call.output_index == output_index);
        let n_told = call.map_or(0, |call| call.n_told);
        self.tell_arguments(output_index, rest(arguments, n_told).into(), out);
    }
}

/// What of `whole` was not told yet; nothing where it is not longer than what was.
fn rest(whole: &str, n_told: usize) -> &str {
    whole.get(n_told..).unwrap_or_default()
}
