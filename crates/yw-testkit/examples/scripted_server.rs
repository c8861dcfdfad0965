//! Starts a scripted provider by hand: to try the product without a key, to load it, or to point real clients at it.
//!
//! ```text
//! cargo run -p yw-testkit --example scripted_server -- --port 8000 --latency-ms 200 --rate-limited 0.05
//! curl localhost:8000/v1/chat/completions -d '{"model":"say:hello","messages":[{"role":"user","content":"hi"}]}'
//! ```
//!
//! It does what the name of the model says: `say:TEXT`, `echo`, `json`, `think`, `tools:2`, `status:429:1`, `cut:3` and
//! many more, joined by `+`; see `Script::by_model`. Any other name gets a value that fits the request's schema. Put its
//! address into a project as `[provider.scripted] dialect = "openai", base_url = "…"` and set `SCRIPTED_API_KEY` to
//! anything.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "it talks to a person")]

use std::net::SocketAddr;
use std::process::ExitCode;
use std::time::Duration;

use yw_task::Dialect;
use yw_testkit::{Fault, Prices, Script, ScriptedServer, Tokens, When};

const USAGE: &str = "\
usage: scripted_server [--NAME VALUE]...

  --port N             port on 127.0.0.1; 0, the default, takes a free one
  --instant TEXT       answer every chat with this, from bytes that are ready, for load tests
  --key KEY            refuse requests without this key
  --aws ID:SECRET      verify signatures of AWS with this key
  --latency-ms N       time before each reply
  --pace-ms N          time before each event of a stream
  --embedding-length N numbers in an embedding; 8 unless said
  --prices WHICH       `every` has another price for every kind of token
  --seed N             seed of answers and faults
  --rate-limited P     share of calls that get status 429 with a retry-after of 50 ms
  --server-errors P    share of calls that get status 500
  --cut P              share of replies that are cut halfway
  --malformed P        share of replies whose JSON breaks off
  --wrong-labels P     share of answers that the schema does not allow
  --slow P             share of replies that come half a second late

It runs on one thread, keeps no requests, and has its bill at /scripted/bill.
";

#[tokio::main(flavor = "current_thread")]
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
    for dialect in Dialect::ALL {
        println!("{:<10} {}", dialect.name(), server.base_url(dialect));
    }
    println!("press Ctrl-C for the bill");
    if let Err(error) = tokio::signal::ctrl_c().await {
        eprintln!("cannot wait for Ctrl-C: {error}");
    }
    let bill = server.bill();
    println!(
        "{} calls, {} input and {} output tokens, {}; {} abandoned, {} refused, {} cut, {} unreadable, {} replayed; at most {} at once",
        bill.usage.calls,
        bill.usage.input_tokens,
        bill.usage.output_tokens,
        bill.usage.usd,
        bill.abandoned.calls,
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
    let mut changes: Vec<Box<dyn FnOnce(Script) -> Script>> = Vec::new();
    let mut faults = Vec::new();
    let mut instant = None;
    for pair in args.chunks(2) {
        let [name, value] = pair else { return Err(format!("{} needs a value", pair[0])) };
        let chance = || -> Result<When, String> {
            let p = value.parse().ok().filter(|p| (0.0..=1.0).contains(p));
            p.map(When::Chance).ok_or_else(|| format!("{name}: {value} is no share between 0 and 1"))
        };
        let whole = || value.parse::<u64>().map_err(|_| format!("{name}: {value} is no whole number"));
        let owned = value.clone();
        match name.as_str() {
            "--port" => port = u16::try_from(whole()?).map_err(|_| format!("{name}: {value} is no port"))?,
            "--instant" => instant = Some(owned),
            "--seed" => seed = whole()?,
            "--key" => changes.push(Box::new(move |script| script.require_key(owned))),
            "--aws" => {
                let (id, secret) = value.split_once(':').ok_or_else(|| format!("{name}: expected ID:SECRET"))?;
                let (id, secret) = (id.to_owned(), secret.to_owned());
                changes.push(Box::new(move |script| script.aws_key(id, secret)));
            }
            "--latency-ms" => {
                let latency = Duration::from_millis(whole()?);
                changes.push(Box::new(move |script| script.latency(latency)));
            }
            "--pace-ms" => {
                let pace = Duration::from_millis(whole()?);
                changes.push(Box::new(move |script| script.pace(pace)));
            }
            "--embedding-length" => {
                let length = usize::try_from(whole()?).map_err(|_| format!("{name}: {value} is too long"))?;
                changes.push(Box::new(move |script| script.embedding_length(length)));
            }
            "--prices" if value == "every" => changes.push(Box::new(|script| script.prices(Prices::every_kind()))),
            "--rate-limited" => faults.push((chance()?, Fault::rate_limited(Duration::from_millis(50)))),
            "--server-errors" => faults.push((chance()?, Fault::status(500))),
            "--cut" => faults.push((chance()?, Fault::CutMidBody)),
            "--malformed" => faults.push((chance()?, Fault::MalformedJson)),
            "--wrong-labels" => faults.push((chance()?, Fault::WrongLabel)),
            "--slow" => faults.push((chance()?, Fault::SlowHeaders(Duration::from_millis(500)))),
            _ => return Err(format!("there is no {name} {value}")),
        }
    }
    let tokens = Tokens { input: 250, output: 10, ..Tokens::default() };
    let script = match instant {
        Some(text) => Script::instant(text, tokens),
        None => Script::by_model(seed).without_records(),
    };
    let script = changes.into_iter().fold(script, |script, change| change(script));
    Ok((port, faults.into_iter().fold(script, |script, (when, fault)| script.fault(when, fault))))
}
