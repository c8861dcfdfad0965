//! Kinds of models with the settings that are searched for: those that the project file leaves open.

use yw_config::{LinearSpec, NearestSpec, TextSpec, TreesMode, TreesSpec};
use yw_learn::search::{Dimension, Space};
use yw_learn::{Distance, FeaturizerParams, LinearParams, ModelParams, NearestParams, TreesParams, VoteWeights};
use yw_task::{Field, FieldType};
use yw_trees::Mode;

use super::trial::Trial;

/// Rounds that boosting may take where held-out rows end it.
const MAX_ROUNDS: usize = 2000;

/// A kind of model, and its space.
#[derive(Clone)]
pub(crate) struct Arm {
    /// Its word in the project file.
    pub(crate) name: &'static str,
    /// What the project file says.
    pub(crate) params: ModelParams,
    /// How many trials go to it for one that goes to an arm of share one; 0 where only what the project file says is tried.
    pub(super) share: usize,
    knobs: Vec<Knob>,
    /// How long boosting goes on without progress on held-out rows: given, or to follow the learning rate. None where the
    /// number of rounds is given.
    patience: Option<Patience>,
}

/// One setting that is searched for.
#[derive(Clone, Copy)]
struct Knob {
    /// Its key in the project file, where there is one.
    name: &'static str,
    dimension: Dimension,
    /// About what it is where the project file says nothing.
    default: f64,
    set: fn(&mut ModelParams, f64),
    show: fn(f64) -> String,
}

#[derive(Debug, Clone, Copy)]
enum Patience {
    Given(usize),
    ByLearningRate,
}

impl Arm {
    /// The same, tried as the project file has it and no other way.
    pub(crate) fn untuned(self) -> Self {
        Arm { share: 0, ..self }
    }

    /// The settings that are searched for.
    pub(super) fn space(&self) -> Space {
        Space::new(self.knobs.iter().map(|knob| knob.dimension).collect())
    }

    /// The point of the space that stands for what the project file says.
    pub(super) fn default_point(&self) -> Vec<f64> {
        self.knobs.iter().map(|knob| knob.default).collect()
    }

    pub(super) fn is_tunable(&self) -> bool {
        self.share > 0 && !self.knobs.is_empty()
    }

    /// What distinguishes it from other arms, for the key of its trials.
    pub(super) fn identity(&self) -> String {
        let knobs: Vec<_> = self.knobs.iter().map(|knob| (knob.name, knob.dimension)).collect();
        format!("{} {} {:?} {:?} {:?}", self.name, self.share, self.params, knobs, self.patience)
    }

    /// What a trial fits.
    pub(super) fn trial_params(&self, settings: Option<&[f64]>) -> ModelParams {
        let mut params = self.with(settings);
        if let (Some(patience), ModelParams::Trees(trees)) = (self.patience, &mut params) {
            let rounds = match patience {
                Patience::Given(rounds) => rounds,
                Patience::ByLearningRate => {
                    trees.grow.trees = MAX_ROUNDS;
                    (2.5 / trees.grow.learning_rate).clamp(20.0, 120.0) as usize
                }
            };
            trees.grow.early_stopping_rounds = Some(rounds);
        }
        params
    }

    /// What is fitted to all rows once a trial is chosen.
    pub(super) fn final_params(&self, trial: &Trial) -> ModelParams {
        let mut params = self.with(trial.settings.as_deref());
        if let (Some(rounds), ModelParams::Trees(trees)) = (trial.rounds(), &mut params) {
            trees.grow.trees = rounds;
            trees.grow.early_stopping_rounds = None;
        }
        params
    }

    /// Settings for people.
    pub(super) fn describe(&self, settings: &[f64]) -> Vec<String> {
        self.knobs.iter().zip(settings).map(|(knob, value)| format!("{} {}", knob.name, (knob.show)(*value))).collect()
    }

    fn with(&self, settings: Option<&[f64]>) -> ModelParams {
        let mut params = self.params.clone();
        for (knob, value) in self.knobs.iter().zip(settings.unwrap_or_default()) {
            (knob.set)(&mut params, *value);
        }
        params
    }
}

