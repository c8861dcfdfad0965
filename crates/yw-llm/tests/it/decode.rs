use yw_llm::{DecodeError, Finish, ProviderErrorKind, Response, TokenUsage, decode_error, decode_response};
use yw_task::Dialect;

use crate::{RECORDED, fixture};

fn decode(dialect: Dialect, name: &str) -> Response {
    decode_response(dialect, &fixture(dialect, name)).unwrap()
}

#[test]
fn replies_read_the_same_in_every_dialect() {
    let openai = decode(Dialect::OpenAi, "answer.json");
    assert_eq!(openai.id, "chatcmpl-B9MHDbslfkBeAs8l4bebGdFOJ6PeG");
    assert_eq!(openai.model, "gpt-5-mini-2025-08-07");
    assert_eq!(openai.text, r#"{"team":"Zürich"}"#);
    assert_eq!(openai.finish, Finish::Stop);
    let usage = TokenUsage {
        input_tokens: 2006,
        cached_tokens: 1920,
        cache_write_tokens: 0,
        output_tokens: 300,
        reasoning_tokens: 256,
        ..TokenUsage::default()
    };
    assert_eq!(openai.usage, Some(usage));

    let anthropic = decode(Dialect::Anthropic, "answer.json");
    assert_eq!(anthropic.text, openai.text);
    assert_eq!(anthropic.finish, Finish::Stop);
    // 86 new + 120 written to the cache + 1800 read from it: the same 2006 tokens.
    assert_eq!(anthropic.usage, Some(TokenUsage { cached_tokens: 1800, cache_write_tokens: 120, ..usage }));
}

#[test]
fn tool_calls_are_read() {
    for dialect in RECORDED {
        let response = decode(dialect, "tools.json");
        assert_eq!(response.finish, Finish::ToolCalls);
        let calls: Vec<_> =
            response.tool_calls.iter().map(|c| (c.name.as_str(), c.arguments.replace(' ', ""))).collect();
        assert_eq!(calls, [("lookup", r#"{"order":17}"#.to_owned()), ("refund", "{}".to_owned())]);
    }
}

#[test]
fn a_forced_tool_is_an_answer() {
    for dialect in RECORDED {
        let response = decode(dialect, "forced_tool.json");
        assert_eq!(response.text, r#"{"team":"billing"}"#);
        assert_eq!((response.finish, response.tool_calls.len()), (Finish::Stop, 0));
    }
}

#[test]
fn refusals_are_told_from_answers() {
    for (dialect, text) in [(Dialect::OpenAi, "I can't help with that."), (Dialect::Anthropic, "")] {
        let response = decode(dialect, "refusal.json");
        assert_eq!((response.text.as_str(), response.finish), (text, Finish::Refused));
    }
}

#[test]
fn servers_that_count_in_their_own_way() {
    let usage = |name| decode(Dialect::OpenAi, name).usage;
    let xai = usage("xai_reasoning.json").unwrap();
    assert_eq!((xai.output_tokens, xai.reasoning_tokens, xai.cached_tokens), (103, 94, 6));
    let deepseek = usage("deepseek.json").unwrap();
    assert_eq!((deepseek.output_tokens, deepseek.reasoning_tokens, deepseek.cached_tokens), (20, 12, 48));
    let mistral = decode(Dialect::OpenAi, "mistral_parts.json");
    assert_eq!((mistral.text.as_str(), mistral.finish), ("yes, it is", Finish::Length));
    assert_eq!(mistral.usage, None);
}

#[test]
fn counts_that_make_no_sense_are_no_counts() {
    let check = |usage: &str| {
        let body = format!(r#"{{"choices":[{{"message":{{"content":"a"}}}}],"usage":{usage}}}"#);
        decode_response(Dialect::OpenAi, body.as_bytes()).unwrap().usage
    };
    for usage in ["null", "{}", "[]", "3", r#"{"prompt_tokens":-1,"completion_tokens":2}"#, r#"{"prompt_tokens":"9"}"#]
    {
        assert_eq!(check(usage), None, "{usage}");
    }
    let huge = format!(r#"{{"prompt_tokens":{0},"completion_tokens":{0},"total_tokens":{0}}}"#, u64::MAX);
    assert_eq!(check(&huge).map(|u| u.input_tokens), Some(u64::MAX));
}

#[test]
fn what_is_no_response_says_what_is_missing() {
    let missing = |dialect, body: &str| match decode_response(dialect, body.as_bytes()) {
        Err(DecodeError::Missing { path }) => path,
        other => panic!("{body}: {other:?}"),
    };
    assert_eq!(missing(Dialect::OpenAi, "{}"), "choices[0]");
    assert_eq!(missing(Dialect::OpenAi, r#"{"choices":[]}"#), "choices[0]");
    assert_eq!(missing(Dialect::OpenAi, r#"{"choices":[{}]}"#), "choices[0].message");
    assert_eq!(missing(Dialect::OpenAi, "[1]"), "choices[0]");
    assert_eq!(missing(Dialect::Anthropic, r#"{"choices":[]}"#), "content");
    let whole = fixture(Dialect::OpenAi, "answer.json");
    let cut = decode_response(Dialect::OpenAi, &whole[..whole.len() / 2]);
    assert!(matches!(cut, Err(DecodeError::Json(_))));
}

#[test]
fn an_error_under_a_status_of_success_is_an_error() {
    let check = |dialect, body: &str, kind| match decode_response(dialect, body.as_bytes()) {
        Err(DecodeError::Provider(error)) => assert_eq!((error.kind, error.message.as_str()), (kind, "m"), "{body}"),
        other => panic!("{body}: {other:?}"),
    };
    use ProviderErrorKind::*;
    check(Dialect::OpenAi, r#"{"error":{"code":429,"message":"m"}}"#, RateLimited);
    check(Dialect::OpenAi, r#"{"error":{"code":"insufficient_quota","message":"m"}}"#, Billing);
    check(Dialect::OpenAi, r#"{"error":{"type":"server_error","message":"m","code":null}}"#, Server);
    check(Dialect::OpenAi, r#"{"error":"m"}"#, Other);
    check(Dialect::Anthropic, r#"{"type":"error","error":{"type":"overloaded_error","message":"m"}}"#, Overloaded);
}

#[test]
fn failures_are_sorted_and_quoted() {
    let check = |dialect, status, body: &str, kind, message: &str| {
        let error = decode_error(dialect, status, body.as_bytes());
        assert_eq!((error.kind, error.message.as_str()), (kind, message), "{body}");
    };
    use ProviderErrorKind::*;
    let openai = Dialect::OpenAi;
    let quota = r#"{"error":{"message":"You exceeded your quota.","type":"insufficient_quota","param":null,"code":"insufficient_quota"}}"#;
    check(openai, 429, quota, Billing, "You exceeded your quota.");
    check(openai, 401, r#"{"error":{"message":"Wrong key","code":"invalid_api_key"}}"#, Authentication, "Wrong key");
    check(openai, 422, r#"{"message":"bad seed","object":"error"}"#, InvalidRequest, "bad seed");
    check(openai, 404, r#"{"detail":"Not Found"}"#, NotFound, r#"{"detail":"Not Found"}"#);
    check(openai, 502, "<html>\n  <h1>Bad\tGateway</h1></html>", Server, "<html> <h1>Bad Gateway</h1></html>");
    check(openai, 503, "", Overloaded, "");
    check(openai, 500, "\"a\\u0000b\"", Server, "a\u{fffd}b");
    let overloaded = r#"{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"},"request_id":"r"}"#;
    check(Dialect::Anthropic, 529, overloaded, Overloaded, "Overloaded");
    check(Dialect::Anthropic, 413, "too large", TooLarge, "too large");
    let long = decode_error(openai, 400, "x".repeat(5_000).as_bytes());
    assert_eq!(long.message.chars().count(), 601);
}
