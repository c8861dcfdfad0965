//! One measurement in a process of its own, so that neither a peak of memory nor a warm allocator is another's.
//!
//! `xtask bench trees-case` is that process. It prints a line like the peer's, and [`Worker`] reads it.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use yw_stats::Statistic;
use yw_trees::{CompiledEnsemble, Ensemble, Objective, TreesParams};

use super::rows::Rows;
use crate::bench::options::Options;
use crate::bench::peer::number_after;
use crate::bench::program::{build_release, memory_mb, target_dir};
use crate::bench::quantile::percentile;

/// Rows that are asked for before the clock starts, when single rows are.
const N_WARM_UP: usize = 1_000;

/// What is measured.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Case {
    pub(crate) source: RowSource,
    pub(crate) n_threads: usize,
    pub(crate) quantized: bool,
}

/// Where training and test rows come from.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum RowSource {
    /// A folder with a peer's `train.parquet` and `test.parquet`.
    Folder(PathBuf),
    /// [`Rows::generate`].
    Seeded { n_rows: usize, n_test_rows: usize, n_features: usize },
}

/// What a fit took and how good its model is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Round {
    pub(crate) fit_seconds: f64,
    pub(crate) predict_seconds: f64,
    pub(crate) log_loss: f64,
    pub(crate) auc: f64,
    /// The most memory while fitting, beyond what the process had with its rows, in MB (10⁶ bytes); known for
    /// seeded rows.
    pub(crate) peak_mb: Option<f64>,
}

/// How long single rows take, in microseconds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Latency {
    pub(crate) p50: f64,
    pub(crate) p95: f64,
}

/// The program that runs cases: the release build of this one.
#[derive(Debug)]
pub(crate) struct Worker {
    xtask: PathBuf,
    /// For the peer's rows.
    pub(crate) bench_dir: PathBuf,
}

impl Worker {
    /// Builds the program unless this is it.
    pub(crate) fn find(root: &Path) -> Result<Self, String> {
        let target_dir = target_dir(root)?;
        let bench_dir = target_dir.join("bench").join("trees");
        std::fs::create_dir_all(&bench_dir).map_err(|e| format!("{}: {e}", bench_dir.display()))?;
        if !cfg!(debug_assertions) {
            let xtask = std::env::current_exe().map_err(|e| e.to_string())?;
            return Ok(Worker { xtask, bench_dir });
        }
        build_release(root, "xtask")?;
        let xtask = target_dir.join("release").join(format!("xtask{}", std::env::consts::EXE_SUFFIX));
        Ok(Worker { xtask, bench_dir })
    }

    /// Fits 100 trees of 63 leaves and predicts the test rows.
    pub(crate) fn fit(&self, case: &Case) -> Result<Round, String> {
        let line = self.run("fit", case)?;
        Round::parse(&line).ok_or(format!("no round: `{line}`"))
    }

    /// Fits 200 trees of 31 leaves and asks for one test row after the other.
    pub(crate) fn latency(&self, case: &Case) -> Result<Latency, String> {
        let line = self.run("latency", case)?;
        let latency = || Some(Latency { p50: number_after(&line, "p50")?, p95: number_after(&line, "p95")? });
        latency().ok_or_else(|| format!("no latency: `{line}`"))
    }

    fn run(&self, what: &str, case: &Case) -> Result<String, String> {
        let mut command = Command::new(&self.xtask);
        command.args(["bench", "trees-case", what]).args(case.to_args()).stderr(Stdio::inherit());
        let output = command.output().map_err(|e| format!("{}: {e}", self.xtask.display()))?;
        let line = String::from_utf8_lossy(&output.stdout).trim().to_owned();
        if output.status.success() { Ok(line) } else { Err(format!("{what} {case:?}: {}", output.status)) }
    }
}

