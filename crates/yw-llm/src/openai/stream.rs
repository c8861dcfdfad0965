use serde_json::Value;

use super::decode::{read_content, read_error, read_finish, read_usage};
use crate::dialect::{ANSWER_TOOL, answer_finish};
use crate::json::{items, text, text_or_empty};
use crate::{Finish, SseEvent, StreamError, StreamEvent};

/// Reads the chunks of a streamed chat completion.
#[derive(Debug, Default)]
pub(crate) struct ChunkReader {
    has_started: bool,
    has_finished: bool,
    has_refused: bool,
    /// For each tool call by the provider's index: which of ours it is.
    calls: Vec<(u64, Call)>,
}

#[derive(Debug, Clone, Copy)]
enum Call {
    Tool { call_idx: usize },
    Answer,
}

impl ChunkReader {
    pub(crate) fn read(&mut self, event: &SseEvent, out: &mut Vec<StreamEvent>) -> Result<(), StreamError> {
        if event.data == "[DONE]" {
            self.has_finished = true;
            return Ok(());
        }
        let chunk: Value = serde_json::from_str(&event.data)?;
        if let Some(error) = chunk.get("error").filter(|e| !e.is_null()) {
            return Err(StreamError::Provider(read_error(None, error)));
        }
        if !std::mem::replace(&mut self.has_started, true) {
            out.push(StreamEvent::Start { id: text_or_empty(&chunk, "/id"), model: text_or_empty(&chunk, "/model") });
        }
        if let Some(choice) = chunk.pointer("/choices/0") {
            self.read_choice(choice, out);
        }
        if let Some(usage) = chunk.get("usage").and_then(read_usage) {
            out.push(StreamEvent::Usage(usage));
        }
        Ok(())
    }

    /// Whether the answer has ended; some servers leave out the `[DONE]` after the finish reason.
    pub(crate) fn is_complete(&self) -> bool {
        self.has_finished
    }

    fn read_choice(&mut self, choice: &Value, out: &mut Vec<StreamEvent>) {
        let delta = &choice["delta"];
        let refusal = text_or_empty(delta, "/refusal");
        self.has_refused |= !refusal.is_empty();
        for piece in [read_content(&delta["content"]), refusal] {
            if !piece.is_empty() {
                out.push(StreamEvent::Text(piece));
            }
        }
        for call in items(delta, "/tool_calls") {
            self.read_call(call, out);
        }
        if let Some(word) = text(choice, "/finish_reason") {
            self.has_finished = true;
            let has_answer_call = self.calls.iter().any(|(_, call)| matches!(call, Call::Answer));
            out.push(StreamEvent::Finish(match read_finish(word) {
                _ if self.has_refused => Finish::Refused,
                finish if has_answer_call => answer_finish(finish),
                finish => finish,
            }));
        }
    }

    fn read_call(&mut self, call: &Value, out: &mut Vec<StreamEvent>) {
        // Some servers send whole calls without an index: each is a new one.
        let index = call["index"].as_u64().unwrap_or(self.calls.len() as u64);
        let known = self.calls.iter().find(|(i, _)| *i == index).map(|(_, call)| *call);
        let target = known.unwrap_or_else(|| {
            let name = text_or_empty(call, "/function/name");
            let is_answer = name == ANSWER_TOOL;
            let n_tools = self.calls.iter().filter(|(_, call)| matches!(call, Call::Tool { .. })).count();
            let target = if is_answer { Call::Answer } else { Call::Tool { call_idx: n_tools } };
            self.calls.push((index, target));
            if !is_answer {
                out.push(StreamEvent::ToolCall { id: text_or_empty(call, "/id"), name });
            }
            target
        });
        let piece = text_or_empty(call, "/function/arguments");
        if !piece.is_empty() {
            out.push(match target {
                Call::Tool { call_idx } => StreamEvent::Arguments { call_idx, piece },
                Call::Answer => StreamEvent::Text(piece),
            });
        }
    }
}
