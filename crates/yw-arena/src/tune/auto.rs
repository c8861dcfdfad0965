//! `fit = "auto"`: several kinds of models, tuned, and together where that is better.

use std::sync::Arc;
use std::time::Duration;

use yw_learn::ModelParams;
use yw_task::{BoxFuture, FitContext, FitError, Fitted, LabelSet, LabelledRows, Predictor, Progress, Recipe, Truth};
use yw_trees::Mode;

use super::blend::BlendPredictor;
use super::score::HeldOutAnswers;
use super::search::{Found, N_KEPT, Search, shown};
use super::stack::{Stack, stack};
use crate::learned::{LearnedRecipe, on_compute};

/// Rows up to which nearest neighbours are tried: each answer looks at all of them.
const MAX_ROWS_NEAREST: usize = 20_000;

/// How often boosting that samples is fitted with other seeds and averaged: where it is the only member, and where it is one of
/// several.
const N_BAGGED_ALONE: usize = 5;
const N_BAGGED: usize = 2;

/// The search over kinds of models.
pub(crate) struct AutoRecipe {
    /// Of all kinds; the first one is what remains when there is no time for any trial.
    pub(crate) search: Search,
}

/// A trial that answers, and how much it counts.
struct Member {
    place: usize,
    count: u32,
}

impl Recipe for AutoRecipe {
    fn fit<'a>(&'a self, train: &'a LabelledRows, context: &'a FitContext) -> BoxFuture<'a, Result<Fitted, FitError>> {
        Box::pin(async move {
            let search = self.search_for(train);
            let found = search.run(train, context.seed).await?;
            let mut notes = found.notes.clone();
            let library = library(&search, &found);
            let Some(&best) = library.first() else {
                let mut fitted = LearnedRecipe { params: search.arms[0].params.clone() }.fit(train, context).await?;
                notes.push(format!("answers by {} as it is", search.arms[0].name));
                fitted.notes.extend(notes);
                return Ok(fitted);
            };
            let stack = choose(&search, &found, &library, train, context.seed).await?;
            let counts = library.iter().zip(&stack.counts).filter(|(_, count)| **count > 0);
            let members: Vec<Member> = counts.map(|(&place, &count)| Member { place, count }).collect();
            notes.extend(self::notes(&search, &found, &members, &stack));
            if stack.gain.is_none() {
                notes.push(search.score_note(&found, best, train, context.seed).await?);
            }
            let mut fitted = fit_members(&search, &found, &members, train, context).await?;
            fitted.notes.extend(notes);
            Ok(fitted)
        })
    }
}

impl AutoRecipe {
    /// Without the kinds that would be too slow for so many rows.
    fn search_for(&self, train: &LabelledRows) -> Search {
        let mut search = self.search.clone();
        search.arms.retain(|arm| train.n_rows() <= MAX_ROWS_NEAREST || !matches!(arm.params, ModelParams::Nearest(_)));
        search
    }
}

/// The best complete trials: of tuned kinds a few, of the others the one; the best of all first.
fn library(search: &Search, found: &Found) -> Vec<usize> {
    let of_arm = |name: &str| {
        let n_kept = if search.arms.iter().any(|arm| arm.name == name && arm.is_tunable()) { N_KEPT } else { 1 };
        found.best_complete(|trial| trial.arm == name).into_iter().take(n_kept).collect::<Vec<usize>>()
    };
    let kept: Vec<usize> = search.arms.iter().flat_map(|arm| of_arm(arm.name)).collect();
    found.best_complete(|_| true).into_iter().filter(|place| kept.contains(place)).collect()
}

async fn choose(
    search: &Search,
    found: &Found,
    library: &[usize],
    train: &LabelledRows,
    seed: u64,
) -> Result<Stack, FitError> {
    let mut answers = Vec::with_capacity(library.len());
    for &place in library {
        answers.push(search.answers_of(found, place, train, seed).await?);
    }
    let (train, splits, yardstick) = (train.clone(), found.splits.clone(), search.yardstick());
    let chosen =
        on_compute(move || stack(&HeldOutAnswers { train: &train, splits: &splits, yardstick, seed }, &answers));
    Ok(chosen.await)
}

