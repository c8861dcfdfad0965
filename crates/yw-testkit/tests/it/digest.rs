//! The script sees the same conversation, whatever the dialect.

use serde_json::{Value, json};
use yw_task::Dialect;
use yw_testkit::{Script, ScriptedServer};

use crate::client::{DIALECTS, said, send};

/// One conversation with everything: a system prompt, a picture, a document, reasoning, a call, its result.
fn conversation(dialect: Dialect) -> Value {
    let schema = json!({ "type": "object", "properties": { "id": { "type": "integer" } } });
    match dialect {
        Dialect::OpenAi => json!({
            "model": "m",
            "max_completion_tokens": 50,
            "temperature": 0.5,
            "stop": ["END"],
            "reasoning_effort": "low",
            "messages": [
                { "role": "developer", "content": "be brief" },
                { "role": "user", "content": [
                    { "type": "text", "text": "what is this?" },
                    { "type": "image_url", "image_url": { "url": "data:image/png;base64,AAAA" } },
                    { "type": "file", "file": { "file_data": "data:application/pdf;base64,AAAABBBB" } },
                ] },
                { "role": "assistant", "content": "I look.", "reasoning_content": "hm", "tool_calls": [{
                    "id": "c1", "type": "function",
                    "function": { "name": "lookup", "arguments": "{\"id\": 7}" },
                }] },
                { "role": "tool", "tool_call_id": "c1", "content": "a cat" },
                { "role": "user", "content": "and?" },
            ],
            "tools": [{ "type": "function", "function": { "name": "lookup", "parameters": schema } }],
        }),
        Dialect::Responses => json!({
            "model": "m",
            "max_output_tokens": 50,
            "temperature": 0.5,
            "reasoning": { "effort": "low" },
            "instructions": "be brief",
            "input": [
                { "role": "user", "content": [
                    { "type": "input_text", "text": "what is this?" },
                    { "type": "input_image", "image_url": "data:image/png;base64,AAAA" },
                    { "type": "input_file", "file_data": "data:application/pdf;base64,AAAABBBB" },
                ] },
                { "type": "reasoning", "id": "rs_1", "summary": [{ "type": "summary_text", "text": "hm" }] },
                { "type": "message", "role": "assistant", "content": [{ "type": "output_text", "text": "I look." }] },
                { "type": "function_call", "call_id": "c1", "name": "lookup", "arguments": "{\"id\":7}" },
                { "type": "function_call_output", "call_id": "c1", "output": "a cat" },
                { "role": "user", "content": "and?" },
            ],
            "tools": [{ "type": "function", "name": "lookup", "parameters": schema }],
        }),
        Dialect::Anthropic => json!({
            "model": "m",
            "max_tokens": 50,
            "temperature": 0.5,
            "stop_sequences": ["END"],
            "thinking": { "type": "enabled", "budget_tokens": 1024 },
            "system": "be brief",
            "messages": [
                { "role": "user", "content": [
                    { "type": "text", "text": "what is this?", "cache_control": { "type": "ephemeral" } },
                    { "type": "image", "source": { "type": "base64", "media_type": "image/png", "data": "AAAA" } },
                    { "type": "document",
                      "source": { "type": "base64", "media_type": "application/pdf", "data": "AAAABBBB" } },
                ] },
                { "role": "assistant", "content": [
                    { "type": "thinking", "thinking": "hm", "signature": "s" },
                    { "type": "text", "text": "I look." },
                    { "type": "tool_use", "id": "c1", "name": "lookup", "input": { "id": 7 } },
                ] },
                { "role": "user", "content": [
                    { "type": "tool_result", "tool_use_id": "c1", "content": "a cat" },
                    { "type": "text", "text": "and?" },
                ] },
            ],
            "tools": [{ "name": "lookup", "input_schema": schema }],
        }),
        Dialect::Gemini => json!({
            "generationConfig": {
                "maxOutputTokens": 50, "temperature": 0.5, "stopSequences": ["END"],
                "thinkingConfig": { "includeThoughts": true },
            },
            "systemInstruction": { "parts": [{ "text": "be brief" }] },
            "contents": [
                { "role": "user", "parts": [
                    { "text": "what is this?" },
                    { "inlineData": { "mimeType": "image/png", "data": "AAAA" } },
                    { "inlineData": { "mimeType": "application/pdf", "data": "AAAABBBB" } },
                ] },
                { "role": "model", "parts": [
                    { "text": "hm", "thought": true },
                    { "text": "I look." },
                    { "functionCall": { "name": "lookup", "args": { "id": 7 } } },
                ] },
                { "role": "user", "parts": [
                    { "functionResponse": { "name": "lookup", "response": { "result": "a cat" } } },
                    { "text": "and?" },
                ] },
            ],
            "tools": [{ "functionDeclarations": [{
                "name": "lookup",
                "parameters": { "type": "OBJECT", "properties": { "id": { "type": "INTEGER" } } },
            }] }],
        }),
        Dialect::Bedrock => json!({
            "inferenceConfig": { "maxTokens": 50, "temperature": 0.5, "stopSequences": ["END"] },
            "additionalModelRequestFields": { "thinking": { "type": "enabled", "budget_tokens": 1024 } },
            "system": [{ "text": "be brief" }],
            "messages": [
                { "role": "user", "content": [
                    { "text": "what is this?" },
                    { "image": { "format": "png", "source": { "bytes": "AAAA" } } },
                    { "document": { "format": "pdf", "name": "doc", "source": { "bytes": "AAAABBBB" } } },
                    { "cachePoint": { "type": "default" } },
                ] },
                { "role": "assistant", "content": [
                    { "reasoningContent": { "reasoningText": { "text": "hm", "signature": "s" } } },
                    { "text": "I look." },
                    { "toolUse": { "toolUseId": "c1", "name": "lookup", "input": { "id": 7 } } },
                ] },
                { "role": "user", "content": [
                    { "toolResult": { "toolUseId": "c1", "content": [{ "text": "a cat" }] } },
                    { "text": "and?" },
                ] },
            ],
            "toolConfig": { "tools": [{ "toolSpec": { "name": "lookup", "inputSchema": { "json": schema } } }] },
        }),
    }
}

