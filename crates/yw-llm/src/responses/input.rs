//! What a client says: items to messages.

use super::fields::{Fields, Path};
use super::tree::Tree;
use super::{media, reasoning};
use crate::{CacheTime, Message, Part, RequestError, Role, ToolCall, ToolResult};

/// The conversation of a request, as far as it was read.
#[derive(Debug, Default)]
pub(super) struct Conversation {
    /// The instructions, in their order, wherever among the items they stood: other dialects know them at the top only.
    pub(super) system: Vec<Part>,
    pub(super) messages: Vec<Message>,
    /// As in [`ClientRequest::dropped`](crate::ClientRequest::dropped).
    pub(super) dropped: Vec<&'static str>,
}

impl Conversation {
    /// Reads the `input` of a request.
    pub(super) fn read(&mut self, path: &Path<'_>, input: Tree<'_>) -> Result<(), RequestError> {
        match input {
            Tree::Text(text) => {
                self.messages.push(Message::user(text));
                Ok(())
            }
            Tree::List(items) => {
                items.into_iter().enumerate().try_for_each(|(idx, item)| self.read_item(Path::Item(path, idx), item))
            }
            _ => Err(path.refuse("must be a string or an array of items")),
        }
    }

    fn read_item(&mut self, path: Path<'_>, item: Tree<'_>) -> Result<(), RequestError> {
        let kind = item.get("type").and_then(Tree::as_str).unwrap_or_default();
        if kind == "reasoning" {
            let thoughts = reasoning::read_item(&item.to_value()).map(Part::Reasoning);
            self.turn_of_assistant().extend(thoughts);
            return Ok(());
        }
        let is_message = kind == "message" || kind.is_empty() && item.get("role").is_some();
        let kind = kind.to_owned();
        let mut item = Fields::of(path, item)?;
        match kind.as_str() {
            _ if is_message => self.read_message(item),
            "function_call" => {
                let call = ToolCall {
                    id: item.required_text("call_id")?,
                    name: item.required_text("name")?,
                    arguments: item.required_text("arguments")?,
                };
                self.turn_of_assistant().push(Part::ToolCall(call));
                Ok(())
            }
            "function_call_output" => self.read_result(item),
            "" | "item_reference" => Err(item.path.refuse(
                "refers to an item that the provider stored, which cannot be had here; send the item itself instead",
            )),
            other => Err(item.path.refuse(format_args!(
                "is an item of type `{other}`, which only OpenAI's own models understand; leave it out, or ask a model \
                 of a provider that speaks the responses dialect"
            ))),
        }
    }

    fn read_message(&mut self, mut item: Fields<'_, '_>) -> Result<(), RequestError> {
        let role = item.required_text("role")?;
        let content = item.take("content").unwrap_or_default();
        let mut content = self.read_content(item.at("content"), content)?;
        match role.as_str() {
            "user" => self.turn_of_user().extend(content),
            "assistant" => {
                // An answer that consists of calls may come with an empty text, which other providers refuse.
                content.retain(|part| !matches!(part, Part::Text(text) if text.is_empty()));
                self.start_text_of_assistant().extend(content);
            }
            "system" | "developer" => {
                if !content.iter().all(|part| matches!(part, Part::Text(_) | Part::CachePoint(_))) {
                    return Err(item.at("content").refuse("must be text, since it instructs the model"));
                }
                self.system.extend(content);
            }
            other => {
                let problem = format!("is `{other}`; it must be user, assistant, system or developer");
                return Err(item.at("role").refuse(problem));
            }
        }
        Ok(())
    }

    fn read_result(&mut self, mut item: Fields<'_, '_>) -> Result<(), RequestError> {
        let call_id = item.required_text("call_id")?;
        let output = item.take("output").unwrap_or_default();
        let mut content = self.read_content(item.at("output"), output)?;
        content.retain(|part| !matches!(part, Part::Text(text) if text.is_empty()));
        let result = ToolResult { call_id, content, is_error: false };
        self.turn_of_user().push(Part::ToolResult(result));
        Ok(())
    }

    fn read_content(&mut self, path: Path<'_>, content: Tree<'_>) -> Result<Vec<Part>, RequestError> {
        match content {
            Tree::Text(text) => Ok(vec![Part::Text(text.into_owned())]),
            Tree::List(parts) => {
                let mut content = Vec::with_capacity(parts.len());
                for (idx, part) in parts.into_iter().enumerate() {
                    self.read_part(Fields::of(Path::Item(&path, idx), part)?, &mut content)?;
                }
                Ok(content)
            }
            _ => Err(path.refuse("must be a string or an array of parts")),
        }
    }

    fn read_part(&mut self, mut part: Fields<'_, '_>, content: &mut Vec<Part>) -> Result<(), RequestError> {
        let kind = part.required_text("type")?;
        content.push(match kind.as_str() {
            // `text` is the name that chat completions have for it.
            "input_text" | "output_text" | "text" => Part::Text(part.required_text("text")?),
            "refusal" => Part::Text(part.required_text("refusal")?),
            "input_image" => {
                if part.text("detail")?.is_some_and(|detail| detail != "auto") {
                    self.drop("input_image.detail");
                }
                Part::Image(media::read_image(&mut part)?)
            }
            "input_file" => Part::Document(media::read_file(&mut part)?),
            "input_audio" => Part::Audio(media::read_audio(&mut part)?),
            other => {
                let problem = format!("is `{other}`, which cannot be said to a provider of another dialect");
                return Err(part.at("type").refuse(problem));
            }
        });
        if let Some(mark) = part.take("prompt_cache_breakpoint") {
            let is_long = mark.get("ttl").and_then(Tree::as_str) == Some("12h");
            content.push(Part::CachePoint(if is_long { CacheTime::Hour } else { CacheTime::Short }));
        }
        Ok(())
    }

    fn drop(&mut self, name: &'static str) {
        if !self.dropped.contains(&name) {
            self.dropped.push(name);
        }
    }

    /// The parts of the model's turn: thoughts, texts and calls that follow each other are one.
    fn turn_of_assistant(&mut self) -> &mut Vec<Part> {
        self.turn(Role::Assistant, |_| true)
    }

    /// The same, for a text: two texts in a row are two messages, unless a call came before, whose turn must not end
    /// before its result.
    fn start_text_of_assistant(&mut self) -> &mut Vec<Part> {
        self.turn(Role::Assistant, |turn| {
            !matches!(turn.last(), Some(Part::Text(_))) || turn.iter().any(|part| matches!(part, Part::ToolCall(_)))
        })
    }

    /// The parts of the user's turn: results of calls are one turn with what is said after them, while two messages stay
    /// two.
    fn turn_of_user(&mut self) -> &mut Vec<Part> {
        self.turn(Role::User, |turn| turn.iter().all(|part| matches!(part, Part::ToolResult(_))))
    }

    fn turn(&mut self, role: Role, goes_on: impl Fn(&[Part]) -> bool) -> &mut Vec<Part> {
        let is_open = self.messages.last().is_some_and(|turn| turn.role == role && goes_on(&turn.content));
        if !is_open {
            self.messages.push(Message { role, content: Vec::new() });
        }
        let last = self.messages.len() - 1;
        &mut self.messages[last].content
    }
}
