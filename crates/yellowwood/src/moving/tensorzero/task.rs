//! A function as a task, in comments: what it would be with labelled rows.

use std::fmt::Write;

use serde_json::Value as Json;

use super::Context;
use super::functions::Variant;
use crate::moving::draft::{dollars, key, quoted};
use crate::moving::tree::Node;

/// The largest schema that is read.
const MAX_SCHEMA_BYTES: u64 = 1 << 20;

/// Adds the task to the draft, and says what of the function a route does not carry.
pub(super) fn remark(name: &str, function: &Node, variants: &[Variant<'_>], context: &mut Context<'_>) {
    let kind = function.text("type").unwrap_or("chat").to_owned();
    let question = function.text("description").unwrap_or("What should be answered?").to_owned();
    let input = input(function, context);
    let answer = answer(function, &kind, context);
    let names = context.draft.providers.names();
    let mut text = format!(
        "As a task, the variants of `{name}` can be compared on labelled rows: export them, then remove the marks.\n\
         [task.{}]\nquestion = {}\ninput = {{ {input} }}\nanswer = {{ {answer} }}\ntrain = {}\n",
        key(&safe(name)),
        one_line(&question),
        one_line(&format!("data/{}.jsonl", safe(name)))
    );
    let mut carries_prompts = false;
    for variant in variants {
        let candidate = candidate(variant, &names, &mut carries_prompts);
        if let Some(candidate) = candidate {
            let _ = write!(text, "[task.{}.candidate.{}]\n{candidate}", key(&safe(name)), key(&safe(variant.name)));
        }
    }
    context.draft.remarks.push(text);
    if carries_prompts {
        context.leave_at(
            function,
            "a route carries no prompts and parameters: clients send them, or ask the task at the end",
        );
    }
}

impl Context<'_> {
    /// Notes something about a table whose keys may yet be read or found unread.
    fn leave_at(&mut self, node: &Node, why: &str) {
        self.draft.left.push(crate::moving::left::Left::new(self.file, node, why));
    }
}

/// A name of a task or a candidate.
fn safe(name: &str) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() || matches!(c, '-' | '_') { c } else { '-' };
    let name: String = name.chars().take(64).map(plain).collect();
    if name.is_empty() || name == "baseline" { format!("{name}-0") } else { name }
}

/// A text in quotes, in one line.
fn one_line(text: &str) -> String {
    quoted(&text.split_whitespace().collect::<Vec<_>>().join(" "))
}

fn candidate(variant: &Variant<'_>, names: &[String], carries_prompts: &mut bool) -> Option<String> {
    let (node, target) = (variant.node, variant.targets.first()?);
    let mut text = format!("ask = {}\n", one_line(&format!("{}/{}", names[target.provider], target.model)));
    let is_dicl = node.text("type").is_some_and(|kind| kind.contains("in_context_learning"));
    let mut line = |key: &str, value: Option<String>| {
        if let Some(value) = value {
            *carries_prompts = true;
            let _ = writeln!(text, "{key} = {value}");
        }
    };
    // The newer way to name a template, then the older ones.
    let template = |role: &str| {
        let newer = node.get("templates").and_then(|t| t.get(role)).and_then(|t| t.text("path"));
        newer.or_else(|| node.text(&format!("{role}_template")))
    };
    let system = template("system").or_else(|| node.text("system_instructions"));
    line("system", system.map(one_line));
    line("prompt", template("user").map(one_line));
    if is_dicl {
        let k = node.number("k").unwrap_or(8.0).clamp(1.0, 1000.0);
        line("examples", Some(format!("{{ nearest = {k} }}")));
        node.text("embedding_model");
    }
    let temperature = node.number("temperature").filter(|t| (0.0..=2.0).contains(t));
    line("temperature", temperature.map(|t| format!("{t:?}")));
    let max_tokens = node.number("max_tokens").filter(|n| *n >= 1.0);
    line("max_tokens", max_tokens.map(dollars));
    Some(text)
}

/// The fields of the user's schema.
fn input(function: &Node, context: &Context<'_>) -> String {
    let newer = function.get("schemas").and_then(|s| s.get("user")).and_then(|s| s.text("path"));
    let schema = newer.or_else(|| function.text("user_schema")).and_then(|path| schema(path, context));
    let fields: Vec<String> = properties(schema.as_ref())
        .into_iter()
        .map(|(name, property)| format!("{} = {}", key(&name), quoted(field_type(&property))))
        .collect();
    if fields.is_empty() { "text = \"text\"".to_owned() } else { fields.join(", ") }
}

/// One typed answer: of a schema with one property, that; else an object.
fn answer(function: &Node, kind: &str, context: &Context<'_>) -> String {
    let schema = function.text("output_schema").and_then(|path| schema(path, context));
    if kind != "json" {
        return "answer = \"text\"".to_owned();
    }
    match properties(schema.as_ref()).as_slice() {
        [] => "answer = \"json\"".to_owned(),
        [(name, property)] if !is_nested(property) => {
            let answer_type = match field_type(property) {
                "category" => "label",
                other => other,
            };
            format!("{} = {}", key(name), quoted(answer_type))
        }
        many => {
            let field = |(name, property): &(String, Json)| {
                (!is_nested(property)).then(|| format!("{} = {}", key(name), quoted(field_type(property))))
            };
            let fields: Vec<String> = many.iter().filter_map(field).collect();
            // Objects in objects are beyond what an answer says of its fields.
            if fields.len() < many.len() {
                "answer = \"json\"".to_owned()
            } else {
                format!("answer = {{ {} }}", fields.join(", "))
            }
        }
    }
}

fn is_nested(property: &Json) -> bool {
    matches!(property["type"].as_str(), Some("object" | "array") | None) && property["enum"].is_null()
}

fn field_type(property: &Json) -> &'static str {
    match property["type"].as_str() {
        Some("number" | "integer") => "number",
        Some("boolean") => "boolean",
        _ if property["enum"].is_array() => "category",
        _ => "text",
    }
}

/// The properties of a schema in its order.
fn properties(schema: Option<&Json>) -> Vec<(String, Json)> {
    let properties = schema.and_then(|schema| schema["properties"].as_object());
    properties.map_or_else(Vec::new, |map| map.iter().map(|(name, value)| (name.clone(), value.clone())).collect())
}

/// A schema beside the settings; none if it is not there or no JSON.
fn schema(path: &str, context: &Context<'_>) -> Option<Json> {
    let path = context.folder.join(path);
    let small = std::fs::metadata(&path).is_ok_and(|meta| meta.is_file() && meta.len() <= MAX_SCHEMA_BYTES);
    let bytes = small.then(|| std::fs::read(&path).ok()).flatten()?;
    serde_json::from_slice(&bytes).ok()
}
