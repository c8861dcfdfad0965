use serde::Serialize;

use super::{finish_word, knows_functions_only};
use crate::json::write_json;
use crate::openai::ClientUsage;
use crate::openai::details::DetailOut;
use crate::{AnswerHead, ClientError, ClientRequest, Finish, Reasoning, StreamEvent, TokenUsage};

/// Writes the chunks of a streamed chat completion.
#[derive(Debug)]
pub(crate) struct ChunkWriter {
    /// What every chunk begins with, up to its choices.
    opening: Vec<u8>,
    include_usage: bool,
    legacy: bool,
    has_role: bool,
    has_finish: bool,
    n_calls: usize,
    /// Whether the call that is open has no arguments yet. Clients parse them, and nothing is no JSON.
    has_empty_call: bool,
    thoughts: String,
    n_thoughts: usize,
    usage: Option<TokenUsage>,
}

#[derive(Serialize, Default)]
struct Delta<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    role: Option<&'static str>,
    /// Told once as `null` where the answer begins with something else.
    #[serde(skip_serializing_if = "Option::is_none")]
    content: Option<Option<&'a str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reasoning_content: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reasoning_details: Option<[DetailOut<'a>; 1]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    function_call: Option<Function<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tool_calls: Option<[Call<'a>; 1]>,
}

#[derive(Serialize)]
struct Call<'a> {
    index: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    r#type: Option<&'static str>,
    function: Function<'a>,
}

#[derive(Serialize)]
struct Function<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
    arguments: &'a str,
}

impl ChunkWriter {
    pub(crate) fn new(client: &ClientRequest, head: AnswerHead) -> Self {
        let mut opening = b"data: {\"id\":".to_vec();
        write_json(&mut opening, &format!("chatcmpl-{}", head.id));
        opening.extend_from_slice(b",\"object\":\"chat.completion.chunk\",\"created\":");
        write_json(&mut opening, &head.created);
        opening.extend_from_slice(b",\"model\":");
        write_json(&mut opening, &head.model);
        opening.extend_from_slice(b",\"choices\":[");
        ChunkWriter {
            opening,
            include_usage: client.include_usage,
            legacy: knows_functions_only(client),
            has_role: false,
            has_finish: false,
            n_calls: 0,
            has_empty_call: false,
            thoughts: String::new(),
            n_thoughts: 0,
            usage: None,
        }
    }

    pub(crate) fn push(&mut self, step: &StreamEvent, out: &mut Vec<u8>) {
        match step {
            // The role comes with the first content, so that a client's clock measures the model.
            StreamEvent::Start { .. } | StreamEvent::StopSequence(_) => {}
            StreamEvent::Text(piece) => self.write(Delta { content: Some(Some(piece)), ..Delta::default() }, None, out),
            StreamEvent::Reasoning(piece) => {
                self.thoughts.push_str(piece);
                self.write(Delta { reasoning_content: Some(piece), ..Delta::default() }, None, out);
            }
            StreamEvent::ReasoningEnd(end) => self.end_thoughts(end, out),
            StreamEvent::ToolCall { id, name } => self.start_call(id, name, out),
            StreamEvent::Arguments { call_idx, piece } => self.write_arguments(*call_idx, piece, out),
            StreamEvent::Usage(usage) => self.usage = Some(*usage),
            StreamEvent::Finish(finish) => self.write_finish(finish, out),
        }
    }

    pub(crate) fn finish(&mut self, out: &mut Vec<u8>) {
        if !self.has_finish {
            self.write_finish(&Finish::Stop, out);
        }
        if let (true, Some(usage)) = (self.include_usage, &self.usage) {
            out.extend_from_slice(&self.opening);
            out.extend_from_slice(b"],\"usage\":");
            write_json(out, &ClientUsage::from(usage));
            out.extend_from_slice(b"}\n\n");
        }
        out.extend_from_slice(b"data: [DONE]\n\n");
    }

    pub(crate) fn fail(&mut self, error: &ClientError, out: &mut Vec<u8>) {
        out.extend_from_slice(b"data: ");
        out.extend_from_slice(&crate::encode_error(yw_task::Dialect::OpenAi, error, ""));
        out.extend_from_slice(b"\n\n");
    }

    fn end_thoughts(&mut self, end: &Reasoning, out: &mut Vec<u8>) {
        let mut thoughts = std::mem::take(&mut self.thoughts);
        if !end.text.is_empty() {
            thoughts.push_str(&end.text);
            self.write(Delta { reasoning_content: Some(&end.text), ..Delta::default() }, None, out);
        }
        if end.signature.is_some() {
            let detail = DetailOut::new(self.n_thoughts, end, &thoughts);
            self.write(Delta { reasoning_details: Some([detail]), ..Delta::default() }, None, out);
            self.n_thoughts += 1;
        }
    }

    fn start_call(&mut self, id: &str, name: &str, out: &mut Vec<u8>) {
        self.end_call(out);
        let function = Function { name: Some(name), arguments: "" };
        if !self.legacy {
            let call = Call { index: self.n_calls, id: Some(id), r#type: Some("function"), function };
            self.write(Delta { tool_calls: Some([call]), ..Delta::default() }, None, out);
        } else if self.n_calls == 0 {
            self.write(Delta { function_call: Some(function), ..Delta::default() }, None, out);
        }
        self.n_calls += 1;
        self.has_empty_call = true;
    }

    fn write_arguments(&mut self, call_idx: usize, piece: &str, out: &mut Vec<u8>) {
        if call_idx + 1 == self.n_calls {
            self.has_empty_call = false;
        }
        let function = Function { name: None, arguments: piece };
        if !self.legacy {
            let call = Call { index: call_idx, id: None, r#type: None, function };
            self.write(Delta { tool_calls: Some([call]), ..Delta::default() }, None, out);
        } else if call_idx == 0 {
            self.write(Delta { function_call: Some(function), ..Delta::default() }, None, out);
        }
    }

    fn end_call(&mut self, out: &mut Vec<u8>) {
        if std::mem::take(&mut self.has_empty_call) {
            self.write_arguments(self.n_calls.saturating_sub(1), "{}", out);
        }
    }

    fn write_finish(&mut self, finish: &Finish, out: &mut Vec<u8>) {
        self.end_call(out);
        self.has_finish = true;
        let word = finish_word(finish, self.n_calls > 0, self.legacy);
        self.write(Delta::default(), Some(word), out);
    }

    fn write(&mut self, mut delta: Delta<'_>, finish: Option<&'static str>, out: &mut Vec<u8>) {
        if !std::mem::replace(&mut self.has_role, true) {
            delta.role = Some("assistant");
            delta.content = delta.content.or(Some(None));
        }
        out.extend_from_slice(&self.opening);
        out.extend_from_slice(b"{\"index\":0,\"delta\":");
        write_json(out, &delta);
        out.extend_from_slice(b",\"logprobs\":null,\"finish_reason\":");
        write_json(out, &finish);
        out.extend_from_slice(if self.include_usage { &b"}],\"usage\":null}\n\n"[..] } else { b"}]}\n\n" });
    }
}
