//! Candidates: the table that maps what a project file says to recipes.

mod params;
mod tuned;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use yw_config::{AskSpec, CandidateKind, CandidateSpec, CascadeSpec, Examples, TaskSpec};
use yw_learn::{BaselineParams, ModelParams};
use yw_table::{Source, TableSpec};
use yw_task::{AnswerSpec, LabelledRows, Recipe, Truth};
use yw_trees::ModelFile;

use crate::ask::{AskRecipe, Asking};
use crate::cascade::CascadeRecipe;
use crate::data::table_spec_of;
use crate::decided::{Calibration, DecidedRecipe, Decision};
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
    /// The file of `fit = { load = … }` is no model that can be read.
    #[error("candidate `{candidate}`: cannot load {path}")]
    ModelFile {
        /// The candidate.
        candidate: String,
        /// The file.
        path: PathBuf,
        /// What is wrong.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
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
                CandidateKind::Cascade(spec) => cascade(name, spec, task, &made),
                CandidateKind::Ask(spec) => Some(asked(name, task, answer, spec, asking).await?),
                _ => Some(fitted(spec, task, answer, asking)?),
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

/// A candidate of the fit road.
fn fitted(
    spec: &CandidateSpec,
    task: &TaskSpec,
    answer: &AnswerSpec,
    asking: &Asking,
) -> Result<Candidate, CandidateError> {
    let (calibration, decision) = params::decided(spec, task, answer);
    let (kind, params) = match &spec.kind {
        CandidateKind::Baseline(spec) => ("baseline", ModelParams::Baseline(params::baseline(spec))),
        CandidateKind::Linear(spec) => ("linear", ModelParams::Linear(params::linear(spec))),
        CandidateKind::Nearest(spec) => ("nearest", ModelParams::Nearest(params::nearest(spec))),
        CandidateKind::Trees(spec) => ("trees", ModelParams::Trees(Box::new(params::trees(spec)))),
        CandidateKind::Load(path) => ("load", ModelParams::TreesFile(Arc::new(read_model(&spec.name, path)?))),
        // Fitted as a linear model where the project file, which always says when its tuning ends, does not.
        CandidateKind::Auto(spec) => ("auto", ModelParams::Linear(params::linear(&tuned::linear_of_auto(spec)))),
        CandidateKind::Ask(_) | CandidateKind::Cascade(_) => {
            unreachable!("made by another function")
        }
    };
    let searched = match &spec.kind {
        CandidateKind::Auto(auto) => tuned::auto(spec, auto, task, asking, (calibration, &decision)),
        _ => tuned::tuned(spec, &params, task, asking, (calibration, &decision)),
    };
    let mut candidate = learned(&spec.name, kind, params);
    if let Some(recipe) = searched {
        candidate.recipe = recipe;
    }
    if calibration != Calibration::Off || decision != Decision::Largest {
        candidate.recipe = Arc::new(DecidedRecipe { inner: candidate.recipe, calibration, decision });
    }
    Ok(candidate)
}

fn read_model(candidate: &str, path: &Path) -> Result<ModelFile, CandidateError> {
    let candidate = || candidate.to_owned();
    let bytes = std::fs::read(path).map_err(|source| CandidateError::ModelFile {
        candidate: candidate(),
        path: path.to_owned(),
        source: Box::new(source),
    })?;
    ModelFile::read(&bytes).map_err(|source| CandidateError::ModelFile {
        candidate: candidate(),
        path: path.to_owned(),
        source: Box::new(source),
    })
}

fn learned(name: &str, kind: &'static str, params: ModelParams) -> Candidate {
    let recipe = Arc::new(LearnedRecipe { params });
    Candidate { name: name.to_owned(), road: Road::Fit, kind, recipe, asks: Vec::new(), tunes: false }
}

/// None as long as one of its parts is not made.
fn cascade(name: &str, spec: &CascadeSpec, task: &TaskSpec, made: &[Candidate]) -> Option<Candidate> {
    let part = |name: &str| made.iter().find(|c| c.name == name);
    let (first, then) = (part(&spec.first)?, part(&spec.then)?);
    let recipe = CascadeRecipe {
        first: first.recipe.clone(),
        then: then.recipe.clone(),
        threshold: spec.threshold,
        metric: task.metric,
        costs: task.costs.clone(),
    };
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
