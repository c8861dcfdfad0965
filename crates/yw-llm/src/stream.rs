//! Answers that arrive in pieces.

use yw_task::Dialect;

use crate::{Finish, Response, SseDecoder, SseEvent, StreamError, TokenUsage, ToolCall, anthropic, openai};

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
    /// Why the answer ends. Usage may still follow.
    Finish(Finish),
}

/// Reads the body of a streamed reply, in pieces of any size.
#[derive(Debug)]
pub struct StreamDecoder {
    sse: SseDecoder,
    reader: Reader,
}

#[derive(Debug)]
enum Reader {
    OpenAi(openai::ChunkReader),
    Anthropic(anthropic::EventReader),
}

impl Reader {
    fn read(&mut self, event: &SseEvent, out: &mut Vec<StreamEvent>) -> Result<(), StreamError> {
        match self {
            Reader::OpenAi(reader) => reader.read(event, out),
            Reader::Anthropic(reader) => reader.read(event, out),
        }
    }

    fn is_complete(&self) -> bool {
        match self {
            Reader::OpenAi(reader) => reader.is_complete(),
            Reader::Anthropic(reader) => reader.is_complete(),
        }
    }
}

impl StreamDecoder {
    /// A decoder at the start of a reply.
    pub fn new(dialect: Dialect) -> Self {
        let reader = match dialect {
            Dialect::OpenAi => Reader::OpenAi(Default::default()),
            Dialect::Anthropic => Reader::Anthropic(Default::default()),
        };
        StreamDecoder { sse: SseDecoder::new(), reader }
    }

    /// Takes the next bytes and returns the steps that they complete. After an error the stream is lost.
    pub fn push(&mut self, bytes: &[u8]) -> Result<Vec<StreamEvent>, StreamError> {
        let mut steps = Vec::new();
        for event in self.sse.push(bytes)? {
            self.reader.read(&event, &mut steps)?;
        }
        Ok(steps)
    }

    /// Ends the reply; [`StreamError::Cut`] if the answer was not complete.
    pub fn finish(&mut self) -> Result<Vec<StreamEvent>, StreamError> {
        let mut steps = Vec::new();
        if let Some(event) = self.sse.finish() {
            self.reader.read(&event, &mut steps)?;
        }
        if self.reader.is_complete() { Ok(steps) } else { Err(StreamError::Cut) }
    }
}

/// Puts a [`Response`] together from its steps.
#[derive(Debug)]
pub struct ResponseBuilder(Response);

impl Default for ResponseBuilder {
    fn default() -> Self {
        ResponseBuilder(Response {
            id: String::new(),
            model: String::new(),
            text: String::new(),
            tool_calls: Vec::new(),
            finish: Finish::Other(String::new()),
            usage: None,
        })
    }
}

impl ResponseBuilder {
    /// A builder before the first step.
    pub fn new() -> Self {
        ResponseBuilder::default()
    }

    /// Adds a step.
    pub fn push(&mut self, step: StreamEvent) {
        let response = &mut self.0;
        match step {
            StreamEvent::Start { id, model } => (response.id, response.model) = (id, model),
            StreamEvent::Text(piece) => response.text.push_str(&piece),
            StreamEvent::ToolCall { id, name } => {
                response.tool_calls.push(ToolCall { id, name, arguments: String::new() });
            }
            StreamEvent::Arguments { call_idx, piece } => {
                if let Some(call) = response.tool_calls.get_mut(call_idx) {
                    call.arguments.push_str(&piece);
                }
            }
            StreamEvent::Usage(usage) => response.usage = Some(usage),
            StreamEvent::Finish(finish) => response.finish = finish,
        }
    }

    /// The response as far as it came.
    pub fn finish(self) -> Response {
        self.0
    }
}
