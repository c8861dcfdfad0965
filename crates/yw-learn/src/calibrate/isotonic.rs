//! The rising curve that fits best.

use super::Curve;
use crate::FormatError;
use crate::bytes::{Reader, Writer};

/// Knots of a rising curve that is straight between them and level outside.
///
/// The knots are the centres of the steps of the isotonic regression, so that, other than with the steps themselves, two
/// probabilities stay apart that lie between them (A. Oron and N. Flournoy, *Centered isotonic regression*, 2017).
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Isotonic {
    xs: Vec<f64>,
    ys: Vec<f64>,
}

/// Rows next to each other that get one value.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Step {
    /// The smallest and the largest probability.
    first: f64,
    last: f64,
    /// Sums over rows: weights, weighted probabilities, weights of the rows of the class.
    pub(super) weight: f64,
    sum_x: f64,
    sum_y: f64,
}

impl Step {
    /// The share of rows of the class.
    pub(super) fn value(&self) -> f64 {
        self.sum_y / self.weight
    }

    fn join(self, next: Step) -> Step {
        Step {
            first: self.first,
            last: next.last,
            weight: self.weight + next.weight,
            sum_x: self.sum_x + next.sum_x,
            sum_y: self.sum_y + next.sum_y,
        }
    }
}

/// Weighted isotonic regression by pooling adjacent violators: rows of equal probability are one to begin with; then
/// neighbours are joined until their values rise.
pub(super) fn steps(rows: impl Iterator<Item = (f64, bool, f64)>) -> Vec<Step> {
    let step = |(x, is_class, weight): (f64, bool, f64)| {
        let y = f64::from(u8::from(is_class));
        Step { first: x, last: x, weight, sum_x: weight * x, sum_y: weight * y }
    };
    // Adding zero makes -0 and 0 the tie that they are. Within a tie the order is that of the rows.
    let mut rows: Vec<Step> =
        rows.map(|(x, is_class, weight)| step((x.clamp(0.0, 1.0) + 0.0, is_class, weight))).collect();
    rows.sort_by(|a, b| a.first.total_cmp(&b.first));
    let ties = rows.chunk_by(|a, b| a.first == b.first).filter_map(|tie| tie.iter().copied().reduce(Step::join));
    let mut pooled: Vec<Step> = Vec::new();
    for mut step in ties {
        while let Some(before) = pooled.pop_if(|before| before.value() >= step.value()) {
            step = before.join(step);
        }
        pooled.push(step);
    }
    pooled
}

impl Curve for Isotonic {
    /// No value is exactly 0 or 1: a step of `n` rows that are all of the class, or all not, is as if half a row more were
    /// otherwise, unless the next step is closer.
    fn fit(rows: impl Iterator<Item = (f64, bool, f64)>) -> Self {
        let steps = steps(rows);
        let half_row = |step: &Step| 0.5 / (step.weight + 1.0);
        let xs = steps.iter().map(|step| (step.sum_x / step.weight).clamp(step.first, step.last)).collect();
        let mut ys: Vec<f64> = steps.iter().map(Step::value).collect();
        if let (Some(first), Some(last)) = (steps.first(), steps.last()) {
            let n = ys.len();
            let (second, before_last) = (ys.get(1).copied().unwrap_or(1.0), if n > 1 { ys[n - 2] } else { 0.0 });
            let (low, high) = (half_row(first).min(second), (1.0 - half_row(last)).max(before_last));
            ys[0] = ys[0].max(low);
            ys[n - 1] = ys[n - 1].min(high);
        }
        Isotonic { xs, ys }
    }

    fn apply(&self, probability: f64) -> f64 {
        let (xs, ys) = (&self.xs, &self.ys);
        match xs.partition_point(|x| *x <= probability) {
            0 => ys[0],
            above if above == xs.len() => ys[above - 1],
            above => {
                let part = (probability - xs[above - 1]) / (xs[above] - xs[above - 1]);
                ys[above - 1] + part * (ys[above] - ys[above - 1])
            }
        }
    }

    fn write(&self, out: &mut Writer) {
        out.len(self.xs.len());
        self.xs.iter().chain(&self.ys).for_each(|v| out.f64(*v));
    }

    fn read(from: &mut Reader<'_>) -> Result<Self, FormatError> {
        let n_knots = from.len(16)?;
        let mut numbers = || (0..n_knots).map(|_| from.f64()).collect::<Result<Vec<f64>, _>>();
        let (xs, ys) = (numbers()?, numbers()?);
        let is_rising = xs.is_sorted_by(|a, b| a < b) && ys.is_sorted() && !xs.is_empty();
        let are_probabilities = xs.iter().all(|x| (0.0..=1.0).contains(x)) && ys.iter().all(|y| *y > 0.0 && *y < 1.0);
        if !is_rising || !are_probabilities {
            return Err(FormatError::Damaged { what: "a calibration curve does not rise" });
        }
        Ok(Isotonic { xs, ys })
    }
}
