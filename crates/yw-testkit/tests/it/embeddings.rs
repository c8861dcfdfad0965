//! Embeddings, in every shape.

use serde_json::{Value, json};
use yw_testkit::{Prices, Script, ScriptedServer};

use crate::client::{Client, Received, post};

fn ask_at(server: &ScriptedServer, path: &str, body: &Value) -> Received {
    let mut client = Client::connect(server.address());
    client.send(&post(path, &body.to_string(), ""));
    client.receive().unwrap()
}

fn numbers(value: &Value) -> Vec<f32> {
    value.as_array().unwrap().iter().map(|x| x.as_f64().unwrap() as f32).collect()
}

/// The numbers in base64, decoded a digit at a time.
fn unpacked(text: &str) -> Vec<f32> {
    const DIGITS: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut bits = 0_u32;
    let mut n_bits = 0;
    let mut bytes = Vec::new();
    for digit in text.trim_end_matches('=').chars() {
        bits = (bits << 6) | DIGITS.find(digit).unwrap() as u32;
        n_bits += 6;
        if n_bits >= 8 {
            n_bits -= 8;
            bytes.push((bits >> n_bits) as u8);
        }
    }
    bytes.chunks_exact(4).map(|b| f32::from_le_bytes(b.try_into().unwrap())).collect()
}

#[test]
fn packed_and_plain_numbers_are_the_same() {
    let server = ScriptedServer::spawn_thread(Script::guess(1).embedding_length(5)).unwrap();
    let ask = |format: &str| {
        let body = json!({ "model": "e", "input": ["one", "two"], "encoding_format": format });
        ask_at(&server, "/v1/embeddings", &body).json()
    };
    let (plain, packed) = (ask("float"), ask("base64"));
    for idx in 0..2 {
        let expected = numbers(&plain["data"][idx]["embedding"]);
        assert_eq!(expected.len(), 5);
        assert_eq!(unpacked(packed["data"][idx]["embedding"].as_str().unwrap()), expected);
        assert_eq!(plain["data"][idx]["index"], idx);
    }
    assert_eq!((&plain["object"], &plain["model"]), (&json!("list"), &json!("e")));
    assert_eq!(plain["usage"], json!({ "prompt_tokens": 2, "total_tokens": 2 }));
}

#[test]
fn inputs_may_be_texts_or_token_ids() {
    let prices = Prices::per_million(2.0, 0.0, 0.0);
    let server = ScriptedServer::spawn_thread(Script::guess(1).prices(prices)).unwrap();
    let ask = |input: Value| {
        let received = ask_at(&server, "/v1/embeddings", &json!({ "model": "e", "input": input, "dimensions": 3 }));
        (received.status, received.json())
    };
    let inputs =
        [(json!("12345"), 1, 2), (json!([1, 2, 3]), 1, 3), (json!([[1, 2], [3]]), 2, 3), (json!(["a", "b"]), 2, 2)];
    let mut n_tokens = 0;
    for (input, n_vectors, n) in inputs {
        let (status, body) = ask(input);
        assert_eq!((status, body["data"].as_array().unwrap().len()), (200, n_vectors));
        assert_eq!((&body["usage"]["prompt_tokens"], numbers(&body["data"][0]["embedding"]).len()), (&json!(n), 3));
        n_tokens += n;
    }
    for wrong in [json!(""), json!([]), json!(7), json!({}), json!([1, "a"])] {
        assert_eq!(ask(wrong.clone()).0, 400, "{wrong}");
    }
    let bill = server.bill();
    assert_eq!(
        (bill.usage.calls, bill.tokens.input, bill.usage.usd.picos()),
        (4, n_tokens, 2_000_000 * i128::from(n_tokens))
    );
}

#[test]
fn google_has_three_shapes() {
    let server = ScriptedServer::spawn_thread(Script::guess(1)).unwrap();
    let content = |text: &str| json!({ "content": { "parts": [{ "text": text }] }, "outputDimensionality": 4 });
    let one = ask_at(&server, "/v1beta/models/e:embedContent", &content("one")).json();
    let two = ask_at(
        &server,
        "/v1beta/models/e:batchEmbedContents",
        &json!({ "requests": [content("one"), content("two")] }),
    )
    .json();
    let vertex = ask_at(
        &server,
        "/v1/projects/p/locations/l/publishers/google/models/e:predict",
        &json!({ "instances": [{ "content": "one" }], "parameters": { "outputDimensionality": 4 } }),
    )
    .json();
    let first = numbers(&one["embedding"]["values"]);
    assert_eq!(first.len(), 4);
    assert_eq!(numbers(&two["embeddings"][0]["values"]), first);
    assert_ne!(numbers(&two["embeddings"][1]["values"]), first);
    assert_eq!(numbers(&vertex["predictions"][0]["embeddings"]["values"]), first);
    assert_eq!(vertex["predictions"][0]["embeddings"]["statistics"]["token_count"], 1);
    assert_eq!(server.bill().tokens.input, 1 + 2 + 1);
}
