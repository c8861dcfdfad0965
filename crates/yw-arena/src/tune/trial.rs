//! One choice of settings, and what came of it.

use std::cmp::Ordering;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::arms::Arm;

/// A trial that has ended; as it is in the journal.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Trial {
    /// The kind of model.
    pub(super) arm: String,
    /// One value per knob of the arm; none is what the project file says.
    pub(super) settings: Option<Vec<f64>>,
    /// How it ended.
    pub(super) end: End,
    /// One per part of the rows that was held out, in order.
    pub(super) parts: Vec<Part>,
}

/// How a trial ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum End {
    /// All parts were held out once.
    Complete,
    /// It was behind and given up.
    GivenUp,
    /// A fit failed.
    Failed,
}

/// What became of one part of the rows that was held out.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(super) struct Part {
    /// The task's metric, turned so that less is better; none where it is undefined.
    pub(super) loss: Option<f64>,
    /// What decides between equal losses.
    pub(super) tie: Option<f64>,
    /// The rounds of boosting that were best.
    pub(super) rounds: Option<usize>,
    /// How long fit and answers took.
    pub(super) seconds: f64,
}

impl Trial {
    pub(super) fn is_complete(&self) -> bool {
        self.end == End::Complete
    }

    pub(super) fn seconds(&self) -> f64 {
        self.parts.iter().map(|part| part.seconds).sum()
    }

    /// About how long a fit on all rows will take.
    pub(super) fn fit_time(&self) -> Duration {
        let n = self.parts.len() as f64;
        // All rows instead of all but one part.
        Duration::from_secs_f64(if n > 1.0 { self.seconds() / (n - 1.0) } else { self.seconds() })
    }

    /// The mean loss of the first parts.
    pub(super) fn loss_of(&self, n_parts: usize) -> f64 {
        mean(self.parts.iter().take(n_parts).filter_map(|part| part.loss))
    }

    /// The rounds that are best on the mean.
    pub(super) fn rounds(&self) -> Option<usize> {
        let mean = mean(self.parts.iter().filter_map(|part| part.rounds).map(|rounds| rounds as f64));
        mean.is_finite().then(|| (mean.round() as usize).max(1))
    }

    /// What was chosen, for people.
    pub(super) fn describe(&self, arm: &Arm) -> String {
        let mut chosen = match &self.settings {
            None => vec!["the settings of the project file".to_owned()],
            Some(settings) => arm.describe(settings),
        };
        chosen.extend(self.rounds().map(|rounds| format!("trees {rounds}")));
        chosen.join(", ")
    }

    /// How much this trial is behind another on the parts that both have, the less the better; then by what decides ties.
    fn behind(&self, reference: &Trial) -> (f64, f64) {
        let difference = |of: fn(&Part) -> Option<f64>| {
            let pairs = self.parts.iter().zip(&reference.parts);
            mean(pairs.filter_map(|(own, other)| Some(of(own)? - of(other)?)))
        };
        (difference(|part| part.loss), difference(|part| part.tie))
    }
}

/// The places of trials, the best first. Trials that ended early are compared on the parts that they have, so that a hard part
/// does not count against them; those that failed are last.
pub(super) fn best_first(trials: &[&Trial]) -> Vec<usize> {
    let Some(reference) = trials.iter().max_by_key(|trial| trial.parts.len()) else { return Vec::new() };
    let keys: Vec<(bool, (f64, f64))> =
        trials.iter().map(|trial| (trial.end == End::Failed, trial.behind(reference))).collect();
    let order = |&a: &usize, &b: &usize| -> Ordering {
        let (a, b) = (&keys[a], &keys[b]);
        a.0.cmp(&b.0).then(a.1.0.total_cmp(&b.1.0)).then(a.1.1.total_cmp(&b.1.1))
    };
    let mut places: Vec<usize> = (0..trials.len()).collect();
    places.sort_by(order);
    places
}

/// Infinity of nothing: worse than any.
fn mean(values: impl Iterator<Item = f64>) -> f64 {
    let (sum, n) = values.fold((0.0, 0), |(sum, n), value| (sum + value, n + 1));
    if n == 0 { f64::INFINITY } else { sum / f64::from(n) }
}