fn notes(search: &Search, found: &Found, members: &[Member], stack: &Stack) -> Vec<String> {
    let describe = |member: &Member| {
        let trial = &found.trials[member.place];
        format!("{} ({})", trial.arm, trial.describe(search.arm(trial)))
    };
    let Some(gain) = &stack.gain else {
        let chosen = members.first().map(describe).unwrap_or_default();
        return vec![
            found.summary(search, chosen),
            "several kinds together were not better than that one beyond noise".to_owned(),
        ];
    };
    let total: u32 = members.iter().map(|member| member.count).sum();
    let weighted =
        |member: &Member| format!("{:.0} % {}", 100.0 * f64::from(member.count) / f64::from(total), describe(member));
    let chosen: Vec<String> = members.iter().map(weighted).collect();
    vec![
        found.summary(search, chosen.join("; ")),
        format!(
            "together their {} is {} ({} to {}) away from the best one's, in cross-validation of the training rows",
            search.metric,
            signed(gain.difference),
            signed(gain.low),
            signed(gain.high)
        ),
    ]
}

fn signed(value: f64) -> String {
    if value > 0.0 { format!("+{}", shown(value)) } else { shown(value) }
}

/// Fits the members to all rows, those that profit several times if there is time, and puts them together.
async fn fit_members(
    search: &Search,
    found: &Found,
    members: &[Member],
    train: &LabelledRows,
    context: &FitContext,
) -> Result<Fitted, FitError> {
    let mut parts: Vec<(f64, Fitted)> = Vec::new();
    for (i, member) in members.iter().enumerate() {
        let trial = &found.trials[member.place];
        let params = search.arm(trial).final_params(trial);
        // What the members after this one will need.
        let reserve: Duration = members[i + 1..].iter().map(|m| found.trials[m.place].fit_time()).sum();
        let n_bagged = match (samples(&params), members.len()) {
            (false, _) => 1,
            (true, 1) => N_BAGGED_ALONE,
            (true, _) => N_BAGGED,
        };
        let mut bag = Vec::new();
        for n in 0..n_bagged {
            let spent = search.clock.now().saturating_sub(found.ended);
            let has_time = found.left.is_none_or(|left| spent + reserve + trial.fit_time() < left);
            if n > 0 && !has_time {
                break;
            }
            let quiet = FitContext { seed: context.seed.wrapping_add(n as u64), progress: Progress::default() };
            bag.push(LearnedRecipe { params: params.clone() }.fit(train, &quiet).await?);
        }
        let weight = f64::from(member.count) / bag.len() as f64;
        parts.extend(bag.into_iter().map(|fitted| (weight, fitted)));
    }
    context.progress.advance(train.n_rows() as u64);
    Ok(together(parts, &train.truth))
}

/// Whether another seed gives another model: averaging those is better than each.
fn samples(params: &ModelParams) -> bool {
    let ModelParams::Trees(trees) = params else { return false };
    let grow = &trees.grow;
    let fractions = [grow.row_fraction, grow.column_fraction, grow.column_fraction_per_split];
    grow.mode == Mode::Boosting && (grow.goss.is_some() || fractions.iter().any(|fraction| *fraction < 1.0))
}

/// One predictor of several; it weighs what the heaviest of them weighs.
fn together(mut parts: Vec<(f64, Fitted)>, truth: &Truth) -> Fitted {
    if parts.len() == 1 {
        return parts.remove(0).1;
    }
    let labels = match truth {
        Truth::Label { labels, .. } => labels.clone(),
        _ => LabelSet::default(),
    };
    let heaviest = parts.iter().reduce(|best, next| if next.0 > best.0 { next } else { best });
    let weights = heaviest.map(|(_, fitted)| fitted.weights.clone()).unwrap_or_default();
    let mut notes: Vec<String> = parts.iter().flat_map(|(_, fitted)| fitted.notes.clone()).collect();
    notes.dedup();
    let members = parts.into_iter().map(|(weight, fitted)| (weight, fitted.predictor));
    let members: Vec<(f64, Arc<dyn Predictor>)> = members.collect();
    Fitted { notes, weights, ..Fitted::new(BlendPredictor::new(members, labels)) }
}
