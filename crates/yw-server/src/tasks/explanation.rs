//! Why a row was answered as it was.

use serde::Serialize;
use serde_json::Value;
use yw_arena::{Attributions, LoadedPredictor};
use yw_task::{Outcome, Rows};

/// Features that an explanation lists, unless it is asked for more.
const LISTED: usize = 20;

/// What speaks for an answer: `expected`, all contributions and `rest` together are `score`.
#[derive(Debug, Clone, Serialize)]
pub struct ExplanationBody {
    /// What the numbers are: `log_odds`, `log_probability`, `probability`, `answer` or `log_answer`.
    pub unit: &'static str,
    /// What this answer scores on average.
    pub expected: f64,
    /// What it scores for this row.
    pub score: f64,
    /// What features add to the score; largest magnitude first.
    pub contributions: Vec<ContributionBody>,
    /// What all other features add together.
    pub rest: f64,
}

/// What one feature adds to a score.
#[derive(Debug, Clone, Serialize)]
pub struct ContributionBody {
    /// The feature.
    pub feature: String,
    /// The row's value of the field that the feature is made of; absent for the terms of a text, null where it is missing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<Value>,
    /// What it adds.
    pub contribution: f64,
}

impl ExplanationBody {
    /// One explanation per row; none where a row has no answer. None at all for predictors that cannot be taken apart.
    /// *Shapes*: one outcome per row.
    pub async fn of_rows(
        loaded: &LoadedPredictor,
        rows: &Rows,
        outcomes: &[Outcome],
        top: Option<usize>,
    ) -> Option<Vec<Option<ExplanationBody>>> {
        let top = top.unwrap_or(LISTED);
        let found = yw_arena::attributions(&*loaded.predictor, rows, outcomes, top).await?;
        Some((0..rows.n_rows()).map(|row_idx| ExplanationBody::new(&found, rows, row_idx)).collect())
    }

    fn new(found: &Attributions, rows: &Rows, row_idx: usize) -> Option<Self> {
        let attribution = found.rows[row_idx].as_ref()?;
        let contribution = |&(feature, contribution): &(usize, f64)| {
            let feature = &found.features[feature];
            // A whole text says nothing about one of its terms.
            let is_text = |field: usize| rows.fields()[field].field_type == yw_task::FieldType::Text;
            let field = feature.field.filter(|&field| !is_text(field));
            ContributionBody {
                feature: feature.name.clone(),
                value: field.map(|field| rows.cell(row_idx, field).to_json()),
                contribution,
            }
        };
        Some(ExplanationBody {
            unit: found.unit.name(),
            expected: attribution.expected,
            score: attribution.score,
            contributions: attribution.contributions.iter().map(contribution).collect(),
            rest: attribution.rest,
        })
    }
}
