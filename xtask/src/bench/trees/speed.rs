//! Fit, predict and held-out quality, in turn with the peers; and how long a single row takes.

use std::process::Command;

use super::case::{Case, Latency, Round, RowSource, Worker};
use super::rows::N_FEATURES;
use crate::bench::cores::load_average;
use crate::bench::figures::{Bar, Figure, table};
use crate::bench::options::Options;
use crate::bench::peer;
use crate::bench::quantile::median_of;

/// What a peer's script calls LightGBM, LightGBM with quantized gradients, and XGBoost.
const PEERS: [&str; 3] = ["lgb", "lgbq", "xgb"];
const PEER_LINE: &str = "lgb fit 5.50s predict 0.380s logloss 0.47714 auc 0.85426";

/// As many threads as the peers are given.
const N_THREADS: usize = 2;
const N_TEST_ROWS: usize = 100_000;

/// Whose rows the contestants meet on.
#[derive(Debug)]
pub(crate) enum Source<'a> {
    /// Ours, without peers.
    Seeded { n_rows: usize },
    /// Those of the peers' script.
    Peer { command: &'a str },
}

/// All rounds of one of those who fit.
#[derive(Debug, Clone)]
struct Contestant {
    name: &'static str,
    rounds: Vec<Round>,
}

impl<'a> Source<'a> {
    pub(crate) fn new(options: &Options<'a>) -> Result<Self, String> {
        match options.text("peer") {
            Some(_) if options.text("rows").is_some() => {
                Err("--rows is for seeded rows; a peer brings its own".to_owned())
            }
            Some(command) => Ok(Source::Peer { command }),
            None => Ok(Source::Seeded { n_rows: options.positive("rows", 500_000)? }),
        }
    }

    /// The rows, written by the peer where they are its own.
    fn rows(&self, worker: &Worker) -> Result<RowSource, String> {
        let command = match *self {
            Source::Seeded { n_rows } => {
                return Ok(RowSource::Seeded { n_rows, n_test_rows: N_TEST_ROWS, n_features: N_FEATURES });
            }
            Source::Peer { command } => command,
        };
        let dir = &worker.bench_dir;
        crate::report(&format!("the peers' rows are written to {}", dir.display()));
        // The folder is an argument of its own, whatever is in its name.
        let status = Command::new("sh")
            .args(["-c", &format!("{command} --write \"$0\"")])
            .arg(dir)
            .status()
            .map_err(|e| format!("{command}: {e}"))?;
        if status.success() { Ok(RowSource::Folder(dir.clone())) } else { Err(format!("{command} --write: {status}")) }
    }
}

pub(crate) fn run(worker: &Worker, n_rounds: usize, source: Source<'_>) -> Result<String, String> {
    let rows = source.rows(worker)?;
    let case = |quantized| Case { source: rows.clone(), n_threads: N_THREADS, quantized };
    let others = load_average();
    let contestant = |name| Contestant { name, rounds: Vec::new() };
    let mut ours = ["yw", "yw exact"].map(contestant);
    let mut peers = match source {
        Source::Seeded { .. } => Vec::new(),
        Source::Peer { .. } => PEERS.map(contestant).to_vec(),
    };
    // In turn, since a shared machine is faster at one hour than at another.
    for round in 1..=n_rounds {
        for (contestant, quantized) in ours.iter_mut().zip([true, false]) {
            contestant.push(round, worker.fit(&case(quantized))?);
        }
        if let Source::Peer { command } = source {
            for (peer, measured) in peers.iter_mut().zip(peer_rounds(command)?) {
                peer.push(round, measured);
            }
        }
    }
    let mut figures = figures(&ours, &peers);
    figures.extend(latency_figures(worker.latency(&case(true))?));
    figures.extend(others.map(|load| Figure::new("load average before", load, "")));
    let whose = match source {
        Source::Seeded { n_rows } => format!("{n_rows} × {N_FEATURES} seeded rows"),
        Source::Peer { .. } => "the peers' rows".to_owned(),
    };
    let title = format!("{whose}, 100 trees of 63 leaves, {N_THREADS} threads, medians of {n_rounds} rounds");
    Ok(table(&title, &figures))
}

/// One round of each peer, in the order of [`PEERS`].
fn peer_rounds(command: &str) -> Result<Vec<Round>, String> {
    let named = |line: &str| Some((line.split_whitespace().next()?.to_owned(), Round::parse(line)?));
    let lines = peer::lines(&format!("{command} {}", PEERS.join(" ")), PEER_LINE, named)?;
    let round_of = |name: &&str| {
        let line = lines.iter().find(|(found, _)| found == name);
        line.map(|(_, round)| *round).ok_or_else(|| format!("{command}: no line of {name}"))
    };
    PEERS.iter().map(round_of).collect()
}

