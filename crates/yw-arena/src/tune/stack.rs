//! Which trials answer together, and whether that is any better than the best one alone.

use rayon::prelude::*;
use yw_learn::search::select_ensemble;
use yw_stats::Difference;
use yw_task::{Answer, LabelSet, Truth};

use super::blend::blended;
use super::score::HeldOutAnswers;

/// How often members are added at most: weights are multiples of a fifteenth or more.
const N_ROUNDS: usize = 15;

/// How much each member should count.
pub(super) struct Stack {
    /// One per member, not all zero.
    pub(super) counts: Vec<u32>,
    /// Where several count: by how much they are better than the best one alone, on rows that their weights were not chosen by.
    pub(super) gain: Option<Difference>,
}

/// Chooses weights by the held-out answers of members, the best first.
///
/// Together they are judged by weights chosen without the part that they answer. If that is not better than the best member
/// beyond noise, that member alone is the answer.
pub(super) fn stack(rows: &HeldOutAnswers<'_>, members: &[Vec<Vec<Answer>>]) -> Stack {
    let alone = || {
        let mut counts = vec![0; members.len()];
        counts[0] = 1;
        Stack { counts, gain: None }
    };
    let labels = match &rows.train.truth {
        Truth::Label { labels, .. } => labels.clone(),
        _ => LabelSet::default(),
    };
    let blend = |part: usize, counts: &[u32]| -> Vec<Answer> {
        let counted: Vec<(f64, &Vec<Answer>)> =
            (0..members.len()).filter(|&m| counts[m] > 0).map(|m| (f64::from(counts[m]), &members[m][part])).collect();
        let of_row = |i: usize| {
            let weighted: Vec<(f64, &Answer)> =
                counted.iter().map(|(weight, answers)| (*weight, &answers[i])).collect();
            blended(&weighted, &labels)
        };
        (0..rows.splits[part].held_out.len()).map(of_row).collect()
    };
    let choose = |without: Option<usize>| {
        let parts: Vec<usize> = (0..rows.splits.len()).filter(|part| Some(*part) != without).collect();
        select_ensemble(members.len(), N_ROUNDS, |counts| {
            rows.loss(&parts.iter().map(|&part| (part, blend(part, counts))).collect::<Vec<_>>())
        })
    };
    let without: Vec<Option<usize>> = std::iter::once(None).chain((0..rows.splits.len()).map(Some)).collect();
    let mut chosen: Vec<Vec<u32>> = without.into_par_iter().map(choose).collect();
    let counts = chosen.remove(0);
    if counts.iter().filter(|count| **count > 0).count() < 2 || chosen.iter().any(|c| c.iter().all(|n| *n == 0)) {
        return alone();
    }
    let together: Vec<Vec<Answer>> = chosen.iter().enumerate().map(|(part, counts)| blend(part, counts)).collect();
    let is_better = |difference: &Difference| {
        let yardstick = rows.yardstick;
        yardstick.turned(difference.low) < 0.0 && yardstick.turned(difference.high) < 0.0
    };
    match rows.difference(&together, &members[0]).filter(is_better) {
        Some(gain) => Stack { counts, gain: Some(gain) },
        None => alone(),
    }
}