/// Runs the case that the arguments name and returns its line.
pub(crate) fn run(args: &[&str]) -> Result<String, String> {
    let (what, case) = Case::parse(args)?;
    let (train, test) = case.source.rows()?;
    let pool = rayon::ThreadPoolBuilder::new().num_threads(case.n_threads).build().map_err(|e| e.to_string())?;
    pool.install(|| match what {
        "fit" => {
            let round = measure_fit(&train, &test, case.quantized)?;
            // Reading a file may have taken more memory than the fit after it.
            let is_peak_of_fit = matches!(case.source, RowSource::Seeded { .. });
            Ok(Round { peak_mb: round.peak_mb.filter(|_| is_peak_of_fit), ..round }.line("yw"))
        }
        "latency" => {
            let Latency { p50, p95 } = measure_latency(&train, &test)?;
            Ok(format!("yw p50 {p50:.3} p95 {p95:.3}"))
        }
        _ => Err(format!("a case is a fit or a latency, not `{what}`")),
    })
}

fn measure_fit(train: &Rows, test: &Rows, quantized: bool) -> Result<Round, String> {
    // What the peers are given; the penalty is LightGBM's.
    let params = TreesParams {
        trees: 100,
        max_leaves: 63,
        learning_rate: 0.1,
        max_bins: 255,
        l2: 0.0,
        quantized,
        ..TreesParams::new(Objective::Logistic)
    };
    let memory_before = memory_mb("self", "VmRSS:");
    let started = Instant::now();
    let fitted = Ensemble::fit(&train.labelled(), None, None, &params).map_err(|e| e.to_string())?;
    let fit_seconds = started.elapsed().as_secs_f64();
    let peak = memory_mb("self", "VmHWM:");
    // From the model as it was fitted: what a peer does when it is asked for the first time.
    let started = Instant::now();
    let p_true = fitted.ensemble.predict(&test.columns());
    let predict_seconds = started.elapsed().as_secs_f64();
    let truth = test.truth();
    Ok(Round {
        fit_seconds,
        predict_seconds,
        log_loss: yw_stats::boolean::log_loss(&truth, &p_true).value(None),
        auc: yw_stats::boolean::roc_auc(&truth, &p_true).value(None),
        peak_mb: peak.zip(memory_before).map(|(peak, before)| peak - before),
    })
}

fn measure_latency(train: &Rows, test: &Rows) -> Result<Latency, String> {
    let params = TreesParams { trees: 200, max_leaves: 31, ..TreesParams::new(Objective::Logistic) };
    let fitted = Ensemble::fit(&train.labelled(), None, None, &params).map_err(|e| e.to_string())?;
    let compiled = CompiledEnsemble::new(&fitted.ensemble);
    let ask = |row_idx: usize| {
        let started = Instant::now();
        std::hint::black_box(compiled.predict(&test.row(row_idx)));
        started.elapsed()
    };
    for row_idx in 0..test.n_rows().min(N_WARM_UP) {
        ask(row_idx);
    }
    let mut times: Vec<Duration> = (0..test.n_rows()).map(ask).collect();
    times.sort_unstable();
    let microseconds = |per_mille: usize| percentile(&times, per_mille).as_secs_f64() * 1e6;
    Ok(Latency { p50: microseconds(500), p95: microseconds(950) })
}

impl Case {
    fn to_args(&self) -> Vec<String> {
        let mut args = match &self.source {
            RowSource::Folder(dir) => vec!["--folder".to_owned(), dir.display().to_string()],
            RowSource::Seeded { n_rows, n_test_rows, n_features } => {
                let numbers = [("--rows", n_rows), ("--test-rows", n_test_rows), ("--features", n_features)];
                numbers.into_iter().flat_map(|(name, number)| [name.to_owned(), number.to_string()]).collect()
            }
        };
        args.extend(["--threads".to_owned(), self.n_threads.to_string()]);
        args.extend(self.quantized.then(|| "--quantized".to_owned()));
        args
    }

