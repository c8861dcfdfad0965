//! The JSON schema.

use std::ops::Bound;

use serde_json::{Map, Value, json};
use toml::de::DeValue;

use crate::grammar::{Default, Key, Names, ROOT, Says, Shape, Table, Text, Variants};

/// The JSON schema (draft 2020-12) of the project file, for editors.
///
/// It accepts every file that is valid. It refuses unknown keys, wrong types and words, and values out of range; what
/// depends on several values at once is left to `yw check`.
pub fn json_schema() -> Value {
    let mut schema = table(&ROOT);
    schema.insert("$schema".into(), json!("https://json-schema.org/draft/2020-12/schema"));
    schema.insert("title".into(), json!("Yellowwood project file"));
    Value::Object(schema)
}

fn table(table: &Table) -> Map<String, Value> {
    let properties: Map<String, Value> = table.keys().map(|key| (key.name.to_owned(), property(key))).collect();
    let required: Vec<&str> = table.keys().filter(|k| k.default == Default::Required).map(|k| k.name).collect();
    object(json!({
        "type": "object",
        "description": table.doc,
        "properties": properties,
        "required": required,
        "additionalProperties": false,
    }))
}

fn property(key: &Key) -> Value {
    let mut schema = of(&key.shape);
    schema.insert("description".into(), json!(format!("{}\n\n`{}`", key.doc, key.example)));
    if let Default::Value(toml_value) = key.default
        && let Ok(value) = DeValue::parse(toml_value)
    {
        schema.insert("default".into(), to_json(value.get_ref()));
    }
    Value::Object(schema)
}

fn of(shape: &Shape) -> Map<String, Value> {
    match shape {
        Shape::Boolean => object(json!({ "type": "boolean" })),
        Shape::False => object(json!({ "const": false })),
        Shape::Integer(min, i64::MAX) => object(json!({ "type": "integer", "minimum": min })),
        Shape::Integer(min, max) => object(json!({ "type": "integer", "minimum": min, "maximum": max })),
        Shape::Number(min, max) => number(*min, *max),
        Shape::Dollars => object(json!({ "type": "number", "minimum": 0 })),
        Shape::Text(text) => string(*text),
        Shape::Word(words) => object(json!({ "enum": (words.all)() })),
        Shape::List(item, min, max) => {
            let mut list = object(json!({ "type": "array", "items": of(item), "minItems": min }));
            if *max < usize::MAX {
                list.insert("maxItems".into(), json!(max));
            }
            list
        }
        Shape::Table(inner) => table(inner),
        Shape::Map(map) => {
            let (min, max) = map.n_entries;
            let mut schema = object(json!({
                "type": "object",
                "additionalProperties": of(&map.value),
                "propertyNames": { "pattern": map.names.pattern() },
                "minProperties": min,
            }));
            if max < usize::MAX {
                schema.insert("maxProperties".into(), json!(max));
            }
            schema
        }
        Shape::Variants(variants) => any_of(variants_of(variants)),
        Shape::AnyOf(shapes) => any_of(shapes.iter().map(|s| Value::Object(of(s))).collect()),
    }
}

fn variants_of(variants: &Variants) -> Vec<Value> {
    let variant = |variant: &crate::grammar::Variant| {
        let mut schema = table(variant.table);
        if let (Says::Word(word), Some(sign)) = (variant.says, variant.signs.first()) {
            schema["properties"][sign] = json!({ "const": word });
        }
        Value::Object(schema)
    };
    variants.all.iter().map(variant).collect()
}

fn any_of(schemas: Vec<Value>) -> Map<String, Value> {
    object(json!({ "anyOf": schemas }))
}

fn number(min: Bound<f64>, max: Bound<f64>) -> Map<String, Value> {
    let mut schema = object(json!({ "type": "number" }));
    let (low, high) = match (min, max) {
        (Bound::Excluded(_), Bound::Excluded(_)) => ("exclusiveMinimum", "exclusiveMaximum"),
        (Bound::Excluded(_), _) => ("exclusiveMinimum", "maximum"),
        (_, Bound::Excluded(_)) => ("minimum", "exclusiveMaximum"),
        _ => ("minimum", "maximum"),
    };
    for (word, bound) in [(low, min), (high, max)] {
        if let Bound::Included(n) | Bound::Excluded(n) = bound {
            schema.insert(word.into(), json!(n));
        }
    }
    schema
}

fn string(text: Text) -> Map<String, Value> {
    object(match text {
        Text::Model => json!({ "type": "string", "pattern": Names::Models.pattern() }),
        Text::Url => json!({ "type": "string", "pattern": "^https?://[^@?#]+$" }),
        Text::Character => json!({ "type": "string", "minLength": 1, "maxLength": 1 }),
        Text::Name => json!({ "type": "string", "pattern": "^[A-Za-z0-9._-]{1,128}$" }),
        Text::Variable => json!({ "type": "string", "pattern": "^[A-Za-z_][A-Za-z0-9_]*$" }),
        Text::HeaderName => json!({ "type": "string", "pattern": Names::Headers.pattern() }),
        Text::Header => json!({ "type": "string", "pattern": "^[ -~]*[!-~][ -~]*$" }),
        Text::Rate => json!({ "type": "string", "pattern": "^\\s*\\$?[0-9_.]+\\s*(/\\s*[A-Za-z]+|\\s[A-Za-z ]+)$" }),
        Text::SplitBy => json!({ "type": "string", "pattern": "^(random|(time|group):.+)$" }),
        _ => json!({ "type": "string", "pattern": "\\S" }),
    })
}

/// A default of the grammar as JSON.
fn to_json(value: &DeValue<'_>) -> Value {
    match value {
        DeValue::String(text) => json!(text),
        DeValue::Boolean(boolean) => json!(boolean),
        DeValue::Integer(_) => json!(crate::syntax::integer(value)),
        DeValue::Float(_) => json!(crate::syntax::number(value)),
        DeValue::Datetime(time) => json!(time.to_string()),
        DeValue::Array(list) => list.iter().map(|v| to_json(v.get_ref())).collect(),
        DeValue::Table(table) => {
            let entry = |(key, value): (&toml::Spanned<_>, &toml::Spanned<_>)| {
                let name: &std::borrow::Cow<'_, str> = key.get_ref();
                (name.clone().into_owned(), to_json(value.get_ref()))
            };
            Value::Object(table.iter().map(entry).collect())
        }
    }
}

fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(map) => map,
        _ => Map::new(),
    }
}
