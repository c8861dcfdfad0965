//! Values that fit a JSON schema, or just do not.
//!
//! Only what structured output uses is understood: `type`, `enum`, `const`, `properties`, `required`, `anyOf`, `items`.

use serde_json::{Map, Value, json};

use crate::reply::ToolCall;
use crate::request::{ChatRequest, Tool, ToolChoice};
use crate::rng::{self, Rng};

/// What stands in place of a label that no schema allows.
pub(crate) const WRONG_LABEL: &str = "no-such-label";

/// `answer` as the content of a reply to a request with this schema.
pub(crate) fn fit(schema: Option<&Value>, answer: &Value) -> String {
    match (schema, answer) {
        (None, Value::String(text)) => text.clone(),
        (None, _) | (Some(_), Value::Object(_)) => answer.to_string(),
        (Some(schema), _) => match answer_property(schema, Some(answer)) {
            Some(name) => with_property(schema, name, answer.clone()).to_string(),
            None => answer.to_string(),
        },
    }
}

/// Content of the right shape whose answer the schema does not allow.
pub(crate) fn violate(schema: Option<&Value>) -> String {
    let Some(schema) = schema else { return WRONG_LABEL.to_owned() };
    match answer_property(schema, None) {
        Some(name) => {
            let wrong =
                if accepts(property(schema, name), &json!(WRONG_LABEL)) { json!(0) } else { json!(WRONG_LABEL) };
            with_property(schema, name, wrong).to_string()
        }
        None => json!(WRONG_LABEL).to_string(),
    }
}

/// A call of the tool with arguments that fit its schema, decided by the seed and the question.
pub(crate) fn guess_call(request: &ChatRequest, tool: &Tool, seed: u64) -> ToolCall {
    ToolCall { name: tool.name.clone(), arguments: guess_for(request, &tool.schema, seed) }
}

/// The call that the request demands of an answer that has none.
pub(crate) fn demanded_call(request: &ChatRequest) -> Option<ToolCall> {
    let is_demanded = request.tool_choice == ToolChoice::Required;
    request.tools.first().filter(|_| is_demanded).map(|tool| guess_call(request, tool, 0))
}

/// An answer that fits the request's schema, decided by the seed and the question.
pub(crate) fn guess(request: &ChatRequest, seed: u64) -> Value {
    match &request.schema {
        Some(schema) => guess_for(request, schema, seed),
        None => json!("I cannot say."),
    }
}

fn guess_for(request: &ChatRequest, schema: &Value, seed: u64) -> Value {
    let mut rng = Rng::new(rng::hash([seed.to_le_bytes().as_slice(), request.question().as_bytes()]));
    fill(&inline(schema, schema, 0), &mut |choices| rng.below(choices))
}

/// The schema with its `$ref`s replaced by what they refer to; recursive ones end as anything.
fn inline(schema: &Value, root: &Value, depth: usize) -> Value {
    const MAX_DEPTH: usize = 16;
    match schema {
        _ if depth > MAX_DEPTH => Value::Null,
        Value::Object(map) => match map.get("$ref").and_then(Value::as_str).and_then(|r| r.strip_prefix('#')) {
            Some(pointer) => inline(root.pointer(pointer).unwrap_or(&Value::Null), root, depth + 1),
            None => map
                .iter()
                .filter(|(key, _)| *key != "$defs")
                .map(|(key, inner)| (key.clone(), inline(inner, root, depth + 1)))
                .collect(),
        },
        Value::Array(items) => items.iter().map(|inner| inline(inner, root, depth + 1)).collect(),
        other => other.clone(),
    }
}

/// The property that carries the answer: one that has the answer among its choices, else one that takes it, else the
/// first. Without an answer, one that has choices, else the first.
fn answer_property<'a>(schema: &'a Value, answer: Option<&Value>) -> Option<&'a str> {
    let properties = schema.get("properties")?.as_object()?;
    let find = |carries: &dyn Fn(&Value) -> bool| properties.iter().find(|(_, of)| carries(of));
    let chosen = |of: &Value| choices(of).is_some_and(|c| answer.is_none_or(|a| c.contains(a)));
    let taken = |of: &Value| answer.is_some_and(|a| accepts(of, a));
    find(&chosen).or_else(|| find(&taken)).or_else(|| properties.iter().next()).map(|(name, _)| name.as_str())
}

fn property<'a>(schema: &'a Value, name: &str) -> &'a Value {
    schema.get("properties").and_then(|p| p.get(name)).unwrap_or(&Value::Null)
}

