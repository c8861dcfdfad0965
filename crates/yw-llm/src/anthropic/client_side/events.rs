use serde::Serialize;
use yw_task::Dialect;

use super::response::{Block, Message};
use super::stop_word;
use crate::anthropic::ClientUsage;
use crate::json::write_json;
use crate::{AnswerHead, ClientError, Finish, Reasoning, StreamEvent, TokenUsage};

/// Writes the events of a streamed message.
#[derive(Debug)]
pub(crate) struct EventWriter {
    head: AnswerHead,
    has_started: bool,
    block: OpenBlock,
    /// The index of the next block.
    next_idx: usize,
    /// The block of each tool call.
    calls: Vec<usize>,
    usage: Option<TokenUsage>,
    stop_sequence: Option<String>,
    finish: Finish,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum OpenBlock {
    None,
    Text,
    Thinking,
    Call,
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Event<'a> {
    MessageStart { message: Message<'a> },
    ContentBlockStart { index: usize, content_block: Block<'a> },
    ContentBlockDelta { index: usize, delta: Delta<'a> },
    ContentBlockStop { index: usize },
    MessageDelta { delta: End<'a>, usage: ClientUsage },
    MessageStop,
}

#[derive(Serialize)]
#[serde(tag = "type")]
enum Delta<'a> {
    #[serde(rename = "text_delta")]
    Text { text: &'a str },
    #[serde(rename = "thinking_delta")]
    Thinking { thinking: &'a str },
    #[serde(rename = "signature_delta")]
    Signature { signature: &'a str },
    #[serde(rename = "input_json_delta")]
    InputJson { partial_json: &'a str },
}

#[derive(Serialize)]
struct End<'a> {
    stop_reason: &'static str,
    stop_sequence: Option<&'a str>,
}

impl Event<'_> {
    /// The name; the SDKs drop events without.
    fn name(&self) -> &'static str {
        match self {
            Event::MessageStart { .. } => "message_start",
            Event::ContentBlockStart { .. } => "content_block_start",
            Event::ContentBlockDelta { .. } => "content_block_delta",
            Event::ContentBlockStop { .. } => "content_block_stop",
            Event::MessageDelta { .. } => "message_delta",
            Event::MessageStop => "message_stop",
        }
    }

    fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(b"event: ");
        out.extend_from_slice(self.name().as_bytes());
        out.extend_from_slice(b"\ndata: ");
        write_json(out, self);
        out.extend_from_slice(b"\n\n");
    }
}

impl EventWriter {
    pub(crate) fn new(head: AnswerHead) -> Self {
        EventWriter {
            head,
            has_started: false,
            block: OpenBlock::None,
            next_idx: 0,
            calls: Vec::new(),
            usage: None,
            stop_sequence: None,
            finish: Finish::Stop,
        }
    }

    pub(crate) fn push(&mut self, step: &StreamEvent, out: &mut Vec<u8>) {
        match step {
            // The first event tells the usage of the input, which follows the start where the provider knows it.
            StreamEvent::Start { .. } => {}
            StreamEvent::Usage(usage) => self.usage = Some(*usage),
            StreamEvent::StopSequence(text) => self.stop_sequence = Some(text.clone()),
            StreamEvent::Finish(finish) => self.finish = finish.clone(),
            StreamEvent::Text(piece) if piece.is_empty() => {}
            StreamEvent::Text(piece) => {
                self.open(OpenBlock::Text, Block::Text { text: "" }, out);
                self.write_delta(Delta::Text { text: piece }, out);
            }
            StreamEvent::Reasoning(piece) if piece.is_empty() => {}
            StreamEvent::Reasoning(piece) => {
                self.open(OpenBlock::Thinking, Block::Thinking { thinking: "", signature: "" }, out);
                self.write_delta(Delta::Thinking { thinking: piece }, out);
            }
            StreamEvent::ReasoningEnd(end) => self.end_thoughts(end, out),
            StreamEvent::ToolCall { id, name } => {
                self.close(out);
                self.calls.push(self.next_idx);
                self.open(OpenBlock::Call, Block::ToolUse { id, name, input: crate::anthropic::input("{}") }, out);
            }
            StreamEvent::Arguments { call_idx, piece } => {
                if let Some(&index) = self.calls.get(*call_idx) {
                    let delta = Delta::InputJson { partial_json: piece };
                    Event::ContentBlockDelta { index, delta }.write(out);
                }
            }
        }
    }

    pub(crate) fn finish(&mut self, out: &mut Vec<u8>) {
        self.start(out);
        self.close(out);
        let stop_sequence = self.stop_sequence.as_deref();
        let stop_reason = stop_word(&self.finish, stop_sequence.is_some(), !self.calls.is_empty());
        let usage = self.usage.as_ref().map(ClientUsage::from).unwrap_or_default();
        Event::MessageDelta { delta: End { stop_reason, stop_sequence }, usage }.write(out);
        Event::MessageStop.write(out);
    }

    pub(crate) fn fail(&mut self, error: &ClientError, out: &mut Vec<u8>) {
        out.extend_from_slice(b"event: error\ndata: ");
        out.extend_from_slice(&crate::encode_error(Dialect::Anthropic, error, &self.head.id));
        out.extend_from_slice(b"\n\n");
    }

    fn start(&mut self, out: &mut Vec<u8>) {
        if std::mem::replace(&mut self.has_started, true) {
            return;
        }
        let message = Message {
            id: format!("msg_{}", self.head.id),
            r#type: "message",
            role: "assistant",
            model: &self.head.model,
            content: Vec::new(),
            stop_reason: None,
            stop_sequence: None,
            usage: self.usage.as_ref().map(ClientUsage::from).unwrap_or_default(),
        };
        Event::MessageStart { message }.write(out);
    }

    /// Makes a block of this kind the open one; calls are closed before, so each opens its own.
    fn open(&mut self, kind: OpenBlock, content_block: Block<'_>, out: &mut Vec<u8>) {
        if self.block == kind {
            return;
        }
        self.close(out);
        self.start(out);
        Event::ContentBlockStart { index: self.next_idx, content_block }.write(out);
        self.next_idx += 1;
        self.block = kind;
    }

    fn close(&mut self, out: &mut Vec<u8>) {
        if std::mem::replace(&mut self.block, OpenBlock::None) != OpenBlock::None {
            Event::ContentBlockStop { index: self.next_idx - 1 }.write(out);
        }
    }

    /// A piece of the open block.
    fn write_delta(&self, delta: Delta<'_>, out: &mut Vec<u8>) {
        Event::ContentBlockDelta { index: self.next_idx.saturating_sub(1), delta }.write(out);
    }

    fn end_thoughts(&mut self, end: &Reasoning, out: &mut Vec<u8>) {
        let signature = end.signature.as_deref().unwrap_or_default();
        if end.is_redacted {
            self.close(out);
            // Opened as what it is not, it would be closed by the same code; it has no pieces in between.
            self.open(OpenBlock::Thinking, Block::RedactedThinking { data: signature }, out);
        } else {
            if !end.text.is_empty() || !signature.is_empty() {
                self.open(OpenBlock::Thinking, Block::Thinking { thinking: "", signature: "" }, out);
            }
            if !end.text.is_empty() {
                self.write_delta(Delta::Thinking { thinking: &end.text }, out);
            }
            if !signature.is_empty() {
                self.write_delta(Delta::Signature { signature }, out);
            }
        }
        if self.block == OpenBlock::Thinking {
            self.close(out);
        }
    }
}
