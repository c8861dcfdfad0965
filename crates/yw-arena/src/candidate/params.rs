//! What engines are told, from what the project file says. What it does not say is the engine's default.

use yw_config::{
    BaselineSpec, Calibrate, CandidateSpec, Decide, LinearSpec, NGrams, NearestSpec, TaskSpec, TextSpec, TreesGrowth,
    TreesMode, TreesObjective, TreesSpec,
};
use yw_learn::{
    BaselineParams, CalibrationMethod, CategoryParams, ClassWeight, Costs, DecisionObjective, FeaturizerParams,
    LinearLoss, LinearParams, Monotone, NearestParams, TextParams, TreesParams, Typical, VoteWeights,
};
use yw_task::{AnswerKind, AnswerSpec, Metric};
use yw_trees::{self as grow, Objective};

use crate::decided::{Calibration, Decision};
use crate::evaluate::cost_matrix;

pub(super) fn baseline(spec: &BaselineSpec) -> BaselineParams {
    let number = match spec.statistic {
        Some(yw_config::Statistic::Median) => Typical::Median,
        Some(yw_config::Statistic::Mean | yw_config::Statistic::MostFrequent) | None => Typical::Mean,
    };
    BaselineParams { number }
}

pub(super) fn linear(spec: &LinearSpec) -> LinearParams {
    let default = LinearParams::default();
    LinearParams {
        featurizer: featurizer(&spec.text),
        loss: match spec.loss {
            None => LinearLoss::Auto,
            Some(yw_config::Loss::Logistic) => LinearLoss::Logistic,
            Some(yw_config::Loss::SquaredHinge) => LinearLoss::SquaredHinge,
            Some(yw_config::Loss::Squared) => LinearLoss::Squared,
        },
        l2: spec.l2.or(default.l2),
        class_weight: class_weight(spec.class_weight),
        max_iterations: spec.max_iterations.map_or(default.max_iterations, |n| n as usize),
        tolerance: spec.tolerance.unwrap_or(default.tolerance),
    }
}

pub(super) fn nearest(spec: &NearestSpec) -> NearestParams {
    NearestParams {
        featurizer: featurizer(&spec.text),
        k: spec.neighbors as usize,
        weights: match spec.weights {
            yw_config::Weights::Uniform => VoteWeights::Uniform,
            yw_config::Weights::Distance => VoteWeights::Distance,
        },
        ..NearestParams::default()
    }
}

pub(super) fn featurizer(spec: &TextSpec) -> FeaturizerParams {
    let lengths = |given: Option<NGrams>, default: Option<(u8, u8)>| match given {
        None => default,
        Some(NGrams::Off) => None,
        Some(NGrams::Lengths { min, max }) => Some((min, max)),
    };
    let FeaturizerParams { number, category, text } = FeaturizerParams::default();
    let count = |given: Option<u32>, default: usize| given.map_or(default, |n| n as usize);
    FeaturizerParams {
        number,
        category: CategoryParams {
            min_rows: count(spec.min_rows, category.min_rows),
            max_levels: count(spec.max_levels, category.max_levels),
            ..category
        },
        text: TextParams {
            words: lengths(spec.words, text.words),
            characters: lengths(spec.characters, text.characters),
            lowercase: spec.lowercase.unwrap_or(text.lowercase),
            sublinear: spec.sublinear.unwrap_or(text.sublinear),
            min_rows: spec.min_rows.map(|n| n as usize).or(text.min_rows),
            max_features: count(spec.max_features, text.max_features),
        },
    }
}

