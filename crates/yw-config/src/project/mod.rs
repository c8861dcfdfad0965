//! The checked project: every value is known to be of its type, in its range, and to fit the others.

mod candidate;
mod gateway;
mod trees;

use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use yw_task::{AnswerKind, Field, Metric};

pub use self::candidate::{
    AskSpec, AutoSpec, BaselineSpec, Calibrate, CandidateKind, CandidateSpec, CascadeSpec, ClassWeight, Decide,
    Examples, LinearSpec, Loss, NGrams, NearestSpec, Statistic, TextSpec, TuneSpec, Weights,
};
pub use self::gateway::{
    BreakerSpec, CallsSpec, KeySource, LimitSpec, LimitsSpec, PriceSpec, ProviderSpec, RouteBy, RouteSpec, RouteTarget,
    ServeSpec, Window,
};
pub use self::trees::{GossSpec, Monotone, TreesGrowth, TreesMode, TreesObjective, TreesSpec};

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
    /// The tasks, in the order of the file; none in a project that only serves models.
    pub tasks: Vec<TaskSpec>,
    /// The routes, in the order of the file.
    pub routes: Vec<RouteSpec>,
    /// The providers that the file defines, then the well-known ones that candidates and routes use without a
    /// definition. Others may be reached as [`ProviderSpec::well_known`].
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

    /// The route of this name.
    pub fn route(&self, name: &str) -> Option<&RouteSpec> {
        self.routes.iter().find(|r| r.name == name)
    }

    /// The provider of this name, defined or used.
    pub fn provider(&self, name: &str) -> Option<&ProviderSpec> {
        self.providers.iter().find(|p| p.name == name)
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
    /// What answers cost; of the kind of `answer`, and there if `metric` is [`Metric::Cost`].
    pub costs: Option<CostsSpec>,
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

/// What answers cost, in any one unit; negative costs are gains. All are finite.
#[derive(Debug, Clone, PartialEq)]
pub enum CostsSpec {
    /// Of boolean answers.
    Boolean(BooleanCosts),
    /// Of labels: the pairs that the file names, in its order, no pair twice. Of other pairs, wrong answers cost 1 and
    /// right ones nothing. Whether the data has these labels is not known here.
    Label(Vec<LabelCost>),
}

/// What boolean answers cost.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BooleanCosts {
    /// Of true where it is right.
    pub true_positive: f64,
    /// Of true where false is right.
    pub false_positive: f64,
    /// Of false where it is right.
    pub true_negative: f64,
    /// Of false where true is right.
    pub false_negative: f64,
}

/// What one answer to one truth costs.
#[derive(Debug, Clone, PartialEq)]
pub struct LabelCost {
    /// The right label.
    pub truth: String,
    /// The given label.
    pub answer: String,
    /// What it costs.
    pub cost: f64,
}
