//! Rows sorted by a score once, so that measures of ranking cost one pass for any counts.

use crate::statistic::count_of;

/// The rows of one two-class problem, in ascending order of score.
pub(crate) struct Ranking {
    rows: Vec<RankedRow>,
}

#[derive(Clone, Copy)]
struct RankedRow {
    row: u32,
    positive: bool,
    /// Whether the next row has another score.
    last_of_tie: bool,
}

/// How many positive and negative rows share one score.
struct Tie {
    positives: u64,
    negatives: u64,
}

impl Ranking {
    /// *Shapes*: one entry per row in both. A NaN score is a failed row, which goes where it hurts most: a positive row
    /// below all others, a negative row above.
    pub(crate) fn new(positive: &[bool], scores: impl Iterator<Item = f64>) -> Self {
        let worst = |positive: bool| if positive { f64::NEG_INFINITY } else { f64::INFINITY };
        // Adding zero makes -0 and 0 the tie that they are.
        let scores: Vec<f64> =
            scores.zip(positive).map(|(score, &p)| if score.is_nan() { worst(p) } else { score + 0.0 }).collect();
        let mut order: Vec<u32> = (0..positive.len() as u32).collect();
        order.sort_unstable_by(|&a, &b| scores[a as usize].total_cmp(&scores[b as usize]));
        let score_at = |rank: usize| order.get(rank).map(|&row| scores[row as usize]);
        let rows = order
            .iter()
            .enumerate()
            .map(|(rank, &row)| RankedRow {
                row,
                positive: positive[row as usize],
                last_of_tie: score_at(rank) != score_at(rank + 1),
            })
            .collect();
        Ranking { rows }
    }

    pub(crate) fn n_rows(&self) -> usize {
        self.rows.len()
    }

    /// The area under the ROC curve: the chance that a positive row scores above a negative one, ties counted half.
    /// NaN unless both classes are drawn.
    pub(crate) fn roc_auc(&self, counts: Option<&[u32]>) -> f64 {
        let (mut positives, mut negatives, mut half_wins) = (0_u64, 0_u64, 0_u64);
        self.for_each_tie(counts, |tie| {
            half_wins += tie.positives * (2 * negatives + tie.negatives);
            positives += tie.positives;
            negatives += tie.negatives;
        });
        half_wins as f64 / (2.0 * positives as f64 * negatives as f64)
    }

    /// Average precision: the mean over positive rows of the precision among the rows that score at least as high.
    /// NaN unless a positive row is drawn.
    pub(crate) fn average_precision(&self, counts: Option<&[u32]>) -> f64 {
        let (mut positives, mut drawn) = (0_u64, 0_u64);
        for ranked in &self.rows {
            let count = count_of(counts, ranked.row as usize);
            drawn += count;
            positives += count * u64::from(ranked.positive);
        }
        let n_positives = positives as f64;
        // Ascending: what is at or above a tie is all rows less those below it.
        let mut sum = 0.0;
        self.for_each_tie(counts, |tie| {
            if tie.positives > 0 {
                sum += tie.positives as f64 * positives as f64 / drawn as f64;
            }
            positives -= tie.positives;
            drawn -= tie.positives + tie.negatives;
        });
        sum / n_positives
    }

    /// Calls back once for each score, from the lowest.
    #[inline]
    fn for_each_tie(&self, counts: Option<&[u32]>, mut visit: impl FnMut(Tie)) {
        let mut tie = Tie { positives: 0, negatives: 0 };
        for ranked in &self.rows {
            let count = count_of(counts, ranked.row as usize);
            // Without a branch, since nobody can predict it.
            let positives = count * u64::from(ranked.positive);
            tie.positives += positives;
            tie.negatives += count - positives;
            if ranked.last_of_tie {
                visit(std::mem::replace(&mut tie, Tie { positives: 0, negatives: 0 }));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ranking(rows: &[(f64, bool)]) -> Ranking {
        let positive: Vec<bool> = rows.iter().map(|row| row.1).collect();
        Ranking::new(&positive, rows.iter().map(|row| row.0))
    }

    #[test]
    fn areas_by_hand() {
        // Of four pairs, the positive wins three.
        let rows = ranking(&[(0.1, false), (0.4, true), (0.35, false), (0.3, true)]);
        assert_eq!(rows.roc_auc(None), 0.75);
        // One of two pairs is tied.
        assert_eq!(ranking(&[(0.5, true), (0.5, false), (0.1, false)]).roc_auc(None), 0.75);
        assert_eq!(ranking(&[(0.0, true), (-0.0, false)]).roc_auc(None), 0.5);
        // The lost pair drawn three times, the others once.
        assert_eq!(rows.roc_auc(Some(&[0, 1, 1, 3])), 0.25);
    }

    #[test]
    fn average_precisions_by_hand() {
        // Thresholds .8 (1 of 1), .4 (2 of 3): 1/2 · 1 + 1/2 · 2/3.
        let rows = ranking(&[(0.1, false), (0.4, true), (0.5, false), (0.8, true)]);
        assert!((rows.average_precision(None) - 5.0 / 6.0).abs() < 1e-15);
        // All tied: the share of positives.
        assert_eq!(ranking(&[(0.5, true), (0.5, false), (0.5, false), (0.5, false)]).average_precision(None), 0.25);
    }

    #[test]
    fn failed_rows_rank_worst() {
        let failed = ranking(&[(f64::NAN, true), (0.9, true), (0.1, false), (f64::NAN, false)]);
        let spelt_out = ranking(&[(-5.0, true), (0.9, true), (0.1, false), (5.0, false)]);
        assert_eq!(failed.roc_auc(None), 0.25);
        assert_eq!(failed.roc_auc(None), spelt_out.roc_auc(None));
        assert_eq!(failed.average_precision(None), spelt_out.average_precision(None));
    }
}
