//! The search itself: trial after trial, each scored part by part.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use yw_learn::search::{Tpe, TpeParams, keeps_going};
use yw_learn::{Folds, Model, ModelParams, Split};
use yw_task::{Answer, FitError, LabelledRows};

use super::arms::Arm;
use super::budget::{Budget, Clock, Limit};
use super::journal::{self, Journal};
use super::score::{HeldOutAnswers, Yardstick};
use super::trial::{End, Part, Trial, best_first};
use crate::learned::on_compute;

/// Parts that the training rows are dealt into; each is held out once.
pub(super) const N_FOLDS: usize = 5;

/// After the first part the better half of the trials goes on, after the second the best third.
const DIVISORS: [usize; 2] = [2, 3];

/// Complete trials of each arm whose answers are kept in memory.
pub(super) const N_KEPT: usize = 3;

/// A search over one or more kinds of models.
#[derive(Clone)]
pub(crate) struct Search {
    /// Tried in this order as they are, then those with a share are tuned.
    pub(crate) arms: Vec<Arm>,
    /// What trials are compared by: a metric that does not depend on costs.
    pub(crate) metric: yw_task::Metric,
    /// How much may be tried for one fit.
    pub(crate) limit: Limit,
    /// How many fits there will be with the same time.
    pub(crate) n_fits: usize,
    /// Where trials are kept; none for nowhere.
    pub(crate) journals: Option<PathBuf>,
    pub(crate) clock: Clock,
}

/// What a search found.
pub(crate) struct Found {
    pub(super) trials: Vec<Trial>,
    pub(super) splits: Arc<Vec<Split>>,
    /// The answers of some complete trials, by place, part by part.
    answers: HashMap<usize, Vec<Vec<Answer>>>,
    /// What the user should know of the search, besides what it found.
    pub(super) notes: Vec<String>,
    /// When the time that is left ends.
    pub(super) left: Option<Duration>,
    /// When `left` was so.
    pub(super) ended: Duration,
}

/// What is tried next.
struct Next<'a> {
    arm: &'a Arm,
    settings: Option<Vec<f64>>,
}

impl Search {
    /// Tries settings until the limit is reached. Nothing that goes wrong with a trial is the search's failure, unless all of
    /// them fail.
    pub(crate) async fn run(&self, train: &LabelledRows, seed: u64) -> Result<Found, FitError> {
        let splits = Arc::new(Folds::of(train, N_FOLDS, seed).splits().collect::<Vec<_>>());
        let mut notes = Vec::new();
        let mut journal = self.journal(train, seed, &mut notes).await;
        let used_before = Duration::from_secs_f64(
            journal.trials.iter().map(Trial::seconds).sum::<f64>().max(journal.spent).clamp(0.0, 1e9),
        );
        let budget = Budget::new(&self.clock, self.limit, used_before);
        let train = Arc::new(train.clone());
        let (mut answers, mut failure) = (HashMap::new(), None);
        while self.limit.trials.is_none_or(|n| journal.trials.len() < n) && splits.len() > 1 {
            let Some(next) = self.next(&journal.trials, seed) else { break };
            let tried = self.try_out(&next, &journal.trials, &train, &splits, &budget, seed).await;
            let Some(Tried { trial, answers: of_trial, error }) = tried else {
                if let Err(error) = journal.out_of_time(budget.used().as_secs_f64()) {
                    notes.push(unkept(&error));
                }
                break;
            };
            failure = error.or(failure);
            self.tell(journal.trials.len() + 1, &trial);
            if trial.is_complete() {
                answers.insert(journal.trials.len(), of_trial);
            }
            if let Err(error) = journal.push(trial) {
                notes.push(unkept(&error));
            }
            forget(&mut answers, &journal.trials);
        }
        let trials = std::mem::take(&mut journal.trials);
        if !trials.iter().any(Trial::is_complete) {
            if let Some(error) = failure {
                return Err(FitError::Data { reason: error.to_string() });
            }
            notes.push(self.untried(&splits));
        }
        Ok(Found { trials, splits, answers, notes, left: budget.left(), ended: self.clock.now() })
    }

