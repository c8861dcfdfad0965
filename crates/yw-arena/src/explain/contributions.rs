//! Contributions of features, row by row and on average.

use std::sync::Arc;

use yw_task::{Attribution, ExplainedFeature, Explanation, Outcome, Predictor, Rows, ScoreUnit};

/// Contributions held at a time: 32 MB.
const MAX_AT_ONCE: usize = 1 << 22;

/// Contributions that an average is made of: a second or so. Models of very many features get fewer rows.
const MAX_AVERAGED: usize = 200_000_000;

/// Why rows have their answers.
#[derive(Debug, Clone)]
pub struct Attributions {
    /// What contributes.
    pub features: Vec<ExplainedFeature>,
    /// What scores and contributions are.
    pub unit: ScoreUnit,
    /// One per row, in order; none where there is no answer, or none that has a score.
    pub rows: Vec<Option<Attribution>>,
}

/// Why rows were answered as they were, with the `top` features of each. None for models that cannot be taken apart.
/// *Shapes*: one outcome per row.
pub async fn attributions(
    predictor: &dyn Predictor,
    rows: &Rows,
    outcomes: &[Outcome],
    top: usize,
) -> Option<Attributions> {
    let mut found = Vec::with_capacity(rows.n_rows());
    let mut outcomes = outcomes.iter();
    let first = for_each_part(predictor, rows, usize::MAX, |part| {
        for (row_idx, outcome) in (0..part.n_rows()).zip(&mut outcomes) {
            let answer = outcome.result.as_ref().ok();
            found.push(answer.and_then(|answer| part.of_answer(row_idx, &answer.value, top)));
        }
    })
    .await?;
    Some(Attributions { features: first.features, unit: first.unit, rows: found })
}

/// What each feature contributes on average.
#[derive(Debug, Clone)]
pub struct Contributions {
    /// How many rows the averages are over.
    pub n_rows: usize,
    /// What scores and contributions are.
    pub unit: ScoreUnit,
    /// Whether each feature's contribution depends on that feature alone.
    pub is_additive: bool,
    /// What the scores are of; see [`Explanation::classes`].
    pub classes: Vec<Arc<str>>,
    /// The mean score of each class.
    pub expected: Vec<f64>,
    /// Every feature, largest first.
    pub features: Vec<FeatureContribution>,
}

/// What one feature contributes on average, up or down.
#[derive(Debug, Clone)]
pub struct FeatureContribution {
    /// The feature.
    pub feature: ExplainedFeature,
    /// The mean magnitude of its contributions, all classes together.
    pub mean_absolute: f64,
    /// The same by class.
    pub by_class: Vec<f64>,
}

impl Contributions {
    /// What each field contributes through all of its features. Features of several fields count for none.
    pub(super) fn by_field(&self, n_fields: usize) -> Vec<f64> {
        let mut sums = vec![0.0; n_fields];
        for of_feature in &self.features {
            if let Some(field) = of_feature.feature.field {
                sums[field] += of_feature.mean_absolute;
            }
        }
        sums
    }

    /// The classes that are explained most of, at most `n`, in their order.
    pub(super) fn main_classes(&self, n: usize) -> Vec<usize> {
        let total = |class: usize| self.features.iter().map(|f| f.by_class[class]).sum::<f64>();
        let mut order: Vec<(usize, f64)> = (0..self.classes.len()).map(|class| (class, total(class))).collect();
        order.sort_by(|a, b| b.1.total_cmp(&a.1));
        let mut classes: Vec<usize> = order.into_iter().take(n).map(|(class, _)| class).collect();
        classes.sort_unstable();
        classes
    }
}

/// Averages over rows. None for models that cannot be taken apart.
pub(super) async fn mean_contributions(predictor: &dyn Predictor, rows: &Rows) -> Option<Contributions> {
    let mut sums = Vec::new();
    let mut n_rows = 0;
    let first = for_each_part(predictor, rows, MAX_AVERAGED, |part| {
        let width = part.classes.len() * part.features.len();
        sums.resize(width, 0.0);
        for row in part.contributions.chunks_exact(width.max(1)) {
            sums.iter_mut().zip(row).for_each(|(sum, contribution)| *sum += contribution.abs());
        }
        n_rows += part.n_rows();
    })
    .await?;
    let Explanation { features, classes, unit, is_additive, expected, .. } = first;
    let n_features = features.len();
    let mean = |feature: usize, class: usize| sums[class * n_features + feature] / n_rows.max(1) as f64;
    let of_feature = |(idx, feature): (usize, ExplainedFeature)| {
        let by_class: Vec<f64> = (0..classes.len()).map(|class| mean(idx, class)).collect();
        FeatureContribution { feature, mean_absolute: by_class.iter().sum(), by_class }
    };
    let mut features: Vec<FeatureContribution> = features.into_iter().enumerate().map(of_feature).collect();
    features.sort_by(|a, b| b.mean_absolute.total_cmp(&a.mean_absolute));
    Some(Contributions { n_rows, unit, is_additive, classes, expected, features })
}

/// Explains rows part by part, so that memory stays small however many features there are, and no more rows than have
/// `max_contributions` together. Returns the first part.
async fn for_each_part(
    predictor: &dyn Predictor,
    rows: &Rows,
    max_contributions: usize,
    mut visit: impl FnMut(&Explanation),
) -> Option<Explanation> {
    let mut end = rows.n_rows().min(1);
    let first = predictor.explain(&rows.slice(0, end)).await?;
    visit(&first);
    let width = (first.classes.len() * first.features.len()).max(1);
    let step = (MAX_AT_ONCE / width).max(1);
    let n_rows = rows.n_rows().min(max_contributions / width);
    while end < n_rows {
        let n = step.min(n_rows - end);
        visit(&predictor.explain(&rows.slice(end, n)).await?);
        end += n;
    }
    Some(first)
}
