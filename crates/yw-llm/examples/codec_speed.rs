//! How long the codecs take, on one core: `cargo run --release -p yw-llm --example codec_speed`.
#![allow(clippy::print_stdout)]

use std::hint::black_box;
use std::time::Instant;

use yw_llm::{
    AnswerHead, EncodeOptions, ResponseBuilder, StreamDecoder, StreamEncoder, UsageChunkFilter, decode_request,
    decode_response, encode_request, encode_response, peek_request, peek_response, rewrite_request,
};
use yw_task::Dialect;

const N_CHUNKS: usize = 1_000;

fn main() {
    let openai = chat_request();
    let anthropic = messages_request();
    println!("requests of {} and {} bytes", openai.len(), anthropic.len());
    for (dialect, body) in [(Dialect::OpenAi, &openai), (Dialect::Anthropic, &anthropic)] {
        requests(dialect, body);
    }
    for (dialect, body) in [(Dialect::OpenAi, chat_reply()), (Dialect::Anthropic, messages_reply())] {
        replies(dialect, &body, &openai);
    }
    for (dialect, body) in [(Dialect::OpenAi, chat_stream()), (Dialect::Anthropic, messages_stream())] {
        streams(dialect, &body, &openai);
    }
}

fn requests(dialect: Dialect, body: &[u8]) {
    measure(&format!("{dialect}: peek at a request"), 1, || peek_request(dialect, body).map(|peek| peek.model_span));
    measure(&format!("{dialect}: peek and rewrite"), 1, || {
        let peek = peek_request(dialect, body).ok()?;
        Some(rewrite_request(body, &peek, Some("another-model"), true))
    });
    measure(&format!("{dialect}: decode a request"), 1, || decode_request(dialect, body));
    let Ok(client) = decode_request(dialect, body) else { return };
    let options = EncodeOptions::default();
    for to in [Dialect::OpenAi, Dialect::Anthropic] {
        measure(&format!("{dialect}: encode it for {to}"), 1, || encode_request(to, "m", &client.request, &options));
    }
}

fn replies(dialect: Dialect, body: &[u8], request: &[u8]) {
    measure(&format!("{dialect}: peek at a reply of {} bytes", body.len()), 1, || peek_response(dialect, body));
    measure(&format!("{dialect}: decode it"), 1, || decode_response(dialect, body));
    let (Ok(client), Ok(response)) = (decode_request(Dialect::OpenAi, request), decode_response(dialect, body)) else {
        return;
    };
    measure(&format!("{dialect}: encode it for a client"), 1, || encode_response(dialect, &client, &head(), &response));
}

fn streams(dialect: Dialect, body: &[u8], request: &[u8]) {
    println!("{dialect}: a stream of {N_CHUNKS} chunks, {} bytes; times are per chunk", body.len());
    // As it comes from a socket: an event or so at a time.
    let pieces: Vec<&[u8]> = body.chunks(body.len() / N_CHUNKS).collect();
    let read = |steps: &mut Vec<_>| {
        let mut decoder = StreamDecoder::new(dialect);
        for piece in &pieces {
            let _ = decoder.push_into(piece, steps);
        }
    };
    let mut steps = Vec::new();
    measure("  decode", N_CHUNKS, || {
        steps.clear();
        read(&mut steps);
    });
    let mut steps = Vec::new();
    read(&mut steps);
    measure("  put together", N_CHUNKS, || {
        let mut builder = ResponseBuilder::new();
        steps.iter().cloned().for_each(|step| builder.push(step));
        builder.finish()
    });
    let Ok(client) = decode_request(Dialect::OpenAi, request) else { return };
    let mut out = Vec::new();
    for to in [Dialect::OpenAi, Dialect::Anthropic] {
        measure(&format!("  encode for a client of {to}"), N_CHUNKS, || {
            out.clear();
            let mut encoder = StreamEncoder::new(to, &client, head())?;
            steps.iter().for_each(|step| encoder.push(step, &mut out));
            encoder.finish(&mut out);
            Some(out.len())
        });
    }
    if dialect == Dialect::OpenAi {
        let mut steps = Vec::new();
        measure("  pass on without the usage", N_CHUNKS, || {
            let mut filter = UsageChunkFilter::new();
            out.clear();
            steps.clear();
            for piece in &pieces {
                let _ = filter.push(piece, &mut out, &mut steps);
            }
            filter.finish(&mut out).is_ok()
        });
    }
}

/// Prints the best of several rounds, per item.
fn measure<T>(name: &str, n_items: usize, mut work: impl FnMut() -> T) {
    let mut best = f64::INFINITY;
    for _ in 0..20 {
        let n_times = 2_000 / n_items.min(1_000);
        let start = Instant::now();
        for _ in 0..n_times {
            black_box(work());
        }
        best = best.min(start.elapsed().as_secs_f64() / (n_times * n_items) as f64);
    }
    println!("{name:<44} {:>9.0} ns", best * 1e9);
}

