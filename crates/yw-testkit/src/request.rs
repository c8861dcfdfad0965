//! What a client asked, the same for every dialect.

use serde_json::{Value, json};
use yw_task::Dialect;

/// A chat request, as the script sees it.
#[derive(Debug, Clone)]
pub struct ChatRequest {
    /// The wire shape it came in.
    pub dialect: Dialect,
    /// The model it names.
    pub model: String,
    /// The system prompt; empty if there is none. OpenAI's system and developer messages are joined by newlines.
    pub system: String,
    /// The other messages, in order.
    pub messages: Vec<ChatMessage>,
    /// The JSON schema that the answer must fit, from `response_format`, `output_config` or a forced tool.
    pub schema: Option<Value>,
    /// The tool that the answer must call, if one is forced.
    pub tool: Option<String>,
    /// The tools that the answer may call.
    pub tools: Vec<Tool>,
    /// Whether it may, or must.
    pub tool_choice: ToolChoice,
    /// Whether the model is asked to reason first.
    pub thinks: bool,
    /// How the model is to be sampled.
    pub settings: Settings,
    /// Whether the reply is to be a stream of events.
    pub stream: bool,
    /// Whether a stream is to be of server-sent events where Gemini has a choice.
    pub(crate) sse: bool,
    /// Whether an OpenAI stream is to end with its usage.
    pub include_usage: bool,
    /// The whole body.
    pub body: Value,
    /// Which chat request it is for the server, from 1 on, in order of arrival.
    pub ordinal: u64,
    /// Which time it is that this very body came, from 1 on: retries of one request count up, whatever comes between.
    pub attempt: u64,
    /// A stable hash of the body and the model.
    pub body_hash: u64,
}

/// A tool of the client.
#[derive(Debug, Clone, PartialEq)]
pub struct Tool {
    /// Its name.
    pub name: String,
    /// The JSON schema of its arguments; null if there is none.
    pub schema: Value,
}

/// Whether the answer may or must call a tool.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum ToolChoice {
    /// As the model likes.
    #[default]
    Auto,
    /// No tool may be called.
    None,
    /// Some tool must be called.
    Required,
    /// This tool must be called.
    Named(String),
}

/// How the model is to be sampled; none where the request does not say.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Settings {
    /// The most tokens to write.
    pub max_tokens: Option<u64>,
    /// The temperature.
    pub temperature: Option<f64>,
    /// The nucleus.
    pub top_p: Option<f64>,
    /// What ends the answer.
    pub stop: Vec<String>,
}

/// One message of a chat. The result of a tool is a message of its own, whatever the dialect.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ChatMessage {
    /// `user`, `assistant` or `tool`.
    pub role: String,
    /// Its text parts, joined by newlines.
    pub text: String,
    /// What else is in it, a line each and alike in every dialect: `image image/png 68` with the length of the base64,
    /// `document https://…`, `call lookup {"id":7}`, `reasoning because`.
    pub extras: Vec<String>,
}

impl ChatRequest {
    /// The text of the last user message; empty if there is none.
    pub fn question(&self) -> &str {
        self.messages.iter().rev().find(|m| m.role == "user").map_or("", |m| &m.text)
    }

    /// Everything the model reads: the system prompt and all messages, joined by newlines.
    pub fn prompt(&self) -> String {
        let texts = std::iter::once(self.system.as_str()).chain(self.messages.iter().map(|m| m.text.as_str()));
        texts.filter(|t| !t.is_empty()).collect::<Vec<_>>().join("\n")
    }

    /// What the model sees, alike in every dialect: for tests that ask whether a translation loses anything.
    ///
    /// `system`, `messages` with a line for each text and each extra, `tools` with their properties, `tool_choice`,
    /// `schema` with its properties, and the settings that the request has.
    pub fn digest(&self) -> Value {
        let line = |message: &ChatMessage| {
            let texts = Some(&message.text).filter(|t| !t.is_empty());
            texts.into_iter().chain(&message.extras).map(|l| format!("{}: {l}", message.role)).collect::<Vec<_>>()
        };
        let properties = |schema: &Value| {
            let properties = schema.get("properties").and_then(Value::as_object);
            let mut names: Vec<&str> = properties.into_iter().flatten().map(|(name, _)| name.as_str()).collect();
            names.sort_unstable();
            names.join(" ")
        };
        let tools = self.tools.iter().map(|t| format!("{}({})", t.name, properties(&t.schema)));
        let mut digest = json!({
            "model": self.model,
            "system": self.system,
            "messages": self.messages.iter().flat_map(line).collect::<Vec<_>>(),
        });
        let mut put = |name: &str, value: Value| digest[name] = value;
        if !self.tools.is_empty() {
            put("tools", tools.collect::<Vec<_>>().into());
            put("tool_choice", format!("{:?}", self.tool_choice).into());
        }
        if let Some(schema) = self.schema.as_ref().filter(|_| self.tool.is_none()) {
            put("schema", properties(schema).into());
        }
        let Settings { max_tokens, temperature, top_p, stop } = &self.settings;
        for (name, number) in [("temperature", temperature), ("top_p", top_p)] {
            if let Some(number) = number {
                put(name, (*number).into());
            }
        }
        if let Some(n) = max_tokens {
            put("max_tokens", (*n).into());
        }
        if !stop.is_empty() {
            put("stop", stop.clone().into());
        }
        if self.thinks {
            put("thinks", true.into());
        }
        digest
    }

    /// The last word of the question that starts with `prefix`, else of the whole prompt: the mark that tells rows apart.
    ///
    /// Examples usually stand before the row that is asked about, so that the last mark is the row's own.
    pub fn mark(&self, prefix: &str) -> Option<String> {
        last_word(self.question(), prefix).or_else(|| last_word(&self.prompt(), prefix))
    }
}

/// The last word of letters, digits, `-` and `_` in `text` that starts with `prefix` and goes on after it.
pub(crate) fn last_word(text: &str, prefix: &str) -> Option<String> {
    let in_word = |c: char| c.is_alphanumeric() || c == '-' || c == '_';
    text.split(|c| !in_word(c)).rfind(|w| w.len() > prefix.len() && w.starts_with(prefix)).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_mark_counts() {
        assert_eq!(last_word("T-1, T-2 and (T-30).", "T-").as_deref(), Some("T-30"));
        assert_eq!(last_word("T- alone", "T-"), None);
        assert_eq!(last_word("nothing", "T-"), None);
    }
}