fn figures(ours: &[Contestant], peers: &[Contestant]) -> Vec<Figure> {
    let all = || ours.iter().chain(peers);
    let each = |what: &str, of: fn(&Round) -> f64, unit: &'static str| {
        all().map(|c| Figure::new(format!("{what}, {}", c.name), c.median(of), unit)).collect::<Vec<_>>()
    };
    let fit: fn(&Round) -> f64 = |r| r.fit_seconds;
    let predict: fn(&Round) -> f64 = |r| r.predict_seconds;

    let mut figures = each("fit", fit, "s");
    let fastest = peers.iter().min_by(|a, b| a.median(fit).total_cmp(&b.median(fit)));
    figures.extend(fastest.iter().flat_map(|peer| ratios("fit", ours, peer, fit, 1.5)));
    figures.extend(each("predict", predict, "s"));
    let xgboost = peers.iter().find(|peer| peer.name == "xgb");
    figures.extend(xgboost.iter().flat_map(|peer| ratios("predict", ours, peer, predict, 3.0)));
    let log_losses = each("log-loss", |r| r.log_loss, "").into_iter().enumerate();
    // Other rows of the same kind are harder or easier by chance: the bar is for the peers'.
    let has_bar = |i: usize| i == 0 && !peers.is_empty();
    figures.extend(log_losses.map(|(i, f)| if has_bar(i) { f.with_bar(Bar::AtMost(0.4770)) } else { f }));
    figures.extend(each("AUC", |r| r.auc, ""));
    figures
}

/// How many times as fast as a peer we are; the first of ours is held to a bar.
fn ratios(what: &str, ours: &[Contestant], peer: &Contestant, of: fn(&Round) -> f64, bar: f64) -> Vec<Figure> {
    let ratio = |(i, us): (usize, &Contestant)| {
        let figure = Figure::new(format!("{what}, {} / {}", peer.name, us.name), peer.median(of) / us.median(of), "");
        if i == 0 { figure.with_bar(Bar::AtLeast(bar)) } else { figure }
    };
    ours.iter().enumerate().map(ratio).collect()
}

fn latency_figures(latency: Latency) -> [Figure; 2] {
    let what = "one row, 200 trees of 31 leaves";
    [
        Figure::new(format!("{what}, p50"), latency.p50, "µs").with_bar(Bar::AtMost(10.0)),
        Figure::new(format!("{what}, p95"), latency.p95, "µs"),
    ]
}

impl Contestant {
    fn push(&mut self, round: usize, measured: Round) {
        crate::report(&format!("round {round}: {}", measured.line(self.name)));
        self.rounds.push(measured);
    }

    fn median(&self, of: fn(&Round) -> f64) -> f64 {
        median_of(&self.rounds, of)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn contestant(name: &'static str, fit_seconds: [f64; 3], predict_seconds: f64) -> Contestant {
        let round = |fit_seconds| Round { fit_seconds, predict_seconds, log_loss: 0.4765, auc: 0.85, peak_mb: None };
        Contestant { name, rounds: fit_seconds.map(round).to_vec() }
    }

    #[test]
    fn ratios_are_of_medians_to_the_fastest_peer_and_to_xgboost() {
        let ours = [contestant("yw", [2.0, 9.0, 1.0], 0.05), contestant("yw exact", [3.0; 3], 0.05)];
        let peers = [contestant("lgbq", [4.0, 4.0, 1.0], 0.4), contestant("xgb", [5.0; 3], 0.125)];
        let table = table("", &figures(&ours, &peers));
        let check = |what: &str, expect: &[&str]| {
            let line = table.lines().find(|l| l.contains(what)).unwrap_or_else(|| panic!("{what}: {table}"));
            assert!(expect.iter().all(|e| line.contains(e)), "{line}");
        };
        check("fit, lgbq / yw ", &[" 2 ", "≥ 1.5", "kept"]);
        check("fit, lgbq / yw exact", &["1.333"]);
        check("predict, xgb / yw ", &["2.500", "≥ 3", "MISSED"]);
        check("log-loss, yw ", &["0.4765", "≤ 0.477", "kept"]);
    }

    #[test]
    fn without_peers_nothing_is_compared() {
        let table = table("", &figures(&[contestant("yw", [1.0; 3], 0.1)], &[]));
        assert!(table.contains("fit, yw") && !table.contains('/') && !table.contains('≤'), "{table}");
    }

    #[test]
    fn every_peer_must_answer() {
        let line = "fit 1s predict 1s logloss 0.5 auc 0.8";
        let all: Vec<String> = PEERS.iter().map(|name| format!("echo {name} {line}")).collect();
        assert_eq!(peer_rounds(&format!("{}; echo", all.join(";"))).map(|rounds| rounds.len()), Ok(3));
        let error = peer_rounds(&format!("{}; echo", all[..2].join(";"))).unwrap_err();
        assert!(error.ends_with("no line of xgb"), "{error}");
    }
}