    /// The arm that a trial is of.
    pub(super) fn arm(&self, trial: &Trial) -> &Arm {
        self.arms.iter().find(|arm| arm.name == trial.arm).unwrap_or(&self.arms[0])
    }

    pub(super) fn yardstick(&self) -> Yardstick {
        Yardstick { metric: self.metric }
    }

    /// What earlier runs found of the same search.
    async fn journal(&self, train: &LabelledRows, seed: u64, notes: &mut Vec<String>) -> Journal {
        let Some(dir) = self.journals.clone() else { return Journal::unkept() };
        let arms: Vec<String> = self.arms.iter().map(Arm::identity).collect();
        let what = format!("{} {seed} {}", self.metric, arms.join("\n"));
        let (rows, arms) = (train.clone(), self.arms.clone());
        // By the key there are only trials that this search would have made, but a file can be anything.
        let is_known = move |trial: &Trial| {
            let arm = arms.iter().find(|arm| arm.name == trial.arm);
            let fits = |arm: &Arm| trial.settings.as_ref().is_none_or(|point| arm.space().contains(point));
            arm.is_some_and(fits)
                && trial.parts.len() <= N_FOLDS
                && (trial.end == End::Failed || !trial.parts.is_empty())
        };
        let opened = on_compute(move || Journal::open(&dir, &journal::key(&rows, &what), is_known)).await;
        let mut journal = opened.unwrap_or_else(|error| {
            notes.push(unkept(&error));
            Journal::unkept()
        });
        journal.trials.truncate(self.limit.trials.unwrap_or(usize::MAX));
        journal
    }

