use serde_json::{Map, Value, json};

use crate::dialect::{ANSWER_TOOL, system_text};
use crate::{
    EncodeOptions, JsonMode, MaxTokensField, Message, Output, Part, Request, Role, SeedField, Tool, ToolChoice,
};

/// The body of a chat-completions request.
pub fn encode_request(model: &str, request: &Request, options: &EncodeOptions) -> Vec<u8> {
    let mut body = Map::new();
    body.insert("model".into(), model.into());
    body.insert("messages".into(), messages(request, options).into());
    let max_tokens = match options.max_tokens_field {
        MaxTokensField::MaxCompletionTokens => "max_completion_tokens",
        MaxTokensField::MaxTokens => "max_tokens",
    };
    body.insert(max_tokens.into(), request.max_tokens.into());
    if let Some(temperature) = request.temperature {
        body.insert("temperature".into(), temperature.into());
    }
    if let Some(seed) = request.seed {
        let field = match options.seed_field {
            SeedField::Seed => "seed",
            SeedField::RandomSeed => "random_seed",
        };
        body.insert(field.into(), seed.into());
    }
    if !request.stop.is_empty() {
        body.insert("stop".into(), request.stop.as_slice().into());
    }
    insert_output_and_tools(&mut body, request, options.json_mode);
    if options.stream {
        body.insert("stream".into(), true.into());
        body.insert("stream_options".into(), json!({"include_usage": true}));
    }
    Value::Object(body).to_string().into_bytes()
}

fn insert_output_and_tools(body: &mut Map<String, Value>, request: &Request, json_mode: JsonMode) {
    if let Output::Json { name, schema } = &request.output {
        match json_mode {
            JsonMode::Schema => {
                let json_schema = json!({"name": name, "strict": true, "schema": schema});
                body.insert("response_format".into(), json!({"type": "json_schema", "json_schema": json_schema}));
            }
            JsonMode::Instructed => {
                body.insert("response_format".into(), json!({"type": "json_object"}));
            }
            JsonMode::ForcedTool => {
                let answer = json!({"name": ANSWER_TOOL, "description": "Gives the answer.", "parameters": schema});
                body.insert("tools".into(), json!([{"type": "function", "function": answer}]));
                body.insert("tool_choice".into(), json!({"type": "function", "function": {"name": ANSWER_TOOL}}));
                return;
            }
        }
    }
    if !request.tools.is_empty() {
        body.insert("tools".into(), request.tools.iter().map(tool).collect());
        let choice = match &request.tool_choice {
            ToolChoice::Auto => json!("auto"),
            ToolChoice::Never => json!("none"),
            ToolChoice::Required => json!("required"),
            ToolChoice::Named(name) => json!({"type": "function", "function": {"name": name}}),
        };
        body.insert("tool_choice".into(), choice);
    }
}

fn tool(tool: &Tool) -> Value {
    let function = json!({"name": tool.name, "description": tool.description, "parameters": tool.parameters});
    json!({"type": "function", "function": function})
}

fn messages(request: &Request, options: &EncodeOptions) -> Vec<Value> {
    let system = system_text(request, options).map(|text| json!({"role": "system", "content": text}));
    system.into_iter().chain(request.messages.iter().flat_map(message)).collect()
}

/// One message of ours is several of theirs where it holds results of tools.
fn message(message: &Message) -> Vec<Value> {
    let mut encoded = Vec::new();
    let mut text = String::new();
    let mut calls = Vec::new();
    for part in &message.content {
        match part {
            Part::Text(more) => text.push_str(more),
            Part::ToolCall(call) => {
                let function = json!({"name": call.name, "arguments": call.arguments});
                calls.push(json!({"id": call.id, "type": "function", "function": function}));
            }
            Part::ToolResult { call_id, content } => {
                encoded.push(json!({"role": "tool", "tool_call_id": call_id, "content": content}));
            }
        }
    }
    match message.role {
        Role::Assistant if !calls.is_empty() => {
            let content = if text.is_empty() { Value::Null } else { text.into() };
            encoded.push(json!({"role": "assistant", "content": content, "tool_calls": calls}));
        }
        Role::Assistant => encoded.push(json!({"role": "assistant", "content": text})),
        // Results alone are not followed by an empty text.
        Role::User if text.is_empty() && !encoded.is_empty() => {}
        Role::User => encoded.push(json!({"role": "user", "content": text})),
    }
    encoded
}