    /// What is measured, and on what.
    fn parse<'a>(args: &[&'a str]) -> Result<(&'a str, Self), String> {
        let known = ["folder", "rows", "test-rows", "features", "threads"];
        let options = Options::parse_with_flags(args, &known, &["quantized"])?;
        let source = match options.path("folder") {
            Some(dir) => RowSource::Folder(dir),
            None => RowSource::Seeded {
                n_rows: options.positive("rows", 0)?,
                n_test_rows: options.positive("test-rows", 0)?,
                n_features: options.positive("features", 0)?,
            },
        };
        let n_threads = options.positive("threads", 1)?;
        let what = options.argument().ok_or("what is to be measured?")?;
        Ok((what, Case { source, n_threads, quantized: options.has("quantized") }))
    }
}

impl RowSource {
    /// Training rows and test rows.
    fn rows(&self) -> Result<(Rows, Rows), String> {
        match self {
            RowSource::Folder(dir) => Ok((Rows::read(dir, "train.parquet")?, Rows::read(dir, "test.parquet")?)),
            &RowSource::Seeded { n_rows, n_test_rows, n_features } => {
                Ok((Rows::generate(n_rows, n_features, 0), Rows::generate(n_test_rows, n_features, 1)))
            }
        }
    }
}

impl Round {
    /// Reads a line like `lgb        fit    5.50s predict  0.380s logloss 0.47714 auc 0.85426`.
    pub(crate) fn parse(line: &str) -> Option<Self> {
        Some(Round {
            fit_seconds: number_after(line, "fit")?,
            predict_seconds: number_after(line, "predict")?,
            log_loss: number_after(line, "logloss")?,
            auc: number_after(line, "auc")?,
            peak_mb: number_after(line, "peak"),
        })
    }

    /// The line that [`parse`](Self::parse) reads.
    pub(crate) fn line(&self, name: &str) -> String {
        let Round { fit_seconds, predict_seconds, log_loss, auc, peak_mb } = self;
        let peak = peak_mb.map(|mb| format!(" peak {mb:.1} MB")).unwrap_or_default();
        format!(
            "{name:10} fit {fit_seconds:.4}s predict {predict_seconds:.5}s logloss {log_loss:.5} auc {auc:.5}{peak}"
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SMALL: RowSource = RowSource::Seeded { n_rows: 3_000, n_test_rows: 1_000, n_features: 28 };

    #[test]
    fn a_case_survives_the_command_line() {
        for source in [SMALL, RowSource::Folder("some/folder".into())] {
            for quantized in [true, false] {
                let case = Case { source: source.clone(), n_threads: 2, quantized };
                let args = case.to_args();
                let args: Vec<&str> = ["fit"].into_iter().chain(args.iter().map(String::as_str)).collect();
                assert_eq!(Case::parse(&args), Ok(("fit", case)));
            }
        }
        assert_eq!(Case::parse(&["fit", "--rows", "5"]), Err("--test-rows must be above zero".to_owned()));
        assert_eq!(
            run(&["sing", "--rows", "9", "--test-rows", "9", "--features", "7"]).unwrap_err(),
            "a case is a fit or a latency, not `sing`"
        );
    }

    #[test]
    fn the_lines_of_peers_and_ours_are_read() {
        let peer = "lgbq       fit    3.80s predict  0.390s logloss 0.47641 auc 0.85457";
        let round = Round { fit_seconds: 3.8, predict_seconds: 0.39, log_loss: 0.47641, auc: 0.85457, peak_mb: None };
        assert_eq!(Round::parse(peer), Some(round));
        let ours = Round { peak_mb: Some(120.5), ..round };
        assert_eq!(Round::parse(&ours.line("yw")), Some(ours));
        assert_eq!(Round::parse("[LightGBM] [Info] fit 1s"), None);
    }

    #[test]
    fn a_fit_learns() {
        let args = Case { source: SMALL, n_threads: 2, quantized: true }.to_args();
        let args: Vec<&str> = ["fit"].into_iter().chain(args.iter().map(String::as_str)).collect();
        let round = Round::parse(&run(&args).unwrap()).unwrap();
        assert!(round.auc > 0.7 && round.log_loss < 0.69 && round.fit_seconds > 0.0, "{round:?}");
    }
}