    /// The next trial after these: first every arm as the project file has it, then those that are tuned, by their shares.
    fn next(&self, trials: &[Trial], seed: u64) -> Option<Next<'_>> {
        let of_arm = |arm: &Arm| -> Vec<&Trial> { trials.iter().filter(|trial| trial.arm == arm.name).collect() };
        if let Some(arm) = self.arms.iter().find(|arm| of_arm(arm).is_empty()) {
            return Some(Next { arm, settings: None });
        }
        let tunable = self.arms.iter().enumerate().filter(|(_, arm)| arm.is_tunable());
        // Whose trials are fewest for its share; of equals the one with the larger share.
        let (place, arm) = tunable.min_by_key(|(_, arm)| {
            let n_tuned = of_arm(arm).len() - 1;
            (n_tuned / arm.share, std::cmp::Reverse(arm.share))
        })?;
        let own = of_arm(arm);
        let point = |&i: &usize| own[i].settings.clone().unwrap_or_else(|| arm.default_point());
        let points: Vec<Vec<f64>> = best_first(&own).iter().map(point).collect();
        let tpe = Tpe::new(arm.space(), TpeParams::default(), seed.wrapping_add(place as u64 + 1));
        Some(Next { arm, settings: Some(tpe.suggest(&points)) })
    }

    /// Scores a trial part by part. None if the time is over before it has ended.
    async fn try_out(
        &self,
        next: &Next<'_>,
        trials: &[Trial],
        train: &Arc<LabelledRows>,
        splits: &Arc<Vec<Split>>,
        budget: &Budget<'_>,
        seed: u64,
    ) -> Option<Tried> {
        let params = next.arm.trial_params(next.settings.as_deref());
        let reserve = self.reserve(trials);
        let (arm, settings) = (next.arm.name.to_owned(), next.settings.clone());
        let mut trial = Trial { arm, settings, end: End::Complete, parts: Vec::new() };
        let mut answers = Vec::new();
        for place in 0..splits.len() {
            if budget.is_over(reserve) {
                return None;
            }
            match self.try_part(params.clone(), train, splits, place, seed).await {
                Ok((part, of_part)) => {
                    trial.parts.push(part);
                    answers.push(of_part);
                }
                Err(error) => {
                    trial.end = End::Failed;
                    return Some(Tried { trial, answers: Vec::new(), error: Some(error) });
                }
            }
            if next.settings.is_some() && place + 1 < splits.len() && !goes_on(&trial, trials) {
                trial.end = End::GivenUp;
                break;
            }
        }
        Some(Tried { trial, answers, error: None })
    }

    /// Fits to all parts but one, and answers that one.
    async fn try_part(
        &self,
        params: ModelParams,
        train: &Arc<LabelledRows>,
        splits: &Arc<Vec<Split>>,
        place: usize,
        seed: u64,
    ) -> Result<(Part, Vec<Answer>), yw_learn::FitError> {
        let (train, splits, yardstick) = (train.clone(), splits.clone(), self.yardstick());
        let started = self.clock.now();
        let (rounds, losses, answers) = on_compute(move || {
            let split = &splits[place];
            let (fit, held_out) = (train.take(&split.fit), train.take(&split.held_out));
            let (model, rounds) = Model::fit_watching(&fit, &held_out, &params, seed)?;
            let answers = model.answers(&held_out.rows);
            Ok::<_, yw_learn::FitError>((rounds, yardstick.losses(&held_out.truth, &answers), answers))
        })
        .await?;
        let seconds = self.clock.now().saturating_sub(started).as_secs_f64();
        Ok((Part { loss: losses.0, tie: losses.1, rounds, seconds }, answers))
    }

    /// About how long it takes to fit what was found to all rows: the best of each arm.
    fn reserve(&self, trials: &[Trial]) -> Duration {
        let best_of = |arm: &Arm| {
            let complete: Vec<&Trial> = trials.iter().filter(|t| t.arm == arm.name && t.is_complete()).collect();
            best_first(&complete).first().map_or(Duration::ZERO, |&best| complete[best].fit_time())
        };
        let fits: Duration = self.arms.iter().map(best_of).sum();
        // Several kinds are also weighed against each other.
        let weighing = self.limit.time.filter(|_| self.arms.len() > 1).map_or(Duration::ZERO, |time| time / 10);
        fits + weighing
    }

    /// What complete trials answered to held-out rows, part by part. Trials of an earlier run are fitted again.
    pub(super) async fn answers_of(
        &self,
        found: &Found,
        place: usize,
        train: &LabelledRows,
        seed: u64,
    ) -> Result<Vec<Vec<Answer>>, FitError> {
        if let Some(answers) = found.answers.get(&place) {
            return Ok(answers.clone());
        }
        let trial = &found.trials[place];
        let params = self.arm(trial).trial_params(trial.settings.as_deref());
        let (train, mut answers) = (Arc::new(train.clone()), Vec::new());
        for place in 0..found.splits.len() {
            let tried = self.try_part(params.clone(), &train, &found.splits, place, seed).await;
            answers.push(tried.map_err(|error| FitError::Data { reason: error.to_string() })?.1);
        }
        Ok(answers)
    }

    /// The tuning score of a trial with its interval, as a sentence.
    pub(super) async fn score_note(
        &self,
        found: &Found,
        place: usize,
        train: &LabelledRows,
        seed: u64,
    ) -> Result<String, FitError> {
        let answers = self.answers_of(found, place, train, seed).await?;
        let (train, splits, yardstick) = (train.clone(), found.splits.clone(), self.yardstick());
        let estimate =
            on_compute(move || HeldOutAnswers { train: &train, splits: &splits, yardstick, seed }.estimate(&answers))
                .await;
        Ok(format!(
            "{} {} ({} to {}) in the cross-validation that chose it, which flatters the best of many trials; the score \
             here is of rows that tuning never saw",
            self.metric,
            shown(estimate.value),
            shown(estimate.low),
            shown(estimate.high),
        ))
    }

    /// One line per trial.
    fn tell(&self, number: usize, trial: &Trial) {
        let what = trial.describe(self.arm(trial));
        let seconds = trial.seconds();
        let arm = &trial.arm;
        let score = shown(self.yardstick().turned(trial.loss_of(trial.parts.len())));
        match trial.end {
            End::Complete => tracing::info!("trial {number}, {arm}: {} {score}, {what}, {seconds:.1} s", self.metric),
            End::GivenUp => tracing::info!(
                "trial {number}, {arm}: given up after {} of {N_FOLDS} parts at {} {score}, {what}, {seconds:.1} s",
                trial.parts.len(),
                self.metric
            ),
            End::Failed => tracing::info!("trial {number}, {arm}: the fit failed, {what}"),
        }
    }

    fn untried(&self, splits: &[Split]) -> String {
        if splits.len() < 2 {
            return "not tuned: there are too few training rows, or groups of them, to hold some out".to_owned();
        }
        "not tuned: the time was over before the first trial was complete; give it more minutes".to_owned()
    }
}

