use super::decode::{read_error, read_finish};
use super::usage::{UsageCounts, WireUsage};
use super::wire::{Block, Delta, Event};
use crate::dialect::{ANSWER_TOOL, answer_finish};
use crate::lenient::Obj;
use crate::{Reasoning, SseEvent, StreamError, StreamEvent};

/// Reads the events of a streamed message.
#[derive(Debug, Default)]
pub(crate) struct EventReader {
    usage: UsageCounts,
    /// The content block that is open. Blocks come one after the other.
    block: OpenBlock,
    n_calls: usize,
    has_answer_call: bool,
    has_finished: bool,
}

#[derive(Debug, Default)]
enum OpenBlock {
    #[default]
    Text,
    Thinking {
        has_text: bool,
        signature: String,
    },
    /// A call, with the arguments that it has if no pieces of them come.
    Call {
        is_answer: bool,
        whole: Option<String>,
    },
}

impl EventReader {
    pub(crate) fn read(&mut self, event: &SseEvent, out: &mut Vec<StreamEvent>) -> Result<(), StreamError> {
        let body = serde_json::from_str::<Obj<Event<'_>>>(&event.data)?.0.unwrap_or_default();
        // The name and the type are the same; servers that imitate the dialect may leave out one of them.
        match body.kind.as_deref().unwrap_or(&event.name) {
            "content_block_delta" => self.read_delta(body.delta.0.unwrap_or_default(), out),
            "content_block_start" => self.start_block(body.content_block.0.unwrap_or_default(), out),
            "content_block_stop" => self.end_block(out),
            "message_start" => {
                let message = body.message.0.unwrap_or_default();
                let (id, model) = (message.id.into_string(), message.model.into_string());
                out.push(StreamEvent::Start { id, model });
                self.read_usage(message.usage, out);
            }
            "message_delta" => {
                self.end_block(out);
                let delta = body.delta.0.unwrap_or_default();
                out.extend(delta.stop_sequence.non_empty().map(StreamEvent::StopSequence));
                if let Some(word) = delta.stop_reason.as_deref() {
                    let finish = read_finish(word);
                    let finish = if self.has_answer_call { answer_finish(finish) } else { finish };
                    out.push(StreamEvent::Finish(finish));
                }
                self.read_usage(body.usage, out);
            }
            "message_stop" => self.has_finished = true,
            "error" => return Err(StreamError::Provider(read_error(None, &body.error.unwrap_or_default()))),
            // Pings, and events that do not exist yet.
            _ => {}
        }
        Ok(())
    }

    pub(crate) fn is_complete(&self) -> bool {
        self.has_finished
    }

    fn read_usage(&mut self, usage: Obj<WireUsage>, out: &mut Vec<StreamEvent>) {
        if let Some(usage) = usage.0 {
            self.usage = self.usage.updated(usage);
            out.extend(self.usage.total().map(StreamEvent::Usage));
        }
    }

    fn start_block(&mut self, block: Block<'_>, out: &mut Vec<StreamEvent>) {
        self.end_block(out);
        match block.kind.text() {
            "tool_use" => {
                let whole = Some(block.arguments().to_owned());
                let is_answer = block.name.text() == ANSWER_TOOL;
                self.block = OpenBlock::Call { is_answer, whole };
                if is_answer {
                    self.has_answer_call = true;
                } else {
                    self.n_calls += 1;
                    out.push(StreamEvent::ToolCall { id: block.id.into_string(), name: block.name.into_string() });
                }
            }
            "thinking" => {
                let text = block.thinking.text();
                self.block =
                    OpenBlock::Thinking { has_text: !text.is_empty(), signature: block.signature.text().to_owned() };
                push_piece(text, StreamEvent::Reasoning, out);
            }
            "redacted_thinking" => out.push(StreamEvent::ReasoningEnd(Reasoning {
                signature: Some(block.data.into_string()),
                is_redacted: true,
                ..Reasoning::default()
            })),
            "text" => push_piece(block.text.text(), StreamEvent::Text, out),
            _ => {}
        }
    }

    fn read_delta(&mut self, delta: Delta<'_>, out: &mut Vec<StreamEvent>) {
        match (delta.kind.text(), &mut self.block) {
            ("text_delta", _) => push_piece(delta.text.text(), StreamEvent::Text, out),
            ("thinking_delta", block) => {
                if let OpenBlock::Thinking { has_text, .. } = block {
                    *has_text = true;
                }
                push_piece(delta.thinking.text(), StreamEvent::Reasoning, out);
            }
            ("signature_delta", OpenBlock::Thinking { signature, .. }) => {
                signature.clear();
                signature.push_str(delta.signature.text());
            }
            ("input_json_delta", OpenBlock::Call { is_answer, whole }) => {
                let piece = delta.partial_json.text();
                if !piece.is_empty() {
                    *whole = None;
                    let is_answer = *is_answer;
                    self.push_arguments(is_answer, piece.to_owned(), out);
                }
            }
            // Citations, and deltas that do not exist yet.
            _ => {}
        }
    }

    fn end_block(&mut self, out: &mut Vec<StreamEvent>) {
        match std::mem::take(&mut self.block) {
            OpenBlock::Call { is_answer, whole: Some(whole) } => self.push_arguments(is_answer, whole, out),
            OpenBlock::Thinking { has_text, signature } if has_text || !signature.is_empty() => {
                let signature = Some(signature).filter(|signature| !signature.is_empty());
                out.push(StreamEvent::ReasoningEnd(Reasoning { signature, ..Reasoning::default() }));
            }
            _ => {}
        }
    }

    fn push_arguments(&self, is_answer: bool, piece: String, out: &mut Vec<StreamEvent>) {
        out.push(match self.n_calls.checked_sub(1) {
            Some(call_idx) if !is_answer => StreamEvent::Arguments { call_idx, piece },
            _ => StreamEvent::Text(piece),
        });
    }
}

fn push_piece(piece: &str, step: fn(String) -> StreamEvent, out: &mut Vec<StreamEvent>) {
    if !piece.is_empty() {
        out.push(step(piece.to_owned()));
    }
}
