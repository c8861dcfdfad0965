use std::borrow::Cow;
use std::ops::Range;

use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;
use yw_task::Dialect;

use crate::client::RequestError;
use crate::lenient::{Flag, Num, Obj};

/// What is known of a request that passes through.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Peek<'a> {
    /// The model, as the client names it.
    pub model: Cow<'a, str>,
    /// Where in the body the model stands, quotes included.
    pub model_span: Range<usize>,
    /// Whether the answer is to be a stream.
    pub stream: bool,
    /// The most tokens that the client lets the model write.
    pub max_tokens: Option<u32>,
    /// How many answers the client wants at once; 1 where it does not say.
    pub n_answers: u32,
    /// Whether a stream will end with its usage without being asked to: the client asked itself, or the dialect always
    /// tells it.
    pub has_stream_usage: bool,
    /// Whether an earlier answer of the provider is part of the question (`previous_response_id` or `conversation` of the
    /// responses dialect), so that only the provider that gave it can answer.
    pub continues: bool,
    /// How to ask for the usage: what to write where.
    usage_edit: Option<(Range<usize>, &'static str)>,
}

impl Peek<'_> {
    /// The same without a borrow of the body.
    pub fn into_owned(self) -> Peek<'static> {
        Peek { model: self.model.into_owned().into(), ..self }
    }
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Body<'a> {
    #[serde(borrow)]
    model: Option<&'a RawValue>,
    stream: Flag,
    max_tokens: Num,
    max_completion_tokens: Num,
    max_output_tokens: Num,
    n: Num,
    #[serde(borrow, deserialize_with = "even_null")]
    stream_options: Option<&'a RawValue>,
    #[serde(borrow)]
    previous_response_id: Option<&'a RawValue>,
    #[serde(borrow)]
    conversation: Option<&'a RawValue>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct StreamOptions<'a> {
    #[serde(borrow, deserialize_with = "even_null")]
    include_usage: Option<&'a RawValue>,
}

/// A field that is there, be it `null`.
fn even_null<'de: 'a, 'a, D: Deserializer<'de>>(deserializer: D) -> Result<Option<&'a RawValue>, D::Error> {
    <&RawValue>::deserialize(deserializer).map(Some)
}

/// Looks at a request that a client sent in `dialect`, in one pass and without copying it.
///
/// # Errors
/// The body is not a JSON object, has no model, or says one of the fields above twice.
pub fn peek_request(dialect: Dialect, body: &[u8]) -> Result<Peek<'_>, RequestError> {
    let not_json = |error| RequestError::new(format!("the body is not valid JSON: {error}"));
    let fields = serde_json::from_slice::<Obj<Body<'_>>>(body).map_err(not_json)?.0;
    let fields = fields.ok_or_else(|| RequestError::new("the body must be a JSON object"))?;
    let raw_model = fields.model.filter(|raw| !is_null(raw));
    let raw_model = raw_model.ok_or_else(|| RequestError::at("model", "`model` is missing: name a model"))?;
    let model = string(raw_model).ok_or_else(|| RequestError::at("model", "`model` must be a string"))?;
    let model_span = span(body, raw_model);
    // Whichever of them a provider goes by: the highest bounds them all.
    let limit = fields.max_completion_tokens.0.max(fields.max_output_tokens.0).max(fields.max_tokens.0);
    let usage_edit = match dialect {
        Dialect::OpenAi => usage_edit(body, model_span.end, fields.stream_options),
        _ => None,
    };
    let is_there = |raw: Option<&RawValue>| raw.is_some_and(|raw| !is_null(raw));
    Ok(Peek {
        model,
        model_span,
        stream: fields.stream.0,
        max_tokens: limit.map(|limit| u32::try_from(limit).unwrap_or(u32::MAX)),
        n_answers: fields.n.0.map_or(1, |n| u32::try_from(n).unwrap_or(u32::MAX)),
        has_stream_usage: usage_edit.is_none(),
        continues: is_there(fields.previous_response_id) || is_there(fields.conversation),
        usage_edit,
    })
}

/// The body with another model, every other byte the same.
pub fn replace_model(body: &[u8], peek: &Peek<'_>, model: &str) -> Vec<u8> {
    rewrite_request(body, peek, Some(model), false)
}

/// The body of a chat completion's request asking for the usage at the end of its stream, every other byte the same. The
/// body itself where that goes without saying: see [`Peek::has_stream_usage`].
pub fn ask_for_usage(body: &[u8], peek: &Peek<'_>) -> Vec<u8> {
    rewrite_request(body, peek, None, true)
}

/// [`replace_model`] and [`ask_for_usage`] in one copy. `peek` must be of this body; usage is asked for in streams only.
pub fn rewrite_request(body: &[u8], peek: &Peek<'_>, model: Option<&str>, asks_for_usage: bool) -> Vec<u8> {
    let mut edits: Vec<(Range<usize>, Cow<'_, [u8]>)> = Vec::with_capacity(2);
    if let Some(model) = model {
        let mut json = Vec::with_capacity(model.len() + 2);
        crate::json::write_json(&mut json, model);
        edits.push((peek.model_span.clone(), json.into()));
    }
    if let (true, true, Some((range, text))) = (asks_for_usage, peek.stream, &peek.usage_edit) {
        edits.push((range.clone(), text.as_bytes().into()));
    }
    edits.sort_by_key(|(range, _)| (range.start, range.end));
    let n_more: usize = edits.iter().map(|(_, text)| text.len()).sum();
    let mut rewritten = Vec::with_capacity(body.len() + n_more);
    let mut copied = 0;
    for (range, text) in edits {
        rewritten.extend_from_slice(body.get(copied..range.start).unwrap_or_default());
        rewritten.extend_from_slice(&text);
        copied = range.end;
    }
    rewritten.extend_from_slice(body.get(copied..).unwrap_or_default());
    rewritten
}

/// How to ask for the usage; none if the client did.
fn usage_edit(body: &[u8], after_model: usize, options: Option<&RawValue>) -> Option<(Range<usize>, &'static str)> {
    let Some(options) = options else {
        return Some((after_model..after_model, r#","stream_options":{"include_usage":true}"#));
    };
    let Ok(Obj(Some(known))) = serde_json::from_str::<Obj<StreamOptions<'_>>>(options.get()) else {
        return Some((span(body, options), r#"{"include_usage":true}"#));
    };
    match known.include_usage {
        Some(asked) if asked.get() == "true" => None,
        Some(other) => Some((span(body, other), "true")),
        None => {
            let start = span(body, options).start + 1;
            let is_empty = options.get()[1..].trim_start().starts_with('}');
            Some((start..start, if is_empty { r#""include_usage":true"# } else { r#""include_usage":true,"# }))
        }
    }
}

fn is_null(raw: &RawValue) -> bool {
    raw.get() == "null"
}

/// The string that a JSON text is, borrowed where nothing in it is escaped.
fn string(raw: &RawValue) -> Option<Cow<'_, str>> {
    serde_json::from_str::<crate::lenient::Str<'_>>(raw.get()).ok()?.0
}

/// Where `part`, which borrows from `body`, stands in it.
fn span(body: &[u8], part: &RawValue) -> Range<usize> {
    let start = part.get().as_ptr() as usize - body.as_ptr() as usize;
    start..start + part.get().len()
}
