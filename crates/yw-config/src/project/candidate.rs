//! Candidates, as their tables say them.

use std::path::PathBuf;
use std::time::Duration;

use yw_task::ModelRef;

use super::TreesSpec;

/// One named way to answer a task.
#[derive(Debug, Clone, PartialEq)]
pub struct CandidateSpec {
    /// The name of its table; unique in its task even when case is ignored, never `baseline`.
    pub name: String,
    /// What it is.
    pub kind: CandidateKind,
    /// Whether settings that are not given are searched for. Only where it is fitted, and always with `auto`.
    pub tune: Option<TuneSpec>,
    /// How its probabilities are corrected; none is the default of its kind. Only for labels and booleans, where it is
    /// fitted.
    pub calibrate: Option<Calibrate>,
    /// How its probabilities become answers; none is the default. Only for labels and booleans, where it is fitted.
    pub decide: Option<Decide>,
}

/// The kinds of candidates; which one is told by the verb that the file uses.
#[derive(Debug, Clone, PartialEq)]
pub enum CandidateKind {
    /// `fit = "baseline"`: one answer for every row.
    Baseline(BaselineSpec),
    /// `fit = "linear"`.
    Linear(LinearSpec),
    /// `fit = "nearest"`.
    Nearest(NearestSpec),
    /// `fit = "trees"`.
    Trees(TreesSpec),
    /// `fit = "auto"`: fitted candidates of several kinds, tuned within [`CandidateSpec::tune`].
    Auto(AutoSpec),
    /// `fit = { load = "…" }`: a model of XGBoost or LightGBM as it is. The file, absolute; it existed.
    Load(PathBuf),
    /// `ask = "provider/model"`.
    Ask(AskSpec),
    /// `first = "…"` and `then = "…"`.
    Cascade(CascadeSpec),
}

/// When a search for better settings ends: when the first of those that are given is reached. At least one is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TuneSpec {
    /// After so many minutes, above zero.
    pub minutes: Option<f64>,
    /// After so many trials, at least one.
    pub trials: Option<u32>,
}

/// How probabilities are corrected to match frequencies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Calibrate {
    /// `false`: not at all.
    Off,
    /// `true`: by what is best on held-out rows.
    Best,
    /// By a rising curve.
    Isotonic,
    /// By a sigmoid.
    Platt,
    /// By one power of all probabilities.
    Temperature,
}

/// How probabilities become an answer.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Decide {
    /// The most likely answer.
    Largest,
    /// By what is best on held-out rows for the task's costs, or else for its metric.
    Tuned,
    /// For booleans: true from this probability on, strictly between 0 and 1.
    Threshold(f64),
}

/// Several kinds of models, the best of which, or a combination, answers.
#[derive(Debug, Clone, PartialEq)]
pub struct AutoSpec {
    /// How columns become numbers, for the kinds that need it.
    pub text: TextSpec,
}

/// A baseline besides the one that is always added.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BaselineSpec {
    /// What it answers; none is the default of the answer's kind.
    pub statistic: Option<Statistic>,
}

/// The one answer of a baseline.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Statistic {
    /// The most frequent answer; for answers that are no numbers.
    MostFrequent,
    /// The mean; for numbers.
    Mean,
    /// The median; for numbers.
    Median,
}

/// A linear model. What is not given is the engine's default.
#[derive(Debug, Clone, PartialEq)]
pub struct LinearSpec {
    /// What is minimised; fits the answer's kind.
    pub loss: Option<Loss>,
    /// Strength of the L2 penalty, above zero.
    pub l2: Option<f64>,
    /// How rows are weighted; only for labels and booleans.
    pub class_weight: Option<ClassWeight>,
    /// Passes over the rows at most.
    pub max_iterations: Option<u32>,
    /// When to stop, above zero.
    pub tolerance: Option<f64>,
    /// How columns become numbers.
    pub text: TextSpec,
}

/// What a linear model minimises.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Loss {
    /// Log loss: logistic or softmax regression; for labels and booleans.
    Logistic,
    /// The hinge, squared: a linear support vector machine; for labels and booleans.
    SquaredHinge,
    /// Squared error: ridge regression; for numbers.
    Squared,
}

/// How rows are weighted by their class.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClassWeight {
    /// Inversely to how often the class occurs.
    Balanced,
}

/// How columns become features; what is not given is the engine's default.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct TextSpec {
    /// Word n-grams of texts.
    pub words: Option<NGrams>,
    /// Character n-grams of texts.
    pub characters: Option<NGrams>,
    /// Whether case is ignored.
    pub lowercase: Option<bool>,
    /// Whether a term's count enters by its logarithm.
    pub sublinear: Option<bool>,
    /// Terms and levels that fewer training rows have are left out.
    pub min_rows: Option<u32>,
    /// The most frequent terms that a text column keeps, at most.
    pub max_features: Option<u32>,
    /// The most frequent levels that a category column keeps, at most.
    pub max_levels: Option<u32>,
}

/// Which n-grams are counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NGrams {
    /// None.
    Off,
    /// Those of `min` to `max` words or characters; `1 <= min <= max`.
    Lengths {
        /// The shortest.
        min: u8,
        /// The longest.
        max: u8,
    },
}

/// Nearest neighbours.
#[derive(Debug, Clone, PartialEq)]
pub struct NearestSpec {
    /// How many training rows vote, at least one.
    pub neighbors: u32,
    /// How their votes count.
    pub weights: Weights,
    /// How columns become numbers.
    pub text: TextSpec,
}

/// How the votes of neighbours count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Weights {
    /// All the same.
    Uniform,
    /// By closeness.
    Distance,
}

/// A prompted foundation model.
#[derive(Debug, Clone, PartialEq)]
pub struct AskSpec {
    /// Who is asked; its provider is in [`Project::providers`](crate::Project::providers).
    pub model: ModelRef,
    /// The MiniJinja file of the user message, absolute; it existed. None is the default prompt.
    pub prompt: Option<PathBuf>,
    /// The MiniJinja file of the system message, absolute; it existed.
    pub system: Option<PathBuf>,
    /// Which answered rows are shown.
    pub examples: Examples,
    /// Sampling temperature, 0 to 2; none is the provider's default.
    pub temperature: Option<f64>,
    /// Tokens that one answer may have at most.
    pub max_tokens: Option<u32>,
    /// How long one try may take; none is the provider's.
    pub timeout: Option<Duration>,
}

/// Which answered rows a prompt shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Examples {
    /// None.
    None,
    /// The rows of this file, absolute; it existed.
    Fixed(PathBuf),
    /// So many training rows, chosen once by the seed.
    Random(u32),
    /// The training rows most like the row that is asked about.
    Nearest(u32),
}

/// Two candidates in a row.
#[derive(Debug, Clone, PartialEq)]
pub struct CascadeSpec {
    /// Who answers first; another candidate of the task, or `baseline`.
    pub first: String,
    /// Who answers when the first is unsure; another candidate of the task, or `baseline`. Nothing refers in a circle.
    pub then: String,
    /// The first's answer stands from this confidence on, 0 to 1; none is tuned on held-out rows.
    pub threshold: Option<f64>,
}
