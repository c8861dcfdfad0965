//! The answer's shape, told to the model as a JSON schema and demanded of its reply.

use serde_json::{Map, Value as Json, json};
use yw_task::{Answer, AnswerKind, AnswerSpec, Field, FieldType, Value, parse_time};

/// Beyond these, providers refuse a list of choices in a schema (OpenAI: 1,000 values, or 15,000 bytes of them where there
/// are more than 250).
const MAX_CHOICES: usize = 250;

/// What a reply must look like: a JSON object with one key, or for JSON answers the object itself.
pub(crate) struct AnswerSchema {
    answer: AnswerSpec,
    key: String,
}

impl AnswerSchema {
    pub(crate) fn new(answer: AnswerSpec) -> Self {
        AnswerSchema { key: key_of(&answer.name), answer }
    }

    pub(crate) fn answer(&self) -> &AnswerSpec {
        &self.answer
    }

    /// The key that the answer has in replies, unless the answer is the object itself.
    pub(crate) fn key(&self) -> &str {
        &self.key
    }

    /// The JSON schema, in the subset that providers accept for strict output: every key required, no others allowed. None
    /// for objects of any form, which that subset cannot say.
    pub(crate) fn json_schema(&self) -> Option<Json> {
        let AnswerSpec { kind, labels, fields, .. } = &self.answer;
        let value = match kind {
            AnswerKind::Json if fields.is_empty() => return None,
            AnswerKind::Json => return Some(object_schema(fields.iter().map(|f| (&f.name, field_schema(f))))),
            AnswerKind::Label if labels.len() <= MAX_CHOICES => {
                json!({ "type": "string", "enum": labels.iter().map(|l| &**l).collect::<Vec<_>>() })
            }
            AnswerKind::Label | AnswerKind::Text => json!({ "type": "string" }),
            AnswerKind::Boolean => json!({ "type": "boolean" }),
            AnswerKind::Number => json!({ "type": "number" }),
        };
        Some(object_schema([(&self.key, value)]))
    }

    /// The reply that a right answer would be; what examples show.
    pub(crate) fn reply_of(&self, value: &Value) -> String {
        match value {
            Value::Json(object) => object.to_string(),
            other => json!({ &self.key: other.to_json() }).to_string(),
        }
    }

    /// The typed answer in a reply, or what is wrong with the reply, in words the model can act on.
    ///
    /// Servers without structured output let models wrap the object in prose or a code fence, or answer with the bare
    /// value; that is taken too.
    pub(crate) fn parse(&self, reply: &str) -> Result<Answer, String> {
        let text = without_fence(reply.trim());
        if text.is_empty() {
            return Err("the reply is empty".to_owned());
        }
        let is_json = self.answer.kind == AnswerKind::Json;
        match json_in(text) {
            Some(Json::Object(object)) if is_json => self.checked_object(object),
            Some(_) if is_json => Err("the reply must be a JSON object".to_owned()),
            Some(Json::Object(mut object)) => match object.remove(&self.key) {
                Some(value) => self.typed(value),
                None => Err(format!("the reply lacks the key \"{}\"", self.key)),
            },
            Some(bare) => self.typed(bare),
            None if is_json || text.starts_with('{') => Err("the reply is cut or broken JSON".to_owned()),
            None => self.typed(text.into()),
        }
    }

    fn typed(&self, value: Json) -> Result<Answer, String> {
        match (self.answer.kind, value) {
            (AnswerKind::Label, Json::String(text)) => self.label(&text),
            // Labels may look like numbers or booleans.
            (AnswerKind::Label, bare @ (Json::Number(_) | Json::Bool(_))) => self.label(&bare.to_string()),
            (AnswerKind::Boolean, Json::Bool(b)) => Ok(Answer::new(Value::Boolean(b))),
            (AnswerKind::Boolean, Json::String(text)) => match text.trim().to_ascii_lowercase().as_str() {
                "true" | "yes" => Ok(Answer::new(Value::Boolean(true))),
                "false" | "no" => Ok(Answer::new(Value::Boolean(false))),
                _ => Err(format!("\"{}\" must be true or false", self.key)),
            },
            (AnswerKind::Number, Json::Number(n)) => self.number(n.as_f64()),
            (AnswerKind::Number, Json::String(text)) => self.number(text.trim().parse().ok()),
            (AnswerKind::Text, Json::String(text)) => Ok(Answer::new(Value::Text(text))),
            (AnswerKind::Text, bare @ (Json::Number(_) | Json::Bool(_))) => {
                Ok(Answer::new(Value::Text(bare.to_string())))
            }
            (kind, _) => Err(format!("\"{}\" must be a {kind}", self.key)),
        }
    }

