//! What goes wrong in one candidate stays there.

use yw_task::{
    BoxFuture, Cell, Field, FieldType, LabelSet, LabelledRows, Metric, Recipe, RowErrorKind, Rows, RowsBuilder,
    SaveError, Truth,
};

use super::*;
use crate::data::DataSplit;
use crate::report::Road;

/// A recipe that ends as its name says.
#[derive(Clone, Copy, PartialEq)]
enum Ends {
    PanicsInFit,
    PanicsOnCompute,
    PanicsInPredict,
    Fails,
    RunsOutOfMoney,
    AnswersNothing,
}

impl Recipe for Ends {
    fn fit<'a>(&'a self, _: &'a LabelledRows, _: &'a FitContext) -> BoxFuture<'a, Result<Fitted, FitError>> {
        let ends = *self;
        Box::pin(async move {
            match ends {
                Ends::PanicsInFit => panic!("no such {}", "thing"),
                Ends::PanicsOnCompute => on_compute(|| panic!("out of range")).await,
                Ends::Fails => return Err(FitError::Failed("the disk is full".into())),
                Ends::RunsOutOfMoney => {
                    let usage = Usage { calls: 3, usd: Usd::from_picos(9), ..Usage::default() };
                    return Err(FitError::Failed(Box::new(OutOfMoney { usage })));
                }
                Ends::PanicsInPredict | Ends::AnswersNothing => {}
            }
            Ok(Fitted::new(ends))
        })
    }
}

impl Predictor for Ends {
    fn predict<'a>(&'a self, rows: &'a Rows, _: &'a PredictContext) -> BoxFuture<'a, Vec<Outcome>> {
        assert!(*self != Ends::PanicsInPredict, "while answering");
        let failed = |_| Outcome::failed(RowErrorKind::Provider, "gone");
        Box::pin(std::future::ready((0..rows.n_rows()).map(failed).collect()))
    }

    fn save(&self, _: &std::path::Path) -> Result<(), SaveError> {
        Ok(())
    }
}

fn rows(n_rows: usize) -> LabelledRows {
    let mut builder = RowsBuilder::new([Field::new("n", FieldType::Number)].into());
    (0..n_rows).for_each(|i| builder.push(&[Cell::Number(i as f64)]).unwrap());
    LabelledRows {
        rows: builder.finish(),
        truth: Truth::Boolean((0..n_rows).map(|i| i % 2 == 0).collect()),
        groups: None,
    }
}

async fn entry_of(ends: Ends) -> Entry {
    let candidate = Candidate {
        name: "odd".to_owned(),
        road: Road::Fit,
        kind: "linear",
        recipe: Arc::new(ends),
        asks: Vec::new(),
        tunes: false,
    };
    let answer = yw_task::AnswerSpec {
        name: "even".to_owned(),
        kind: yw_task::AnswerKind::Boolean,
        labels: LabelSet::default(),
        fields: Vec::new(),
    };
    let data = TaskData {
        answer,
        splits: vec![DataSplit { train: rows(30), test: rows(10) }],
        all: None,
        fingerprint: String::new(),
        notes: Vec::new(),
    };
    let test = TestSet::new(rows(10), [10], Metric::Accuracy, 0);
    Entry::new(&candidate, &data, &Arc::new(test), Progress::default()).await
}

async fn check(ends: Ends, status: Status, reason: &str) -> CandidateReport {
    let entry = entry_of(ends).await;
    assert_eq!((entry.report.status, entry.report.reason.as_deref()), (status, Some(reason)));
    assert!(entry.contender().is_none() && entry.predictor.is_none());
    entry.report
}

#[tokio::test]
async fn a_panic_is_the_candidates_failure() {
    let blame = "the program is at fault, please report it: ";
    check(Ends::PanicsInFit, Status::Failed, &format!("{blame}no such thing")).await;
    check(Ends::PanicsOnCompute, Status::Failed, &format!("{blame}out of range")).await;
    check(Ends::PanicsInPredict, Status::Failed, &format!("{blame}while answering")).await;
}

#[tokio::test]
async fn a_failed_fit_says_why() {
    check(Ends::Fails, Status::Failed, "the fit failed: the disk is full").await;
    let reason = OutOfMoney { usage: Usage::default() }.to_string();
    let report = check(Ends::RunsOutOfMoney, Status::Stopped, &reason).await;
    assert_eq!((report.usd.fit, report.usd.spent_now), (Usd::from_picos(9), Usd::from_picos(9)));
}

#[tokio::test]
async fn rows_without_answers_are_wrong_and_counted() {
    let entry = entry_of(Ends::AnswersNothing).await;
    assert_eq!(entry.report.status, Status::Ok);
    assert_eq!(entry.report.failures, [(RowErrorKind::Provider, 10)]);
    assert_eq!(entry.report.score.unwrap().value, 0.0);
    assert_eq!(entry.report.latency, None);
    assert!(entry.contender().is_some());
}
