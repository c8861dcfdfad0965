//! Streams out.

use yw_task::Dialect;

use super::{AnswerHead, ClientError, ClientRequest};
use crate::{Response, StreamEvent, anthropic, openai, responses};

/// Writes a stream of events in the dialect of the client, whatever dialect the steps were read from.
///
/// After [`finish`](Self::finish) or [`fail`](Self::fail) the stream is over. Text, reasoning and tool calls may come in
/// any order; the encoder opens and closes the blocks or items that the dialect wants around them.
#[derive(Debug)]
pub struct StreamEncoder(Writer);

#[derive(Debug)]
enum Writer {
    OpenAi(openai::ChunkWriter),
    Responses(Box<responses::EventWriter>),
    Anthropic(anthropic::EventWriter),
}

/// A whole answer as a stream, in the dialect of the client; none for a dialect that clients cannot speak.
pub fn encode_response_as_stream(
    dialect: Dialect,
    client: &ClientRequest,
    head: AnswerHead,
    response: &Response,
) -> Option<Vec<u8>> {
    let mut out = Vec::new();
    let mut encoder = StreamEncoder::new(dialect, client, head)?;
    let mut step = |step: StreamEvent| encoder.push(&step, &mut out);
    step(StreamEvent::Start { id: response.id.clone(), model: response.model.clone() });
    response.reasoning.iter().cloned().for_each(|reasoning| step(StreamEvent::ReasoningEnd(reasoning)));
    if !response.text.is_empty() {
        step(StreamEvent::Text(response.text.clone()));
    }
    for (call_idx, call) in response.tool_calls.iter().enumerate() {
        step(StreamEvent::ToolCall { id: call.id.clone(), name: call.name.clone() });
        step(StreamEvent::Arguments { call_idx, piece: call.arguments.clone() });
    }
    response.usage.into_iter().for_each(|usage| step(StreamEvent::Usage(usage)));
    response.stop_sequence.iter().cloned().for_each(|text| step(StreamEvent::StopSequence(text)));
    step(StreamEvent::Finish(response.finish.clone()));
    encoder.finish(&mut out);
    Some(out)
}

impl StreamEncoder {
    /// A stream that answers `client`; none for a dialect that clients cannot speak.
    pub fn new(dialect: Dialect, client: &ClientRequest, head: AnswerHead) -> Option<Self> {
        Some(StreamEncoder(match dialect {
            Dialect::OpenAi => Writer::OpenAi(openai::ChunkWriter::new(client, head)),
            Dialect::Responses => Writer::Responses(Box::new(responses::EventWriter::new(client, head))),
            Dialect::Anthropic => Writer::Anthropic(anthropic::EventWriter::new(head)),
            Dialect::Gemini | Dialect::Bedrock => return None,
        }))
    }

    /// Appends to `out` what a step looks like to the client; may be nothing.
    pub fn push(&mut self, step: &StreamEvent, out: &mut Vec<u8>) {
        match &mut self.0 {
            Writer::OpenAi(writer) => writer.push(step, out),
            Writer::Responses(writer) => writer.push(step, out),
            Writer::Anthropic(writer) => writer.push(step, out),
        }
    }

    /// Appends the end of an answer that is complete.
    pub fn finish(&mut self, out: &mut Vec<u8>) {
        match &mut self.0 {
            Writer::OpenAi(writer) => writer.finish(out),
            Writer::Responses(writer) => writer.finish(out),
            Writer::Anthropic(writer) => writer.finish(out),
        }
    }

    /// Appends the end of an answer that broke off.
    pub fn fail(&mut self, error: &ClientError, out: &mut Vec<u8>) {
        match &mut self.0 {
            Writer::OpenAi(writer) => writer.fail(error, out),
            Writer::Responses(writer) => writer.fail(error, out),
            Writer::Anthropic(writer) => writer.fail(error, out),
        }
    }
}
