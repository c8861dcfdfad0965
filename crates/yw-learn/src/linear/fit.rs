//! From labelled rows to a linear model.

use yw_task::{LabelledRows, Truth};

use super::design::Design;
use super::dual::{Costs, DualRows, DualSolver};
use super::newton::{Problem, Solution, Targets};
use super::params::{LinearLoss, LinearParams};
use super::weights::Weights;
use super::{LinearModel, Link};
use crate::answers::AnswerInfo;
use crate::calibrate::sharpness;
use crate::featurize::{FeatureMatrix, Featurizer, Responses};
use crate::folds::{Folds, Split, class_ids, splits};
use crate::{FitError, FitSummary};

/// The penalties to choose from are the powers of ten up to these.
const LARGEST_L2_EXPONENT: i32 = 4;

/// Newton steps, and how exact they must be, while penalties are only compared.
const COMPARE_ITERATIONS: usize = 30;
const COMPARE_TOLERANCE: f64 = 1e-3;

/// Parts of the training rows for the mean answers of categories' levels.
const TARGET_FOLDS: usize = 5;

/// Answers of more classes than these are not averaged: features for each would cost more than they say.
const MAX_AVERAGED_CLASSES: usize = 10;

/// How much less exact a machine may be whose scores only serve to find the temperature.
const CALIBRATE_TOLERANCE: f64 = 4.0;

impl LinearModel {
    pub(crate) fn fit(train: &LabelledRows, params: &LinearParams, seed: u64) -> Result<Self, FitError> {
        params.check()?;
        let classes = Classes::of(&train.truth)?;
        let n_classes = classes.as_ref().map_or(0, |c| c.label_ids.len());
        let has_text = train.rows.fields().iter().any(|f| f.field_type == yw_task::FieldType::Text);
        let loss = params.loss.resolve(train.truth.kind(), n_classes, has_text)?;
        let (featurizer, features) = Featurizer::fit_to_answers(
            &train.rows,
            &params.featurizer,
            &responses(&train.truth, classes.as_ref()),
            &Folds::of(train, TARGET_FOLDS, seed),
        )?;
        let class_idxs = classes.as_ref().map(|c| &*c.class_idxs);
        let splits = || splits(train.n_rows(), class_idxs, train.groups.as_deref(), seed);
        let fitted = match (loss, &classes, &train.truth) {
            (LinearLoss::SquaredHinge, Some(classes), _) => fit_machines(&features, classes, &splits(), params, seed),
            (_, Some(classes), _) => fit_likelihood(&features, classes, splits, params),
            (_, None, Truth::Number(numbers)) => fit_ridge(&features, numbers, splits, params),
            _ => unreachable!("the loss was resolved for the kind of answer"),
        };
        let summary = FitSummary {
            n_features: featurizer.n_features(),
            iterations: fitted.iterations,
            converged: fitted.converged,
            l2: Some(fitted.l2),
        };
        let means = Some(features.means());
        Ok(LinearModel { featurizer, weights: fitted.weights, link: fitted.link, means, summary })
    }
}

/// What each of the ways to fit gives.
struct FittedWeights {
    weights: Weights,
    link: Link,
    l2: f64,
    iterations: usize,
    converged: bool,
}

/// The classes that training rows have, numbered without gaps.
struct Classes {
    /// Each row's class.
    class_idxs: Vec<u32>,
    /// Each class's label, ascending; 0 and 1 for false and true.
    label_ids: Vec<u32>,
}

impl Classes {
    /// None for answers that are no classes.
    fn of(truth: &Truth) -> Result<Option<Self>, FitError> {
        let Some(ids) = class_ids(truth) else { return Ok(None) };
        let mut label_ids = ids.clone();
        label_ids.sort_unstable();
        label_ids.dedup();
        if label_ids.len() < 2 {
            return Err(FitError::OneClass { answer: truth.value(0).to_string() });
        }
        let mut idx_of_label = vec![0u32; label_ids[label_ids.len() - 1] as usize + 1];
        label_ids.iter().enumerate().for_each(|(idx, &id)| idx_of_label[id as usize] = idx as u32);
        Ok(Some(Classes { class_idxs: ids.into_iter().map(|id| idx_of_label[id as usize]).collect(), label_ids }))
    }
}