/// Boosted trees or a forest. `params` is what the specification comes to.
pub(crate) fn trees(spec: &TreesSpec, params: TreesParams, fields: &[Field]) -> Arm {
    let is_boosting = params.grow.mode == Mode::Boosting;
    let has_categories = fields.iter().any(|field| field.field_type == FieldType::Category);
    let grow = &params.grow;
    let least_rows = if is_boosting { 100 } else { 50 };
    let all = [
        (
            is_boosting && spec.learning_rate.is_none(),
            knob("learning_rate", log(0.01, 0.3), grow.learning_rate, |p, v| grow_of(p).learning_rate = v),
        ),
        (
            is_boosting && spec.max_leaves.is_none(),
            count("max_leaves", 4, 255, grow.max_leaves, |p, v| grow_of(p).max_leaves = v as usize),
        ),
        (
            spec.min_rows_per_leaf.is_none(),
            count("min_rows_per_leaf", 1, least_rows, grow.min_rows_per_leaf, |p, v| {
                grow_of(p).min_rows_per_leaf = v as usize;
            }),
        ),
        (is_boosting && spec.l2.is_none(), knob("l2", log(1e-3, 100.0), grow.l2, |p, v| grow_of(p).l2 = v)),
        (
            is_boosting && spec.row_fraction.is_none() && spec.goss.is_none(),
            knob("row_fraction", linear_between(0.5, 1.0), grow.row_fraction, |p, v| grow_of(p).row_fraction = v),
        ),
        (
            is_boosting && spec.column_fraction.is_none() && spec.additive != Some(true),
            knob("column_fraction", linear_between(0.4, 1.0), grow.column_fraction, |p, v| {
                grow_of(p).column_fraction = v;
            }),
        ),
        (
            spec.column_fraction_per_split.is_none() && spec.additive != Some(true),
            knob("column_fraction_per_split", linear_between(0.1, 1.0), grow.column_fraction_per_split, |p, v| {
                grow_of(p).column_fraction_per_split = v;
            }),
        ),
        (
            has_categories,
            knob("category_smoothing", log(1.0, 300.0), grow.category_smoothing, |p, v| {
                grow_of(p).category_smoothing = v;
            }),
        ),
    ];
    let patience = match (is_boosting, spec.trees, spec.early_stopping_rounds) {
        (false, ..) | (true, Some(_), None) => None,
        (true, _, Some(rounds)) => Some(Patience::Given(rounds as usize)),
        (true, None, None) => Some(Patience::ByLearningRate),
    };
    let name = match spec.mode {
        None | Some(TreesMode::Boosting) => "trees",
        Some(TreesMode::Forest) => "forest",
        Some(TreesMode::ExtraTrees) => "extra_trees",
    };
    Arm { name, params: ModelParams::Trees(Box::new(params)), share: 3, knobs: open(all), patience }
}

/// The forests of `fit = "auto"`, as they are.
pub(crate) fn forests(params: impl Fn(&TreesSpec) -> TreesParams, fields: &[Field]) -> [Arm; 2] {
    [TreesMode::Forest, TreesMode::ExtraTrees].map(|mode| {
        let spec = TreesSpec { mode: Some(mode), ..TreesSpec::default() };
        trees(&spec, params(&spec), fields).untuned()
    })
}

/// A linear model. `params` is what the specification comes to.
pub(crate) fn linear(spec: &LinearSpec, params: LinearParams, fields: &[Field]) -> Arm {
    let has = |wanted: FieldType| fields.iter().any(|field| field.field_type == wanted);
    let all = [
        // Where it is not given the model finds a power of ten by itself.
        (spec.l2.is_none(), knob("l2", log(1e-4, 1e4), 1.0, |p, v| linear_of(p).l2 = Some(v))),
        (
            has(FieldType::Category) && spec.text.min_rows.is_none(),
            count("min_rows of levels", 1, 50, params.featurizer.category.min_rows, |p, v| {
                featurizer_of(p).category.min_rows = v as usize;
            }),
        ),
        n_grams(&spec.text, has(FieldType::Text)),
    ];
    Arm { name: "linear", params: ModelParams::Linear(params), share: 1, knobs: open(all), patience: None }
}

