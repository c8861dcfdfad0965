use serde_json::Value;

use super::decode::{UsageCounts, read_error, read_finish};
use crate::dialect::{ANSWER_TOOL, answer_finish};
use crate::json::{text, text_or_empty};
use crate::{SseEvent, StreamError, StreamEvent};

/// Reads the events of a streamed message.
#[derive(Debug, Default)]
pub(crate) struct EventReader {
    usage: UsageCounts,
    /// What the content block that is open becomes. Blocks come one after the other.
    block: Block,
    n_calls: usize,
    has_answer_call: bool,
    has_finished: bool,
}

#[derive(Debug, Default, Clone, Copy)]
enum Block {
    #[default]
    Text,
    Tool,
    Answer,
}

impl EventReader {
    pub(crate) fn read(&mut self, event: &SseEvent, out: &mut Vec<StreamEvent>) -> Result<(), StreamError> {
        let body: Value = serde_json::from_str(&event.data)?;
        // The name and the type are the same; servers that imitate the dialect may leave out the name.
        match text(&body, "/type").unwrap_or(&event.name) {
            "message_start" => {
                let message = &body["message"];
                let (id, model) = (text_or_empty(message, "/id"), text_or_empty(message, "/model"));
                out.push(StreamEvent::Start { id, model });
                self.read_usage(&message["usage"], out);
            }
            "content_block_start" => self.start_block(&body["content_block"], out),
            "content_block_delta" => self.read_delta(&body["delta"], out),
            "message_delta" => {
                if let Some(word) = text(&body, "/delta/stop_reason") {
                    let finish = read_finish(word);
                    let finish = if self.has_answer_call { answer_finish(finish) } else { finish };
                    out.push(StreamEvent::Finish(finish));
                }
                self.read_usage(&body["usage"], out);
            }
            "message_stop" => self.has_finished = true,
            "error" => return Err(StreamError::Provider(read_error(None, &body["error"]))),
            // Pings, block ends, and events that do not exist yet.
            _ => {}
        }
        Ok(())
    }

    pub(crate) fn is_complete(&self) -> bool {
        self.has_finished
    }

    fn read_usage(&mut self, usage: &Value, out: &mut Vec<StreamEvent>) {
        self.usage = self.usage.updated(usage);
        out.extend(self.usage.total().map(StreamEvent::Usage));
    }

    fn start_block(&mut self, block: &Value, out: &mut Vec<StreamEvent>) {
        self.block = match (text(block, "/type"), text(block, "/name")) {
            (Some("tool_use"), Some(ANSWER_TOOL)) => {
                self.has_answer_call = true;
                Block::Answer
            }
            (Some("tool_use"), name) => {
                let name = name.unwrap_or_default().to_owned();
                out.push(StreamEvent::ToolCall { id: text_or_empty(block, "/id"), name });
                self.n_calls += 1;
                Block::Tool
            }
            _ => Block::Text,
        };
        let opening = text_or_empty(block, "/text");
        if !opening.is_empty() {
            out.push(StreamEvent::Text(opening));
        }
    }

    fn read_delta(&mut self, delta: &Value, out: &mut Vec<StreamEvent>) {
        let piece = match text(delta, "/type") {
            Some("text_delta") => text_or_empty(delta, "/text"),
            Some("input_json_delta") => text_or_empty(delta, "/partial_json"),
            // Thinking, signatures, citations.
            _ => return,
        };
        if piece.is_empty() {
            return;
        }
        out.push(match (self.block, self.n_calls.checked_sub(1)) {
            (Block::Tool, Some(call_idx)) => StreamEvent::Arguments { call_idx, piece },
            _ => StreamEvent::Text(piece),
        });
    }
}