/// What is averaged of the answers: numbers, standardised; of two classes whether it is the second; of a few whether it is
/// each.
fn responses(truth: &Truth, classes: Option<&Classes>) -> Responses {
    let (names, columns) = match (truth, classes) {
        (Truth::Number(numbers), _) => (vec!["mean answer".to_owned()], vec![Standardised::of(numbers).numbers]),
        (_, Some(classes)) if classes.label_ids.len() <= MAX_AVERAGED_CLASSES => {
            let info = AnswerInfo::of(truth);
            let n_classes = classes.label_ids.len() as u32;
            let averaged = if n_classes == 2 { 1..2 } else { 0..n_classes };
            let name = |class: u32| format!("share of {}", info.class_name(classes.label_ids[class as usize]));
            let column = |class: u32| classes.class_idxs.iter().map(|&c| f64::from(u8::from(c == class))).collect();
            (averaged.clone().map(name).collect(), averaged.map(column).collect())
        }
        _ => (Vec::new(), Vec::new()),
    };
    Responses { names, columns, are_shares: classes.is_some() }
}

/// Numbers with mean zero and deviation one, unless they are all equal.
struct Standardised {
    numbers: Vec<f64>,
    mean: f64,
    deviation: f64,
}

impl Standardised {
    fn of(numbers: &[f64]) -> Self {
        let n_rows = numbers.len() as f64;
        // Divided first, so that no sum overflows.
        let largest = numbers.iter().fold(0.0f64, |max, v| max.max(v.abs())).max(f64::MIN_POSITIVE);
        let mean = numbers.iter().map(|v| v / largest).sum::<f64>() / n_rows;
        let deviation = (numbers.iter().map(|v| (v / largest - mean).powi(2)).sum::<f64>() / n_rows).sqrt();
        let unit = if deviation > 0.0 { deviation } else { 1.0 };
        let numbers = numbers.iter().map(|v| (v / largest - mean) / unit).collect();
        Standardised { numbers, mean: mean * largest, deviation: deviation * largest }
    }
}

impl Costs {
    /// A class faces the rows of all others, so its own cost more. Evening that out altogether would make the others'
    /// worthless; the square root, shared by both sides, ranks best and leaves two classes as they are. Of two classes the
    /// other is one class, with a weight of its own; of more, the others count as one another, as LIBLINEAR has it.
    pub(super) fn of(class_weights: &[f64]) -> Self {
        let balance = ((class_weights.len() - 1) as f64).powf(0.25);
        let other = match *class_weights {
            [first, second] => vec![second, first],
            _ => vec![1.0 / balance; class_weights.len()],
        };
        Costs { own: class_weights.iter().map(|weight| weight * balance).collect(), other }
    }
}

/// Support vector machines, and the temperature that makes their scores probabilities.
fn fit_machines(
    features: &FeatureMatrix,
    classes: &Classes,
    splits: &[Split],
    params: &LinearParams,
    seed: u64,
) -> FittedWeights {
    let n_classes = classes.label_ids.len();
    let l2 = params.l2.unwrap_or(1.0);
    let rows = DualRows::new(features);
    let class_weights = params.class_weight.of_classes(&classes.class_idxs, n_classes);
    let costs = Costs::of(&class_weights);
    let new_solver = || DualSolver::new(&rows, &classes.class_idxs, &costs, l2, params.max_iterations);

    let mut solver = new_solver();
    let (mut scores, mut truths) = (Vec::new(), Vec::new());
    for (i, split) in splits.iter().enumerate() {
        if i > 0 {
            solver = new_solver();
        }
        solver.solve(&split.fit, CALIBRATE_TOLERANCE * params.tolerance, seed);
        scores.extend(solver.scores(&split.held_out).into_iter().map(f64::from));
        truths.extend(split.held_out.iter().map(|&row_idx| classes.class_idxs[row_idx]));
    }
    let sharpness = if splits.is_empty() { 1.0 } else { sharpness(&scores, &truths, None, n_classes) };

    // The last split's solution is a good place to start from: the held-out rows' dual variables are still zero.
    let all_rows: Vec<usize> = (0..features.n_rows()).collect();
    let (iterations, converged) = solver.solve(&all_rows, params.tolerance, seed.wrapping_add(1));
    FittedWeights {
        weights: Weights::new(solver.weights().into_iter(), n_classes, features.n_dense()),
        link: Link::Softmax { label_ids: classes.label_ids.clone(), sharpness },
        l2,
        iterations,
        converged,
    }
}

/// Logistic regression of two classes, softmax of more.
fn fit_likelihood(
    features: &FeatureMatrix,
    classes: &Classes,
    splits: impl Fn() -> Vec<Split>,
    params: &LinearParams,
) -> FittedWeights {
    let n_classes = classes.label_ids.len();
    let class_weights = params.class_weight.of_classes(&classes.class_idxs, n_classes);
    let row_weights: Vec<f64> = classes.class_idxs.iter().map(|&c| class_weights[c as usize]).collect();
    let (targets, link) = match *classes.label_ids {
        [no, yes] => (
            Targets::Binary(classes.class_idxs.iter().map(|&c| c == 1).collect()),
            Link::Sigmoid { label_ids: [no, yes] },
        ),
        _ => (
            Targets::Classes { class_idxs: classes.class_idxs.clone(), n_classes },
            Link::Softmax { label_ids: classes.label_ids.clone(), sharpness: 1.0 },
        ),
    };
    fit_smooth(features, &targets, &row_weights, splits, params, link)
}