/// A trial that has ended, with its answers if it is complete.
struct Tried {
    trial: Trial,
    answers: Vec<Vec<Answer>>,
    error: Option<yw_learn::FitError>,
}

impl Found {
    /// The place of the best complete trial.
    pub(super) fn best(&self) -> Option<usize> {
        self.best_complete(|_| true).first().copied()
    }

    /// The places of complete trials, the best first.
    pub(super) fn best_complete(&self, counts: impl Fn(&Trial) -> bool) -> Vec<usize> {
        let places: Vec<usize> =
            (0..self.trials.len()).filter(|&i| self.trials[i].is_complete() && counts(&self.trials[i])).collect();
        let complete: Vec<&Trial> = places.iter().map(|&i| &self.trials[i]).collect();
        best_first(&complete).into_iter().map(|i| places[i]).collect()
    }

    /// How many trials there were, and what came of them.
    pub(super) fn summary(&self, search: &Search, chosen: String) -> String {
        let n = self.trials.len();
        let count = |end: End| self.trials.iter().filter(|trial| trial.end == end).count();
        let mut asides = Vec::new();
        for (n, what) in [(count(End::GivenUp), "given up early"), (count(End::Failed), "failed")] {
            if n > 0 {
                asides.push(format!("{n} {what}"));
            }
        }
        let aside = if asides.is_empty() { String::new() } else { format!(" ({})", asides.join(", ")) };
        let share = match search.n_fits {
            1 => String::new(),
            n if search.limit.time.is_some() => format!(", in one of {n} fits that share the time,"),
            n => format!(", in each of {n} fits,"),
        };
        format!("tuned: {n} trial{}{aside}{share} chose {chosen}", if n == 1 { "" } else { "s" })
    }
}

/// Whether a trial is among the better ones of its arm that were as far.
fn goes_on(trial: &Trial, trials: &[Trial]) -> bool {
    let n_parts = trial.parts.len();
    let Some(&divisor) = DIVISORS.get(n_parts - 1) else { return true };
    let as_far = trials.iter().filter(|other| other.arm == trial.arm && other.parts.len() >= n_parts);
    let losses: Vec<f64> = as_far.map(|other| other.loss_of(n_parts)).collect();
    keeps_going(trial.loss_of(n_parts), &losses, divisor)
}

/// Keeps the answers of the best trials of each arm.
fn forget(answers: &mut HashMap<usize, Vec<Vec<Answer>>>, trials: &[Trial]) {
    let Some(newest) = trials.last().filter(|trial| trial.is_complete()) else { return };
    let places: Vec<usize> =
        (0..trials.len()).filter(|&i| trials[i].is_complete() && trials[i].arm == newest.arm).collect();
    let complete: Vec<&Trial> = places.iter().map(|&i| &trials[i]).collect();
    for place in best_first(&complete).into_iter().skip(N_KEPT) {
        answers.remove(&places[place]);
    }
}

fn unkept(error: &std::io::Error) -> String {
    format!("trials of tuning could not be kept on disk, and would be lost if the run were ended: {error}")
}

/// A score in four digits that count.
pub(super) fn shown(value: f64) -> String {
    if !value.is_finite() {
        return "undefined".to_owned();
    }
    let digits = if value == 0.0 { 0 } else { value.abs().log10().floor() as i32 };
    let n_decimals = (3 - digits).clamp(0, 6) as usize;
    format!("{value:.n_decimals$}")
}
