//! How time and memory grow with rows, features and threads.

use super::case::{Case, Round, RowSource, Worker};
use crate::bench::cores::load_average;
use crate::bench::figures::{Bar, Figure, table};
use crate::bench::quantile::median_of;

/// Rows and features of each table.
const SHAPES: [(usize, usize); 6] = [SMALL, (500_000, 10), (500_000, 28), LARGE, (100_000, 100), (20_000, 1_000)];
const SMALL: (usize, usize) = (50_000, 28);
const LARGE: (usize, usize) = (5_000_000, 28);

const THREADS: [usize; 2] = [1, 2];

/// Enough to ask for; here only the fit counts.
const N_TEST_ROWS: usize = 1_000;

/// All rounds of a table with so many threads.
#[derive(Debug)]
struct Measured {
    shape: (usize, usize),
    n_threads: usize,
    rounds: Vec<Round>,
}

/// Fits tables of at most `max_rows` rows.
pub(crate) fn run(worker: &Worker, n_rounds: usize, max_rows: usize) -> Result<String, String> {
    let shapes = SHAPES.into_iter().filter(|(n_rows, _)| *n_rows <= max_rows);
    let mut all: Vec<Measured> =
        shapes.flat_map(|shape| THREADS.map(|n_threads| Measured { shape, n_threads, rounds: Vec::new() })).collect();
    if all.is_empty() {
        return Err(format!("every table has more than {max_rows} rows"));
    }
    let others = load_average();
    for round in 1..=n_rounds {
        for measured in &mut all {
            let fitted = worker.fit(&measured.case())?;
            crate::report(&format!("round {round}: {}: {}", measured.name(), fitted.line("yw")));
            measured.rounds.push(fitted);
        }
    }
    let mut figures: Vec<Figure> = all.iter().flat_map(Measured::figures).collect();
    figures.extend(growth(&all));
    figures.extend(others.map(|load| Figure::new("load average before", load, "")));
    let title = format!("seeded rows × features, 100 trees of 63 leaves, medians of {n_rounds} rounds");
    Ok(table(&title, &figures))
}

/// What ten times the rows do to the time of one.
fn growth(all: &[Measured]) -> Vec<Figure> {
    let at = |shape, n_threads| all.iter().find(|m| m.shape == shape && m.n_threads == n_threads);
    let of = |n_threads: usize| {
        let middle = (LARGE.0 / 10, LARGE.1);
        let (large, middle) = (at(LARGE, n_threads)?, at(middle, n_threads)?);
        let ratio = large.nanoseconds() / middle.nanoseconds();
        let what = format!("time of a row, {} / {}", large.name(), short(middle.shape.0));
        Some(Figure::new(what, ratio, "").with_bar(Bar::AtMost(1.0)))
    };
    THREADS.into_iter().filter_map(of).collect()
}

impl Measured {
    fn case(&self) -> Case {
        let (n_rows, n_features) = self.shape;
        let source = RowSource::Seeded { n_rows, n_test_rows: N_TEST_ROWS, n_features };
        Case { source, n_threads: self.n_threads, quantized: true }
    }

    fn name(&self) -> String {
        let (n_rows, n_features) = self.shape;
        let s = if self.n_threads == 1 { "" } else { "s" };
        format!("{} × {n_features}, {} thread{s}", short(n_rows), self.n_threads)
    }

    fn figures(&self) -> Vec<Figure> {
        let name = self.name();
        let peak = self.rounds.iter().all(|r| r.peak_mb.is_some());
        let peak = peak.then(|| median_of(&self.rounds, |r| r.peak_mb.unwrap_or(f64::NAN)));
        let peak = peak.map(|mb| Figure::new(format!("{name}: peak beyond the rows"), mb, "MB"));
        let mut figures = vec![
            Figure::new(format!("{name}: fit"), self.fit_seconds(), "s"),
            Figure::new(format!("{name}: a row and feature"), self.nanoseconds(), "ns"),
        ];
        figures.extend(peak.map(|peak| if self.shape == LARGE { peak.with_bar(Bar::AtMost(2_000.0)) } else { peak }));
        figures
    }

    fn fit_seconds(&self) -> f64 {
        median_of(&self.rounds, |r| r.fit_seconds)
    }

    /// For one value of a row, all trees together.
    fn nanoseconds(&self) -> f64 {
        self.fit_seconds() * 1e9 / (self.shape.0 * self.shape.1) as f64
    }
}

/// 50k, 5M.
fn short(n: usize) -> String {
    match n {
        n if n.is_multiple_of(1_000_000) => format!("{}M", n / 1_000_000),
        n if n.is_multiple_of(1_000) => format!("{}k", n / 1_000),
        n => n.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn measured(shape: (usize, usize), fit_seconds: f64, peak_mb: f64) -> Measured {
        let round = Round { fit_seconds, predict_seconds: 0.1, log_loss: 0.5, auc: 0.8, peak_mb: Some(peak_mb) };
        Measured { shape, n_threads: 2, rounds: vec![round] }
    }

    #[test]
    fn times_are_of_one_value_and_growth_is_held_to_a_line() {
        let all = [measured((500_000, 28), 1.4, 100.0), measured(LARGE, 28.0, 2_100.0)];
        let mut figures: Vec<Figure> = all.iter().flat_map(Measured::figures).collect();
        figures.extend(growth(&all));
        let expect = "title
  500k × 28, 2 threads: fit                   1.400 s
  500k × 28, 2 threads: a row and feature       100 ns
  500k × 28, 2 threads: peak beyond the rows    100 MB
  5M × 28, 2 threads: fit                        28 s
  5M × 28, 2 threads: a row and feature         200 ns
  5M × 28, 2 threads: peak beyond the rows     2100 MB  ≤ 2000  MISSED
  time of a row, 5M × 28, 2 threads / 500k        2     ≤ 1     MISSED";
        assert_eq!(table("title", &figures), expect);
        assert!(growth(&all[..1]).is_empty());
    }
}
