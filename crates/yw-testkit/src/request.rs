//! What a client asked, the same for every dialect.

use serde_json::Value;
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
    /// Whether the reply is to be a stream of events.
    pub stream: bool,
    /// Whether an OpenAI stream is to end with its usage.
    pub include_usage: bool,
    /// The whole body.
    pub body: Value,
    /// Which chat request it is for the server, from 1 on, in order of arrival.
    pub ordinal: u64,
    /// Which time it is that this very body came, from 1 on: retries of one request count up, whatever comes between.
    pub attempt: u64,
    /// A stable hash of the body.
    pub body_hash: u64,
}

/// One message of a chat.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChatMessage {
    /// `user`, `assistant` or `tool`.
    pub role: String,
    /// Its text parts, joined by newlines.
    pub text: String,
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
