//! Answers that arrive in pieces.

use yw_task::Dialect;

use crate::framing::Framing;
use crate::{
    Finish, Reasoning, Response, SseDecoder, SseEvent, StreamError, TokenUsage, ToolCall, anthropic, bedrock, gemini,
    openai, responses,
};

/// One step of an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StreamEvent {
    /// The answer begins.
    Start {
        /// As in [`Response::id`].
        id: String,
        /// As in [`Response::model`].
        model: String,
    },
    /// More text.
    Text(String),
    /// More of what the model thinks.
    Reasoning(String),
    /// A stretch of thinking ends, with what the provider wants back besides its text, which came before; or one is told
    /// as a whole, where it is redacted.
    ReasoningEnd(Reasoning),
    /// A tool call begins. Calls come one after the other.
    ToolCall {
        /// The provider's id of the call.
        id: String,
        /// The tool.
        name: String,
    },
    /// More of the JSON arguments of a tool call.
    Arguments {
        /// Which call: the position of its [`StreamEvent::ToolCall`] among those of the stream, from 0.
        call_idx: usize,
        /// The next piece of the JSON text.
        piece: String,
    },
    /// The tokens used so far; a later report replaces an earlier one.
    Usage(TokenUsage),
    /// The stop text that ends the answer.
    StopSequence(String),
    /// Why the answer ends. Usage may still follow.
    Finish(Finish),
}

/// Reads the body of a streamed reply, in pieces of any size.
#[derive(Debug)]
pub struct StreamDecoder {
    framing: Framing,
    reader: Reader,
}

#[derive(Debug)]
enum Reader {
    OpenAi(openai::ChunkReader),
    Responses(responses::EventReader),
    Anthropic(anthropic::EventReader),
    Gemini(gemini::ChunkReader),
    Bedrock(bedrock::EventReader),
}

impl Reader {
    fn read(&mut self, event: &SseEvent, out: &mut Vec<StreamEvent>) -> Result<(), StreamError> {
        match self {
            Reader::OpenAi(reader) => reader.read(event, out),
            Reader::Responses(reader) => reader.read(event, out),
            Reader::Anthropic(reader) => reader.read(event, out),
            Reader::Gemini(reader) => reader.read(event, out),
            Reader::Bedrock(reader) => reader.read(event, out),
        }
    }

    fn is_complete(&self) -> bool {
        match self {
            Reader::OpenAi(reader) => reader.is_complete(),
            Reader::Responses(reader) => reader.is_complete(),
            Reader::Anthropic(reader) => reader.is_complete(),
            Reader::Gemini(reader) => reader.is_complete(),
            Reader::Bedrock(reader) => reader.is_complete(),
        }
    }
}

impl Reader {
    /// Whether the event that nothing follows has come. Of dialects without one the end of the bytes tells.
    fn has_ended(&self) -> bool {
        match self {
            Reader::OpenAi(reader) => reader.has_ended(),
            Reader::Responses(reader) => reader.is_complete(),
            Reader::Anthropic(reader) => reader.is_complete(),
            Reader::Gemini(_) | Reader::Bedrock(_) => false,
        }
    }

    fn was_usage_only(&self) -> bool {
        matches!(self, Reader::OpenAi(reader) if reader.was_usage_only())
    }
}

impl StreamDecoder {
    /// A decoder at the start of a reply.
    pub fn new(dialect: Dialect) -> Self {
        let reader = match dialect {
            Dialect::OpenAi => Reader::OpenAi(Default::default()),
            Dialect::Responses => Reader::Responses(Default::default()),
            Dialect::Anthropic => Reader::Anthropic(Default::default()),
            Dialect::Gemini => Reader::Gemini(Default::default()),
            Dialect::Bedrock => Reader::Bedrock(Default::default()),
        };
        let framing = match dialect {
            Dialect::Bedrock => Framing::Frames(Default::default()),
            _ => Framing::Sse(SseDecoder::new()),
        };
        StreamDecoder { framing, reader }
    }

    /// Takes the next bytes and returns the steps that they complete. After an error the stream is lost.
    pub fn push(&mut self, bytes: &[u8]) -> Result<Vec<StreamEvent>, StreamError> {
        let mut steps = Vec::new();
        self.push_into(bytes, &mut steps)?;
        Ok(steps)
    }

    /// Like [`push`](Self::push), but appends the steps; those before an error are there.
    pub fn push_into(&mut self, bytes: &[u8], steps: &mut Vec<StreamEvent>) -> Result<(), StreamError> {
        let StreamDecoder { framing, reader } = self;
        framing.feed(bytes, |event, _| reader.read(event, steps))
    }

    /// Like [`push_into`](Self::push_into), and calls `each` after every event: with the number of `bytes` up to and
    /// including the event's end, and whether the event told nothing but the usage of a chat completion, which OpenAI
    /// sends only to clients that ask for it.
    pub fn push_each(
        &mut self,
        bytes: &[u8],
        steps: &mut Vec<StreamEvent>,
        mut each: impl FnMut(usize, bool),
    ) -> Result<(), StreamError> {
        let StreamDecoder { framing, reader } = self;
        framing.feed(bytes, |event, end| {
            reader.read(event, steps)?;
            each(end, reader.was_usage_only());
            Ok(())
        })
    }

    /// Whether the provider has said that nothing more comes, though the connection may stay open.
    pub fn has_ended(&self) -> bool {
        self.reader.has_ended()
    }

    /// Ends the reply; [`StreamError::Cut`] if the answer was not complete.
    pub fn finish(&mut self) -> Result<Vec<StreamEvent>, StreamError> {
        let mut steps = Vec::new();
        if let Some(event) = self.framing.finish() {
            self.reader.read(&event, &mut steps)?;
        }
        if self.reader.is_complete() { Ok(steps) } else { Err(StreamError::Cut) }
    }
}

/// Puts a [`Response`] together from its steps.
#[derive(Debug, Default)]
pub struct ResponseBuilder {
    response: Response,
    /// The thoughts of a stretch that has not ended.
    thoughts: String,
}

impl ResponseBuilder {
    /// A builder before the first step.
    pub fn new() -> Self {
        ResponseBuilder::default()
    }

    /// Adds a step.
    pub fn push(&mut self, step: StreamEvent) {
        let response = &mut self.response;
        match step {
            StreamEvent::Start { id, model } => (response.id, response.model) = (id, model),
            StreamEvent::Text(piece) => response.text.push_str(&piece),
            StreamEvent::Reasoning(piece) => self.thoughts.push_str(&piece),
            StreamEvent::ReasoningEnd(mut end) => {
                end.text.insert_str(0, &std::mem::take(&mut self.thoughts));
                response.reasoning.push(end);
            }
            StreamEvent::ToolCall { id, name } => {
                response.tool_calls.push(ToolCall { id, name, arguments: String::new() });
            }
            StreamEvent::Arguments { call_idx, piece } => {
                if let Some(call) = response.tool_calls.get_mut(call_idx) {
                    call.arguments.push_str(&piece);
                }
            }
            StreamEvent::Usage(usage) => response.usage = Some(usage),
            StreamEvent::StopSequence(text) => response.stop_sequence = Some(text),
            StreamEvent::Finish(finish) => response.finish = finish,
        }
    }

    /// The response as far as it came.
    pub fn finish(mut self) -> Response {
        if !self.thoughts.is_empty() {
            self.response.reasoning.push(Reasoning { text: self.thoughts, ..Reasoning::default() });
        }
        self.response
    }
}
