//! What a predictor's answers rest on: contributions of features, what is lost without a field, and how answers change
//! with a field's values.
//!
//! Contributions come from the model, where it knows them; everything else is measured through
//! [`Predictor::predict`], whatever the kind.

mod contributions;
mod dependence;
mod permutation;

use yw_config::TaskSpec;
use yw_task::{AnswerSpec, LabelledRows, Predictor, Rows};

use crate::artifact::LoadedPredictor;
use crate::data::TaskData;
use crate::random::rank;
use crate::report::{Dependence, Explained};

pub use contributions::{Attributions, Contributions, FeatureContribution, attributions};
pub use permutation::FieldImportance;

/// How much work explaining may be.
struct Effort {
    /// Rows that contributions are averaged over, and that the values of a field are taken from.
    rows: usize,
    /// Rows that get each value of a field in turn.
    dependence_rows: usize,
    /// Of these, rows whose own curves are kept.
    kept_rows: usize,
}

/// Of `yw explain`.
const THOROUGH: Effort = Effort { rows: 1000, dependence_rows: 200, kept_rows: 20 };

/// Of a report, where it adds to every run.
const QUICK: Effort = Effort { rows: 300, dependence_rows: 100, kept_rows: 0 };

/// How many fields are followed through their values.
const DEPENDENCE_FIELDS: usize = 6;

/// Features that a report shows.
const REPORT_FEATURES: usize = 12;

/// What a predictor's answers rest on, as measured on rows of its task.
#[derive(Debug, Clone)]
pub struct ModelExplanation {
    /// Whether the rows are also those it learned from, as with cross-validation: then it looks surer than it is.
    pub is_in_sample: bool,
    /// None for models that cannot be taken apart.
    pub contributions: Option<Contributions>,
    /// How many rows the fields' importance was measured on.
    pub importance_rows: usize,
    /// The deciding metric on these rows.
    pub score: f64,
    /// What the deciding metric loses without each field, most first.
    pub importance: Vec<FieldImportance>,
    /// How answers change with the fields that matter most.
    pub dependence: Vec<Dependence>,
    /// Of additive models: what these fields' values contribute, exactly.
    pub effects: Vec<Dependence>,
}

/// Why a predictor is not explained.
#[derive(Debug, thiserror::Error)]
pub enum ExplainError {
    /// Every number would have to be paid for.
    #[error("its answers are asked of a provider: explaining it would ask thousands of times")]
    Asks,
    /// The project file has changed since the fit.
    #[error("the task's fields were others when it was fitted: {fitted}")]
    Fields {
        /// The fields it reads.
        fitted: String,
    },
    /// There is nothing to measure on.
    #[error("the task has no test rows")]
    NoRows,
}

/// Explains a predictor of `task` on the task's test rows.
pub async fn explain(
    task: &TaskSpec,
    data: &TaskData,
    loaded: &LoadedPredictor,
) -> Result<ModelExplanation, ExplainError> {
    let predictor = &*loaded.predictor;
    if predictor.asks() {
        return Err(ExplainError::Asks);
    }
    let fields = loaded.fields.iter().map(|f| format!("{} ({})", f.name, f.field_type));
    if *data.fields() != *loaded.fields {
        return Err(ExplainError::Fields { fitted: fields.collect::<Vec<_>>().join(", ") });
    }
    let test = data.test_rows();
    if test.n_rows() == 0 {
        return Err(ExplainError::NoRows);
    }
    // Labels are numbered as the predictor has them.
    let test = LabelledRows { truth: yw_table::align(test.truth, &loaded.answer.labels), ..test };
    let (n_rows, importance) = permutation::importance(predictor, &test, task).await;
    let rows = sample(&test.rows, THOROUGH.rows, task.seed);
    let contributions = contributions::mean_contributions(predictor, &rows).await;
    let mut by_field = vec![0.0; loaded.fields.len()];
    match &contributions {
        Some(contributions) => by_field = contributions.by_field(by_field.len()),
        None => importance.fields.iter().for_each(|field| by_field[field.field_idx] = field.drop.value),
    }
    let fields = dependence::fields_to_follow(&rows, &by_field, DEPENDENCE_FIELDS);
    Ok(ModelExplanation {
        is_in_sample: data.all.is_some(),
        dependence: dependence::dependence(predictor, &rows, &fields, &loaded.answer, &THOROUGH).await,
        effects: effects(predictor, &rows, &fields, contributions.as_ref()).await,
        contributions,
        importance_rows: n_rows,
        score: importance.score,
        importance: importance.fields,
    })
}

/// What the report of a run shows of a predictor. None for models that cannot be taken apart.
pub(crate) async fn for_report(
    predictor: &dyn Predictor,
    rows: &Rows,
    answer: &AnswerSpec,
    seed: u64,
) -> Option<Explained> {
    if predictor.asks() || rows.n_rows() == 0 {
        return None;
    }
    let rows = sample(rows, QUICK.rows, seed);
    let contributions = contributions::mean_contributions(predictor, &rows).await?;
    let by_field = contributions.by_field(rows.fields().len());
    let fields = dependence::fields_to_follow(&rows, &by_field, DEPENDENCE_FIELDS);
    let shown = contributions.features.iter().take(REPORT_FEATURES).filter(|f| f.mean_absolute > 0.0);
    Some(Explained {
        unit: contributions.unit,
        n_rows: contributions.n_rows,
        importance: shown.map(|f| (f.feature.name.clone(), f.mean_absolute)).collect(),
        dependence: dependence::dependence(predictor, &rows, &fields, answer, &QUICK).await,
        effects: effects(predictor, &rows, &fields, Some(&contributions)).await,
    })
}

/// Nothing unless the model is additive.
async fn effects(
    predictor: &dyn Predictor,
    rows: &Rows,
    fields: &[usize],
    contributions: Option<&Contributions>,
) -> Vec<Dependence> {
    match contributions {
        Some(contributions) if contributions.is_additive => {
            dependence::effects(predictor, rows, fields, contributions).await
        }
        _ => Vec::new(),
    }
}

/// At most `n` of the rows, drawn at random.
fn sample(rows: &Rows, n: usize, seed: u64) -> Rows {
    if rows.n_rows() <= n { rows.clone() } else { rows.take(&sample_idxs(rows.n_rows(), n, seed)) }
}

/// At most `n` of the numbers below `n_rows`, drawn at random, ascending.
fn sample_idxs(n_rows: usize, n: usize, seed: u64) -> Vec<usize> {
    let mut idxs = shuffled(n_rows, seed);
    idxs.truncate(n);
    idxs.sort_unstable();
    idxs
}

/// The numbers below `n` in random order.
fn shuffled(n: usize, seed: u64) -> Vec<usize> {
    let mut idxs: Vec<usize> = (0..n).collect();
    idxs.sort_by_cached_key(|&i| (rank(seed, i as u64), i));
    idxs
}