fn head() -> AnswerHead {
    AnswerHead {
        id: "0195f0a7b1c47d1e8b8e1f6f2d0b9a3c".into(),
        created: 1_790_000_000,
        model: "openai/gpt-5-mini".into(),
    }
}

const PROSE: &str =
    "The train to Zürich leaves at seven from platform nine, and the ticket that you bought is \"valid\" on it. ";

fn chat_request() -> Vec<u8> {
    let tool = r#"{"type":"function","function":{"name":"lookup","description":"Finds an order.","parameters":{"type":"object","properties":{"order":{"type":"integer"}},"required":["order"]}}}"#;
    let text = json_text(&PROSE.repeat(5));
    format!(
        r#"{{"model":"gpt-5-mini","messages":[{{"role":"system","content":"Be brief."}},{{"role":"user","content":{text}}},{{"role":"assistant","content":"One moment."}},{{"role":"user","content":"And?"}}],"max_completion_tokens":512,"temperature":0.2,"tools":[{tool}],"stream":true}}"#
    )
    .into_bytes()
}

fn messages_request() -> Vec<u8> {
    let tool = r#"{"name":"lookup","description":"Finds an order.","input_schema":{"type":"object","properties":{"order":{"type":"integer"}},"required":["order"]}}"#;
    let text = json_text(&PROSE.repeat(5));
    format!(
        r#"{{"model":"claude-haiku-4-5","max_tokens":512,"system":"Be brief.","messages":[{{"role":"user","content":[{{"type":"text","text":{text}}}]}},{{"role":"assistant","content":"One moment."}},{{"role":"user","content":"And?"}}],"temperature":0.2,"tools":[{tool}],"stream":true}}"#
    )
    .into_bytes()
}

fn chat_reply() -> Vec<u8> {
    let text = json_text(&PROSE.repeat(5));
    format!(
        r#"{{"id":"chatcmpl-1","object":"chat.completion","created":1,"model":"gpt-5-mini","choices":[{{"index":0,"message":{{"role":"assistant","content":{text},"refusal":null}},"logprobs":null,"finish_reason":"stop"}}],"usage":{{"prompt_tokens":200,"completion_tokens":120,"total_tokens":320,"prompt_tokens_details":{{"cached_tokens":0}},"completion_tokens_details":{{"reasoning_tokens":0}}}}}}"#
    )
    .into_bytes()
}

fn messages_reply() -> Vec<u8> {
    let text = json_text(&PROSE.repeat(5));
    format!(
        r#"{{"id":"msg_1","type":"message","role":"assistant","model":"claude-haiku-4-5","content":[{{"type":"text","text":{text}}}],"stop_reason":"end_turn","stop_sequence":null,"usage":{{"input_tokens":200,"cache_creation_input_tokens":0,"cache_read_input_tokens":0,"output_tokens":120}}}}"#
    )
    .into_bytes()
}

fn chat_stream() -> Vec<u8> {
    let chunk = r#"data: {"id":"chatcmpl-B9MHDbslfkBeAs8l4bebGdFOJ6PeG","object":"chat.completion.chunk","created":1790000000,"model":"gpt-5-mini-2025-08-07","service_tier":"default","system_fingerprint":null,"choices":[{"index":0,"delta":{"content":" train"},"logprobs":null,"finish_reason":null}],"usage":null}"#;
    let end = r#"data: {"id":"1","choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}"#;
    let usage = r#"data: {"id":"1","choices":[],"usage":{"prompt_tokens":200,"completion_tokens":1000}}"#;
    format!("{}{end}\n\n{usage}\n\ndata: [DONE]\n\n", format!("{chunk}\n\n").repeat(N_CHUNKS)).into_bytes()
}

fn messages_stream() -> Vec<u8> {
    let start = r#"{"type":"message_start","message":{"id":"msg_1","model":"claude","content":[],"usage":{"input_tokens":200,"output_tokens":1}}}"#;
    let open = r#"{"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}"#;
    let chunk = "event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"text_delta\",\"text\":\" train\"}}\n\n";
    let end = r#"{"type":"message_delta","delta":{"stop_reason":"end_turn"},"usage":{"output_tokens":1000}}"#;
    let stop = r#"{"type":"message_stop"}"#;
    format!("data: {start}\n\ndata: {open}\n\n{}data: {end}\n\ndata: {stop}\n\n", chunk.repeat(N_CHUNKS)).into_bytes()
}

fn json_text(text: &str) -> String {
    format!("\"{}\"", text.replace('"', "\\\""))
}
