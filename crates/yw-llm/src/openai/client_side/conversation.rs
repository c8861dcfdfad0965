//! The messages of a client.

use serde::Deserialize;
use serde_json::Value;

use super::content::{parts, texts};
use crate::client::fields::Fields;
use crate::lenient::Obj;
use crate::openai::wire::ReasoningDetail;
use crate::{Message, Part, Reasoning, RequestError, Role, ToolCall, ToolResult};

/// The conversation as far as it was read.
///
/// The dialect lets instructions stand anywhere; the common request has them above the conversation, so they are moved
/// there in their order.
#[derive(Debug, Default)]
pub(super) struct Conversation {
    pub(super) system: Vec<Part>,
    pub(super) messages: Vec<Message>,
    /// What was understood and is lost.
    pub(super) dropped: Vec<String>,
    /// Whether the last message holds results of tools, so that what the user says next belongs to it.
    after_tools: bool,
    /// The id of the last call of a function, in the form before there were tools, which has no ids.
    last_function: Option<String>,
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
        for message in messages {
            conversation.read(message)?;
        }
        Ok(conversation)
    }

    fn read(&mut self, mut wire: Fields) -> Result<(), RequestError> {
        let after_tools = std::mem::take(&mut self.after_tools);
        let role = wire.required_text("role")?;
        if role != "function" && wire.take("name").is_some() {
            self.drop("name");
        }
        match role.as_str() {
            "system" | "developer" => {
                self.system.extend(texts(&mut wire, &mut self.dropped)?);
                self.after_tools = after_tools;
            }
            "user" => {
                let content = parts(&mut wire, &mut self.dropped)?;
                self.push_user(content, after_tools);
            }
            "assistant" => self.read_assistant(wire)?,
            "tool" => {
                let call_id = wire.required_text("tool_call_id")?;
                let content = parts(&mut wire, &mut self.dropped)?;
                self.push_result(call_id, content, after_tools);
            }
            "function" => {
                let name = wire.required_text("name")?;
                let call_id = self.last_function.clone().unwrap_or_else(|| format!("call_{name}"));
                let content = parts(&mut wire, &mut self.dropped)?;
                self.push_result(call_id, content, after_tools);
            }
            other => {
                let message = format!("`{other}` is no role: use system, developer, user, assistant or tool");
                return Err(wire.error("role", message));
            }
        }
        Ok(())
    }

    fn drop(&mut self, name: &str) {
        if !self.dropped.iter().any(|dropped| dropped == name) {
            self.dropped.push(name.to_owned());
        }
    }

    fn push_user(&mut self, content: Vec<Part>, join: bool) {
        match self.messages.last_mut() {
            Some(last) if join => last.content.extend(content),
            _ => self.messages.push(Message { role: Role::User, content }),
        }
    }

    /// A mark of the cache inside a result stands behind it.
    fn push_result(&mut self, call_id: String, mut content: Vec<Part>, join: bool) {
        let cache_point = match content.last() {
            Some(Part::CachePoint(_)) => content.pop(),
            _ => None,
        };
        content.retain(|part| !matches!(part, Part::CachePoint(_)));
        let result = Part::ToolResult(ToolResult { call_id, content, is_error: false });
        self.push_user([result].into_iter().chain(cache_point).collect(), join);
        self.after_tools = true;
    }

    fn read_assistant(&mut self, mut wire: Fields) -> Result<(), RequestError> {
        if wire.has("audio") {
            return Err(
                wire.error("audio", "earlier sound cannot be given to a provider of another dialect: give its text")
            );
        }
        let mut content = reasoning(&mut wire)?;
        content.extend(texts(&mut wire, &mut self.dropped)?);
        content.extend(wire.text("refusal")?.filter(|text| !text.is_empty()).map(Part::Text));
        for call in wire.objects("tool_calls")? {
            content.push(Part::ToolCall(tool_call(call)?));
        }
        if let Some(mut function) = wire.object("function_call")? {
            let id = format!("call_{}", self.messages.len());
            self.last_function = Some(id.clone());
            let (name, arguments) = (function.required_text("name")?, function.text_or_empty("arguments")?);
            content.push(Part::ToolCall(ToolCall { id, name, arguments }));
        }
        self.messages.push(Message { role: Role::Assistant, content });
        Ok(())
    }
}

fn tool_call(mut call: Fields) -> Result<ToolCall, RequestError> {
    if let Some(kind) = call.text("type")?.filter(|kind| kind != "function") {
        let message = format!("calls of type `{kind}` cannot be given to a provider of another dialect");
        return Err(call.error("type", message));
    }
    let id = call.required_text("id")?;
    let missing = call.error("function", "the function is missing: give its name and arguments");
    let mut function = call.object("function")?.ok_or(missing)?;
    Ok(ToolCall { id, name: function.required_text("name")?, arguments: function.text_or_empty("arguments")? })
}

/// Earlier thoughts: with what providers want back where `reasoning_details` has it, else the text.
fn reasoning(wire: &mut Fields) -> Result<Vec<Part>, RequestError> {
    let details = wire.take("reasoning_details");
    let plain = wire.text("reasoning_content")?.or(wire.text("reasoning")?);
    let Some(Value::Array(details)) = details else {
        let thoughts = plain.filter(|text| !text.is_empty());
        return Ok(thoughts
            .map(|text| Part::Reasoning(Reasoning { text, ..Reasoning::default() }))
            .into_iter()
            .collect());
    };
    let mut parts = Vec::new();
    for detail in details {
        // `Obj` takes any JSON, so this cannot fail.
        let detail = Obj::<ReasoningDetail<'_>>::deserialize(&detail).unwrap_or_default().0;
        let detail = detail.map(|detail| detail.into_reasoning());
        let is_something = |detail: &Reasoning| !detail.text.is_empty() || detail.signature.is_some();
        parts.extend(detail.filter(is_something).map(Part::Reasoning));
    }
    Ok(parts)
}
