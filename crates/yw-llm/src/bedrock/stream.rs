use serde_json::Value;

use super::decode::{read_finish, read_usage, redacted_reasoning, stop_sequence};
use super::error::{message_of, read_error};
use super::frame::EXCEPTION;
use super::wire::{BlockDelta, BlockEvent, MetadataEvent, ReasoningDelta, StopEvent, ToolUseStart};
use crate::dialect::{ANSWER_TOOL, answer_finish};
use crate::{Reasoning, SseEvent, StreamError, StreamEvent};

/// Reads the events of a streamed reply of Converse.
#[derive(Debug, Default)]
pub(crate) struct EventReader {
    /// The calls by the index of their block.
    calls: Vec<(u64, Call)>,
    /// The stretch of thinking that is open, if one is.
    reasoning: Option<Reasoning>,
    has_finished: bool,
}

#[derive(Debug, Clone, Copy)]
enum Call {
    Tool { call_idx: usize, has_arguments: bool },
    Answer,
}

impl EventReader {
    pub(crate) fn read(&mut self, event: &SseEvent, out: &mut Vec<StreamEvent>) -> Result<(), StreamError> {
        if let Some(name) = event.name.strip_prefix(EXCEPTION) {
            let message =
                serde_json::from_str::<Value>(&event.data).map_or_else(|_| event.data.clone(), |m| message_of(&m));
            return Err(StreamError::Provider(read_error(None, Some(name), &message)));
        }
        match event.name.as_str() {
            "messageStart" => out.push(StreamEvent::Start { id: String::new(), model: String::new() }),
            "contentBlockStart" => {
                let event: BlockEvent = serde_json::from_str(&event.data)?;
                if let Some(call) = event.start.and_then(|start| start.tool_use) {
                    self.start_call(event.content_block_index, call, out);
                }
            }
            "contentBlockDelta" => {
                let event: BlockEvent = serde_json::from_str(&event.data)?;
                if let Some(delta) = event.delta {
                    self.read_delta(event.content_block_index, delta, out);
                }
            }
            "contentBlockStop" => {
                let event: BlockEvent = serde_json::from_str(&event.data)?;
                self.stop_block(event.content_block_index, out);
            }
            "messageStop" => self.read_stop(serde_json::from_str(&event.data)?, out),
            "metadata" => {
                let event: MetadataEvent = serde_json::from_str(&event.data)?;
                out.extend(event.usage.as_ref().and_then(read_usage).map(StreamEvent::Usage));
            }
            // Events that do not exist yet.
            _ => {}
        }
        Ok(())
    }

    pub(crate) fn is_complete(&self) -> bool {
        self.has_finished
    }

    fn start_call(&mut self, block_idx: u64, start: ToolUseStart, out: &mut Vec<StreamEvent>) {
        let name = start.name.unwrap_or_default();
        if name == ANSWER_TOOL {
            self.calls.push((block_idx, Call::Answer));
            return;
        }
        let call_idx = self.calls.iter().filter(|(_, call)| matches!(call, Call::Tool { .. })).count();
        self.calls.push((block_idx, Call::Tool { call_idx, has_arguments: false }));
        out.push(StreamEvent::ToolCall { id: start.tool_use_id.unwrap_or_default(), name });
    }

    fn read_delta(&mut self, block_idx: u64, delta: BlockDelta, out: &mut Vec<StreamEvent>) {
        out.extend(delta.text.filter(|text| !text.is_empty()).map(StreamEvent::Text));
        if let Some(reasoning) = delta.reasoning_content {
            self.read_reasoning(reasoning, out);
        }
        let Some(piece) = delta.tool_use.and_then(|call| call.input).filter(|piece| !piece.is_empty()) else {
            return;
        };
        match self.calls.iter_mut().rfind(|(idx, _)| *idx == block_idx) {
            Some((_, Call::Tool { call_idx, has_arguments })) => {
                *has_arguments = true;
                out.push(StreamEvent::Arguments { call_idx: *call_idx, piece });
            }
            Some((_, Call::Answer)) => out.push(StreamEvent::Text(piece)),
            // The arguments of a call that never began.
            None => {}
        }
    }

    fn read_reasoning(&mut self, delta: ReasoningDelta, out: &mut Vec<StreamEvent>) {
        let open = self.reasoning.get_or_insert_default();
        if let Some(redacted) = delta.redacted_content {
            *open = redacted_reasoning(redacted);
        }
        if let Some(piece) = delta.signature {
            open.signature.get_or_insert_default().push_str(&piece);
        }
        out.extend(delta.text.filter(|text| !text.is_empty()).map(StreamEvent::Reasoning));
    }

    fn stop_block(&mut self, block_idx: u64, out: &mut Vec<StreamEvent>) {
        out.extend(self.reasoning.take().map(StreamEvent::ReasoningEnd));
        let call = self.calls.iter_mut().rfind(|(idx, _)| *idx == block_idx);
        if let Some((_, Call::Tool { call_idx, has_arguments: has_arguments @ false })) = call {
            *has_arguments = true;
            out.push(StreamEvent::Arguments { call_idx: *call_idx, piece: "{}".to_owned() });
        }
    }

    fn read_stop(&mut self, event: StopEvent, out: &mut Vec<StreamEvent>) {
        out.extend(self.reasoning.take().map(StreamEvent::ReasoningEnd));
        let fields = event.additional_model_response_fields;
        out.extend(stop_sequence(fields.as_ref(), event.stop_reason.as_deref()).map(StreamEvent::StopSequence));
        let finish = read_finish(event.stop_reason.as_deref().unwrap_or_default());
        let has_answer_call = self.calls.iter().any(|(_, call)| matches!(call, Call::Answer));
        out.push(StreamEvent::Finish(if has_answer_call { answer_finish(finish) } else { finish }));
        self.has_finished = true;
    }
}
