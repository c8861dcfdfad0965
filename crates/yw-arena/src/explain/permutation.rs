//! Permutation importance: what the deciding metric loses when a field's values are dealt to other rows (Breiman, *Random
//! forests*, Machine Learning 45, 2001).

use yw_config::TaskSpec;
use yw_stats::{BootstrapParams, Estimate, Statistic, bootstrap};
use yw_task::{LabelledRows, Outcome, PredictContext, Predictor};

use super::{sample_idxs, shuffled};
use crate::evaluate::metric_statistic;
use crate::learned::on_compute;

/// How often each field is dealt anew.
const PERMUTATIONS: u64 = 10;

/// Rows that are answered each time.
const MAX_ROWS: usize = 1000;

const REPLICATES: u32 = 500;

/// What is lost without one field.
#[derive(Debug, Clone)]
pub struct FieldImportance {
    /// The field's place among the fields.
    pub field_idx: usize,
    /// The field.
    pub field: String,
    /// By how much the deciding metric is worse, with its 95 % interval over rows. Zero or less where the predictor does
    /// as well without the field.
    pub drop: Estimate,
}

pub(super) struct Importance {
    pub(super) score: f64,
    pub(super) fields: Vec<FieldImportance>,
}

/// The importance of every field, most first, and how many rows it was measured on.
pub(super) async fn importance(predictor: &dyn Predictor, test: &LabelledRows, task: &TaskSpec) -> (usize, Importance) {
    let test = test.take(&sample_idxs(test.n_rows(), MAX_ROWS, task.seed));
    let n_rows = test.n_rows();
    let outcomes = predictor.predict(&test.rows, &PredictContext::default()).await;
    let statistic = |outcomes: &[Outcome]| metric_statistic(task.metric, &test.truth, task.costs.as_ref(), outcomes);
    let mut score = f64::NAN;
    let mut fields = Vec::new();
    for (field_idx, field) in test.rows.fields().iter().enumerate() {
        let mut permuted = Vec::new();
        for permutation in 0..PERMUTATIONS {
            // Every field has permutations of its own.
            let order = shuffled(n_rows, task.seed ^ ((field_idx as u64) << 32 | (permutation + 1)));
            let rows = test.rows.with_column_of(&test.rows.take(&order), field_idx);
            let outcomes = predictor.predict(&rows, &PredictContext::default()).await;
            permuted.extend(statistic(&outcomes));
        }
        let Some(whole) = statistic(&outcomes) else { break };
        score = whole.value(None);
        let sign = if task.metric.higher_is_better() { 1.0 } else { -1.0 };
        let (drop, groups, seed) = (Drop { whole, permuted, sign }, test.groups.clone(), task.seed);
        let drop = on_compute(move || {
            let params =
                BootstrapParams { replicates: REPLICATES, seed, groups: groups.as_deref(), ..Default::default() };
            bootstrap(&drop, &params)
        })
        .await;
        fields.push(FieldImportance { field_idx, field: field.name.clone(), drop });
    }
    fields.sort_by(|a, b| b.drop.value.total_cmp(&a.drop.value));
    (n_rows, Importance { score, fields })
}

/// By how much a metric is worse on average over permutations: itself a metric of the rows, so that an interval says both
/// how much rows differ and how much permutations do.
struct Drop {
    whole: Box<dyn Statistic>,
    permuted: Vec<Box<dyn Statistic>>,
    /// −1 where lower is better.
    sign: f64,
}

impl Statistic for Drop {
    fn n_rows(&self) -> usize {
        self.whole.n_rows()
    }

    fn value(&self, counts: Option<&[u32]>) -> f64 {
        let whole = self.whole.value(counts);
        // Differences first: without any, their mean is exactly zero.
        let sum: f64 = self.permuted.iter().map(|statistic| self.sign * (whole - statistic.value(counts))).sum();
        sum / self.permuted.len() as f64
    }
}
