//! What replies report adds up to what is billed, for every kind of token in every dialect's own convention.

use serde_json::Value;
use yw_task::{Dialect, Usd};
use yw_testkit::{Prices, Reply, Rng, Script, ScriptedServer, Tokens};

use crate::client::{DIALECTS, as_stream, ask_plainly, payloads, send};

/// Reads the usage of a reply as the provider's documentation says it is to be read.
fn reported(dialect: Dialect, payloads: &[Value]) -> Tokens {
    let n = |value: &Value, pointer: &str| value.pointer(pointer).and_then(Value::as_u64).unwrap_or_default();
    let last = |pointer: &str| payloads.iter().rev().find_map(|p| p.pointer(pointer)).cloned().unwrap_or_default();
    match dialect {
        Dialect::OpenAi => {
            let usage = payloads.iter().rev().map(|p| &p["usage"]).find(|u| u.is_object()).unwrap();
            assert_eq!(n(usage, "/total_tokens"), n(usage, "/prompt_tokens") + n(usage, "/completion_tokens"));
            Tokens {
                input: n(usage, "/prompt_tokens"),
                cached: n(usage, "/prompt_tokens_details/cached_tokens"),
                cache_write: n(usage, "/prompt_tokens_details/cache_write_tokens"),
                audio_input: n(usage, "/prompt_tokens_details/audio_tokens"),
                output: n(usage, "/completion_tokens"),
                reasoning: n(usage, "/completion_tokens_details/reasoning_tokens"),
                audio_output: n(usage, "/completion_tokens_details/audio_tokens"),
                ..Tokens::default()
            }
        }
        Dialect::Responses => {
            let end = payloads.last().unwrap();
            let usage = &end.get("response").unwrap_or(end)["usage"];
            assert_eq!(n(usage, "/total_tokens"), n(usage, "/input_tokens") + n(usage, "/output_tokens"));
            Tokens {
                input: n(usage, "/input_tokens"),
                cached: n(usage, "/input_tokens_details/cached_tokens"),
                cache_write: n(usage, "/input_tokens_details/cache_write_tokens"),
                output: n(usage, "/output_tokens"),
                reasoning: n(usage, "/output_tokens_details/reasoning_tokens"),
                ..Tokens::default()
            }
        }
        Dialect::Anthropic => {
            let first = payloads[0].get("message").unwrap_or(&payloads[0])["usage"].clone();
            let (cached, cache_write) =
                (n(&first, "/cache_read_input_tokens"), n(&first, "/cache_creation/ephemeral_5m_input_tokens"));
            let cache_write_1h = n(&first, "/cache_creation/ephemeral_1h_input_tokens");
            assert_eq!(n(&first, "/cache_creation_input_tokens"), cache_write + cache_write_1h);
            Tokens {
                input: n(&first, "/input_tokens") + cached + cache_write + cache_write_1h,
                cached,
                cache_write,
                cache_write_1h,
                output: n(&last("/usage"), "/output_tokens"),
                reasoning: n(&last("/usage"), "/output_tokens_details/thinking_tokens"),
                ..Tokens::default()
            }
        }
        Dialect::Gemini => {
            let usage = last("/usageMetadata");
            let reasoning = n(&usage, "/thoughtsTokenCount");
            let details = usage["promptTokensDetails"].as_array().unwrap();
            let image = details.iter().find(|d| d["modality"] == "IMAGE").unwrap();
            let output = n(&usage, "/candidatesTokenCount") + reasoning;
            assert_eq!(n(&usage, "/totalTokenCount"), n(&usage, "/promptTokenCount") + output);
            Tokens {
                input: n(&usage, "/promptTokenCount"),
                cached: n(&usage, "/cachedContentTokenCount"),
                image_input: n(image, "/tokenCount"),
                output,
                reasoning,
                ..Tokens::default()
            }
        }
        Dialect::Bedrock => {
            let usage = last("/usage");
            let (cached, written) = (n(&usage, "/cacheReadInputTokens"), n(&usage, "/cacheWriteInputTokens"));
            let of = |ttl: &str| {
                let entry = usage["cacheDetails"].as_array().unwrap().iter().find(|d| d["ttl"] == ttl);
                n(entry.unwrap(), "/inputTokens")
            };
            assert_eq!(written, of("5m") + of("1h"));
            let input = n(&usage, "/inputTokens") + cached + written;
            assert_eq!(n(&usage, "/totalTokens"), input + n(&usage, "/outputTokens"));
            Tokens {
                input,
                cached,
                cache_write: of("5m"),
                cache_write_1h: of("1h"),
                output: n(&usage, "/outputTokens"),
                ..Tokens::default()
            }
        }
    }
}

#[test]
fn replies_report_what_is_billed() {
    for dialect in DIALECTS {
        let script = Script::new(|request| {
            let seed = request.question().len() as u64;
            Reply::text("So be it.").with_tokens(Tokens::every_kind(request.dialect, &mut Rng::new(seed)))
        });
        let server = ScriptedServer::spawn_thread(script.prices(Prices::every_kind())).unwrap();
        let (mut tokens, mut usd) = (Tokens::default(), Usd::ZERO);
        for n in 1..20 {
            let body = ask_plainly(dialect, &"q".repeat(n));
            let whole = reported(dialect, &[send(&server, dialect, &body).unwrap().json()]);
            let stream = send(&server, dialect, &as_stream(dialect, body)).unwrap();
            assert_eq!(reported(dialect, &payloads(&stream)), whole, "{dialect}");
            for _ in 0..2 {
                tokens += whole;
                usd += Prices::every_kind().cost(whole);
            }
        }
        let bill = server.bill();
        assert_eq!((bill.tokens, bill.usage.usd, bill.usage.calls), (tokens, usd, 38), "{dialect}");
        assert_eq!(bill.usage_by_model["m"], bill.usage);
    }
}

#[test]
fn the_bill_is_there_for_other_programs() {
    let server = ScriptedServer::spawn_thread(Script::guess(1)).unwrap();
    send(&server, Dialect::OpenAi, &ask_plainly(Dialect::OpenAi, "q")).unwrap();
    let mut client = crate::client::Client::connect(server.address());
    client.send(b"GET /scripted/bill HTTP/1.1\r\nhost: test\r\n\r\n");
    let bill = client.receive().unwrap().json();
    let picos = server.bill().usage.usd.picos().to_string();
    assert_eq!((&bill["billed"]["calls"], bill["billed"]["usd_picos"].as_str()), (&1.into(), Some(picos.as_str())));
    assert_eq!(bill["by_model"]["m"]["calls"], 1);
}
