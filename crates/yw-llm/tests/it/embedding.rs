//! Embeddings: what clients send and get, and how each dialect is asked.

use proptest::prelude::*;
use serde_json::{Value, json};
use yw_llm::embedding::{decode_request, decode_response, encode_requests, encode_response, read_usage, request_path};
use yw_llm::{DecodeError, EmbeddingFormat, EmbeddingInput, EmbeddingRequest, EmbeddingResponse, TokenUsage};
use yw_task::Dialect;

fn request(body: &Value) -> EmbeddingRequest {
    decode_request(body.to_string().as_bytes()).unwrap()
}

fn texts(n_texts: usize) -> EmbeddingRequest {
    let texts = (0..n_texts).map(|i| format!("text {i}")).collect();
    EmbeddingRequest { input: EmbeddingInput::Texts(texts), ..request(&json!({"model": "m", "input": "x"})) }
}

fn bodies(dialect: Dialect, model: &str, request: &EmbeddingRequest) -> Vec<Value> {
    let bodies = encode_requests(dialect, model, request).unwrap();
    bodies.iter().map(|body| serde_json::from_slice(body).unwrap()).collect()
}

fn usage(input_tokens: u64) -> TokenUsage {
    TokenUsage { input_tokens, ..TokenUsage::default() }
}

#[test]
fn every_shape_of_input_is_read() {
    let check = |input: Value, expected: EmbeddingInput| {
        let read = request(&json!({"model": "m", "input": input, "unknown": [1]}));
        assert_eq!((read.input.len(), read.input), (expected.len(), expected));
    };
    let texts = |texts: &[&str]| EmbeddingInput::Texts(texts.iter().map(|text| text.to_string()).collect());
    check(json!("[\"é\""), texts(&["[\"é\""]));
    check(json!(["a", ""]), texts(&["a", ""]));
    check(json!([1, 2, 3]), EmbeddingInput::Tokens(vec![vec![1, 2, 3]]));
    check(json!([[1], [2, 3]]), EmbeddingInput::Tokens(vec![vec![1], vec![2, 3]]));
}

#[test]
fn the_other_fields_are_read() {
    let body = json!({"model": "m", "input": "x", "encoding_format": "base64", "dimensions": 256, "user": "u",
        "input_type": "search_query"});
    let expected = EmbeddingRequest {
        model: "m".into(),
        input: EmbeddingInput::Texts(vec!["x".into()]),
        dimensions: Some(256),
        format: EmbeddingFormat::Base64,
        input_type: Some("search_query".into()),
        user: Some("u".into()),
    };
    assert_eq!(request(&body), expected);
    assert_eq!(request(&json!({"model": "m", "input": "x"})).format, EmbeddingFormat::Float);
}

#[test]
fn mistakes_name_their_field() {
    let check = |body: Value, param: Option<&str>| {
        assert_eq!(decode_request(body.to_string().as_bytes()).unwrap_err().param.as_deref(), param, "{body}");
    };
    check(json!({"input": "x"}), Some("model"));
    check(json!({"model": "", "input": "x"}), Some("model"));
    check(json!({"model": "m"}), Some("input"));
    for input in [json!(null), json!([]), json!(3), json!({"a": 1}), json!(["a", 1]), json!([1, "a"]), json!([-1])] {
        check(json!({"model": "m", "input": input}), Some("input"));
    }
    check(json!({"model": "m", "input": "x", "encoding_format": "int8"}), Some("encoding_format"));
    check(json!({"model": "m", "input": "x", "dimensions": "many"}), None);
    check(json!([1]), None);
}

