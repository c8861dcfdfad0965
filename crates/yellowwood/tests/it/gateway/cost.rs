//! The records and the providers' bills say the same, to the last picodollar.

use std::collections::BTreeMap;
use std::sync::Mutex;

use serde_json::{Value, json};
use yw_task::{Dialect, Usd};
use yw_testkit::{Bill, ChatRequest, Fault, Prices, Reply, Rng, Script, ScriptedServer, Tokens};

use super::dialect::{self, CLIENTS};
use super::rig::{Rig, in_parallel, price, provider, scripted, usd};
use super::wire::Wire;

/// How many calls the test makes: half a minute of two cores, without optimisation.
const N_CALLS: usize = 10_000;

const N_THREADS: usize = 8;

/// A provider, one of its models, and what the model costs: where the table of prices knows it, with all kinds of tokens.
struct Upstream {
    name: &'static str,
    dialect: Dialect,
    model: &'static str,
    prices: Prices,
}

/// Prices in dollars per million tokens: input, cached, written for minutes and for an hour, output, sound in and out.
fn prices([input, cached_input, cache_write, cache_write_1h, output, audio_input, audio_output]: [f64; 7]) -> Prices {
    let picos = |dollars: f64| (dollars * 1e6).round() as i128;
    Prices {
        input: picos(input),
        cached_input: picos(cached_input),
        cache_write: picos(cache_write),
        cache_write_1h: picos(cache_write_1h),
        audio_input: picos(audio_input),
        image_input: picos(input),
        output: picos(output),
        reasoning: picos(output),
        audio_output: picos(audio_output),
    }
}

fn upstreams() -> [Upstream; 5] {
    let upstream = |name, dialect, model, dollars| Upstream { name, dialect, model, prices: prices(dollars) };
    [
        upstream("openai", Dialect::OpenAi, "gpt-audio", [2.5, 2.5, 2.5, 2.5, 10.0, 32.0, 64.0]),
        upstream("lab", Dialect::Responses, "model", [1.0, 0.1, 1.0, 1.0, 5.0, 1.0, 5.0]),
        upstream("anthropic", Dialect::Anthropic, "claude-sonnet-5", [2.0, 0.2, 2.5, 4.0, 10.0, 2.0, 10.0]),
        upstream("gemini", Dialect::Gemini, "gemini-2.5-flash", [0.3, 0.03, 0.3, 0.3, 2.5, 1.0, 2.5]),
        upstream("bedrock", Dialect::Bedrock, "anthropic.claude-opus-5", [5.5, 0.55, 6.875, 11.0, 27.5, 5.5, 27.5]),
    ]
}

/// Another usage for every question, and what its words ask for.
fn reply(request: &ChatRequest) -> Reply {
    let question = request.question();
    let mut words = question.split(' ');
    let number: u64 = words.next().and_then(|word| word.parse().ok()).unwrap_or(0);
    let tokens = Tokens::every_kind(request.dialect, &mut Rng::new(number));
    let mut reply =
        Reply::text(format!("The answer to {number} is long enough for several pieces.")).with_tokens(tokens);
    for word in words {
        reply = match word.split_once(':') {
            Some(("cut", n_bytes)) => reply.with_fault(Fault::CutAfter(n_bytes.parse().expect("a number"))),
            _ if word == "tool" => reply.with_call("look_up", json!({ "id": number })),
            _ if word == "think" => reply.with_reasoning("Let me see. It could be this, or that."),
            _ => reply,
        };
    }
    reply
}

/// One of the calls.
struct Call {
    client: Dialect,
    path: &'static str,
    body: Value,
    is_stream: bool,
    /// The provider that cuts it, if one does.
    cut_at: Option<&'static str>,
}

impl Call {
    /// The call of this number: all pairs of dialects in turn, whole and streamed, of every kind.
    fn of(number: usize, upstreams: &[Upstream]) -> Self {
        let mut rng = Rng::new(number as u64);
        let client = CLIENTS[number % CLIENTS.len()];
        let upstream = &upstreams[number / CLIENTS.len() % upstreams.len()];
        if number % 50 == 49 {
            let body = json!({ "model": "lab/vectors", "input": [format!("text {number}"), "another text"] });
            let client = Dialect::OpenAi;
            return Call { client, path: "/v1/embeddings", body, is_stream: false, cut_at: None };
        }
        let is_cut = rng.chance(0.1);
        let is_stream = is_cut || (number / 15).is_multiple_of(2);
        let kind =
            if is_cut { format!("cut:{}", rng.below(3_000)) } else { (*rng.pick(&["say", "think", "tool"])).into() };
        let model = match is_cut {
            true => format!("cut-{}", upstream.name),
            false => format!("{}/{}", upstream.name, upstream.model),
        };
        let mut body = dialect::ask(client, &model, &format!("{number} {kind}"), is_stream);
        if kind == "tool" {
            body = dialect::with_tool(client, body, "look_up");
        }
        Call { client, path: dialect::path(client), body, is_stream, cut_at: is_cut.then_some(upstream.name) }
    }
}

#[derive(Default)]
struct Cuts {
    by_provider: BTreeMap<&'static str, u64>,
    n_broken: u64,
}