/// An object with this property and harmless values for the other required ones, in the schema's order.
fn with_property(schema: &Value, name: &str, value: Value) -> Value {
    let empty = Map::new();
    let properties = schema.get("properties").and_then(Value::as_object).unwrap_or(&empty);
    let wanted = properties.iter().filter(|(other, _)| *other == name || is_required(schema, other));
    let fill_in = |(other, of): (&String, &Value)| {
        let inner = if other == name { value.clone() } else { fill(of, &mut |_| 0) };
        (other.clone(), inner)
    };
    Value::Object(wanted.map(fill_in).collect())
}

fn is_required(schema: &Value, name: &str) -> bool {
    schema.get("required").and_then(Value::as_array).is_some_and(|r| r.iter().any(|n| n == name))
}

fn choices(schema: &Value) -> Option<&Vec<Value>> {
    schema.get("enum").and_then(Value::as_array).filter(|c| !c.is_empty())
}

/// Whether the schema's type and choices allow the value.
fn accepts(schema: &Value, value: &Value) -> bool {
    if let Some(choices) = choices(schema) {
        return choices.contains(value);
    }
    if let Some(any) = schema.get("anyOf").and_then(Value::as_array) {
        return any.iter().any(|s| accepts(s, value));
    }
    let is = |name: &str| match name {
        "string" => value.is_string(),
        "number" => value.is_number(),
        "integer" => value.is_i64() || value.is_u64(),
        "boolean" => value.is_boolean(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        _ => value.is_null(),
    };
    match schema.get("type") {
        Some(Value::String(name)) => is(name),
        Some(Value::Array(names)) => names.iter().filter_map(Value::as_str).any(is),
        _ => true,
    }
}

/// A value that fits; `choose` picks one of n possibilities.
fn fill(schema: &Value, choose: &mut dyn FnMut(usize) -> usize) -> Value {
    if let Some(value) = schema.get("const") {
        return value.clone();
    }
    if let Some(choices) = choices(schema) {
        return choices[choose(choices.len())].clone();
    }
    if let Some(first) = schema.get("anyOf").and_then(|any| any.get(0)) {
        return fill(first, choose);
    }
    let name = match schema.get("type") {
        Some(Value::Array(names)) => names.first().and_then(Value::as_str),
        other => other.and_then(Value::as_str),
    };
    match name.unwrap_or("object") {
        "string" => json!("because"),
        "number" | "integer" => json!(choose(10)),
        "boolean" => json!(choose(2) == 1),
        "array" => json!([]),
        "null" => Value::Null,
        _ => {
            let properties = schema.get("properties").and_then(Value::as_object);
            let filled = properties.into_iter().flatten().map(|(name, of)| (name.clone(), fill(of, choose)));
            Value::Object(filled.collect())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn triage() -> Value {
        json!({
            "type": "object",
            "properties": { "reason": { "type": "string" }, "team": { "type": "string", "enum": ["app", "web"] } },
            "required": ["reason", "team"],
            "additionalProperties": false,
        })
    }

    #[test]
    fn a_bare_answer_finds_its_property() {
        // `reason` would take the string too, and comes first.
        assert_eq!(fit(Some(&triage()), &json!("web")), r#"{"reason":"because","team":"web"}"#);
        assert_eq!(fit(Some(&triage()), &json!({ "team": "app" })), r#"{"team":"app"}"#);
        assert_eq!(fit(None, &json!("web")), "web");
        assert_eq!(fit(None, &json!(2.5)), "2.5");
    }

    #[test]
    fn an_answer_that_is_no_choice_goes_where_its_type_fits() {
        let number = json!({ "properties": { "why": { "type": "string" }, "price": { "type": "number" } } });
        assert_eq!(fit(Some(&number), &json!(2.5)), r#"{"price":2.5}"#);
    }

    #[test]
    fn references_are_followed() {
        let schema = json!({
            "$defs": { "Step": { "type": "object", "properties": { "n": { "const": 7 } } } },
            "type": "object",
            "properties": { "step": { "$ref": "#/$defs/Step" } },
        });
        assert_eq!(fill(&inline(&schema, &schema, 0), &mut |_| 0), json!({ "step": { "n": 7 } }));
    }

    #[test]
    fn violations_keep_the_shape() {
        assert_eq!(violate(Some(&triage())), r#"{"reason":"because","team":"no-such-label"}"#);
        let text = json!({ "type": "object", "properties": { "answer": { "type": "string" } } });
        assert_eq!(violate(Some(&text)), r#"{"answer":0}"#);
        let number = json!({ "type": "object", "properties": { "answer": { "type": "number" } } });
        assert_eq!(violate(Some(&number)), r#"{"answer":"no-such-label"}"#);
    }
}