#[test]
fn answers_are_numbers_or_base64() {
    let response =
        EmbeddingResponse { model: "n".into(), vectors: vec![vec![1.0, -0.1], vec![]], usage: Some(usage(7)) };
    let mut asked = texts(2);
    let expected = json!({
        "object": "list",
        "data": [
            {"object": "embedding", "index": 0, "embedding": [1.0, -0.1]},
            {"object": "embedding", "index": 1, "embedding": []},
        ],
        "model": "my-model",
        "usage": {"prompt_tokens": 7, "total_tokens": 7},
    });
    let body = encode_response("my-model", &asked, &response);
    assert_eq!(String::from_utf8(body).unwrap(), expected.to_string());
    asked.format = EmbeddingFormat::Base64;
    let body: Value = serde_json::from_slice(&encode_response("my-model", &asked, &response)).unwrap();
    // Little-endian 0x3f800000 and 0xbdcccccd.
    assert_eq!(body["data"][0]["embedding"], "AACAP83MzL0=");
}

#[test]
fn openai_servers_are_asked_for_numbers() {
    let mut asked = texts(2);
    asked.dimensions = Some(8);
    let expected = json!({"model": "n", "input": ["text 0", "text 1"], "dimensions": 8, "encoding_format": "float"});
    assert_eq!(bodies(Dialect::OpenAi, "n", &asked), [expected]);
    asked.input = EmbeddingInput::Tokens(vec![vec![1, 2]]);
    assert_eq!(bodies(Dialect::OpenAi, "n", &asked)[0]["input"], json!([[1, 2]]));
    assert_eq!(request_path(Dialect::OpenAi, "n").unwrap(), "/embeddings");
}

#[test]
fn openai_replies_are_put_in_order() {
    let reply = br#"{"object":"list","data":[{"index":1,"embedding":"AACAP83MzL0="},{"index":0,"embedding":[0.5,2]}],
        "model":"n","usage":{"prompt_tokens":7,"total_tokens":7}}"#;
    let expected =
        EmbeddingResponse { model: "n".into(), vectors: vec![vec![0.5, 2.0], vec![1.0, -0.1]], usage: Some(usage(7)) };
    assert_eq!(decode_response(Dialect::OpenAi, reply).unwrap(), expected);
    assert_eq!(read_usage(reply), Some(usage(7)));
    assert_eq!(read_usage(b"{}"), None);
}