/// Ridge regression of the standardised answer.
fn fit_ridge(
    features: &FeatureMatrix,
    numbers: &[f64],
    splits: impl Fn() -> Vec<Split>,
    params: &LinearParams,
) -> FittedWeights {
    let Standardised { numbers, mean, deviation } = Standardised::of(numbers);
    let row_weights = vec![1.0; numbers.len()];
    fit_smooth(features, &Targets::Numbers(numbers), &row_weights, splits, params, Link::Number { mean, deviation })
}

fn fit_smooth(
    features: &FeatureMatrix,
    targets: &Targets,
    row_weights: &[f64],
    splits: impl Fn() -> Vec<Split>,
    params: &LinearParams,
    link: Link,
) -> FittedWeights {
    let l2 = params.l2.unwrap_or_else(|| choose_l2(features, targets, row_weights, &splits()));
    let design = Design::new(features);
    let problem = Problem { design: &design, targets, row_weights, l2 };
    let start = vec![0.0; (features.n_features() + 1) * targets.n_outputs()];
    let Solution { parameters, iterations, converged } = problem.solve(start, params.max_iterations, params.tolerance);
    let parameters = parameters.into_iter().map(|p| p as f32);
    let weights = Weights::new(parameters, targets.n_outputs(), features.n_dense());
    FittedWeights { weights, link, l2, iterations, converged }
}

/// The power of ten with the smallest held-out loss. Goes from 1 up or down as long as the loss falls.
fn choose_l2(features: &FeatureMatrix, targets: &Targets, row_weights: &[f64], splits: &[Split]) -> f64 {
    if splits.is_empty() {
        return 1.0;
    }
    let parts: Vec<Part> = splits.iter().map(|split| Part::new(features, targets, row_weights, split)).collect();
    let mut solvers: Vec<PartSolver> = parts.iter().map(PartSolver::new).collect();
    let mut loss = |exponent: i32| -> f64 { solvers.iter_mut().map(|s| s.loss(10f64.powi(exponent))).sum() };
    let (mut best, mut best_loss) = (0, loss(0));
    for direction in [-1, 1] {
        let mut exponent: i32 = best + direction;
        while exponent.abs() <= LARGEST_L2_EXPONENT {
            let next_loss = loss(exponent);
            if next_loss >= best_loss {
                break;
            }
            (best, best_loss) = (exponent, next_loss);
            exponent += direction;
        }
        if best != 0 {
            break;
        }
    }
    10f64.powi(best)
}

/// One side of a split, or both.
struct Part {
    fit: Side,
    held_out: Side,
}

struct Side {
    features: FeatureMatrix,
    targets: Targets,
    row_weights: Vec<f64>,
}

impl Part {
    fn new(features: &FeatureMatrix, targets: &Targets, row_weights: &[f64], split: &Split) -> Self {
        let side = |row_idxs: &[usize]| Side {
            features: features.take(row_idxs),
            targets: targets.take(row_idxs),
            row_weights: row_idxs.iter().map(|&i| row_weights[i]).collect(),
        };
        Part { fit: side(&split.fit), held_out: side(&split.held_out) }
    }
}

/// Fits one part with one penalty after the other, each from the solution before.
struct PartSolver<'a> {
    fit: Design<'a>,
    held_out: Design<'a>,
    part: &'a Part,
    parameters: Vec<f64>,
}

impl<'a> PartSolver<'a> {
    fn new(part: &'a Part) -> Self {
        let n_parameters = (part.fit.features.n_features() + 1) * part.fit.targets.n_outputs();
        PartSolver {
            fit: Design::new(&part.fit.features),
            held_out: Design::new(&part.held_out.features),
            part,
            parameters: vec![0.0; n_parameters],
        }
    }

    /// The sum of held-out losses.
    fn loss(&mut self, l2: f64) -> f64 {
        let Side { targets, row_weights, .. } = &self.part.fit;
        let problem = Problem { design: &self.fit, targets, row_weights, l2 };
        let start = std::mem::take(&mut self.parameters);
        self.parameters = problem.solve(start, COMPARE_ITERATIONS, COMPARE_TOLERANCE).parameters;
        let Side { targets, row_weights, .. } = &self.part.held_out;
        Problem { design: &self.held_out, targets, row_weights, l2 }.sum_of_losses(&self.parameters)
    }
}
