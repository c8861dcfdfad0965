use super::decode::{read_finish, read_usage};
use super::error::read_error;
use super::signature::{call_id, marked};
use super::wire::{Candidate, PromptFeedback, Reply, ReplyCall, ReplyPart};
use crate::dialect::{ANSWER_TOOL, answer_finish};
use crate::{Finish, Reasoning, SseEvent, StreamError, StreamEvent};

/// Reads the chunks of a streamed reply; each has the shape of a whole one.
#[derive(Debug, Default)]
pub(crate) struct ChunkReader {
    has_started: bool,
    has_finished: bool,
    has_text: bool,
    /// Whether thoughts came last, so that they end when something else comes.
    is_thinking: bool,
    has_answer_call: bool,
    n_calls: usize,
    response_id: String,
}

impl ChunkReader {
    pub(crate) fn read(&mut self, event: &SseEvent, out: &mut Vec<StreamEvent>) -> Result<(), StreamError> {
        let reply: Reply<'_> = serde_json::from_str(&event.data)?;
        if let Some(error) = &reply.error {
            return Err(StreamError::Provider(read_error(None, error)));
        }
        self.read_reply(reply, out);
        Ok(())
    }

    /// Whether the answer has ended; there is no event that says so besides the finish reason.
    pub(crate) fn is_complete(&self) -> bool {
        self.has_finished
    }

    pub(super) fn read_reply(&mut self, reply: Reply<'_>, out: &mut Vec<StreamEvent>) {
        if !std::mem::replace(&mut self.has_started, true) {
            self.response_id = reply.response_id.unwrap_or_default();
            let model = reply.model_version.unwrap_or_default();
            out.push(StreamEvent::Start { id: self.response_id.clone(), model });
        }
        let candidates = reply.candidates.unwrap_or_default();
        match candidates.into_iter().find(|candidate| candidate.index.unwrap_or(0) == 0) {
            Some(candidate) => self.read_candidate(candidate, out),
            None => self.read_feedback(reply.prompt_feedback, out),
        }
        out.extend(reply.usage_metadata.as_ref().and_then(read_usage).map(StreamEvent::Usage));
    }

    /// What stands in place of an answer where the prompt is refused.
    fn read_feedback(&mut self, feedback: Option<PromptFeedback>, out: &mut Vec<StreamEvent>) {
        let Some(feedback) = feedback.filter(|feedback| feedback.block_reason.is_some()) else {
            return;
        };
        out.extend(feedback.block_reason_message.filter(|text| !text.is_empty()).map(StreamEvent::Text));
        out.push(StreamEvent::Finish(Finish::Refused));
        self.has_finished = true;
    }

    fn read_candidate(&mut self, candidate: Candidate<'_>, out: &mut Vec<StreamEvent>) {
        for part in candidate.content.and_then(|content| content.parts).unwrap_or_default() {
            self.read_part(part, out);
        }
        let Some(word) = candidate.finish_reason.filter(|word| word != "FINISH_REASON_UNSPECIFIED") else {
            return;
        };
        self.end_thoughts(out);
        let finish = match read_finish(&word) {
            Finish::Stop if self.n_calls > 0 => Finish::ToolCalls,
            finish if self.has_answer_call => answer_finish(finish),
            finish => finish,
        };
        if finish == Finish::Refused && !self.has_text {
            out.extend(candidate.finish_message.filter(|text| !text.is_empty()).map(StreamEvent::Text));
        }
        self.has_finished = true;
        out.push(StreamEvent::Finish(finish));
    }

    fn read_part(&mut self, part: ReplyPart<'_>, out: &mut Vec<StreamEvent>) {
        let signature = part.thought_signature.filter(|signature| !signature.is_empty());
        if let Some(call) = part.function_call {
            self.end_thoughts(out);
            return self.read_call(call, signature.as_deref(), out);
        }
        let text = part.text.filter(|text| !text.is_empty());
        if part.thought == Some(true) {
            self.is_thinking |= text.is_some();
            out.extend(text.map(StreamEvent::Reasoning));
        } else if let Some(text) = text {
            self.end_thoughts(out);
            self.has_text = true;
            out.push(StreamEvent::Text(text));
        }
        if let Some(signature) = signature {
            self.is_thinking = false;
            out.push(StreamEvent::ReasoningEnd(Reasoning {
                signature: Some(marked(&signature)),
                ..Reasoning::default()
            }));
        }
    }

    /// A call, which comes as a whole.
    fn read_call(&mut self, call: ReplyCall<'_>, signature: Option<&str>, out: &mut Vec<StreamEvent>) {
        let name = call.name.unwrap_or_default();
        let piece = call.args.map_or("{}", |args| args.get()).to_owned();
        if name == ANSWER_TOOL {
            self.has_answer_call = true;
            out.push(StreamEvent::Text(piece));
            return;
        }
        let call_idx = self.n_calls;
        self.n_calls += 1;
        let id = call_id(call.id.as_deref(), &self.response_id, call_idx, signature);
        out.push(StreamEvent::ToolCall { id, name });
        out.push(StreamEvent::Arguments { call_idx, piece });
    }

    fn end_thoughts(&mut self, out: &mut Vec<StreamEvent>) {
        if std::mem::take(&mut self.is_thinking) {
            out.push(StreamEvent::ReasoningEnd(Reasoning::default()));
        }
    }
}
