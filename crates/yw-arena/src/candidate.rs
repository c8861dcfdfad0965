//! Candidates: the table that maps what a project file says to recipes.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use yw_config::{
    AskSpec, BaselineSpec, CandidateKind, CandidateSpec, CascadeSpec, Examples, LinearSpec, NGrams, NearestSpec,
    TaskSpec, TextSpec,
};
use yw_learn::{
    BaselineParams, CategoryParams, ClassWeight, FeaturizerParams, LinearLoss, LinearParams, ModelParams,
    NearestParams, TextParams, Typical, VoteWeights,
};
use yw_table::{Source, TableSpec};
use yw_task::{AnswerSpec, LabelledRows, Metric, Recipe, Truth};

use crate::ask::{AskRecipe, Asking};
use crate::cascade::CascadeRecipe;
use crate::data::table_spec_of;
use crate::learned::LearnedRecipe;
use crate::report::Road;

/// The name of the candidate that every run has: every score needs a floor.
pub const BASELINE: &str = "baseline";

/// One named way to answer a task, ready to be fitted.
pub struct Candidate {
    /// Its name in the project file.
    pub name: String,
    /// Which road it takes.
    pub road: Road,
    /// Its kind, as reports say it.
    pub kind: &'static str,
    /// What fits it.
    pub recipe: Arc<dyn Recipe>,
    /// What it asks; for estimates.
    pub(crate) asks: Vec<Arc<AskRecipe>>,
    /// Whether its fit asks about training rows too, to tune a threshold.
    pub(crate) tunes: bool,
}

/// Why a candidate cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum CandidateError {
    /// A prompt file cannot be read.
    #[error("candidate `{candidate}`: cannot read {path}")]
    Prompt {
        /// The candidate.
        candidate: String,
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// The rows of `examples = { fixed = … }` cannot be read.
    #[error("candidate `{candidate}`: cannot read the examples")]
    Examples {
        /// The candidate.
        candidate: String,
        /// What is wrong.
        #[source]
        source: yw_table::TableError,
    },
    /// An example answers what no training row does.
    #[error("candidate `{candidate}`: the examples have the answer `{label}`, which no training row has")]
    Label {
        /// The candidate.
        candidate: String,
        /// The answer.
        label: String,
    },
}

/// The candidates of a task, the baseline first, then in the order of the project file.
///
/// `answer` is the task's answer with the labels of the training rows.
pub async fn candidates(
    task: &TaskSpec,
    answer: &AnswerSpec,
    asking: &Asking,
) -> Result<Vec<Candidate>, CandidateError> {
    let mut made = vec![learned(BASELINE, "baseline", ModelParams::Baseline(BaselineParams::default()))];
    // A cascade refers to others, in any order and never in a circle: make those first whose parts are made.
    let mut waiting: Vec<&CandidateSpec> = task.candidates.iter().collect();
    while !waiting.is_empty() {
        let n_waiting = waiting.len();
        let mut still_waiting = Vec::new();
        for spec in waiting {
            let name = &spec.name;
            let candidate = match &spec.kind {
                CandidateKind::Cascade(spec) => cascade(name, spec, task.metric, &made),
                CandidateKind::Ask(spec) => Some(asked(name, task, answer, spec, asking).await?),
                CandidateKind::Baseline(spec) => {
                    Some(learned(name, "baseline", ModelParams::Baseline(baseline_params(spec))))
                }
                CandidateKind::Linear(spec) => Some(learned(name, "linear", ModelParams::Linear(linear_params(spec)))),
                CandidateKind::Nearest(spec) => {
                    Some(learned(name, "nearest", ModelParams::Nearest(nearest_params(spec))))
                }
            };
            match candidate {
                Some(candidate) => made.push(candidate),
                None => still_waiting.push(spec),
            }
        }
        assert!(still_waiting.len() < n_waiting, "a checked project's cascades refer to each other in no circle");
        waiting = still_waiting;
    }
    let place = |name: &str| task.candidates.iter().position(|c| c.name == name).map_or(0, |i| i + 1);
    made.sort_by_key(|c| place(&c.name));
    Ok(made)
}

fn learned(name: &str, kind: &'static str, params: ModelParams) -> Candidate {
    let recipe = Arc::new(LearnedRecipe { params });
    Candidate { name: name.to_owned(), road: Road::Fit, kind, recipe, asks: Vec::new(), tunes: false }
}

