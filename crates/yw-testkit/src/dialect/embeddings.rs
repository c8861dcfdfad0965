//! Embeddings, as OpenAI, Gemini and Vertex have them.

use serde_json::{Value, json};

use super::read::text_of;
use crate::endpoint::EmbeddingShape;
use crate::rng::{self, Rng};
use crate::tokens::Tokens;

/// What is to be embedded, and how it is wanted.
#[derive(Debug)]
pub(crate) struct Request {
    shape: EmbeddingShape,
    inputs: Vec<Input>,
    length: usize,
    /// Whether vectors are sent packed.
    base64: bool,
}

/// One text, as text or as token ids.
#[derive(Debug)]
enum Input {
    Text(String),
    Ids(Vec<u64>),
}

impl Request {
    /// Reads a request, or says what the provider would object to. Vectors have `length` numbers unless it says so.
    pub(crate) fn parse(shape: EmbeddingShape, body: &Value, length: usize) -> Result<Self, String> {
        let (inputs, wanted) = match shape {
            EmbeddingShape::OpenAi => (openai_inputs(&body["input"])?, &body["dimensions"]),
            EmbeddingShape::Gemini => (vec![gemini_input(body)?], wanted_by_gemini(body)),
            EmbeddingShape::GeminiBatch => {
                let requests = body.get("requests").and_then(Value::as_array).ok_or("requests: expected a list")?;
                let inputs = requests.iter().map(gemini_input).collect::<Result<_, _>>()?;
                (inputs, requests.first().map_or(&Value::Null, wanted_by_gemini))
            }
            EmbeddingShape::VertexPredict => {
                let instances = body.get("instances").and_then(Value::as_array).ok_or("instances: expected a list")?;
                let text = |i: &Value| i["content"].as_str().map(|t| Input::Text(t.to_owned()));
                let inputs =
                    instances.iter().map(text).collect::<Option<_>>().ok_or("instances: expected 'content'")?;
                (inputs, body.pointer("/parameters/outputDimensionality").unwrap_or(&Value::Null))
            }
        };
        if inputs.is_empty() {
            return Err("input: at least one is required".to_owned());
        }
        let base64 = match body.get("encoding_format").and_then(Value::as_str) {
            None | Some("float") => false,
            Some("base64") => true,
            Some(other) => return Err(format!("encoding_format: no format '{other}'")),
        };
        let length = wanted.as_u64().and_then(|n| usize::try_from(n).ok()).unwrap_or(length);
        Ok(Request { shape, inputs, length, base64 })
    }

    /// A token for every four bytes begun, or as many as there are ids.
    pub(crate) fn tokens(&self) -> Tokens {
        Tokens { input: self.inputs.iter().map(Input::n_tokens).sum(), ..Tokens::default() }
    }

    /// The body of the reply.
    pub(crate) fn reply(&self, model: &str) -> Value {
        let vectors = self.inputs.iter().map(|input| input.vector(self.length));
        let n_tokens = self.tokens().input;
        match self.shape {
            EmbeddingShape::OpenAi => {
                let entry = |(index, vector): (usize, Vec<f32>)| {
                    let embedding = if self.base64 { json!(packed(&vector)) } else { json!(vector) };
                    json!({ "object": "embedding", "index": index, "embedding": embedding })
                };
                json!({
                    "object": "list",
                    "data": vectors.enumerate().map(entry).collect::<Vec<_>>(),
                    "model": model,
                    "usage": { "prompt_tokens": n_tokens, "total_tokens": n_tokens },
                })
            }
            EmbeddingShape::Gemini => {
                let values = vectors.map(|v| json!({ "values": v })).next();
                json!({ "embedding": values, "usageMetadata": { "promptTokenCount": n_tokens } })
            }
            EmbeddingShape::GeminiBatch => {
                let values: Vec<Value> = vectors.map(|v| json!({ "values": v })).collect();
                json!({ "embeddings": values, "usageMetadata": { "promptTokenCount": n_tokens } })
            }
            EmbeddingShape::VertexPredict => {
                let counts = self.inputs.iter().map(Input::n_tokens);
                let entry = |(values, n): (Vec<f32>, u64)| {
                    let statistics = json!({ "token_count": n, "truncated": false });
                    json!({ "embeddings": { "values": values, "statistics": statistics } })
                };
                json!({ "predictions": vectors.zip(counts).map(entry).collect::<Vec<_>>() })
            }
        }
    }
}

