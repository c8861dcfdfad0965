//! Starts a scripted provider by hand, to try the product without a key or to load it.
//!
//! ```text
//! cargo run -p yw-testkit --example scripted_server -- --port 8000 --latency-ms 200 --rate-limited 0.05
//! ```
//!
//! It answers with any value that fits the request's schema. Put its address into a project as
//! `[provider.scripted] dialect = "openai", base_url = "…"` and set `SCRIPTED_API_KEY` to anything.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "it talks to a person")]

use std::net::SocketAddr;
use std::process::ExitCode;
use std::time::Duration;

use yw_testkit::{Fault, Script, ScriptedServer, When};

const USAGE: &str = "\
usage: scripted_server [--NAME VALUE]...

  --port N             port on 127.0.0.1; 0, the default, takes a free one
  --latency-ms N       time before each reply
  --seed N             seed of answers and faults
  --rate-limited P     share of calls that get status 429 with a retry-after of 50 ms
  --server-errors P    share of calls that get status 500
  --cut P              share of replies that are cut halfway
  --malformed P        share of replies whose JSON breaks off
  --wrong-labels P     share of answers that the schema does not allow
  --slow P             share of replies that come half a second late
";

#[tokio::main]
async fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let (port, script) = match parse(&args) {
        Ok(parsed) => parsed,
        Err(problem) => {
            eprintln!("{problem}\n\n{USAGE}");
            return ExitCode::from(2);
        }
    };
    let server = match ScriptedServer::start_at(script, SocketAddr::from(([127, 0, 0, 1], port))).await {
        Ok(server) => server,
        Err(error) => {
            eprintln!("cannot listen on port {port}: {error}");
            return ExitCode::FAILURE;
        }
    };
    println!("openai dialect:    {}", server.base_url_openai());
    println!("anthropic dialect: {}", server.base_url_anthropic());
    println!("press Ctrl-C for the bill");
    if let Err(error) = tokio::signal::ctrl_c().await {
        eprintln!("cannot wait for Ctrl-C: {error}");
    }
    let bill = server.bill();
    println!(
        "{} calls, {} input and {} output tokens, {}; {} refused, {} cut, {} unreadable, {} replayed; at most {} at once",
        bill.usage.calls,
        bill.usage.input_tokens,
        bill.usage.output_tokens,
        bill.usage.usd,
        bill.refused,
        bill.cut,
        bill.unreadable,
        bill.replayed,
        server.peak_in_flight(),
    );
    ExitCode::SUCCESS
}

fn parse(args: &[String]) -> Result<(u16, Script), String> {
    let mut port = 0;
    let mut seed = 0;
    let mut latency = Duration::ZERO;
    let mut faults = Vec::new();
    for pair in args.chunks(2) {
        let [name, value] = pair else { return Err(format!("{} needs a value", pair[0])) };
        let chance = || -> Result<When, String> {
            let p = value.parse().ok().filter(|p| (0.0..=1.0).contains(p));
            p.map(When::Chance).ok_or_else(|| format!("{name}: {value} is no share between 0 and 1"))
        };
        let whole = || value.parse::<u64>().map_err(|_| format!("{name}: {value} is no whole number"));
        match name.as_str() {
            "--port" => port = u16::try_from(whole()?).map_err(|_| format!("{name}: {value} is no port"))?,
            "--seed" => seed = whole()?,
            "--latency-ms" => latency = Duration::from_millis(whole()?),
            "--rate-limited" => faults.push((chance()?, Fault::rate_limited(Duration::from_millis(50)))),
            "--server-errors" => faults.push((chance()?, Fault::status(500))),
            "--cut" => faults.push((chance()?, Fault::CutMidBody)),
            "--malformed" => faults.push((chance()?, Fault::MalformedJson)),
            "--wrong-labels" => faults.push((chance()?, Fault::WrongLabel)),
            "--slow" => faults.push((chance()?, Fault::SlowHeaders(Duration::from_millis(500)))),
            _ => return Err(format!("there is no {name}")),
        }
    }
    let script = Script::guess(seed).latency(latency).without_records();
    Ok((port, faults.into_iter().fold(script, |script, (when, fault)| script.fault(when, fault))))
}
