//! What servers of chat completions are asked beside the ordinary, and what only some of them answer.

use serde_json::{Value, json};
use yw_llm::{
    CacheTime, Effort, EncodeOptions, Media, MediaSource, Message, Output, Part, Reasoning, ReasoningField, Request,
    Response, ResponseBuilder, Role, StreamDecoder, StreamEvent, Thinking, ToolResult, decode_response, encode_request,
};
use yw_task::Dialect;

const OPENAI: Dialect = Dialect::OpenAi;

fn encoded(request: &Request, options: &EncodeOptions) -> Value {
    serde_json::from_slice(&encode_request(OPENAI, "m", request, options)).unwrap()
}

fn plain(request: &Request) -> Value {
    encoded(request, &EncodeOptions::default())
}

fn user(content: Vec<Part>) -> Request {
    Request { messages: vec![Message { role: Role::User, content }], ..Request::default() }
}

fn text(text: &str) -> Part {
    Part::Text(text.into())
}

fn document(name: Option<&str>, media_type: &str, source: MediaSource) -> Part {
    Part::Document(Media { media_type: media_type.into(), name: name.map(str::to_owned), source })
}

#[test]
fn documents_take_the_form_that_fits_them() {
    let base64 = || MediaSource::Base64("aGk=".into());
    let request = user(vec![
        document(Some("a.pdf"), "application/pdf", base64()),
        document(None, "application/pdf", base64()),
        document(None, "", MediaSource::File("file-1".into())),
        document(Some("Notes"), "text/plain", MediaSource::Text("Hi".into())),
        document(None, "", MediaSource::Url("https://example.org/a.pdf".into())),
    ]);
    let data = "data:application/pdf;base64,aGk=";
    let expected = json!([
        {"type": "file", "file": {"filename": "a.pdf", "file_data": data}},
        {"type": "file", "file": {"filename": "document.pdf", "file_data": data}},
        {"type": "file", "file": {"file_id": "file-1"}},
        {"type": "text", "text": "Notes\n\nHi"},
        {"type": "file", "file": {"filename": "document", "file_data": "https://example.org/a.pdf"}},
    ]);
    assert_eq!(plain(&request)["messages"][0]["content"], expected);
}

#[test]
fn pictures_of_a_tool_follow_its_text() {
    let picture = || {
        Part::Image(Media { media_type: "image/png".into(), name: None, source: MediaSource::Base64("aGk=".into()) })
    };
    let result = ToolResult { call_id: "a".into(), content: vec![text("one"), picture(), text("two")], is_error: true };
    let request = user(vec![Part::ToolResult(result), text("And?")]);
    let expected = json!([
        {"role": "tool", "tool_call_id": "a", "content": "one\ntwo"},
        {"role": "user", "content": [
            {"type": "image_url", "image_url": {"url": "data:image/png;base64,aGk="}}, {"type": "text", "text": "And?"}]},
    ]);
    assert_eq!(plain(&request)["messages"], expected);
}

#[test]
fn thoughts_go_back_where_they_are_wanted() {
    let signed = Reasoning { text: "Hm.".into(), signature: Some("sig".into()), ..Reasoning::default() };
    let redacted = Reasoning { signature: Some("xyz".into()), is_redacted: true, ..Reasoning::default() };
    let content = vec![Part::Reasoning(signed), Part::Reasoning(redacted), text("Yes.")];
    let request = Request { messages: vec![Message { role: Role::Assistant, content }], ..Request::default() };
    let message = |reasoning_field| {
        let options = EncodeOptions { reasoning_field, ..EncodeOptions::default() };
        encoded(&request, &options)["messages"][0].clone()
    };
    let expected = json!({"role": "assistant", "content": "Yes."});
    assert_eq!(message(ReasoningField::Omit), expected);
    let expected = json!({"role": "assistant", "content": "Yes.", "reasoning_content": "Hm."});
    assert_eq!(message(ReasoningField::Content), expected);
    let expected = json!([
        {"type": "reasoning.text", "text": "Hm.", "signature": "sig", "index": 0},
        {"type": "reasoning.encrypted", "data": "xyz", "index": 1},
    ]);
    assert_eq!(message(ReasoningField::Details)["reasoning_details"], expected);
    let field = |provider| EncodeOptions::for_provider(provider).reasoning_field;
    assert_eq!(field("deepseek"), ReasoningField::Content);
    assert_eq!(field("openrouter"), ReasoningField::Details);
    assert_eq!(field("openai"), ReasoningField::Omit);
}

