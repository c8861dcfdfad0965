//! `cargo xtask bench serve`: how long clients of `yw serve` wait, while every answer is logged.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::banking77;
use super::cores::{Cores, load_average};
use super::figures::{Bar, Figure, table};
use super::load::{Load, Sent};
use super::options::Options;
use super::program::{Program, Server};
use super::quantile::percentile;
use super::rows;
use super::schedule::Arrivals;

/// Before the measurement, for code and data to be in memory.
const WARM_UP: Duration = Duration::from_secs(2);

pub(crate) fn run(root: &Path, args: &[&str]) -> Result<String, String> {
    let settings = Settings::parse(args)?;
    let program = Program::find(root)?;
    let (project, rows_path) = settings.subject.prepare(&program)?;
    let cores = Cores::find();
    if let Ok(cores) = cores {
        cores.pin_load()?;
    }
    let others = load_average();
    let server = program.serve(&project, cores.as_ref().ok().map(|c| c.server))?;
    let task = server.task(settings.task.as_deref())?;
    let requests = rows::requests(&rows_path, &task)?;

    settings.send(&server, &requests, WARM_UP, settings.seed.wrapping_add(1));
    let memory_before = server.resident_mb();
    let sent = settings.send(&server, &requests, settings.duration, settings.seed);

    let mut figures = vec![Figure::new("time to ready", ms(server.time_to_ready), "ms").with_bar(Bar::AtMost(200.0))];
    figures.extend(latencies(&sent));
    figures.extend(answers(&sent));
    for (what, memory) in [("memory after warm-up", memory_before), ("memory at the end", server.resident_mb())] {
        figures.extend(memory.map(|mb| Figure::new(what, mb, "MB")));
    }
    figures.extend(others.map(|load| Figure::new("load average before", load, "")));
    let placement = match &cores {
        Ok(cores) => format!("server on core {}, load on core {}", cores.server, cores.load),
        Err(why) => format!("server and load share all cores: {why}"),
    };
    let title = format!("yw serve, task `{}`, {} requests, {}; {placement}", task.name, sent.len(), settings.show());
    let an_error = sent.iter().find_map(|s| s.outcome.as_ref().err());
    Ok(table(&title, &figures) + &an_error.map_or(String::new(), |e| format!("\n  one of the errors: {e}")))
}

/// What is measured, and how.
struct Settings {
    subject: Subject,
    task: Option<String>,
    rate: f64,
    duration: Duration,
    n_connections: usize,
    arrivals: Arrivals,
    seed: u64,
}

/// What is served.
enum Subject {
    /// A project that is made for the benchmark, out of the data in this folder.
    Banking77(PathBuf),
    /// Somebody's own, which has a champion, and rows to ask about.
    Project { dir: PathBuf, rows: PathBuf },
}

impl Settings {
    fn parse(args: &[&str]) -> Result<Self, String> {
        let known = ["banking77", "task", "rows", "rate", "seconds", "connections", "arrivals", "seed"];
        let options = Options::parse(args, &known)?;
        let subject = match options.argument() {
            Some(dir) => Subject::Project {
                dir: dir.into(),
                rows: options.path("rows").ok_or("--rows FILE is missing: what to ask about")?,
            },
            None => Subject::Banking77(banking77::data_dir(&options)?),
        };
        Ok(Settings {
            subject,
            task: options.text("task").map(str::to_owned),
            rate: options.positive("rate", 1000.0)?,
            duration: Duration::from_secs(options.positive("seconds", 30)?),
            n_connections: options.positive("connections", 8)?,
            arrivals: Arrivals::parse(options.text("arrivals").unwrap_or("poisson"))?,
            seed: options.number("seed", 0)?,
        })
    }

    /// Sends requests for a while; the outcome of each is nothing, or what went wrong.
    fn send(
        &self,
        server: &Server,
        requests: &[Vec<u8>],
        duration: Duration,
        seed: u64,
    ) -> Vec<Sent<Result<(), String>>> {
        let schedule = self.arrivals.schedule(self.rate, duration, seed);
        let load = Load { address: server.address, requests, schedule: &schedule, n_connections: self.n_connections };
        load.run(|response| match response {
            Ok(response) if response.status == 200 => Ok(()),
            Ok(response) => Err(format!("{}: {}", response.status, String::from_utf8_lossy(&response.body))),
            Err(e) => Err(e.to_string()),
        })
    }

    fn show(&self) -> String {
        let Settings { rate, duration, n_connections, arrivals, .. } = self;
        format!("{arrivals:?} arrivals at {rate}/s for {} s on {n_connections} connections", duration.as_secs())
    }
}

impl Subject {
    /// The project's folder, ready to be served, and the file with rows.
    fn prepare(&self, program: &Program) -> Result<(PathBuf, PathBuf), String> {
        match self {
            Subject::Project { dir, rows } => Ok((dir.clone(), rows.clone())),
            Subject::Banking77(data_dir) => {
                let project = banking77::write(program, data_dir, "serve")?;
                crate::report("fitting Banking77");
                banking77::run(program, &project)?;
                let rows = project.join("test.csv");
                Ok((project, rows))
            }
        }
    }
}

/// How many answers came, and how fast.
fn answers(sent: &[Sent<Result<(), String>>]) -> [Figure; 2] {
    let n_answered = sent.iter().filter(|s| s.outcome.is_ok()).count();
    let finished = sent.iter().map(|s| s.due + s.latency).max().unwrap_or_default();
    [
        Figure::new("answers", n_answered as f64 / finished.as_secs_f64(), "/s"),
        Figure::new("errors", (sent.len() - n_answered) as f64, "").with_bar(Bar::AtMost(0.0)),
    ]
}

/// Percentiles over every request, those that failed included: a server that refuses quickly is shown by its errors.
fn latencies<T>(sent: &[Sent<T>]) -> Vec<Figure> {
    let sorted = |of: fn(&Sent<T>) -> Duration| {
        let mut times: Vec<Duration> = sent.iter().map(of).collect();
        times.sort_unstable();
        times
    };
    let (latencies, delays) = (sorted(|s| s.latency), sorted(|s| s.delay));
    let figure = |what: &str, times: &[Duration], per_mille| Figure::new(what, ms(percentile(times, per_mille)), "ms");
    vec![
        figure("p50", &latencies, 500).with_bar(Bar::AtMost(0.5)),
        figure("p90", &latencies, 900),
        figure("p99", &latencies, 990).with_bar(Bar::AtMost(3.0)),
        figure("p99.9", &latencies, 999),
        figure("max", &latencies, 1000),
        figure("of that before sending, p50", &delays, 500),
        figure("of that before sending, p99", &delays, 990),
    ]
}

fn ms(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e3
}