#[test]
fn a_conversation_has_one_digest() {
    let script = Script::new(|request| yw_testkit::Reply::text(request.digest().to_string()));
    let server = ScriptedServer::spawn_thread(script).unwrap();
    for dialect in DIALECTS {
        let digest: Value =
            serde_json::from_str(&said(dialect, &send(&server, dialect, &conversation(dialect)).unwrap())).unwrap();
        let mut expected = json!({
            "model": "m",
            "system": "be brief",
            "messages": [
                "user: what is this?",
                "user: image image/png 4",
                "user: document application/pdf 8",
                "assistant: I look.",
                "assistant: reasoning hm",
                "assistant: call lookup {\"id\":7}",
                "tool: a cat",
                "user: and?",
            ],
            "tools": ["lookup(id)"],
            "tool_choice": "Auto",
            "max_tokens": 50,
            "temperature": 0.5,
            "stop": ["END"],
            "thinks": true,
        });
        if dialect == Dialect::Responses {
            expected.as_object_mut().unwrap().remove("stop"); // it has none
        }
        assert_eq!(digest, expected, "{dialect}");
    }
}

#[test]
fn tokens_are_counted_where_the_dialect_counts_them() {
    let server = ScriptedServer::spawn_thread(Script::guess(1)).unwrap();
    let count = |path: &str, body: Value, field: &str| {
        let mut client = crate::client::Client::connect(server.address());
        client.send(&crate::client::post(path, &body.to_string(), "authorization: Bearer k\r\n"));
        let received = client.receive().unwrap();
        received.json()[field].as_u64().unwrap_or_else(|| panic!("{path}: {}", received.text()))
    };
    let of = conversation;
    let counts = [
        count("/v1/responses/input_tokens", of(Dialect::Responses), "input_tokens"),
        count("/v1/messages/count_tokens", of(Dialect::Anthropic), "input_tokens"),
        count("/v1beta/models/m:countTokens", of(Dialect::Gemini), "totalTokens"),
        count("/v1beta/models/m:countTokens", json!({ "generateContentRequest": of(Dialect::Gemini) }), "totalTokens"),
        count("/model/m/count-tokens", json!({ "input": { "converse": of(Dialect::Bedrock) } }), "inputTokens"),
    ];
    assert!(counts.iter().all(|n| (20..60).contains(n)), "{counts:?}");
    assert_eq!(server.bill().usage.calls, 0, "a count costs nothing");
    let mut limitless = of(Dialect::Anthropic);
    limitless.as_object_mut().unwrap().remove("max_tokens");
    count("/v1/messages/count_tokens", limitless, "input_tokens");
}
