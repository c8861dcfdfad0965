//! Few units make the spread itself uncertain, and the intervals wider.

use statrs::distribution::{ContinuousCDF, StudentsT};

use super::distribution::Subject;
use super::draws::Jackknife;

/// How much wider than normal an interval must be.
///
/// A normal score becomes √(n / (n - 1)) times a t score (Hesterberg 2015, section 5.3). The degrees of freedom are those
/// of the spread as an estimate, 2 n / (κ - 1) with κ the kurtosis of what each unit contributes: n for normal
/// contributions, and much less where a few units decide. For scores, excess kurtosis is counted at three quarters: in
/// simulation, the whole makes BCa intervals of ranking metrics too long, and half makes those over heavy tails too short.
pub(super) struct Widening {
    factor: f64,
    /// None only if the degrees of freedom were no number.
    student: Option<StudentsT>,
}

impl Widening {
    /// From the moments of the jackknife's values, of at least two units.
    pub(super) fn new(subject: Subject, jackknife: &Jackknife, moments: &Moments) -> Self {
        let n = jackknife.n_units as f64;
        let weight = match subject {
            Subject::Score => 0.75,
            Subject::Difference => 1.0,
        };
        // The excess kurtosis of a sum of independent units is theirs divided by their number.
        let excess = (jackknife.block_len as f64 * (moments.kurtosis - 3.0)).max(0.0);
        let freedom = (2.0 * n / (2.0 + weight * excess)).clamp(1.0, n - 1.0);
        Widening { factor: (n / (n - 1.0)).sqrt(), student: StudentsT::new(0.0, 1.0, freedom).ok() }
    }

    /// The widened score that has this share of the distribution below it.
    pub(super) fn score_at(&self, share: f64) -> f64 {
        self.student.map_or(f64::NAN, |student| self.factor * student.inverse_cdf(share))
    }

    /// The inverse of `score_at`. Where every draw lies on one side, scores are infinite, and undefined where a correction
    /// is infinite too; the distribution itself takes neither.
    pub(super) fn share_at(&self, score: f64) -> f64 {
        match self.student {
            Some(student) if score.is_finite() => student.cdf(score / self.factor),
            Some(_) if score.is_infinite() => f64::from(u8::from(score > 0.0)),
            _ => f64::NAN,
        }
    }
}

/// The standardised moments of some values.
pub(super) struct Moments {
    skewness: f64,
    kurtosis: f64,
    n_values: usize,
}

impl Moments {
    /// Of values that are all equal, or of none, those of a normal distribution.
    pub(super) fn of(values: &[f64]) -> Self {
        let n = values.len() as f64;
        let mean = values.iter().sum::<f64>() / n;
        let variance = values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / n;
        let moment = |power| values.iter().map(|value| ((value - mean) / variance.sqrt()).powi(power)).sum::<f64>() / n;
        let (skewness, kurtosis) = if variance.is_normal() { (moment(3), moment(4)) } else { (0.0, 3.0) };
        Moments { skewness, kurtosis, n_values: values.len().max(1) }
    }

    /// The skewness of the mean of as many independent values.
    pub(super) fn skewness_of_mean(&self) -> f64 {
        self.skewness / (self.n_values as f64).sqrt()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(found: f64, expect: f64) {
        assert!((found - expect).abs() < 1e-4, "{found} is not {expect}");
    }

    #[test]
    fn moments_by_hand() {
        // Deviations -1, -1, -1, 3: second moment 3, third 6, fourth 21.
        let moments = Moments::of(&[0.0, 0.0, 0.0, 4.0]);
        check(moments.skewness, 6.0 / 27.0_f64.sqrt());
        check(moments.kurtosis, 21.0 / 9.0);
        check(moments.skewness_of_mean(), 3.0 / 27.0_f64.sqrt());
        assert_eq!(Moments::of(&[]).kurtosis, 3.0);
    }

    fn score(subject: Subject, n_units: usize, block_len: usize, kurtosis: f64) -> f64 {
        let jackknife = Jackknife { values: vec![], block_len, n_units };
        let widening = Widening::new(subject, &jackknife, &Moments { skewness: 0.0, kurtosis, n_values: 100 });
        check(widening.share_at(widening.score_at(0.975)), 0.975);
        widening.score_at(0.975)
    }

    #[test]
    fn scores_by_hand() {
        // t with 10 degrees of freedom: 2.22814.
        check(score(Subject::Score, 11, 1, 3.0), 2.22814 * (11.0_f64 / 10.0).sqrt());
        check(score(Subject::Difference, 1_000_000, 1, 3.0), 1.95997);
        // 25 degrees of freedom are 200 / (2 + 6): 2.05954. Blocks of a hundred have a hundredth of the excess.
        let expect = 2.05954 * (100.0_f64 / 99.0).sqrt();
        check(score(Subject::Difference, 100, 1, 9.0), expect);
        check(score(Subject::Difference, 100, 100, 3.06), expect);
        check(score(Subject::Score, 100, 1, 11.0), expect);
    }
}