#[test]
fn cache_points_are_marked_where_they_are_understood() {
    let point = Part::CachePoint(CacheTime::Hour);
    let request = Request { system: vec![text("A"), point.clone(), text("B")], ..user(vec![text("Hi"), point]) };
    assert_eq!(
        plain(&request)["messages"],
        json!([
        {"role": "system", "content": "A\n\nB"}, {"role": "user", "content": "Hi"}])
    );
    let marked = encoded(&request, &EncodeOptions::for_provider("openrouter"));
    let mark = json!({"type": "ephemeral", "ttl": "1h"});
    assert_eq!(
        marked["messages"],
        json!([
        {"role": "system", "content": [{"type": "text", "text": "A", "cache_control": mark.clone()}, {"type": "text", "text": "B"}]},
        {"role": "user", "content": [{"type": "text", "text": "Hi", "cache_control": mark}]}])
    );
}

#[test]
fn efforts_and_forms_have_their_words() {
    let effort =
        |thinking| plain(&Request { reasoning: Some(thinking), ..Request::new("Hi", 5) })["reasoning_effort"].clone();
    assert_eq!(effort(Thinking::Off), "none");
    assert_eq!(effort(Thinking::Effort(Effort::Minimal)), "minimal");
    assert_eq!(effort(Thinking::Tokens(10_000)), "high");
    let any = Request::new("Hi", 5).with_output(Output::JsonObject);
    assert_eq!(plain(&any)["response_format"], json!({"type": "json_object"}));
    let named = Request { user: Some("u".into()), parallel_tool_calls: Some(false), ..Request::new("Hi", 5) };
    assert_eq!(plain(&named)["user"], "u");
    // OpenAI refuses this without tools, Mistral refuses that.
    assert_eq!(plain(&named).get("parallel_tool_calls"), None);
    assert_eq!(encoded(&named, &EncodeOptions::for_provider("mistral")).get("user"), None);
}

fn read(chunks: &[&str]) -> (Vec<StreamEvent>, Response) {
    let body: String = chunks.iter().map(|chunk| format!("data: {chunk}\n\n")).collect();
    let mut decoder = StreamDecoder::new(OPENAI);
    let mut steps = decoder.push(body.as_bytes()).unwrap();
    steps.extend(decoder.finish().unwrap());
    let mut builder = ResponseBuilder::new();
    steps.iter().cloned().for_each(|step| builder.push(step));
    (steps, builder.finish())
}

