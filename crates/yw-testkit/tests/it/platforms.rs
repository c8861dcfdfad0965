//! Keys, signatures, and the addresses of clouds.

use serde_json::{Value, json};
use yw_task::Dialect;
use yw_testkit::{Script, ScriptedServer};

use crate::client::{Client, Received, ask, ask_plainly, path, post, said};

fn ask_at(server: &ScriptedServer, path: &str, body: &Value, headers: &str) -> Received {
    let mut client = Client::connect(server.address());
    client.send(&post(path, &body.to_string(), headers));
    client.receive().unwrap()
}

const AZURE: &str = "/openai/deployments/d/chat/completions?api-version=2024-10-21";
const VERTEX: &str = "/v1/projects/p/locations/l/publishers/google/models/g:generateContent";

#[test]
fn keys_are_checked_where_the_platform_puts_them() {
    let server = ScriptedServer::spawn_thread(Script::guess(1).require_key("secret")).unwrap();
    let ways = [
        (path(Dialect::OpenAi), Dialect::OpenAi, "authorization: Bearer ", true),
        (path(Dialect::Responses), Dialect::Responses, "authorization: Bearer ", true),
        (path(Dialect::OpenAi), Dialect::OpenAi, "x-api-key: ", false),
        (path(Dialect::Anthropic), Dialect::Anthropic, "x-api-key: ", true),
        (path(Dialect::Anthropic), Dialect::Anthropic, "authorization: Bearer ", true),
        (path(Dialect::Gemini), Dialect::Gemini, "x-goog-api-key: ", true),
        (path(Dialect::Bedrock), Dialect::Bedrock, "authorization: Bearer ", true),
        (AZURE, Dialect::OpenAi, "api-key: ", true),
        ("/openai/v1/chat/completions", Dialect::OpenAi, "api-key: ", true),
        (VERTEX, Dialect::Gemini, "authorization: Bearer ", true),
        (VERTEX, Dialect::Gemini, "x-goog-api-key: ", false),
    ];
    for (path, dialect, header, is_right) in ways {
        let status = |key: &str| ask_at(&server, path, &ask(dialect, "q"), &format!("{header}{key}\r\n")).status;
        let expected = if is_right { (200, 401) } else { (401, 401) };
        assert_eq!((status("secret"), status("other")), expected, "{path} {header}");
    }
    let refused = ask_at(&server, path(Dialect::Anthropic), &ask(Dialect::Anthropic, "q"), "");
    assert_eq!(refused.json()["error"]["type"], "authentication_error");
    let refused = ask_at(&server, path(Dialect::Gemini), &ask(Dialect::Gemini, "q"), "");
    assert_eq!(refused.json()["error"]["status"], "UNAUTHENTICATED");
}

#[test]
fn clouds_name_the_model_in_the_path() {
    let server = ScriptedServer::spawn_thread(Script::new(|request| {
        yw_testkit::Reply::text(format!("{} of {}", request.model, request.dialect))
    }))
    .unwrap();
    let check = |path: &str, dialect: Dialect, expected: &str| {
        let mut body = ask_plainly(dialect, "q");
        body.as_object_mut().unwrap().remove("model");
        if path.contains("anthropic") {
            assert_eq!(ask_at(&server, path, &body, "authorization: Bearer k\r\n").status, 400, "without a version");
            body["anthropic_version"] = json!("vertex-2023-10-16");
        }
        assert_eq!(said(dialect, &ask_at(&server, path, &body, "authorization: Bearer k\r\n")), expected, "{path}");
    };
    check(AZURE, Dialect::OpenAi, "d of openai");
    check(VERTEX, Dialect::Gemini, "g of gemini");
    check("/v1beta/models/say:x:generateContent", Dialect::Gemini, "say:x of gemini");
    let claude = "/v1/projects/p/locations/l/publishers/anthropic/models/c@20260101";
    check(&format!("{claude}:rawPredict"), Dialect::Anthropic, "c@20260101 of anthropic");
    check(&format!("{claude}:streamRawPredict"), Dialect::Anthropic, "c@20260101 of anthropic");
    check("/model/us.claude-v1%3A0/converse", Dialect::Bedrock, "us.claude-v1:0 of bedrock");
    check("/model/us.claude-v1:0/converse-stream", Dialect::Bedrock, "us.claude-v1:0 of bedrock");
}

#[test]
fn gemini_streams_as_a_list_unless_asked_for_events() {
    let server = ScriptedServer::spawn_thread(Script::answer(|_| "a longer answer")).unwrap();
    let body = ask_plainly(Dialect::Gemini, "q");
    let received = ask_at(&server, "/v1beta/models/m:streamGenerateContent", &body, "");
    assert_eq!(received.header("content-type"), Some("application/json"));
    let list = received.json();
    let texts = list.as_array().unwrap().iter().map(|r| r["candidates"][0]["content"]["parts"][0]["text"].as_str());
    assert_eq!(texts.collect::<Option<String>>().as_deref(), Some("a longer answer"));
}

/// Computed with botocore 1.44.5 for this key, time, host and body; nothing of it is the server's own.
const SIGNED: &str = "authorization: AWS4-HMAC-SHA256 Credential=AKID/20260101/us-east-1/bedrock/aws4_request, \
    SignedHeaders=host;x-amz-date, Signature=";

fn ask_signed(server: &ScriptedServer, signature: &str, body: &str) -> Received {
    let mut client = Client::connect(server.address());
    let headers = format!("x-amz-date: 20260101T000000Z\r\n{SIGNED}{signature}\r\n");
    client.send(&post("/model/us.claude-v1%3A0/converse", body, &headers));
    client.receive().unwrap()
}

const SIGNED_BODY: &str = r#"{"messages":[{"role":"user","content":[{"text":"q"}]}]}"#;

#[test]
fn bedrock_wants_a_signature_or_a_bearer() {
    let server = ScriptedServer::spawn_thread(Script::guess(1)).unwrap();
    let bare = ask_at(&server, path(Dialect::Bedrock), &json!({}), "");
    assert_eq!((bare.status, bare.header("x-amzn-errortype")), (403, Some("AccessDeniedException")));
    assert!(bare.json()["message"].is_string());
    assert_eq!(ask_signed(&server, "anything", SIGNED_BODY).status, 200, "without a secret, the parts are enough");
    let unsigned = "x-amz-date: 20260101T000000Z\r\nx-amz-security-token: t\r\n";
    let unsigned = ask_at(&server, path(Dialect::Bedrock), &json!({}), &format!("{unsigned}{SIGNED}00\r\n"));
    assert!(unsigned.text().contains("'x-amz-security-token' is not signed"), "{}", unsigned.text());
}

#[test]
fn signatures_are_verified_with_a_secret() {
    let script = Script::guess(1).aws_key("AKID", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY");
    let server = ScriptedServer::spawn_thread(script).unwrap();
    let right = "d48fa2a64c61658c218d682ba9824415f5f312d33751b43313b52173ed7fa499";
    assert_eq!(ask_signed(&server, right, SIGNED_BODY).status, 200);
    assert_eq!(ask_signed(&server, right, &SIGNED_BODY.replace('q', "r")).status, 403, "another body");
    assert_eq!(ask_signed(&server, &right.replace('d', "e"), SIGNED_BODY).status, 403);
}
