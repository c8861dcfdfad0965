//! Candidates whose settings are searched for.

use std::sync::Arc;
use std::time::Duration;

use yw_config::{
    AutoSpec, CandidateKind, CandidateSpec, LinearSpec, NearestSpec, TaskSpec, TestSpec, TreesSpec, Weights,
};
use yw_learn::{ModelParams, NearestParams, TreesParams};
use yw_task::{Metric, Recipe};

use super::params;
use crate::ask::Asking;
use crate::decided::{self, Calibration, Decision};
use crate::tune::{self, Arm, AutoRecipe, Clock, Limit, Search, TunedRecipe};

/// The recipe that searches for the settings of `untuned`, if the candidate is to be tuned and has any.
pub(super) fn tuned(
    spec: &CandidateSpec,
    untuned: &ModelParams,
    task: &TaskSpec,
    asking: &Asking,
    decided: (Calibration, &Decision),
) -> Option<Arc<dyn Recipe>> {
    let fields = &task.fields;
    let arm = match (&spec.kind, untuned) {
        (CandidateKind::Trees(spec), ModelParams::Trees(params)) => tune::trees(spec, (**params).clone(), fields),
        (CandidateKind::Linear(spec), ModelParams::Linear(params)) => tune::linear(spec, params.clone(), fields),
        (CandidateKind::Nearest(spec), ModelParams::Nearest(params)) => tune::nearest(spec, params.clone(), fields),
        _ => return None,
    };
    let search = search(spec, vec![arm], task, asking, decided)?;
    Some(Arc::new(TunedRecipe { search, untuned: untuned.clone() }))
}

/// The recipe of `fit = "auto"`.
pub(super) fn auto(
    spec: &CandidateSpec,
    auto: &AutoSpec,
    task: &TaskSpec,
    asking: &Asking,
    decided: (Calibration, &Decision),
) -> Option<Arc<dyn Recipe>> {
    let search = search(spec, arms(auto, task), task, asking, decided)?;
    Some(Arc::new(AutoRecipe { search }))
}

/// The linear models of `auto`.
pub(super) fn linear_of_auto(auto: &AutoSpec) -> LinearSpec {
    let text = auto.text;
    LinearSpec { loss: None, l2: None, class_weight: None, max_iterations: None, tolerance: None, text }
}

/// What `auto` tries, in this order.
fn arms(auto: &AutoSpec, task: &TaskSpec) -> Vec<Arm> {
    let (fields, text) = (&task.fields, auto.text);
    let linear = linear_of_auto(auto);
    let nearest = NearestSpec { neighbors: NearestParams::default().k as u32, weights: Weights::Distance, text };
    let trees_params = |spec: &TreesSpec| TreesParams { featurizer: params::featurizer(&text), ..params::trees(spec) };
    let trees = TreesSpec::default();
    let mut arms = vec![
        tune::linear(&linear, params::linear(&linear), fields),
        tune::trees(&trees, trees_params(&trees), fields),
        tune::nearest(&nearest, params::nearest(&nearest), fields).untuned(),
    ];
    arms.extend(tune::forests(trees_params, fields));
    arms
}

fn search(
    spec: &CandidateSpec,
    arms: Vec<Arm>,
    task: &TaskSpec,
    asking: &Asking,
    (calibration, decision): (Calibration, &Decision),
) -> Option<Search> {
    let tune = spec.tune?;
    let of_test = match task.test {
        TestSpec::Folds { folds, .. } => folds as usize + 1,
        _ => 1,
    };
    let is_decided = calibration != Calibration::Off || *decision != Decision::Largest;
    let n_fits = of_test * if is_decided { decided::N_FOLDS + 1 } else { 1 };
    let share = |minutes: f64| Duration::from_secs_f64((minutes * 60.0 / n_fits as f64).clamp(0.0, 1e9));
    Some(Search {
        arms,
        metric: metric(task.metric, decision),
        limit: Limit { time: tune.minutes.map(share), trials: tune.trials.map(|n| n as usize) },
        n_fits,
        journals: asking.tunings.clone(),
        clock: Clock::system(),
    })
}

/// What settings are compared by: the deciding metric, or the log loss if it is of answers that will be decided anew.
fn metric(deciding: Metric, decision: &Decision) -> Metric {
    match deciding {
        Metric::Cost => Metric::LogLoss,
        Metric::RocAuc | Metric::AveragePrecision | Metric::LogLoss | Metric::Brier => deciding,
        _ if *decision != Decision::Largest => Metric::LogLoss,
        _ => deciding,
    }
}
