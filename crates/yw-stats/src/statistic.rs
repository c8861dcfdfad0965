//! The trait every metric implements, and the simplest metric: a mean.

/// A quantity computed from rows, that can also be computed as if rows were drawn several times or not at all.
///
/// *Contract*: `value(Some(counts))` equals the value of the rows repeated `counts[i]` times each, up to rounding, and
/// `value(None)` equals `value` of all ones exactly. The order of the rows does not matter, up to rounding. The value
/// is NaN where it is undefined; nothing panics but a `counts` of the wrong length.
pub trait Statistic: Send + Sync {
    /// How many rows there are.
    fn n_rows(&self) -> usize;

    /// The quantity where row `i` is drawn `counts[i]` times (`None`: once each). *Shapes*: `counts` is `n_rows`.
    fn value(&self, counts: Option<&[u32]>) -> f64;
}

impl<S: Statistic + ?Sized> Statistic for Box<S> {
    fn n_rows(&self) -> usize {
        (**self).n_rows()
    }

    fn value(&self, counts: Option<&[u32]>) -> f64 {
        (**self).value(counts)
    }
}

/// The mean of one number per row: text and JSON scores, losses, costs. NaN without rows or with a NaN among them.
pub fn mean(per_row: Vec<f64>) -> Box<dyn Statistic> {
    Box::new(TransformedMean { per_row, transform: |mean| mean })
}

/// The square root of the mean of one number per row.
pub(crate) fn root_mean(per_row: Vec<f64>) -> Box<dyn Statistic> {
    Box::new(TransformedMean { per_row, transform: f64::sqrt })
}

struct TransformedMean {
    per_row: Vec<f64>,
    transform: fn(f64) -> f64,
}

impl Statistic for TransformedMean {
    fn n_rows(&self) -> usize {
        self.per_row.len()
    }

    fn value(&self, counts: Option<&[u32]>) -> f64 {
        (self.transform)(counted_sum(&self.per_row, counts) / total(counts, self.per_row.len()) as f64)
    }
}

/// The difference of two statistics of the same rows, itself a statistic of these rows.
pub(crate) struct Contrast<'a> {
    pub(crate) a: &'a dyn Statistic,
    pub(crate) b: &'a dyn Statistic,
}

impl Statistic for Contrast<'_> {
    fn n_rows(&self) -> usize {
        self.a.n_rows()
    }

    fn value(&self, counts: Option<&[u32]>) -> f64 {
        self.a.value(counts) - self.b.value(counts)
    }
}

/// How often row `row` is drawn.
#[inline]
pub(crate) fn count_of(counts: Option<&[u32]>, row: usize) -> u64 {
    counts.map_or(1, |counts| u64::from(counts[row]))
}

/// How many rows are drawn, repetitions included.
pub(crate) fn total(counts: Option<&[u32]>, n_rows: usize) -> u64 {
    counts.map_or(n_rows as u64, |counts| counts.iter().map(|&count| u64::from(count)).sum())
}

/// The sum of `values[i] * counts[i]`, over independent lanes so that the compiler can use the vector unit; the order of
/// additions depends on the length alone.
pub(crate) fn counted_sum(values: &[f64], counts: Option<&[u32]>) -> f64 {
    const LANES: usize = 8;
    let mut sums = [0.0; LANES];
    match counts {
        None => {
            for chunk in values.chunks(LANES) {
                for (sum, value) in sums.iter_mut().zip(chunk) {
                    *sum += value;
                }
            }
        }
        Some(counts) => {
            assert_eq!(counts.len(), values.len(), "one count per row");
            for (chunk, counts) in values.chunks(LANES).zip(counts.chunks(LANES)) {
                for ((sum, value), &count) in sums.iter_mut().zip(chunk).zip(counts) {
                    *sum += value * f64::from(count);
                }
            }
        }
    }
    sums.iter().sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn means_by_hand() {
        let statistic = mean(vec![1.0, 2.0, 6.0]);
        assert_eq!(statistic.value(None), 3.0);
        assert_eq!(statistic.value(Some(&[1, 1, 1])), 3.0);
        assert_eq!(statistic.value(Some(&[3, 0, 1])), 2.25);
        assert_eq!(root_mean(vec![1.0, 7.0]).value(None), 2.0);
    }

    #[test]
    fn no_rows_have_no_mean() {
        assert!(mean(vec![]).value(None).is_nan());
        assert!(mean(vec![1.0, 2.0]).value(Some(&[0, 0])).is_nan());
        assert!(mean(vec![1.0, f64::NAN]).value(None).is_nan());
    }

    #[test]
    fn a_contrast_is_a_difference_on_the_same_draws() {
        let (a, b) = (mean(vec![1.0, 2.0]), mean(vec![0.0, 4.0]));
        let contrast = Contrast { a: &a, b: &b };
        assert_eq!(contrast.value(None), -0.5);
        assert_eq!(contrast.value(Some(&[2, 0])), 1.0);
    }
}
