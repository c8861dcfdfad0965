//! `cargo xtask bench gateway`: what `yw serve` adds to a call of a model, and how many calls it carries, with records,
//! keys and budgets on; beside other gateways in the same run.
//!
//! The provider is the testkit's scripted server, which answers at once. It shares a core with the load; the gateway has
//! the other to itself. The load is open: a request is charged for the time since it was due.

mod peer;
mod upstream;

use std::path::Path;
use std::time::{Duration, Instant};

use super::cores::{Cores, load_average};
use super::figures::{Bar, Figure, table};
use super::http::{self, Connection};
use super::load::{Load, Sent};
use super::options::Options;
use super::program::{Program, Server};
use super::quantile::percentile;
use super::schedule::Arrivals;
use peer::Peer;
use upstream::Upstream;

/// Before a measurement, for code and connections to be warm.
const WARM_UP: Duration = Duration::from_secs(2);

/// The calls after which the memory is looked at.
const MANY_CALLS: usize = 1_000_000;

pub(crate) fn run(root: &Path, args: &[&str]) -> Result<String, String> {
    let settings = Settings::parse(args)?;
    let program = Program::find(root)?;
    let cores = Cores::find();
    if let Ok(cores) = cores {
        cores.pin_load()?;
    }
    let others = load_average();
    let upstream = Upstream::start(root, cores.as_ref().ok().map(|c| c.load))?;
    let (server, key) = start(&program, &upstream, cores.as_ref().ok().map(|c| c.server))?;

    let direct = call("any", "gpt-5-mini");
    let through = call(&key, "fast");
    let mut figures = vec![Figure::new("time to ready", ms(server.time_to_ready), "ms").with_bar(Bar::AtMost(200.0))];
    crate::report("latency, direct and through the gateway");
    let direct = settings.latency(upstream.address, &direct)?;
    let gateway = settings.latency(server.address, &through)?;
    figures.extend(overhead(&direct, &gateway));
    crate::report("sustained load");
    figures.extend(settings.sustained(&server, &through)?);
    crate::report("throughput, as fast as it goes");
    let own = settings.throughput(server.address, &through)?;
    figures.push(Figure::new("throughput", own, "/s"));
    for peer in &settings.peers {
        crate::report(&format!("throughput of {}", peer.name));
        let running = peer.start(&program, &upstream, cores.as_ref().ok().map(|c| c.server))?;
        let theirs = settings.throughput(running.address, &running.request)?;
        figures.push(Figure::new(format!("throughput of {}", peer.name), theirs, "/s"));
        let ratio = Figure::new(format!("ratio to {}", peer.name), own / theirs, "x");
        figures.push(ratio.with_bar(Bar::AtLeast(peer.at_least)));
    }
    if settings.counts_memory {
        crate::report("a million calls");
        figures.extend(memory(&settings, &server, &through)?);
    }
    figures.extend(others.map(|load| Figure::new("load average before", load, "")));
    let placement = match &cores {
        Ok(cores) => format!("gateway on core {}, load and provider on core {}", cores.server, cores.load),
        Err(why) => format!("all share all cores: {why}"),
    };
    Ok(table(&format!("yw serve as a gateway, records, keys and budgets on; {placement}"), &figures))
}

/// What is measured, and how.
struct Settings {
    rate: f64,
    sustained: f64,
    duration: Duration,
    n_connections: usize,
    counts_memory: bool,
    peers: Vec<Peer>,
}

impl Settings {
    fn parse(args: &[&str]) -> Result<Self, String> {
        let known = ["rate", "sustained", "seconds", "connections", "litellm", "portkey"];
        let options = Options::parse_with_flags(args, &known, &["million"])?;
        Ok(Settings {
            rate: options.positive("rate", 1000.0)?,
            sustained: options.positive("sustained", 5000.0)?,
            duration: Duration::from_secs(options.positive("seconds", 20)?),
            n_connections: options.positive("connections", 16)?,
            counts_memory: options.has("million"),
            peers: [options.path("litellm").map(Peer::litellm), options.path("portkey").map(Peer::portkey)]
                .into_iter()
                .flatten()
                .collect(),
        })
    }

    fn send(&self, address: std::net::SocketAddr, request: &[u8], schedule: &[Duration]) -> Vec<Sent<bool>> {
        let requests = [request.to_vec()];
        let load = Load { address, requests: &requests, schedule, n_connections: self.n_connections };
        load.run(|response| response.is_ok_and(|response| response.status == 200))
    }

    /// The latencies at the usual rate.
    fn latency(&self, address: std::net::SocketAddr, request: &[u8]) -> Result<Vec<Duration>, String> {
        expect_answer(address, request)?;
        self.send(address, request, &Arrivals::Poisson.schedule(self.rate, WARM_UP, 1));
        let sent = self.send(address, request, &Arrivals::Poisson.schedule(self.rate, self.duration, 0));
        let n_failed = sent.iter().filter(|s| !s.outcome).count();
        if n_failed > 0 {
            return Err(format!("{n_failed} of {} requests failed", sent.len()));
        }
        let mut latencies: Vec<Duration> = sent.iter().map(|s| s.latency).collect();
        latencies.sort_unstable();
        Ok(latencies)
    }

