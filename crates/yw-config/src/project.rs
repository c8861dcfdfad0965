//! The checked project: every value is known to be of its type, in its range, and to fit the others.

use std::net::SocketAddr;
use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use yw_task::{AnswerKind, Dialect, Field, Metric, ModelRef, Usd};

use crate::problem::{Problem, Problems, Severity};
use crate::syntax;

/// A project as its file says it, checked.
#[derive(Debug, Clone)]
pub struct Project {
    /// `name`, or the folder's name.
    pub name: String,
    /// The folder of the project file, absolute. Addresses of data are relative to it.
    pub dir: PathBuf,
    /// The project file.
    pub file: PathBuf,
    /// The text of the file, byte for byte as it was checked: what a run keeps as its snapshot.
    pub text: Arc<str>,
    /// The tasks, in the order of the file.
    pub tasks: Vec<TaskSpec>,
    /// The providers that the file defines, then the well-known ones that candidates use without a definition.
    pub providers: Vec<ProviderSpec>,
    /// Prices that add to the price table or override it.
    pub prices: Vec<PriceSpec>,
    /// How `yw serve` listens.
    pub serve: ServeSpec,
    /// What is allowed and probably not meant. Holds no errors.
    pub warnings: Problems,
}

impl Project {
    /// The task of this name.
    pub fn task(&self, name: &str) -> Option<&TaskSpec> {
        self.tasks.iter().find(|t| t.name == name)
    }

    /// A problem that was found later (a column that the data lacks, say), placed at a key of the project file.
    ///
    /// `keys` leads from the root to the key: `["task", "triage", "input", "plan"]`. The problem stands at the deepest
    /// of them that the file has.
    pub fn problem_at(&self, keys: &[&str], severity: Severity, message: impl Into<String>) -> Problem {
        Problem::new(&self.text, severity, self.locate(keys), keys.join("."), message.into())
    }

    /// The problems as one report on this project's file.
    pub fn problems(&self, problems: Vec<Problem>) -> Problems {
        Problems::new(self.file.clone(), self.text.clone(), problems)
    }

    fn locate(&self, keys: &[&str]) -> Range<usize> {
        let document = syntax::parse(&self.text).document;
        let mut table = &document;
        let mut span = 0..0;
        for key in keys {
            let Some((name, value)) = table.get_key_value(*key) else { break };
            span = name.span();
            let Some(inner) = value.get_ref().as_table() else { break };
            table = inner;
        }
        span
    }
}

/// A typed question, its data, its metric and limits, and who may answer it.
#[derive(Debug, Clone, PartialEq)]
pub struct TaskSpec {
    /// The name of its table: letters, digits, `-`, `_` and `.`, not a dot first.
    pub name: String,
    /// What is asked of every row.
    pub question: String,
    /// The input columns, in the order of the file; at least one, names unique.
    pub fields: Arc<[Field]>,
    /// The column of the right answers; not among the fields.
    pub answer: AnswerColumn,
    /// The labelled rows to learn from.
    pub train: DataSpec,
    /// The rows to be scored on.
    pub test: TestSpec,
    /// The column whose equal values say that rows belong together, for clustered intervals.
    pub group: Option<String>,
    /// The metric that decides; it applies to `answer.kind`.
    pub metric: Metric,
    /// What a champion must keep.
    pub limits: Limits,
    /// Seed of every random choice.
    pub seed: u64,
    /// The candidates, in the order of the file, without the `baseline` that is always added.
    pub candidates: Vec<CandidateSpec>,
}

/// The answer of a task: one column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AnswerColumn {
    /// The column's name in the data and the answer's key in responses.
    pub name: String,
    /// Its type.
    pub kind: AnswerKind,
    /// For [`AnswerKind::Json`]: the fields that the object must have. Empty means any object.
    pub fields: Vec<Field>,
}

/// Where rows are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DataSpec {
    /// Files, globs or object-store addresses; at least one. Relative ones are relative to the project's folder.
    pub addresses: Vec<String>,
    /// What separates the columns of CSV files, one ASCII character; found out when not given.
    pub delimiter: Option<char>,
}

/// Which rows candidates are scored on.
#[derive(Debug, Clone, PartialEq)]
pub enum TestSpec {
    /// Rows of their own.
    Data(DataSpec),
    /// A part of the training rows, held out.
    Fraction {
        /// The part, strictly between 0 and 1.
        fraction: f64,
        /// How rows are chosen.
        by: SplitBy,
    },
    /// Cross-validation: every training row is scored once.
    Folds {
        /// How many parts, from 2 to 100.
        folds: u32,
        /// How rows are dealt to the parts.
        by: SplitBy,
    },
}

/// How rows are chosen for the test.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SplitBy {
    /// At random, keeping the shares of the labels.
    Random,
    /// The latest rows by this column.
    Time(String),
    /// Whole groups: rows with equal values of this column stay together.
    Group(String),
}

/// What a champion must keep.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Limits {
    /// The 95th percentile of single-row latency, at most.
    pub p95: Option<Duration>,
    /// Dollars per thousand answers, at most.
    pub usd_per_1000: Option<f64>,
    /// The metric, at least; only where higher is better.
    pub min_score: Option<f64>,
    /// The metric, at most; only where lower is better.
    pub max_score: Option<f64>,
}

/// One named way to answer a task.
#[derive(Debug, Clone, PartialEq)]
pub struct CandidateSpec {
    /// The name of its table; unique in its task even when case is ignored, never `baseline`.
    pub name: String,
    /// What it is.
    pub kind: CandidateKind,
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
    /// `ask = "provider/model"`.
    Ask(AskSpec),
    /// `first = "…"` and `then = "…"`.
    Cascade(CascadeSpec),
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
    /// Who is asked; its provider is in [`Project::providers`].
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

/// A company or server that models are reached at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProviderSpec {
    /// Its name, the first part of `provider/model`.
    pub name: String,
    /// What it speaks.
    pub dialect: Dialect,
    /// Where: `http` or `https`, without credentials, query, fragment or a slash at the end.
    pub base_url: String,
    /// Calls under way at once, at most; at least one.
    pub concurrency: u32,
    /// How long one try may take.
    pub timeout: Duration,
    /// Tries after the first.
    pub max_retries: u32,
    /// Whether it does not answer without a key. The key's variable is [`yw_task::key_variable`] of the name.
    pub key: bool,
}

/// What a model costs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PriceSpec {
    /// The model.
    pub model: ModelRef,
    /// Of one token read, exactly.
    pub input: Usd,
    /// Of one token written, exactly.
    pub output: Usd,
    /// Of one token that the provider read from its cache, exactly; none is the price of any other token read.
    pub cached_input: Option<Usd>,
}

/// How `yw serve` listens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServeSpec {
    /// Where.
    pub address: SocketAddr,
    /// The largest request body.
    pub max_body_bytes: u64,
    /// How long a request may take.
    pub timeout: Duration,
}
