//! From rows to an ensemble.

use crate::boost::{Boosting, Progress};
use crate::{Columns, Ensemble, FitError, Target, TreesParams};

/// Rows to learn from, or to be judged by.
#[derive(Debug, Clone)]
pub struct LabelledColumns<'a> {
    /// The features.
    pub columns: Columns<'a>,
    /// What is to be predicted.
    pub target: Target<'a>,
}

/// What came of a fit.
#[derive(Debug, Clone)]
pub struct Fitted {
    /// The model; with early stopping, up to its best round.
    pub ensemble: Ensemble,
    /// The mean loss of the held-out rows after each round; empty without such rows.
    pub held_out_loss: Vec<f64>,
}

impl Ensemble {
    /// Grows an ensemble.
    ///
    /// The loss of `held_out` is watched if there are such rows. With `start`, its trees stay and new ones are added; it
    /// must have been grown for the same features and objective.
    ///
    /// The same rows, parameters and seed give the same ensemble, whatever the number of threads.
    ///
    /// *Errors*: parameters, targets or weights outside their range, and shapes that do not fit.
    pub fn fit(
        train: &LabelledColumns<'_>,
        held_out: Option<&LabelledColumns<'_>>,
        start: Option<&Ensemble>,
        params: &TreesParams,
    ) -> Result<Fitted, FitError> {
        params.check(train.columns.n_features())?;
        if train.columns.n_rows() == 0 {
            return Err(FitError::NoRows);
        }
        if let Some(held_out) = held_out {
            let (expected, found) = (train.columns.n_features(), held_out.columns.n_features());
            if expected != found {
                return Err(FitError::Shape { what: "held-out columns", expected, found });
            }
        }
        let mut boosting = Boosting::new(train, start, params)?;
        let mut progress = held_out.map(|rows| Progress::new(rows, &boosting)).transpose()?;
        for _ in 0..params.trees {
            boosting.round()?;
            if progress.as_mut().is_some_and(|progress| progress.is_over(&boosting)) {
                break;
            }
        }
        let best = progress.as_ref().and_then(Progress::best_n_trees);
        let held_out_loss = progress.map(Progress::into_losses).unwrap_or_default();
        Ok(Fitted { ensemble: boosting.finish(best), held_out_loss })
    }
}