impl Input {
    fn n_tokens(&self) -> u64 {
        match self {
            Input::Text(text) => Tokens::of_text(text),
            Input::Ids(ids) => ids.len() as u64,
        }
    }

    /// A vector of length one, decided by the input alone.
    fn vector(&self, length: usize) -> Vec<f32> {
        let seed = match self {
            Input::Text(text) => rng::hash([text.as_bytes()]),
            Input::Ids(ids) => {
                rng::hash(ids.iter().map(|id| id.to_le_bytes()).collect::<Vec<_>>().iter().map(|b| &b[..]))
            }
        };
        let mut rng = Rng::new(seed);
        let raw: Vec<f64> = (0..length).map(|_| rng.normal()).collect();
        let norm = raw.iter().map(|x| x * x).sum::<f64>().sqrt().max(f64::MIN_POSITIVE);
        raw.into_iter().map(|x| (x / norm) as f32).collect()
    }
}

fn openai_inputs(input: &Value) -> Result<Vec<Input>, String> {
    let ids = |list: &[Value]| list.iter().map(Value::as_u64).collect::<Option<Vec<_>>>().map(Input::Ids);
    let one = |value: &Value| match value {
        Value::String(text) if !text.is_empty() => Ok(Input::Text(text.clone())),
        Value::Array(list) => ids(list).ok_or("input: expected token ids"),
        _ => Err("input: expected texts or token ids"),
    };
    let inputs = match input {
        Value::Array(list) if list.first().is_some_and(Value::is_number) => one(input).map(|ids| vec![ids]),
        Value::Array(list) => list.iter().map(one).collect(),
        single => one(single).map(|text| vec![text]),
    };
    inputs.map_err(str::to_owned)
}

fn gemini_input(request: &Value) -> Result<Input, String> {
    let parts = request.pointer("/content/parts").ok_or("content: expected 'parts'")?;
    Ok(Input::Text(text_of(parts)))
}

/// Where Gemini's request says how many numbers a vector is to have.
fn wanted_by_gemini(request: &Value) -> &Value {
    let config = request.pointer("/embedContentConfig/outputDimensionality");
    request.get("outputDimensionality").or(config).unwrap_or(&Value::Null)
}

/// The numbers in base64, each as four bytes, the lowest first.
fn packed(vector: &[f32]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let bytes: Vec<u8> = vector.iter().flat_map(|x| x.to_le_bytes()).collect();
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for group in bytes.chunks(3) {
        let bits = group.iter().enumerate().fold(0_u32, |bits, (idx, byte)| bits | u32::from(*byte) << (16 - 8 * idx));
        for digit_idx in 0..4 {
            let has_bits = digit_idx <= group.len();
            let digit = DIGITS[(bits >> (18 - 6 * digit_idx)) as usize & 63];
            text.push(if has_bits { char::from(digit) } else { '=' });
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn vectors_are_packed_as_clients_unpack_them() {
        // base64 of 00 00 80 3f, and of that followed by 00 00 00 c0
        assert_eq!(packed(&[1.0]), "AACAPw==");
        assert_eq!(packed(&[1.0, -2.0]), "AACAPwAAAMA=");
    }

    #[test]
    fn vectors_have_length_one() {
        let vector = Input::Text("hello".into()).vector(64);
        assert!((vector.iter().map(|x| x * x).sum::<f32>() - 1.0).abs() < 1e-5);
        assert_ne!(vector, Input::Text("hallo".into()).vector(64));
    }
}
