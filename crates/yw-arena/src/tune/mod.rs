//! Tuning: which settings of a fitted candidate are best, found on the training rows alone.
//!
//! A *trial* is one choice of settings, scored by cross-validation over the training rows; the first is what the project file
//! says, the next ones are random, the others come from a search that learns from them (`yw_learn::search`). A trial that is
//! among the worse ones after its first parts is given up. What a trial found is on disk before the next begins, so that a search
//! that was killed goes on where it was.
//!
//! The best of many trials looks better than it is. So its score here chooses settings and is told in a note; the
//! candidate's own score is that of the test rows, which tuning never sees: with folds, each outer fit tunes anew on its own
//! training rows. A time limit is for all those fits together and is split evenly among them.

mod arms;
mod auto;
mod blend;
mod budget;
mod journal;
mod score;
mod search;
mod stack;
mod trial;

use yw_learn::ModelParams;
use yw_task::{BoxFuture, FitContext, FitError, Fitted, LabelledRows, Recipe};

use crate::learned::LearnedRecipe;

pub(crate) use arms::{Arm, forests, linear, nearest, trees};
pub(crate) use auto::AutoRecipe;
pub(crate) use blend::{BLEND_FILE, BlendFile, BlendPredictor};
pub(crate) use budget::{Clock, Limit};
pub(crate) use search::Search;

/// A model whose settings are searched for.
pub(crate) struct TunedRecipe {
    /// Of one arm.
    pub(crate) search: Search,
    /// Where nothing could be tried: as the project file says.
    pub(crate) untuned: ModelParams,
}

impl Recipe for TunedRecipe {
    fn fit<'a>(&'a self, train: &'a LabelledRows, context: &'a FitContext) -> BoxFuture<'a, Result<Fitted, FitError>> {
        Box::pin(async move {
            let found = self.search.run(train, context.seed).await?;
            let mut notes = found.notes.clone();
            let params = match found.best() {
                Some(best) => {
                    let trial = &found.trials[best];
                    notes.push(found.summary(&self.search, trial.describe(self.search.arm(trial))));
                    notes.push(self.search.score_note(&found, best, train, context.seed).await?);
                    self.search.arm(trial).final_params(trial)
                }
                None => self.untuned.clone(),
            };
            let mut fitted = LearnedRecipe { params }.fit(train, context).await?;
            fitted.notes.extend(notes);
            Ok(fitted)
        })
    }
}

#[cfg(test)]
mod tests;