/// None as long as one of its parts is not made.
fn cascade(name: &str, spec: &CascadeSpec, metric: Metric, made: &[Candidate]) -> Option<Candidate> {
    let part = |name: &str| made.iter().find(|c| c.name == name);
    let (first, then) = (part(&spec.first)?, part(&spec.then)?);
    let recipe =
        CascadeRecipe { first: first.recipe.clone(), then: then.recipe.clone(), threshold: spec.threshold, metric };
    Some(Candidate {
        name: name.to_owned(),
        road: if first.road == then.road { first.road } else { Road::Both },
        kind: "cascade",
        recipe: Arc::new(recipe),
        asks: [&*first.asks, &*then.asks].concat(),
        tunes: spec.threshold.is_none() || first.tunes || then.tunes,
    })
}

async fn asked(
    name: &str,
    task: &TaskSpec,
    answer: &AnswerSpec,
    spec: &AskSpec,
    asking: &Asking,
) -> Result<Candidate, CandidateError> {
    let fixed_examples = match &spec.examples {
        Examples::Fixed(path) => Some(read_examples(name, task, answer, path).await?),
        _ => None,
    };
    let recipe = Arc::new(AskRecipe {
        question: task.question.clone(),
        answer: answer.clone(),
        spec: spec.clone(),
        fixed_examples,
        prompt: read_template(name, spec.prompt.as_deref())?,
        system: read_template(name, spec.system.as_deref())?,
        asking: asking.clone(),
    });
    let asks = vec![recipe.clone()];
    Ok(Candidate { name: name.to_owned(), road: Road::Ask, kind: "ask", recipe, asks, tunes: false })
}

fn read_template(candidate: &str, path: Option<&Path>) -> Result<Option<String>, CandidateError> {
    let read = |path: &Path| {
        std::fs::read_to_string(path).map_err(|source| CandidateError::Prompt {
            candidate: candidate.to_owned(),
            path: path.to_owned(),
            source,
        })
    };
    path.map(read).transpose()
}

async fn read_examples(
    candidate: &str,
    task: &TaskSpec,
    answer: &AnswerSpec,
    path: &Path,
) -> Result<LabelledRows, CandidateError> {
    let source =
        Source { addresses: vec![path.to_string_lossy().into_owned()], base_dir: PathBuf::new(), delimiter: None };
    let spec = TableSpec { extra: Vec::new(), ..table_spec_of(task) };
    let table = yw_table::read(&source, &spec)
        .await
        .map_err(|source| CandidateError::Examples { candidate: candidate.to_owned(), source })?;
    let truth = yw_table::align(table.truth.expect("read with an answer column"), &answer.labels);
    if let Truth::Label { labels, .. } = &truth
        && let Some(label) = labels.iter().nth(answer.labels.len())
    {
        return Err(CandidateError::Label { candidate: candidate.to_owned(), label: label.to_string() });
    }
    Ok(LabelledRows { rows: table.rows, truth, groups: None })
}

fn baseline_params(spec: &BaselineSpec) -> BaselineParams {
    let number = match spec.statistic {
        Some(yw_config::Statistic::Median) => Typical::Median,
        Some(yw_config::Statistic::Mean | yw_config::Statistic::MostFrequent) | None => Typical::Mean,
    };
    BaselineParams { number }
}

fn linear_params(spec: &LinearSpec) -> LinearParams {
    let default = LinearParams::default();
    LinearParams {
        featurizer: featurizer_params(&spec.text),
        loss: match spec.loss {
            None => LinearLoss::Auto,
            Some(yw_config::Loss::Logistic) => LinearLoss::Logistic,
            Some(yw_config::Loss::SquaredHinge) => LinearLoss::SquaredHinge,
            Some(yw_config::Loss::Squared) => LinearLoss::Squared,
        },
        l2: spec.l2.or(default.l2),
        class_weight: match spec.class_weight {
            None => ClassWeight::None,
            Some(yw_config::ClassWeight::Balanced) => ClassWeight::Balanced,
        },
        max_iterations: spec.max_iterations.map_or(default.max_iterations, |n| n as usize),
        tolerance: spec.tolerance.unwrap_or(default.tolerance),
    }
}

fn nearest_params(spec: &NearestSpec) -> NearestParams {
    NearestParams {
        featurizer: featurizer_params(&spec.text),
        k: spec.neighbors as usize,
        weights: match spec.weights {
            yw_config::Weights::Uniform => VoteWeights::Uniform,
            yw_config::Weights::Distance => VoteWeights::Distance,
        },
        ..NearestParams::default()
    }
}

fn featurizer_params(spec: &TextSpec) -> FeaturizerParams {
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