#[test]
fn thoughts_are_read_by_each_name() {
    let thoughts = |message: &str| {
        let body = format!(r#"{{"choices":[{{"message":{message},"finish_reason":"stop"}}]}}"#);
        let whole = decode_response(OPENAI, body.as_bytes()).unwrap();
        let chunk = format!(r#"{{"choices":[{{"index":0,"delta":{message},"finish_reason":"stop"}}]}}"#);
        let (_, streamed) = read(&[&chunk]);
        assert_eq!(streamed, whole, "{message}");
        assert_eq!(whole.text, "Yes.");
        whole.reasoning
    };
    let plain = Reasoning { text: "Hm.".into(), ..Reasoning::default() };
    assert_eq!(thoughts(r#"{"reasoning_content":"Hm.","content":"Yes."}"#), vec![plain.clone()]);
    assert_eq!(thoughts(r#"{"reasoning":"Hm.","content":"Yes."}"#), vec![plain.clone()]);
    assert_eq!(thoughts(r#"{"reasoning":{"a":1},"reasoning_content":null,"content":"Yes."}"#), []);
    let parts =
        r#"{"content":[{"type":"thinking","thinking":[{"type":"text","text":"Hm."}]},{"type":"text","text":"Yes."}]}"#;
    assert_eq!(thoughts(parts), vec![plain.clone()]);
    let signed = Reasoning { signature: Some("sig".into()), ..plain };
    let detail = r#"{"type":"reasoning.text","text":"Hm.","signature":"sig"}"#;
    assert_eq!(thoughts(&format!(r#"{{"reasoning_details":[{detail}],"content":"Yes."}}"#)), vec![signed.clone()]);
    assert_eq!(
        thoughts(&format!(r#"{{"reasoning":"Hm.","reasoning_details":[{detail}],"content":"Yes."}}"#)),
        vec![signed.clone()]
    );
    let hidden = Reasoning { signature: Some("xyz".into()), is_redacted: true, ..Reasoning::default() };
    let both =
        format!(r#"{{"reasoning_details":[{detail},{{"type":"reasoning.encrypted","data":"xyz"}}],"content":"Yes."}}"#);
    assert_eq!(thoughts(&both), [signed, hidden]);
}

#[test]
fn thoughts_in_pieces_end_where_the_answer_begins() {
    let (steps, _) = read(&[
        r#"{"id":"1","model":"m","choices":[{"index":0,"delta":{"role":"assistant","content":"","reasoning_content":"H"},"finish_reason":null}]}"#,
        r#"{"id":"1","model":"m","choices":[{"index":0,"delta":{"reasoning_content":"m"},"finish_reason":null}]}"#,
        r#"{"id":"1","model":"m","choices":[{"index":0,"delta":{"content":"Y"},"finish_reason":null}]}"#,
        r#"{"id":"1","model":"m","choices":[{"index":0,"delta":{},"finish_reason":"stop"}],"usage":null}"#,
        "[DONE]",
    ]);
    let expected = [
        StreamEvent::Start { id: "1".into(), model: "m".into() },
        StreamEvent::Reasoning("H".into()),
        StreamEvent::Reasoning("m".into()),
        StreamEvent::ReasoningEnd(Reasoning::default()),
        StreamEvent::Text("Y".into()),
        StreamEvent::Finish(yw_llm::Finish::Stop),
    ];
    assert_eq!(steps, expected);
}

#[test]
fn all_kinds_of_tokens_are_read() {
    let body = br#"{"choices":[{"message":{"content":"a"}}],"usage":{"prompt_tokens":100,"completion_tokens":50,"total_tokens":150,
        "prompt_tokens_details":{"cached_tokens":10,"cache_write_tokens":5,"audio_tokens":20,"image_tokens":30},
        "completion_tokens_details":{"reasoning_tokens":7,"audio_tokens":8}}}"#;
    let usage = decode_response(OPENAI, body).unwrap().usage.unwrap();
    assert_eq!((usage.cached_tokens, usage.cache_write_tokens), (10, 5));
    assert_eq!((usage.input_audio_tokens, usage.input_image_tokens), (20, 30));
    assert_eq!((usage.reasoning_tokens, usage.output_audio_tokens), (7, 8));
}

#[test]
fn of_several_answers_the_first_counts() {
    let (steps, response) = read(&[
        r#"{"id":"1","model":"m","choices":[{"index":1,"delta":{"content":"B"}}]}"#,
        r#"{"id":"1","model":"m","choices":[{"index":0,"delta":{"content":"A"}}]}"#,
        r#"{"id":"1","model":"m","choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}"#,
    ]);
    assert_eq!((response.text.as_str(), steps.len()), ("A", 3));
}
