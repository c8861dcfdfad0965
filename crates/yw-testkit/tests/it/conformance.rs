//! The conformance suites accept a sound predictor and catch each broken promise.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use yw_task::{
    Answer, BoxFuture, Cell, FitContext, FitError, Fitted, LabelledRows, Outcome, PredictContext, Predictor, Recipe,
    RowErrorKind, Rows, SaveError, Scores, Value,
};
use yw_testkit::{Fixture, conformance};

/// What a predictor does wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Flaw {
    None,
    ForgetsARow,
    SortsRows,
    MindsTheBatch,
    CountsNoProgress,
    WrongKind,
    FitsAnother,
    SavesTheTime,
    LoadsAnother,
}

/// Answers the price of a house by its area, and refuses houses without rooms.
struct ByArea {
    flaw: Flaw,
    per_square_metre: f64,
    n_saves: AtomicUsize,
}

impl ByArea {
    fn new(flaw: Flaw, per_square_metre: f64) -> Self {
        ByArea { flaw, per_square_metre, n_saves: AtomicUsize::new(0) }
    }

    fn outcome(&self, rows: &Rows, row_idx: usize) -> Outcome {
        let (Cell::Number(area), Cell::Number(_)) = (rows.cell(row_idx, 0), rows.cell(row_idx, 1)) else {
            return Outcome::failed(RowErrorKind::Input, "a house has rooms");
        };
        let price = area * self.per_square_metre;
        Outcome::answered(match self.flaw {
            Flaw::MindsTheBatch => Answer::new(Value::Number(price + rows.n_rows() as f64)),
            Flaw::WrongKind => Answer::new(Value::Boolean(true)).with_scores(Scores::True(1.0)),
            _ => Answer::new(Value::Number(price)),
        })
    }
}

impl Predictor for ByArea {
    fn predict<'a>(&'a self, rows: &'a Rows, context: &'a PredictContext) -> BoxFuture<'a, Vec<Outcome>> {
        let mut outcomes: Vec<Outcome> = (0..rows.n_rows()).map(|i| self.outcome(rows, i)).collect();
        match self.flaw {
            Flaw::ForgetsARow => drop(outcomes.pop()),
            Flaw::SortsRows => outcomes.sort_by_key(|o| format!("{:?}", o.result)),
            _ => {}
        }
        if self.flaw != Flaw::CountsNoProgress {
            context.progress.advance(rows.n_rows() as u64);
        }
        Box::pin(std::future::ready(outcomes))
    }

    fn save(&self, dir: &Path) -> Result<(), SaveError> {
        let n_saves = self.n_saves.fetch_add(1, Ordering::SeqCst);
        let extra = if self.flaw == Flaw::SavesTheTime { n_saves } else { 0 };
        let path = dir.join("price.txt");
        let text = format!("{} {extra}", self.per_square_metre);
        std::fs::write(&path, text).map_err(|source| SaveError::Io { path, source })
    }
}

impl Recipe for Flaw {
    fn fit<'a>(&'a self, train: &'a LabelledRows, _: &'a FitContext) -> BoxFuture<'a, Result<Fitted, FitError>> {
        static N_FITS: AtomicUsize = AtomicUsize::new(0);
        let extra = if *self == Flaw::FitsAnother { N_FITS.fetch_add(1, Ordering::SeqCst) } else { 0 };
        let per_square_metre = (train.n_rows() + extra) as f64;
        Box::pin(std::future::ready(Ok(Fitted::new(ByArea::new(*self, per_square_metre)))))
    }
}

async fn run(flaw: Flaw) {
    let houses = Fixture::houses(30, 1);
    let fitted = conformance::recipe(&flaw, &houses.labelled(), 1).await;
    let load = async |dir: &Path| {
        let text = std::fs::read_to_string(dir.join("price.txt")).unwrap();
        let per_square_metre: f64 = text.split(' ').next().unwrap().parse().unwrap();
        let changed = if flaw == Flaw::LoadsAnother { 1.0 } else { 0.0 };
        Arc::new(ByArea::new(flaw, per_square_metre + changed)) as Arc<dyn Predictor>
    };
    conformance::predictor(fitted.predictor, &houses.answer(), &houses.rows(), load).await;
}

/// The promise that the suite says a flaw breaks.
fn caught(flaw: Flaw) -> String {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| runtime.block_on(run(flaw))));
    let panic = outcome.expect_err("the flaw is caught");
    panic.downcast_ref::<String>().cloned().or_else(|| panic.downcast_ref::<&str>().map(|s| s.to_string())).unwrap()
}

#[tokio::test]
async fn a_sound_predictor_passes() {
    run(Flaw::None).await;
}

#[test]
fn every_flaw_is_caught() {
    let check = |flaw: Flaw, promise: &str| {
        let message = caught(flaw);
        assert!(message.contains(promise), "{flaw:?}: {message}");
    };
    check(Flaw::ForgetsARow, "one outcome per row");
    check(Flaw::SortsRows, "keep the order");
    check(Flaw::MindsTheBatch, "that row alone");
    check(Flaw::CountsNoProgress, "one step a row");
    check(Flaw::WrongKind, "the task's kind");
    check(Flaw::FitsAnother, "same predictor");
    check(Flaw::SavesTheTime, "every save");
    check(Flaw::LoadsAnother, "as the saved one did");
}