pub(super) fn trees(spec: &TreesSpec) -> TreesParams {
    let objective = match spec.objective {
        None | Some(TreesObjective::Squared) => Objective::SquaredError,
        Some(TreesObjective::Absolute) => Objective::AbsoluteError,
        Some(TreesObjective::Quantile { alpha }) => Objective::Quantile { alpha },
        Some(TreesObjective::Huber { delta }) => Objective::Huber { delta },
        Some(TreesObjective::Poisson) => Objective::Poisson,
        Some(TreesObjective::Gamma) => Objective::Gamma,
        Some(TreesObjective::Tweedie { power }) => Objective::Tweedie { power },
    };
    let default = TreesParams::of(match spec.mode {
        None | Some(TreesMode::Boosting) => grow::TreesParams::new(objective),
        Some(TreesMode::Forest) => grow::TreesParams::forest(objective),
        Some(TreesMode::ExtraTrees) => {
            grow::TreesParams { mode: grow::Mode::ExtraTrees, ..grow::TreesParams::forest(objective) }
        }
    });
    let count = |given: Option<u32>, default: usize| given.map_or(default, |n| n as usize);
    let monotone = |monotone: yw_config::Monotone| match monotone {
        yw_config::Monotone::Increasing => Monotone::Increasing,
        yw_config::Monotone::Decreasing => Monotone::Decreasing,
    };
    let d = default.grow;
    TreesParams {
        grow: grow::TreesParams {
            trees: count(spec.trees, d.trees),
            learning_rate: spec.learning_rate.unwrap_or(d.learning_rate),
            max_leaves: count(spec.max_leaves, d.max_leaves),
            max_depth: count(spec.max_depth, d.max_depth),
            growth: match spec.growth {
                None => d.growth,
                Some(TreesGrowth::Leaf) => grow::Growth::LeafWise,
                Some(TreesGrowth::Depth) => grow::Growth::DepthWise,
            },
            max_bins: spec.max_bins.map_or(d.max_bins, usize::from),
            min_rows_per_leaf: count(spec.min_rows_per_leaf, d.min_rows_per_leaf),
            min_child_weight: spec.min_child_weight.unwrap_or(d.min_child_weight),
            min_split_gain: spec.min_split_gain.unwrap_or(d.min_split_gain),
            l1: spec.l1.unwrap_or(d.l1),
            l2: spec.l2.unwrap_or(d.l2),
            row_fraction: spec.row_fraction.unwrap_or(d.row_fraction),
            column_fraction: spec.column_fraction.unwrap_or(d.column_fraction),
            column_fraction_per_split: spec.column_fraction_per_split.unwrap_or(d.column_fraction_per_split),
            goss: spec.goss.map(|g| grow::Goss { top_fraction: g.top_fraction, other_fraction: g.other_fraction }),
            quantized: spec.quantized.unwrap_or(d.quantized),
            additive: spec.additive.unwrap_or(d.additive),
            early_stopping_rounds: spec.early_stopping_rounds.map(|n| n as usize),
            ..d
        },
        class_weight: class_weight(spec.class_weight),
        monotone: spec.monotone.iter().map(|(field, m)| (field.clone(), monotone(*m))).collect(),
        interactions: spec.interactions.clone(),
        max_text_features: count(spec.max_text_features, default.max_text_features),
        ..TreesParams::default()
    }
}

fn class_weight(given: Option<yw_config::ClassWeight>) -> ClassWeight {
    match given {
        None => ClassWeight::None,
        Some(yw_config::ClassWeight::Balanced) => ClassWeight::Balanced,
    }
}

/// What is done to a candidate's probabilities. By default nothing, but where costs decide, they also choose the answers.
pub(super) fn decided(spec: &CandidateSpec, task: &TaskSpec, answer: &AnswerSpec) -> (Calibration, Decision) {
    let is_tuned = match spec.decide {
        Some(Decide::Tuned) => true,
        None => task.metric == Metric::Cost && !is_baseline(spec),
        Some(Decide::Largest | Decide::Threshold(_)) => false,
    };
    let calibration = match spec.calibrate {
        Some(Calibrate::Off) => Calibration::Off,
        Some(Calibrate::Best) => Calibration::Chosen,
        Some(Calibrate::Isotonic) => Calibration::Method(CalibrationMethod::Isotonic),
        Some(Calibrate::Platt) => Calibration::Method(CalibrationMethod::Platt),
        Some(Calibrate::Temperature) => Calibration::Method(CalibrationMethod::Temperature),
        // Rules are tuned on probabilities that mean what they say.
        None if is_tuned => Calibration::Chosen,
        None => Calibration::Off,
    };
    let decision = match spec.decide {
        Some(Decide::Threshold(threshold)) => Decision::Threshold(threshold),
        _ if is_tuned => objective(task, answer).map_or(Decision::Largest, Decision::Tuned),
        _ => Decision::Largest,
    };
    (calibration, decision)
}

fn is_baseline(spec: &CandidateSpec) -> bool {
    matches!(spec.kind, yw_config::CandidateKind::Baseline(_))
}

/// What answers are tuned for: the task's costs, or else its metric; of metrics that do not depend on answers, accuracy.
fn objective(task: &TaskSpec, answer: &AnswerSpec) -> Option<DecisionObjective> {
    match &task.costs {
        Some(costs) => Costs::of_matrix(cost_matrix(costs, &answer.labels)).ok().map(DecisionObjective::Cost),
        None => DecisionObjective::of_metric(task.metric).or(match answer.kind {
            AnswerKind::Label | AnswerKind::Boolean => Some(DecisionObjective::Accuracy),
            _ => None,
        }),
    }
}
