//! Whatever a server sends, the decoders return.

use proptest::prelude::*;
use serde_json::{Map, Value};
use yw_llm::{StreamDecoder, decode_error, decode_response};
use yw_task::Dialect;

use crate::{RECORDED, fixture};

/// Feeds `bytes` to everything that reads what servers send. Must not panic.
fn feed(bytes: &[u8]) {
    for dialect in Dialect::ALL {
        let _ = decode_response(dialect, bytes);
        let _ = decode_error(dialect, 500, bytes);
        let mut decoder = StreamDecoder::new(dialect);
        let _ = decoder.push(bytes);
        let _ = decoder.push(b"\n\n");
        let _ = decoder.finish();
    }
}

/// JSON that uses the dialects' keys with values of all the wrong types.
fn hostile_json() -> impl Strategy<Value = Value> {
    let keys = prop::sample::select(vec![
        "choices",
        "message",
        "content",
        "tool_calls",
        "function",
        "name",
        "arguments",
        "finish_reason",
        "usage",
        "delta",
        "prompt_tokens",
        "completion_tokens",
        "total_tokens",
        "error",
        "type",
        "code",
        "text",
        "input",
        "stop_reason",
        "input_tokens",
        "output_tokens",
        "index",
        "content_block",
        "partial_json",
        "id",
        "model",
        "refusal",
        "reasoning_content",
        "reasoning_details",
        "signature",
        "thinking",
        "data",
        "prompt_tokens_details",
        "cache_creation",
    ]);
    let words = prop::sample::select(vec![
        "",
        "text",
        "tool_use",
        "give_answer",
        "message_start",
        "content_block_start",
        "content_block_delta",
        "error",
        "message_delta",
        "text_delta",
        "input_json_delta",
        "thinking",
        "redacted_thinking",
        "signature_delta",
        "reasoning.encrypted",
        "insufficient_quota",
        "[DONE]",
        "\u{0}",
    ]);
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        Just(Value::from(u64::MAX)),
        any::<f64>().prop_map(Value::from),
        words.prop_map(Value::from),
    ];
    leaf.prop_recursive(6, 64, 8, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::vec((keys.clone(), inner), 0..8).prop_map(|pairs| {
                Value::from(pairs.into_iter().map(|(key, value)| (key.to_owned(), value)).collect::<Map<_, _>>())
            }),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn wrong_types_everywhere(json in hostile_json()) {
        feed(json.to_string().as_bytes());
        feed(format!("data: {json}\n\ndata: {json}").as_bytes());
    }

    #[test]
    fn wrong_types_inside_a_choice(json in hostile_json()) {
        feed(format!(r#"{{"choices":[{{"message":{json},"delta":{json}}}],"content":[{json}],"usage":{json}}}"#).as_bytes());
        feed(format!("data: {{\"choices\":[{{\"delta\":{json}}}]}}\n\n").as_bytes());
        feed(format!("data: {{\"type\":\"content_block_delta\",\"delta\":{json}}}\n\n").as_bytes());
    }

    #[test]
    fn any_bytes(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        feed(&bytes);
    }

    #[test]
    fn recorded_replies_with_flipped_bytes(position in any::<prop::sample::Index>(), byte in any::<u8>()) {
        for dialect in RECORDED {
            for name in ["answer.json", "tools.json", "answer.sse", "tools.sse"] {
                let mut bytes = fixture(dialect, name);
                let at = position.index(bytes.len());
                bytes[at] = byte;
                feed(&bytes);
            }
        }
    }
}

#[test]
fn deep_nesting_is_an_error() {
    feed("[".repeat(200_000).as_bytes());
    feed(format!("data: {}", "{\"error\":".repeat(200_000)).as_bytes());
}