#[test]
fn gemini_is_asked_in_batches() {
    let mut asked = texts(101);
    asked.dimensions = Some(768);
    asked.input_type = Some("search_query".into());
    let bodies = bodies(Dialect::Gemini, "gemini-embedding-001", &asked);
    assert_eq!(bodies.iter().map(|body| body["requests"].as_array().unwrap().len()).collect::<Vec<_>>(), [100, 1]);
    let expected = json!({"model": "models/gemini-embedding-001", "content": {"parts": [{"text": "text 100"}]},
        "taskType": "RETRIEVAL_QUERY", "outputDimensionality": 768});
    assert_eq!(bodies[1]["requests"][0], expected);
    let path = request_path(Dialect::Gemini, "gemini-embedding-001").unwrap();
    assert_eq!(path, "/models/gemini-embedding-001:batchEmbedContents");

    let reply = br#"{"embeddings":[{"values":[0.5]},{"values":[1]}],"usageMetadata":{"promptTokenCount":4}}"#;
    let mut response = decode_response(Dialect::Gemini, reply).unwrap();
    response.append(decode_response(Dialect::Gemini, reply).unwrap());
    assert_eq!((response.vectors.concat(), response.usage), (vec![0.5, 1.0, 0.5, 1.0], Some(usage(8))));
    response.append(decode_response(Dialect::Gemini, br#"{"embeddings":[]}"#).unwrap());
    assert_eq!(response.usage, None);
}

#[test]
fn bedrock_is_asked_in_each_makers_shape() {
    let mut asked = texts(97);
    asked.dimensions = Some(512);
    let titan = bodies(Dialect::Bedrock, "amazon.titan-embed-text-v2:0", &asked);
    assert_eq!((titan.len(), &titan[96]), (97, &json!({"inputText": "text 96", "dimensions": 512})));
    assert_eq!(bodies(Dialect::Bedrock, "amazon.titan-embed-text-v1", &asked)[0], json!({"inputText": "text 0"}));
    let cohere = bodies(Dialect::Bedrock, "eu.cohere.embed-v4:0", &asked);
    let expected = json!({"texts": ["text 96"], "input_type": "search_document", "embedding_types": ["float"],
        "output_dimension": 512});
    assert_eq!((cohere.len(), &cohere[1]), (2, &expected));
    let path = request_path(Dialect::Bedrock, "amazon.titan-embed-text-v2:0").unwrap();
    assert_eq!(path, "/model/amazon.titan-embed-text-v2%3A0/invoke");

    let titan = br#"{"embedding":[0.5],"inputTextTokenCount":3,"embeddingsByType":{"float":[0.5]}}"#;
    let expected = EmbeddingResponse { model: String::new(), vectors: vec![vec![0.5]], usage: Some(usage(3)) };
    assert_eq!(decode_response(Dialect::Bedrock, titan).unwrap(), expected);
    for cohere in [r#"{"id":"1","embeddings":{"float":[[0.5]]},"texts":["a"]}"#, r#"{"embeddings":[[0.5]]}"#] {
        let response = decode_response(Dialect::Bedrock, cohere.as_bytes()).unwrap();
        assert_eq!((response.vectors, response.usage), (vec![vec![0.5]], None));
    }
}

#[test]
fn what_cannot_be_asked_is_refused() {
    let tokens = EmbeddingRequest { input: EmbeddingInput::Tokens(vec![vec![1]]), ..texts(1) };
    for dialect in [Dialect::Gemini, Dialect::Bedrock] {
        let error = encode_requests(dialect, "cohere.embed-v4:0", &tokens).unwrap_err();
        assert_eq!(error.param.as_deref(), Some("input"));
    }
    assert!(encode_requests(Dialect::Anthropic, "m", &texts(1)).is_err());
    assert!(request_path(Dialect::Anthropic, "m").is_err());
    assert!(encode_requests(Dialect::Bedrock, "meta.llama", &texts(1)).is_err());
}

#[test]
fn what_is_no_reply_is_an_error() {
    for dialect in [Dialect::OpenAi, Dialect::Gemini, Dialect::Bedrock] {
        assert!(matches!(decode_response(dialect, b"{}"), Err(DecodeError::Missing { .. })), "{dialect}");
        assert!(matches!(decode_response(dialect, b"<html>"), Err(DecodeError::Json(_))), "{dialect}");
    }
    for vector in [r#""AACA""#, r#""?""#, "3", r#"["a"]"#] {
        let reply = format!(r#"{{"data":[{{"index":0,"embedding":{vector}}}]}}"#);
        assert!(matches!(decode_response(Dialect::OpenAi, reply.as_bytes()), Err(DecodeError::Json(_))), "{vector}");
    }
    for dialect in [Dialect::OpenAi, Dialect::Gemini] {
        let failed = br#"{"error":{"message":"No.","code":"x"}}"#;
        match decode_response(dialect, failed) {
            Err(DecodeError::Provider(error)) => assert_eq!(error.message, "No."),
            other => panic!("{other:?}"),
        }
    }
}

proptest! {
    #[test]
    fn vectors_survive_both_formats(vectors in prop::collection::vec(prop::collection::vec(-1e3f32..1e3, 3), 1..5), base64 in any::<bool>()) {
        let format = if base64 { EmbeddingFormat::Base64 } else { EmbeddingFormat::Float };
        let asked = EmbeddingRequest { format, ..texts(vectors.len()) };
        let response = EmbeddingResponse { model: "n".into(), vectors, usage: Some(usage(3)) };
        let body = encode_response("n", &asked, &response);
        prop_assert_eq!(decode_response(Dialect::OpenAi, &body).unwrap(), response);
    }

    #[test]
    fn any_bytes_do_no_harm(bytes in prop::collection::vec(any::<u8>(), 0..120)) {
        let _ = decode_request(&bytes);
        let _ = read_usage(&bytes);
        for dialect in Dialect::ALL {
            let _ = decode_response(dialect, &bytes);
        }
    }
}
