//! What reading a request has in common, whatever the dialect.

use serde_json::Value;

use crate::request::{ChatMessage, Tool};

/// A message in the making.
#[derive(Debug, Default)]
pub(super) struct Draft {
    texts: Vec<String>,
    extras: Vec<String>,
}

impl Draft {
    pub(super) fn text(&mut self, text: &Value) {
        self.texts.extend(text.as_str().map(str::to_owned));
    }

    pub(super) fn extra(&mut self, extra: String) {
        self.extras.push(extra);
    }

    /// A call with its arguments, which are text or an object.
    pub(super) fn call(&mut self, name: &Value, arguments: &Value) {
        let arguments = match arguments {
            Value::String(text) => serde_json::from_str(text).unwrap_or_else(|_| arguments.clone()),
            object => object.clone(),
        };
        self.extra(format!("call {} {}", name.as_str().unwrap_or("?"), sorted(&arguments)));
    }

    pub(super) fn reasoning(&mut self, text: &Value) {
        self.extra(format!("reasoning {}", text.as_str().unwrap_or("?")));
    }

    /// Something given by its address, which may hold it whole.
    pub(super) fn address(&mut self, kind: &str, url: &Value) {
        let url = url.as_str().unwrap_or("?");
        match url.strip_prefix("data:").and_then(|u| u.split_once(";base64,")) {
            Some((media_type, data)) => self.extra(format!("{kind} {media_type} {}", data.len())),
            None => self.extra(format!("{kind} {url}")),
        }
    }

    /// Something given as base64.
    pub(super) fn data(&mut self, kind: &str, media_type: &str, data: &Value) {
        self.extra(format!("{kind} {media_type} {}", data.as_str().unwrap_or_default().len()));
    }

    pub(super) fn is_empty(&self) -> bool {
        self.texts.is_empty() && self.extras.is_empty()
    }

    pub(super) fn finish(self, role: &str) -> ChatMessage {
        ChatMessage { role: role.to_owned(), text: self.texts.join("\n"), extras: self.extras }
    }
}

/// The image or document that a media type belongs to.
pub(super) fn kind_of(media_type: &str) -> &'static str {
    match media_type.split('/').next() {
        Some("image") => "image",
        Some("audio") => "audio",
        Some("video") => "video",
        _ => "document",
    }
}

/// The parts of a content that is a list; a bare string counts as one text.
pub(super) fn parts(content: &Value) -> &[Value] {
    match content {
        Value::Array(parts) => parts,
        Value::Null => &[],
        single => std::slice::from_ref(single),
    }
}

/// The text of a content that is a string or a list of parts.
pub(super) fn text_of(content: &Value) -> String {
    match content {
        Value::String(text) => text.clone(),
        Value::Array(parts) => {
            let texts = parts.iter().filter_map(|p| p.get("text").and_then(Value::as_str));
            texts.collect::<Vec<_>>().join("\n")
        }
        _ => String::new(),
    }
}

/// Adds to a system prompt that may come in several messages.
pub(super) fn add_system(system: &mut String, text: String) {
    match system.is_empty() {
        true => *system = text,
        false => *system = format!("{system}\n{text}"),
    }
}

/// The tools of a list, by what holds each one's name and schema.
pub(super) fn tools(list: &Value, read: impl Fn(&Value) -> Option<(&Value, &Value)>) -> Result<Vec<Tool>, String> {
    let tool = |entry: &Value| {
        let (name, schema) = read(entry).ok_or_else(|| format!("tools: cannot read {entry}"))?;
        let name = name.as_str().ok_or("tools: expected a name")?.to_owned();
        Ok(Tool { name, schema: schema.clone() })
    };
    list.as_array().into_iter().flatten().map(tool).collect()
}

/// Texts of a list, or a single one.
pub(super) fn strings(value: &Value) -> Vec<String> {
    parts(value).iter().filter_map(Value::as_str).map(str::to_owned).collect()
}

/// The value with the keys of its objects in order, so that two that mean the same are written the same.
fn sorted(value: &Value) -> Value {
    match value {
        Value::Object(map) => {
            let mut entries: Vec<(&String, &Value)> = map.iter().collect();
            entries.sort_unstable_by_key(|(key, _)| key.as_str());
            entries.into_iter().map(|(key, inner)| (key.clone(), sorted(inner))).collect()
        }
        Value::Array(items) => items.iter().map(sorted).collect(),
        other => other.clone(),
    }
}
