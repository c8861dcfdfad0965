use super::decode::{read_error, read_finish};
use super::wire::{Call, Choice, Message, ReasoningDetail, Reply};
use crate::dialect::{ANSWER_TOOL, answer_finish};
use crate::lenient::{Num, Obj};
use crate::{Finish, Reasoning, SseEvent, StreamError, StreamEvent};

/// Reads the chunks of a streamed chat completion. Of several choices the first one counts.
#[derive(Debug, Default)]
pub(crate) struct ChunkReader {
    has_started: bool,
    has_finished: bool,
    has_ended: bool,
    has_refused: bool,
    thoughts: Thoughts,
    /// For each tool call by the provider's index: which of ours it is.
    calls: Vec<(u64, OpenCall)>,
    n_tools: usize,
    was_usage_only: bool,
}

/// The stretch of thinking that is open.
#[derive(Debug, Default)]
struct Thoughts {
    is_open: bool,
    /// Whether its text comes in the plain field, so that the same in the details is a repetition.
    is_plain: bool,
}

#[derive(Debug, Clone, Copy)]
enum OpenCall {
    Tool { call_idx: usize },
    Answer,
}

impl ChunkReader {
    pub(crate) fn read(&mut self, event: &SseEvent, out: &mut Vec<StreamEvent>) -> Result<(), StreamError> {
        self.was_usage_only = false;
        if event.data.trim_end() == "[DONE]" {
            (self.has_finished, self.has_ended) = (true, true);
            return Ok(());
        }
        let chunk = serde_json::from_str::<Obj<Reply<'_>>>(&event.data)?.0.unwrap_or_default();
        if let Some(error) = chunk.error {
            return Err(StreamError::Provider(read_error(None, &error)));
        }
        if !std::mem::replace(&mut self.has_started, true) {
            out.push(StreamEvent::Start { id: chunk.id.into_string(), model: chunk.model.into_string() });
        }
        let usage = chunk.usage.0.and_then(|usage| usage.total());
        self.was_usage_only = usage.is_some() && chunk.choices.0.is_empty();
        let mut choices = chunk.choices.0.into_iter().filter_map(|choice| choice.0);
        if let Some(choice) = choices.find(|choice| choice.index.0.unwrap_or(0) == 0) {
            self.read_choice(choice, out);
        }
        out.extend(usage.map(StreamEvent::Usage));
        Ok(())
    }

    /// Whether the answer has ended; some servers leave out the `[DONE]` after the finish reason.
    pub(crate) fn is_complete(&self) -> bool {
        self.has_finished
    }

    /// Whether the `[DONE]` has come, after which there is nothing.
    pub(crate) fn has_ended(&self) -> bool {
        self.has_ended
    }

    /// Whether the last chunk told the usage and nothing else.
    pub(crate) fn was_usage_only(&self) -> bool {
        self.was_usage_only
    }

    fn read_choice(&mut self, choice: Choice<'_>, out: &mut Vec<StreamEvent>) {
        let mut delta = choice.delta.0.unwrap_or_default();
        self.read_thoughts(&mut delta, out);
        let refusal = delta.refusal.text();
        self.has_refused |= !refusal.is_empty();
        for piece in [delta.content.text.as_ref(), refusal] {
            if !piece.is_empty() {
                self.end_thoughts(out);
                out.push(StreamEvent::Text(piece.to_owned()));
            }
        }
        for call in delta.tool_calls.0.into_iter().filter_map(|call| call.0) {
            self.read_call(call, out);
        }
        if let Some(function) = delta.function_call.0 {
            self.read_call(Call { index: Num(Some(0)), function: Obj(Some(function)), ..Call::default() }, out);
        }
        if let Some(word) = choice.finish_reason.as_deref() {
            self.end_thoughts(out);
            self.has_finished = true;
            let has_answer_call = self.calls.iter().any(|(_, call)| matches!(call, OpenCall::Answer));
            out.push(StreamEvent::Finish(match read_finish(word) {
                _ if self.has_refused => Finish::Refused,
                finish if has_answer_call => answer_finish(finish),
                finish => finish,
            }));
        }
    }

    fn read_thoughts(&mut self, delta: &mut Message<'_>, out: &mut Vec<StreamEvent>) {
        for piece in [delta.take_thoughts().as_ref(), &delta.content.thoughts] {
            if !piece.is_empty() {
                self.thoughts = Thoughts { is_open: true, is_plain: true };
                out.push(StreamEvent::Reasoning(piece.to_owned()));
            }
        }
        for detail in std::mem::take(&mut delta.reasoning_details.0).into_iter().filter_map(|detail| detail.0) {
            self.read_detail(detail, out);
        }
    }

    fn read_detail(&mut self, detail: ReasoningDetail<'_>, out: &mut Vec<StreamEvent>) {
        let detail = detail.into_reasoning();
        if detail.is_redacted {
            self.end_thoughts(out);
            out.push(StreamEvent::ReasoningEnd(detail));
            return;
        }
        if !detail.text.is_empty() && !self.thoughts.is_plain {
            self.thoughts.is_open = true;
            out.push(StreamEvent::Reasoning(detail.text));
        }
        if detail.signature.is_some() {
            self.thoughts = Thoughts::default();
            out.push(StreamEvent::ReasoningEnd(Reasoning { text: String::new(), ..detail }));
        }
    }

    fn end_thoughts(&mut self, out: &mut Vec<StreamEvent>) {
        if std::mem::take(&mut self.thoughts).is_open {
            out.push(StreamEvent::ReasoningEnd(Reasoning::default()));
        }
    }

    fn read_call(&mut self, call: Call<'_>, out: &mut Vec<StreamEvent>) {
        self.end_thoughts(out);
        let function = call.function.0.unwrap_or_default();
        // Some servers send whole calls without an index: each is a new one.
        let index = call.index.0.unwrap_or(self.calls.len() as u64);
        let known = self.calls.iter().find(|(i, _)| *i == index).map(|(_, call)| *call);
        let target = known.unwrap_or_else(|| {
            let target = match function.name.text() {
                ANSWER_TOOL => OpenCall::Answer,
                name => {
                    let id = call.id.text().to_owned();
                    out.push(StreamEvent::ToolCall { id, name: name.to_owned() });
                    self.n_tools += 1;
                    OpenCall::Tool { call_idx: self.n_tools - 1 }
                }
            };
            self.calls.push((index, target));
            target
        });
        let piece = function.arguments.text();
        if !piece.is_empty() {
            out.push(match target {
                OpenCall::Tool { call_idx } => StreamEvent::Arguments { call_idx, piece: piece.to_owned() },
                OpenCall::Answer => StreamEvent::Text(piece.to_owned()),
            });
        }
    }
}
