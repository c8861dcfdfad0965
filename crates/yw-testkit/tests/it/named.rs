//! Models whose name is their script.

use serde_json::{Value, json};
use yw_task::Dialect;
use yw_testkit::{Script, ScriptedServer};

use crate::client::{Received, as_stream, ask, ask_plainly, said, send};

fn ask_model(server: &ScriptedServer, model: &str, mut body: Value) -> Option<Received> {
    body["model"] = model.into();
    send(server, Dialect::OpenAi, &body)
}

fn server() -> ScriptedServer {
    ScriptedServer::spawn_thread(Script::by_model(1)).unwrap()
}

#[test]
fn names_say_what_is_said() {
    let server = server();
    let plain = || ask_plainly(Dialect::OpenAi, "a question");
    let check = |model: &str, expected: &str| {
        let received = ask_model(&server, model, plain()).unwrap();
        assert_eq!(said(Dialect::OpenAi, &received), expected, "{model}");
        let received = ask_model(&server, model, as_stream(Dialect::OpenAi, plain())).unwrap();
        assert_eq!(said(Dialect::OpenAi, &received), expected, "{model} streamed");
    };
    check("say:hello", "hello");
    check("vendor/say:a:b", "a:b");
    check("echo", "a question");
    check("echo+think+nothing-known", "a question");
    check("long:3", "word word word");
    check("gpt-anything", "I cannot say.");
    let mirror = said(Dialect::OpenAi, &ask_model(&server, "mirror", plain()).unwrap());
    assert_eq!(serde_json::from_str::<Value>(&mirror).unwrap()["messages"], json!(["user: a question"]));
    let fitting = ask_model(&server, "json", ask(Dialect::OpenAi, "q")).unwrap();
    assert!(said(Dialect::OpenAi, &fitting).starts_with(r#"{"team":"#));
}

#[test]
fn names_say_what_goes_wrong() {
    let server = server();
    let ask = |model: &str| ask_model(&server, model, ask_plainly(Dialect::OpenAi, model));
    let limited = ask("status:429:1.5").unwrap();
    assert_eq!((limited.status, limited.header("retry-after")), (429, Some("1.5")));
    assert_eq!(ask("status:529").unwrap().status, 529);
    let statuses: Vec<u16> = (0..3).map(|_| ask("say:x+flaky:503:2").unwrap().status).collect();
    assert_eq!(statuses, [503, 503, 200]);
    assert!(ask("close").is_none());
    assert!(!ask("bytes:5").unwrap().complete);
    assert!(ask("usage").unwrap().json()["usage"]["prompt_tokens_details"]["cached_tokens"].as_u64().unwrap() > 0);
    assert_eq!(ask("length").unwrap().json()["choices"][0]["finish_reason"], "length");
}

#[test]
fn tools_are_called_until_they_have_answered() {
    let server = server();
    let schema = json!({ "type": "object", "properties": { "id": { "type": "integer" } } });
    let tool = |name: &str| json!({ "type": "function", "function": { "name": name, "parameters": schema } });
    let mut body = ask_plainly(Dialect::OpenAi, "q");
    body["tools"] = json!([tool("a"), tool("b")]);
    let message = ask_model(&server, "tools:3", body.clone()).unwrap().json()["choices"][0]["message"].clone();
    let names: Vec<&Value> = message["tool_calls"].as_array().unwrap().iter().map(|c| &c["function"]["name"]).collect();
    assert_eq!(names, ["a", "b", "a"]);
    let result = |id: &str| json!({ "role": "tool", "tool_call_id": id, "content": format!("{id} done") });
    body["messages"].as_array_mut().unwrap().extend([message, result("x"), result("y")]);
    let end = ask_model(&server, "tools:3", body).unwrap();
    assert_eq!(said(Dialect::OpenAi, &end), "The tools say: x done, y done");
}
