//! A script that the model's name writes, for clients in other languages.

use std::time::Duration;

use crate::fault::Fault;
use crate::reply::{Content, Reply, Stop};
use crate::request::ChatRequest;
use crate::rng::{self, Rng};
use crate::schema;
use crate::script::Script;
use crate::tokens::Tokens;

impl Script {
    /// Does what the name of the model says: words joined by `+`, each with what follows it after colons.
    ///
    /// What is said: `say:TEXT`; `echo`, the question; `mirror`, [`ChatRequest::digest`] as JSON; `long:WORDS`; `json`,
    /// anything that fits the schema (as without any word); `tools:N`, so many calls of the request's tools at once
    /// until it brings their results, which are then said; `think`, reasoning first; `usage`, tokens of every kind that
    /// the dialect reports.
    ///
    /// Why it stops: `refuse`, `filter`, `length`, `stop:SEQUENCE`.
    ///
    /// What goes wrong: `status:CODE[:RETRY_AFTER_SECONDS]`; `flaky:CODE[:N]`, the first N times (1) that the same body
    /// comes; `slow:MS` before the head; `pace:MS` for each event; `stall:N:MS` after N pieces of content; `hang`;
    /// `close` and `reset` before the head; `cut[:N]` and `error[:N]` after N pieces of content (1); `bytes:N`, cut after
    /// N bytes; `split:N`, pieces of N bytes; `at:N`, two pieces; `odd` events; `malformed` JSON; `utf8`, bytes that are
    /// none; `huge:BYTES` before the body; `event:BYTES`, a long one; `headers:N`; `noend`; `nousage`.
    ///
    /// Words that are not known are passed over, so that any name is a model. What stands before the last slash of a
    /// name is not looked at.
    pub fn by_model(seed: u64) -> Self {
        // The texts alone, so that it counts the same however a schema is translated.
        let mut script = Script::new(move |request| reply(request, seed)).tokens(Tokens::count_texts).seed(seed);
        script.counts_attempts = true;
        script
    }
}

fn reply(request: &ChatRequest, seed: u64) -> Reply {
    let mut reply = Reply::answer(schema::guess(request, seed));
    let name = request.model.rsplit('/').next().unwrap_or_default();
    for word in name.split('+') {
        let mut parts = word.splitn(2, ':');
        let verb = parts.next().unwrap_or_default();
        apply(&mut reply, verb, parts.next().unwrap_or_default(), request, seed);
    }
    reply
}

fn apply(reply: &mut Reply, verb: &str, rest: &str, request: &ChatRequest, seed: u64) {
    match verb {
        "say" => reply.content = Content::Text(rest.to_owned()),
        "echo" => reply.content = Content::Text(request.question().to_owned()),
        "mirror" => reply.content = Content::Text(request.digest().to_string()),
        "long" => reply.content = Content::Text(vec!["word"; whole(rest, 100)].join(" ")),
        "think" => reply.reasoning = Some("Let me think about that. It is simple enough.".to_owned()),
        "tools" => call_tools(reply, whole(rest, 1), request, seed),
        "usage" => {
            reply.tokens =
                Some(Tokens::every_kind(request.dialect, &mut Rng::new(rng::hash([request.question().as_bytes()]))))
        }
        "refuse" => {
            reply.content = Content::Text("I cannot help with that.".to_owned());
            reply.stop = Stop::Refusal;
        }
        "filter" => reply.stop = Stop::Filter,
        "length" => reply.stop = Stop::Length,
        "stop" => reply.stop = Stop::Sequence(rest.to_owned()),
        _ => reply.fault = fault(verb, rest, request).or(reply.fault.take()),
    }
}

/// The fault that a word names, if it does and if it befalls this request.
fn fault(verb: &str, rest: &str, request: &ChatRequest) -> Option<Fault> {
    let (first, second) = rest.split_once(':').unwrap_or((rest, ""));
    let millis = |text: &str| Duration::from_millis(whole(text, 0) as u64);
    let code = u16::try_from(whole(first, 500)).unwrap_or(500);
    Some(match verb {
        "status" => {
            let seconds = second.parse().ok().and_then(|s| Duration::try_from_secs_f64(s).ok());
            Fault::Status { code, retry_after: seconds, body: None }
        }
        "flaky" if request.attempt <= whole(second, 1) as u64 => Fault::status(code),
        "slow" => Fault::SlowHeaders(millis(first)),
        "pace" => Fault::SlowBody(millis(first)),
        "stall" => Fault::StallAfterContent(whole(first, 1), millis(second)),
        "hang" => Fault::Hang,
        "close" => Fault::CutBeforeHeaders,
        "reset" => Fault::Reset,
        "cut" => Fault::CutAfterContent(whole(first, 1)),
        "error" => Fault::ErrorAfterContent(whole(first, 1)),
        "bytes" => Fault::CutAfter(whole(first, 0)),
        "split" => Fault::Fragments(whole(first, 1)),
        "at" => Fault::SplitAt(whole(first, 1)),
        "odd" => Fault::OddEvents,
        "malformed" => Fault::MalformedJson,
        "utf8" => Fault::InvalidUtf8,
        "huge" => Fault::HugeBody(whole(first, 1 << 20)),
        "event" => Fault::HugeEvent(whole(first, 1 << 20)),
        "headers" => Fault::ManyHeaders(whole(first, 10_000)),
        "noend" => Fault::NoEnd,
        "nousage" => Fault::NoUsage,
        _ => return None,
    })
}

/// Calls the tools in turn; once their results are there, they are said.
fn call_tools(reply: &mut Reply, n_calls: usize, request: &ChatRequest, seed: u64) {
    let results: Vec<&str> = request.messages.iter().filter(|m| m.role == "tool").map(|m| m.text.as_str()).collect();
    if !results.is_empty() {
        reply.content = Content::Text(format!("The tools say: {}", results.join(", ")));
        return;
    }
    let tools = request.tools.iter().cycle().take(if request.tools.is_empty() { 0 } else { n_calls });
    let calls = tools.enumerate().map(|(idx, tool)| schema::guess_call(request, tool, seed + idx as u64));
    reply.calls = calls.collect();
    if !reply.calls.is_empty() {
        reply.content = Content::Text(String::new());
    }
}

fn whole(text: &str, otherwise: usize) -> usize {
    text.parse().unwrap_or(otherwise)
}
