use serde_json::{Map, Value, json};

use crate::dialect::{ANSWER_TOOL, system_text};
use crate::{EncodeOptions, JsonMode, Message, Output, Part, Request, Role, Tool, ToolChoice};

/// The body of a messages request. The dialect has no seed.
pub fn encode_request(model: &str, request: &Request, options: &EncodeOptions) -> Vec<u8> {
    let mut body = Map::new();
    body.insert("model".into(), model.into());
    body.insert("max_tokens".into(), request.max_tokens.into());
    if let Some(system) = system_text(request, options) {
        body.insert("system".into(), system.into());
    }
    body.insert("messages".into(), request.messages.iter().map(message).collect());
    if let Some(temperature) = request.temperature {
        body.insert("temperature".into(), temperature.into());
    }
    if !request.stop.is_empty() {
        body.insert("stop_sequences".into(), request.stop.as_slice().into());
    }
    insert_output_and_tools(&mut body, request, options.json_mode);
    if options.stream {
        body.insert("stream".into(), true.into());
    }
    Value::Object(body).to_string().into_bytes()
}

fn insert_output_and_tools(body: &mut Map<String, Value>, request: &Request, json_mode: JsonMode) {
    if let Output::Json { schema, .. } = &request.output {
        match json_mode {
            JsonMode::Schema => {
                let format = json!({"type": "json_schema", "schema": schema});
                body.insert("output_config".into(), json!({"format": format}));
            }
            JsonMode::Instructed => {}
            JsonMode::ForcedTool => {
                let answer = json!({"name": ANSWER_TOOL, "description": "Gives the answer.", "input_schema": schema});
                body.insert("tools".into(), json!([answer]));
                body.insert("tool_choice".into(), json!({"type": "tool", "name": ANSWER_TOOL}));
                return;
            }
        }
    }
    if !request.tools.is_empty() {
        body.insert("tools".into(), request.tools.iter().map(tool).collect());
        let choice = match &request.tool_choice {
            ToolChoice::Auto => json!({"type": "auto"}),
            ToolChoice::Never => json!({"type": "none"}),
            ToolChoice::Required => json!({"type": "any"}),
            ToolChoice::Named(name) => json!({"type": "tool", "name": name}),
        };
        body.insert("tool_choice".into(), choice);
    }
}

fn tool(tool: &Tool) -> Value {
    json!({"name": tool.name, "description": tool.description, "input_schema": tool.parameters})
}

fn message(message: &Message) -> Value {
    let role = match message.role {
        Role::User => "user",
        Role::Assistant => "assistant",
    };
    let content = match message.content.as_slice() {
        [Part::Text(text)] => text.as_str().into(),
        parts => parts.iter().map(block).collect::<Value>(),
    };
    json!({"role": role, "content": content})
}

fn block(part: &Part) -> Value {
    match part {
        Part::Text(text) => json!({"type": "text", "text": text}),
        Part::ToolCall(call) => {
            // The dialect wants an object; arguments that are none were the model's mistake and cannot be said here.
            let input = serde_json::from_str(&call.arguments).ok().filter(Value::is_object);
            json!({"type": "tool_use", "id": call.id, "name": call.name, "input": input.unwrap_or_else(|| json!({}))})
        }
        Part::ToolResult { call_id, content } => {
            json!({"type": "tool_result", "tool_use_id": call_id, "content": content})
        }
    }
}