#[test]
fn the_sum_of_the_records_is_the_bill() {
    let upstreams = upstreams();
    let servers: Vec<ScriptedServer> =
        upstreams.iter().map(|u| scripted(Script::new(reply).prices(u.prices).without_records())).collect();
    let mut rig = Rig::new(project(&upstreams, &servers)).env("AWS_BEARER_TOKEN_BEDROCK", "bedrock-key");
    rig.serve();
    let cuts = Mutex::new(Cuts::default());
    in_parallel(N_THREADS, N_CALLS, |numbers| {
        let mut wire = rig.wire();
        for number in numbers {
            make(&mut wire, &Call::of(number, &upstreams), &cuts);
        }
    });
    let cuts = cuts.into_inner().expect("no thread panicked");
    assert!(cuts.n_broken > N_CALLS as u64 / 50, "most of the cuts are seen by clients: {}", cuts.n_broken);

    let sums: BTreeMap<String, Value> =
        rig.sums("model").into_iter().map(|sum| (sum["model"].as_str().unwrap_or("none").to_owned(), sum)).collect();
    for (upstream, server) in upstreams.iter().zip(&servers) {
        let bill = server.bill();
        compare(upstream, &bill, &sums);
        let cut = &sums[&format!("{}/cut", upstream.name)];
        assert_eq!(cut["calls"], cuts.by_provider[upstream.name], "every call that was cut has its record");
        assert!(bill.cut >= cuts.by_provider[upstream.name], "{bill:?}");
        assert_eq!(server.in_flight(), 0);
    }
    let n_calls: u64 = sums.values().filter_map(|sum| sum["calls"].as_u64()).sum();
    assert_eq!(n_calls, N_CALLS as u64, "one record a call");
    broken_calls_are_estimated(&rig, cuts.n_broken);
    rig.stop();
}

fn project(upstreams: &[Upstream], servers: &[ScriptedServer]) -> String {
    let mut toml = String::from("[serve]\nkeys = false\n");
    for (Upstream { name, dialect, .. }, server) in upstreams.iter().zip(servers) {
        toml += &provider(name, *dialect, server);
        if *dialect == Dialect::Bedrock {
            toml += "region = \"eu-central-1\"\n";
        }
        toml += &price(&format!("{name}/cut"));
        toml += &format!("[route.cut-{name}]\nmodels = [\"{name}/cut\"]\nretries = 0\nbreaker = false\n");
    }
    toml + &price("lab/model") + &price("lab/vectors")
}

fn make(wire: &mut Wire, call: &Call, cuts: &Mutex<Cuts>) {
    let body = call.body.to_string();
    wire.post(call.path, &[], body.as_bytes()).expect("the server reads");
    let answer = wire.answer().unwrap_or_else(|e| panic!("{e}: {body}"));
    let is_whole = answer.status == 200 && (!call.is_stream || dialect::is_whole(call.client, &answer.body));
    let Some(provider) = call.cut_at else {
        assert!(is_whole, "{body}: {} {}", answer.status, answer.text());
        return;
    };
    let error = dialect::stream_error(call.client, &answer.body);
    let is_broken = answer.status == 200 && error.is_some();
    let is_refused = answer.status >= 500 && !dialect::error(call.client, &answer).1.is_empty();
    assert!(is_whole || is_broken || is_refused, "{body}: {} {}", answer.status, answer.text());
    let mut cuts = cuts.lock().expect("no thread panicked");
    *cuts.by_provider.entry(provider).or_default() += 1;
    cuts.n_broken += u64::from(is_broken);
}

/// The bill of a provider and the records of its models, model by model and kind by kind.
#[track_caller]
fn compare(upstream: &Upstream, bill: &Bill, sums: &BTreeMap<String, Value>) {
    let mut total = Usd::ZERO;
    let mut counted = [0; 9];
    for (model, usage) in &bill.usage_by_model {
        let name = format!("{}/{model}", upstream.name);
        let sum = sums.get(&name).unwrap_or_else(|| panic!("no records of {name}"));
        assert_eq!(sum["calls"], usage.calls, "{name}: {sum}");
        assert_eq!(usd(&sum["usd"]), usage.usd, "{name}: {sum}");
        for flaw in ["failures", "estimated", "unpriced", "cached"] {
            assert_eq!(sum[flaw], 0, "{name}: {sum}");
        }
        total += usage.usd;
        let tokens = sum["tokens"].as_object().expect("tokens by kind").values();
        counted.iter_mut().zip(tokens).for_each(|(all, n)| *all += n.as_u64().unwrap_or(0));
    }
    assert_eq!(total, bill.usage.usd);
    assert!(bill.unreported.calls == 0 && bill.abandoned.calls == 0 && bill.unreadable == 0, "{bill:?}");
    let Tokens {
        input,
        cached,
        cache_write,
        cache_write_1h,
        audio_input,
        image_input,
        output,
        reasoning,
        audio_output,
    } = bill.tokens;
    let billed = [
        input,
        output,
        cached,
        cache_write + cache_write_1h,
        cache_write_1h,
        reasoning,
        audio_input,
        audio_output,
        image_input,
    ];
    assert_eq!(counted, billed, "tokens at {}", upstream.name);
    assert!(upstream.dialect == Dialect::Bedrock || reasoning > 0, "every kind that the dialect has was in it");
}

/// A stream that broke off is priced by what was seen of it, and says so.
fn broken_calls_are_estimated(rig: &Rig, n_broken: u64) {
    let calls = rig.calls();
    let broken: Vec<&Value> = calls.iter().filter(|call| call["error"]["kind"] == "stream_broken").collect();
    assert_eq!(broken.len() as u64, n_broken, "clients and records agree on what broke");
    let n_estimated = broken.iter().filter(|call| call["estimated"] == true).count();
    // Where the provider's own count came before the cut, nothing had to be estimated.
    assert!(n_estimated * 2 > broken.len(), "{n_estimated} of {}", broken.len());
    for call in broken {
        assert!(call["priced"] == true && usd(&call["usd"]) > Usd::ZERO, "{call}");
        assert!(call["tokens"]["input"].as_u64() > Some(0), "{call}");
    }
}
