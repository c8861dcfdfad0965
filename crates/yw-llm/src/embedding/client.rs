use std::borrow::Cow;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::{EmbeddingFormat, EmbeddingInput, EmbeddingRequest, EmbeddingResponse};
use crate::RequestError;

#[derive(Deserialize)]
struct Body<'a> {
    model: Option<String>,
    #[serde(borrow)]
    input: Option<&'a RawValue>,
    dimensions: Option<u32>,
    #[serde(borrow)]
    encoding_format: Option<Cow<'a, str>>,
    input_type: Option<String>,
    user: Option<String>,
}

/// Reads the body of `/v1/embeddings`.
///
/// # Errors
/// Names the field that is missing or not as the dialect has it.
pub fn decode_request(body: &[u8]) -> Result<EmbeddingRequest, RequestError> {
    let body: Body<'_> =
        serde_json::from_slice(body).map_err(|e| RequestError::new(format!("the body is not valid: {e}")))?;
    let model =
        body.model.filter(|model| !model.is_empty()).ok_or_else(|| RequestError::at("model", "name a model"))?;
    let format = match body.encoding_format.as_deref() {
        None | Some("float") => EmbeddingFormat::Float,
        Some("base64") => EmbeddingFormat::Base64,
        Some(other) => {
            let message = format!("there is no format `{other}`; use `float` or `base64`");
            return Err(RequestError::at("encoding_format", message));
        }
    };
    let input = read_input(body.input.map_or("", RawValue::get))?;
    Ok(EmbeddingRequest {
        model,
        input,
        dimensions: body.dimensions,
        format,
        input_type: body.input_type,
        user: body.user,
    })
}

/// The input is a text, a list of texts, a list of tokens or a list of such lists; its first characters tell.
fn read_input(input: &str) -> Result<EmbeddingInput, RequestError> {
    let mut starts = input.chars().filter(|c| !c.is_ascii_whitespace());
    let result = match (starts.next(), starts.next()) {
        (Some('"'), _) => serde_json::from_str(input).map(|text| EmbeddingInput::Texts(vec![text])),
        (Some('['), Some('"')) => serde_json::from_str(input).map(EmbeddingInput::Texts),
        (Some('['), Some('[')) => serde_json::from_str(input).map(EmbeddingInput::Tokens),
        (Some('['), Some('0'..='9')) => serde_json::from_str(input).map(|list| EmbeddingInput::Tokens(vec![list])),
        _ => return Err(RequestError::at("input", "give a text, or a list of texts or of tokens, that is not empty")),
    };
    result.map_err(|_| RequestError::at("input", "give texts only, or tokens only"))
}

#[derive(Serialize)]
struct List<'a> {
    object: &'static str,
    data: Vec<Item<'a>>,
    model: &'a str,
    usage: Usage,
}

#[derive(Serialize)]
struct Item<'a> {
    object: &'static str,
    index: usize,
    embedding: Vector<'a>,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Vector<'a> {
    Float(&'a [f32]),
    Base64(String),
}

#[derive(Serialize)]
struct Usage {
    prompt_tokens: u64,
    total_tokens: u64,
}

/// The body of the answer to `request`, which names `model`. A usage that is not known is told as zero, since clients demand
/// one.
pub fn encode_response(model: &str, request: &EmbeddingRequest, response: &EmbeddingResponse) -> Vec<u8> {
    let data = response.vectors.iter().enumerate().map(|(index, vector)| Item {
        object: "embedding",
        index,
        embedding: match request.format {
            EmbeddingFormat::Float => Vector::Float(vector),
            EmbeddingFormat::Base64 => Vector::Base64(to_base64(vector)),
        },
    });
    let tokens = response.usage.map_or(0, |usage| usage.input_tokens);
    let usage = Usage { prompt_tokens: tokens, total_tokens: tokens };
    let list = List { object: "list", data: data.collect(), model, usage };
    // Vectors and texts only: there is nothing to fail.
    serde_json::to_vec(&list).unwrap_or_default()
}

fn to_base64(vector: &[f32]) -> String {
    let bytes: Vec<u8> = vector.iter().flat_map(|number| number.to_le_bytes()).collect();
    STANDARD.encode(bytes)
}
