//! The same bytes for any number of threads.

use yw_learn::{LinearLoss, LinearParams, Model, ModelParams, NearestParams};
use yw_task::{LabelledRows, Truth};

use crate::fixtures::tickets;

fn check(train: &LabelledRows, params: &ModelParams) {
    let run = |n_threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(n_threads).build().expect("a pool");
        pool.install(|| {
            let model = Model::fit(train, params, 3).expect("the model can be fitted");
            (model.to_bytes(), model.answers(&train.rows))
        })
    };
    let (bytes, answers) = run(1);
    for n_threads in [2, 8] {
        let (other_bytes, other_answers) = run(n_threads);
        assert!(bytes == other_bytes, "{n_threads} threads give another model");
        assert!(answers == other_answers, "{n_threads} threads give other answers");
    }
}

/// Enough rows for several chunks, and labels for several groups of lanes.
fn train() -> LabelledRows {
    tickets(3000, 19)
}

#[test]
fn machines() {
    let params = LinearParams { loss: LinearLoss::SquaredHinge, ..LinearParams::default() };
    check(&train(), &ModelParams::Linear(params));
}

#[test]
fn softmax() {
    let params = LinearParams { loss: LinearLoss::Logistic, l2: Some(1.0), tolerance: 1e-3, ..LinearParams::default() };
    check(&train(), &ModelParams::Linear(params));
}

#[test]
fn logistic_and_ridge() {
    let rows = train();
    let Truth::Label { ids, .. } = &rows.truth else { unreachable!("tickets have labels") };
    let truths = Truth::Boolean(ids.iter().map(|id| id % 3 == 0).collect());
    check(&LabelledRows { truth: truths, ..rows.clone() }, &ModelParams::Linear(LinearParams::default()));
    let numbers = Truth::Number(ids.iter().map(|id| f64::from(*id).sqrt()).collect());
    check(&LabelledRows { truth: numbers, ..rows }, &ModelParams::Linear(LinearParams::default()));
}

#[test]
fn neighbours() {
    check(&tickets(1000, 5), &ModelParams::Nearest(NearestParams::default()));
}

#[test]
fn one_row_is_answered_like_many() {
    let rows = tickets(300, 5);
    for params in [ModelParams::Linear(LinearParams::default()), ModelParams::Nearest(NearestParams::default())] {
        let model = Model::fit(&rows, &params, 0).expect("the model can be fitted");
        let together = model.answers(&rows.rows);
        for (i, answer) in together.iter().enumerate().step_by(17) {
            assert_eq!(model.answers(&rows.rows.slice(i, 1))[0], *answer);
        }
    }
}