    /// The label as it is spelt, or else the only one that differs in case alone.
    fn label(&self, text: &str) -> Result<Answer, String> {
        let labels = &self.answer.labels;
        let wanted = text.trim();
        let found = labels.iter().find(|l| ***l == *wanted).or_else(|| {
            let lowercase = wanted.to_lowercase();
            let mut same = labels.iter().filter(|l| l.to_lowercase() == lowercase);
            same.next().filter(|_| same.next().is_none())
        });
        match found {
            Some(label) => Ok(Answer::new(Value::Label(label.clone()))),
            None => {
                let names: Vec<&str> = labels.iter().map(|l| &**l).collect();
                Err(format!("\"{}\" must be one of: {}", self.key, names.join(", ")))
            }
        }
    }

    fn number(&self, n: Option<f64>) -> Result<Answer, String> {
        match n.filter(|n| n.is_finite()) {
            Some(n) => Ok(Answer::new(Value::Number(n))),
            None => Err(format!("\"{}\" must be a finite number", self.key)),
        }
    }

    fn checked_object(&self, object: Map<String, Json>) -> Result<Answer, String> {
        for field in &self.answer.fields {
            let fits = match (field.field_type, object.get(&field.name)) {
                (_, None) => return Err(format!("the reply lacks the key \"{}\"", field.name)),
                (_, Some(Json::Null)) => true,
                (FieldType::Number, Some(v)) => v.is_number(),
                (FieldType::Boolean, Some(v)) => v.is_boolean(),
                (FieldType::Category | FieldType::Text, Some(v)) => v.is_string(),
                (FieldType::Time, Some(v)) => v.as_str().is_some_and(|text| parse_time(text).is_some()),
            };
            if !fits {
                return Err(format!("\"{}\" must be a {} or null", field.name, field.field_type));
            }
        }
        Ok(Answer::new(Value::Json(Json::Object(object))))
    }
}

/// The answer's name, unless it has characters that providers refuse in the keys of a schema.
fn key_of(name: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
    let is_key = (1..=64).contains(&name.len()) && name.chars().all(is_plain);
    if is_key { name.to_owned() } else { "answer".to_owned() }
}

fn object_schema<'a>(properties: impl IntoIterator<Item = (&'a String, Json)>) -> Json {
    let properties: Map<String, Json> = properties.into_iter().map(|(key, schema)| (key.clone(), schema)).collect();
    let required: Vec<&String> = properties.keys().collect();
    json!({ "type": "object", "required": required, "additionalProperties": false, "properties": properties })
}

fn field_schema(field: &Field) -> Json {
    let name = match field.field_type {
        FieldType::Number => "number",
        FieldType::Boolean => "boolean",
        FieldType::Category | FieldType::Text | FieldType::Time => "string",
    };
    json!({ "type": [name, "null"] })
}

/// The text as JSON, or else the object that stands in it.
fn json_in(text: &str) -> Option<Json> {
    let object = || {
        let (start, end) = (text.find('{')?, text.rfind('}')?);
        serde_json::from_str(text.get(start..=end)?).ok()
    };
    serde_json::from_str(text).ok().or_else(object)
}

/// The inside of a Markdown code fence, where the whole text is one.
fn without_fence(text: &str) -> &str {
    let Some(inside) = text.strip_prefix("```") else { return text };
    let inside = inside.strip_suffix("```").unwrap_or(inside);
    inside.split_once('\n').map_or(inside, |(_, body)| body).trim()
}

#[cfg(test)]
mod tests;