    /// Whether the higher rate is kept up without an error.
    fn sustained(&self, server: &Server, request: &[u8]) -> Result<Vec<Figure>, String> {
        let schedule = Arrivals::Constant.schedule(self.sustained, self.duration, 0);
        let sent = self.send(server.address, request, &schedule);
        let n_failed = sent.iter().filter(|s| !s.outcome).count();
        let ended = sent.iter().map(|s| s.due + s.latency).max().unwrap_or_default();
        let mut latencies: Vec<Duration> = sent.iter().map(|s| s.latency).collect();
        latencies.sort_unstable();
        let rate = (sent.len() - n_failed) as f64 / ended.as_secs_f64();
        Ok(vec![
            Figure::new(format!("answers at {}/s", self.sustained), rate, "/s")
                .with_bar(Bar::AtLeast(0.99 * self.sustained)),
            Figure::new("errors at that rate", n_failed as f64, "").with_bar(Bar::AtMost(0.0)),
            Figure::new("p50 at that rate", ms(percentile(&latencies, 500)), "ms"),
            Figure::new("p99 at that rate", ms(percentile(&latencies, 990)), "ms"),
        ])
    }

    /// Calls a second, each connection sending as soon as it has its answer.
    fn throughput(&self, address: std::net::SocketAddr, request: &[u8]) -> Result<f64, String> {
        expect_answer(address, request)?;
        let start = Instant::now();
        let mut n_answered = 0;
        while start.elapsed() < self.duration / 2 {
            let sent = self.send(address, request, &[Duration::ZERO; 1_000]);
            n_answered += sent.iter().filter(|s| s.outcome).count();
        }
        Ok(n_answered as f64 / start.elapsed().as_secs_f64())
    }
}

/// What the gateway adds to a call.
fn overhead(direct: &[Duration], gateway: &[Duration]) -> Vec<Figure> {
    let difference = |per_mille| ms(percentile(gateway, per_mille)) - ms(percentile(direct, per_mille));
    vec![
        Figure::new("direct, p50", ms(percentile(direct, 500)), "ms"),
        Figure::new("direct, p99", ms(percentile(direct, 990)), "ms"),
        Figure::new("through the gateway, p50", ms(percentile(gateway, 500)), "ms"),
        Figure::new("through the gateway, p99", ms(percentile(gateway, 990)), "ms"),
        Figure::new("added, p50", difference(500), "ms").with_bar(Bar::AtMost(0.3)),
        Figure::new("added, p99", difference(990), "ms").with_bar(Bar::AtMost(1.0)),
    ]
}

/// The memory after a million calls.
fn memory(settings: &Settings, server: &Server, request: &[u8]) -> Result<Vec<Figure>, String> {
    let mut n_failed = 0;
    for _ in 0..MANY_CALLS / 10_000 {
        let sent = settings.send(server.address, request, &vec![Duration::ZERO; 10_000]);
        n_failed += sent.iter().filter(|s| !s.outcome).count();
    }
    let resident = server.resident_mb().map(|mb| Figure::new("memory after a million", mb, "MB"));
    let failed = Figure::new("errors among a million", n_failed as f64, "").with_bar(Bar::AtMost(0.0));
    Ok(resident.map(|figure| figure.with_bar(Bar::AtMost(80.0))).into_iter().chain([failed]).collect())
}

/// A gateway with one route to the scripted provider, and a key with limits of every sort.
fn start(program: &Program, upstream: &Upstream, core: Option<usize>) -> Result<(Server, String), String> {
    let dir = program.fresh_dir("gateway")?;
    let project = format!(
        "[serve]\nkeys = true\nlimits = {{ requests = \"100000000/day\" }}\n\n\
         [provider.scripted]\ndialect = \"openai\"\nbase_url = \"http://{}/v1\"\n\n\
         [route.fast]\nmodels = [\"scripted/gpt-5-mini\"]\n\n\
         [price.\"scripted/gpt-5-mini\"]\ninput = 0.25\noutput = 2.0\n",
        upstream.address
    );
    let file = dir.join("yellowwood.toml");
    std::fs::write(&file, project).map_err(|e| format!("{}: {e}", file.display()))?;
    let limits = ["--budget", "1000000/month", "--rate", "100000000/min", "--tokens", "100000000000/day"];
    let created =
        program.run(&[&["key", "create", "--name", "bench", "--format", "json"], &limits[..]].concat(), &dir)?;
    let created: serde_json::Value = serde_json::from_str(&created).map_err(|e| format!("yw key create: {e}"))?;
    let key = created["token"].as_str().ok_or("yw key create shows no token")?.to_owned();
    Ok((program.serve(&dir, core)?, key))
}

/// A call of a model, with a key.
fn call(key: &str, model: &str) -> Vec<u8> {
    let headers = [("authorization", format!("Bearer {key}"))];
    http::request_with("POST", "/v1/chat/completions", &headers, &body(model))
}

/// A chat request of about a kilobyte.
fn body(model: &str) -> String {
    let text = "The parcel was due on Monday and has not come. ".repeat(18);
    let body = serde_json::json!({
        "model": model,
        "max_tokens": 64,
        "messages": [{"role": "system", "content": "You are a support agent."}, {"role": "user", "content": text}],
    });
    body.to_string()
}

/// One request whose answer must be right, so that no measurement is of errors.
fn expect_answer(address: std::net::SocketAddr, request: &[u8]) -> Result<(), String> {
    let response = Connection::new(address).exchange(request).map_err(|e| format!("{address}: {e}"))?;
    match response.status {
        200 => Ok(()),
        status => Err(format!("{address} answers {status}: {}", String::from_utf8_lossy(&response.body))),
    }
}

fn ms(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e3
}