/// Nearest neighbours. `params` is what the specification comes to; a value that is the default counts as not given.
pub(crate) fn nearest(spec: &NearestSpec, params: NearestParams, fields: &[Field]) -> Arm {
    let default = NearestParams::default();
    let has_text = fields.iter().any(|field| field.field_type == FieldType::Text);
    let weights = Knob {
        show: |v| if v == 0.0 { "distance" } else { "uniform" }.to_owned(),
        ..knob("weights", Dimension::Choice { n: 2 }, 0.0, |p, v| {
            nearest_of(p).weights = if v == 0.0 { VoteWeights::Distance } else { VoteWeights::Uniform };
        })
    };
    let distance = Knob {
        show: |v| if v == 0.0 { "euclidean" } else { "cosine" }.to_owned(),
        ..knob("distance", Dimension::Choice { n: 2 }, 0.0, |p, v| {
            nearest_of(p).distance = if v == 0.0 { Distance::Euclidean } else { Distance::Cosine };
        })
    };
    let all = [
        (params.k == default.k, count("neighbors", 1, 100, params.k, |p, v| nearest_of(p).k = v as usize)),
        (params.weights == default.weights, weights),
        (true, distance),
        n_grams(&spec.text, has_text),
    ];
    Arm { name: "nearest", params: ModelParams::Nearest(params), share: 1, knobs: open(all), patience: None }
}

/// The shortest and the longest n-grams; none for no n-grams.
type Lengths = Option<(u8, u8)>;

/// N-grams of words and of characters, the default first.
const N_GRAMS: [(Lengths, Lengths); 6] = [
    (Some((1, 2)), Some((2, 5))),
    (Some((1, 2)), None),
    (Some((1, 1)), None),
    (None, Some((2, 5))),
    (Some((1, 1)), Some((2, 4))),
    (Some((1, 3)), Some((3, 6))),
];

fn n_grams(spec: &TextSpec, has_text: bool) -> (bool, Knob) {
    let knob = Knob {
        show: |v| {
            let lengths = |name: &str, of: Lengths| of.map(|(min, max)| format!("{name} {min} to {max}"));
            let (words, characters) = N_GRAMS[v as usize];
            let shown: Vec<String> =
                [lengths("words", words), lengths("characters", characters)].into_iter().flatten().collect();
            shown.join(" and ")
        },
        ..knob("n-grams of", Dimension::Choice { n: N_GRAMS.len() as u32 }, 0.0, |p, v| {
            let text = &mut featurizer_of(p).text;
            (text.words, text.characters) = N_GRAMS[v as usize];
        })
    };
    (has_text && spec.words.is_none() && spec.characters.is_none(), knob)
}

fn open<const N: usize>(all: [(bool, Knob); N]) -> Vec<Knob> {
    all.into_iter().filter(|(is_open, _)| *is_open).map(|(_, knob)| knob).collect()
}

fn knob(name: &'static str, dimension: Dimension, default: f64, set: fn(&mut ModelParams, f64)) -> Knob {
    Knob { name, dimension, default, set, show: three_digits }
}

fn count(name: &'static str, low: u32, high: u32, default: usize, set: fn(&mut ModelParams, f64)) -> Knob {
    let default = (default as f64).clamp(f64::from(low), f64::from(high));
    Knob { show: |v| format!("{v}"), ..knob(name, Dimension::Integer { low, high, log: true }, default, set) }
}

fn log(low: f64, high: f64) -> Dimension {
    Dimension::Number { low, high, log: true }
}

fn linear_between(low: f64, high: f64) -> Dimension {
    Dimension::Number { low, high, log: false }
}

/// A number with three digits that count.
fn three_digits(value: f64) -> String {
    if value == 0.0 || !value.is_finite() {
        return value.to_string();
    }
    let n_decimals = (2 - value.abs().log10().floor() as i32).max(0) as usize;
    format!("{value:.n_decimals$}")
}

fn grow_of(params: &mut ModelParams) -> &mut yw_trees::TreesParams {
    match params {
        ModelParams::Trees(trees) => &mut trees.grow,
        _ => unreachable!("the knobs of trees are for trees"),
    }
}

fn linear_of(params: &mut ModelParams) -> &mut LinearParams {
    match params {
        ModelParams::Linear(linear) => linear,
        _ => unreachable!("the knobs of linear models are for linear models"),
    }
}

fn nearest_of(params: &mut ModelParams) -> &mut NearestParams {
    match params {
        ModelParams::Nearest(nearest) => nearest,
        _ => unreachable!("the knobs of nearest neighbours are for nearest neighbours"),
    }
}

fn featurizer_of(params: &mut ModelParams) -> &mut FeaturizerParams {
    match params {
        ModelParams::Linear(linear) => &mut linear.featurizer,
        ModelParams::Nearest(nearest) => &mut nearest.featurizer,
        ModelParams::Trees(trees) => &mut trees.featurizer,
        ModelParams::Baseline(_) | ModelParams::TreesFile(_) => unreachable!("they have no knobs"),
    }
}
