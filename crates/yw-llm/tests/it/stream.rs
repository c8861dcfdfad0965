use proptest::prelude::*;
use yw_llm::{Finish, Response, ResponseBuilder, StreamDecoder, StreamError, StreamEvent, decode_response};
use yw_task::Dialect;

use crate::{RECORDED, fixture};

const STREAMED: [&str; 4] = ["answer", "tools", "forced_tool", "refusal"];

fn read<'a>(dialect: Dialect, pieces: impl IntoIterator<Item = &'a [u8]>) -> Result<Response, StreamError> {
    let mut decoder = StreamDecoder::new(dialect);
    let mut response = ResponseBuilder::new();
    for piece in pieces {
        decoder.push(piece)?.into_iter().for_each(|step| response.push(step));
    }
    decoder.finish()?.into_iter().for_each(|step| response.push(step));
    Ok(response.finish())
}

/// The reply that the same model gave in one piece.
fn whole(dialect: Dialect, name: &str) -> Response {
    decode_response(dialect, &fixture(dialect, &format!("{name}.json"))).unwrap()
}

#[test]
fn a_stream_split_anywhere_is_the_reply_in_one_piece() {
    for dialect in RECORDED {
        for name in STREAMED {
            let expected = whole(dialect, name);
            let lf = fixture(dialect, &format!("{name}.sse"));
            let crlf = String::from_utf8(lf.clone()).unwrap().replace('\n', "\r\n").into_bytes();
            for bytes in [lf, crlf] {
                for split in 0..=bytes.len() {
                    let (head, tail) = bytes.split_at(split);
                    assert_eq!(read(dialect, [head, tail]).unwrap(), expected, "{dialect} {name} at {split}");
                }
                assert_eq!(read(dialect, bytes.chunks(1)).unwrap(), expected);
            }
        }
    }
}

proptest! {
    #[test]
    fn any_chunks_will_do(cuts in prop::collection::vec(1usize..400, 1..60), which in 0..STREAMED.len()) {
        for dialect in RECORDED {
            let bytes = fixture(dialect, &format!("{}.sse", STREAMED[which]));
            let mut pieces = Vec::new();
            let mut rest = bytes.as_slice();
            for cut in cuts.iter().cycle() {
                let (piece, more) = rest.split_at((*cut).min(rest.len()));
                pieces.push(piece);
                rest = more;
                if rest.is_empty() {
                    break;
                }
            }
            prop_assert_eq!(read(dialect, pieces).unwrap(), whole(dialect, STREAMED[which]));
        }
    }
}

#[test]
fn a_stream_that_ends_early_is_cut() {
    for dialect in RECORDED {
        let bytes = fixture(dialect, "answer.sse");
        let text = String::from_utf8(bytes.clone()).unwrap();
        let last_text = text.find("Zürich").unwrap();
        for end in [0, last_text / 2, last_text] {
            // Before the finish reason, or in the middle of an event's JSON.
            let result = read(dialect, [&bytes[..end]]);
            assert!(matches!(result, Err(StreamError::Cut | StreamError::Json(_))), "{dialect} at {end}: {result:?}");
        }
    }
}

#[test]
fn usage_is_told_as_soon_as_it_is_known() {
    let bytes = fixture(Dialect::Anthropic, "answer.sse");
    let steps = StreamDecoder::new(Dialect::Anthropic).push(&bytes).unwrap();
    let usages: Vec<(u64, u64)> = steps
        .iter()
        .filter_map(|step| match step {
            StreamEvent::Usage(usage) => Some((usage.input_tokens, usage.output_tokens)),
            _ => None,
        })
        .collect();
    assert_eq!(usages, [(2006, 1), (2006, 300)]);
}

#[test]
fn a_failure_in_the_middle_is_the_providers() {
    let openai = br#"data: {"error":{"message":"The server had an error","type":"server_error"}}"#;
    let anthropic = b"event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\",\"message\":\"Overloaded\"}}\n\n";
    for (dialect, end, message) in [
        (Dialect::OpenAi, openai.as_slice(), "The server had an error"),
        (Dialect::Anthropic, anthropic.as_slice(), "Overloaded"),
    ] {
        match read(dialect, [end]) {
            Err(StreamError::Provider(error)) => assert!(error.message == message && error.kind.is_transient()),
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn servers_that_leave_out_the_index_and_the_end_are_understood() {
    let bytes = br#"data: {"id":"1","model":"m","choices":[{"delta":{"tool_calls":[{"id":"a","function":{"name":"f","arguments":"{}"}},{"id":"b","function":{"name":"g","arguments":"[]"}}]},"finish_reason":"tool_calls"}]}"#;
    let response = read(Dialect::OpenAi, [bytes.as_slice()]).unwrap();
    let calls: Vec<_> = response.tool_calls.iter().map(|c| (c.name.as_str(), c.arguments.as_str())).collect();
    assert_eq!(calls, [("f", "{}"), ("g", "[]")]);
    assert_eq!((response.finish, response.usage), (Finish::ToolCalls, None));
}
