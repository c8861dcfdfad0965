//! The messages of a client.

use super::blocks::blocks;
use crate::client::fields::Fields;
use crate::{Message, Part, RequestError, Role};

/// The conversation of a request.
///
/// Newer models let instructions stand between the messages; the common request has them above the conversation, so they
/// are moved there in their order.
#[derive(Debug, Default)]
pub(super) struct Conversation {
    pub(super) system: Vec<Part>,
    pub(super) messages: Vec<Message>,
    /// What was understood and is lost.
    pub(super) dropped: Vec<String>,
}

impl Conversation {
    pub(super) fn decode(body: &mut Fields) -> Result<Self, RequestError> {
        if !body.has("messages") {
            return Err(body.error("messages", "`messages` is missing: give a list of messages"));
        }
        let messages = body.objects("messages")?;
        if messages.is_empty() {
            return Err(body.error("messages", "`messages` is empty: give at least one message"));
        }
        let mut conversation = Conversation::default();
        for mut message in messages {
            let role = match message.required_text("role")?.as_str() {
                "user" => Role::User,
                "assistant" => Role::Assistant,
                "system" => {
                    conversation.system.extend(texts(&mut message, "content")?);
                    continue;
                }
                other => return Err(message.error("role", format!("`{other}` is no role: use user or assistant"))),
            };
            let content = blocks(&mut message, "content", &mut conversation.dropped)?;
            conversation.messages.push(Message { role, content });
        }
        Ok(conversation)
    }
}

/// The instructions at the top: a string, or blocks of text.
pub(super) fn system(body: &mut Fields) -> Result<Vec<Part>, RequestError> {
    texts(body, "system")
}

fn texts(fields: &mut Fields, key: &str) -> Result<Vec<Part>, RequestError> {
    let path = fields.at(key);
    let parts = blocks(fields, key, &mut Vec::new())?;
    match parts.iter().all(|part| matches!(part, Part::Text(_) | Part::CachePoint(_))) {
        true => Ok(parts),
        false => Err(RequestError::at(path, "only texts may stand here: move the rest to a message of the user")),
    }
}
