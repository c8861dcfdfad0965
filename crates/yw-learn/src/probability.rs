//! The few formulas of probabilities that several models share.

/// Probabilities are kept this far from zero and one before their logarithm is taken, as the metrics keep them.
pub(crate) const FLOOR: f64 = 1e-15;

/// The negative natural logarithm of the probability of the truth.
pub(crate) fn log_loss(p_truth: f64) -> f64 {
    -floored(p_truth).ln()
}

/// `ln(p / (1 − p))`, within ±34.6.
pub(crate) fn log_odds(p: f64) -> f64 {
    let p = floored(p);
    (p / (1.0 - p)).ln()
}

/// The probability, kept away from zero and one.
pub(crate) fn floored(p: f64) -> f64 {
    p.clamp(FLOOR, 1.0 - FLOOR)
}

/// `1 / (1 + e^−score)`, without overflow.
pub(crate) fn sigmoid(score: f64) -> f64 {
    if score >= 0.0 { 1.0 / (1.0 + (-score).exp()) } else { score.exp() / (1.0 + score.exp()) }
}

/// Replaces scores by probabilities; returns the logarithm of the sum of exponentials.
pub(crate) fn softmax(scores: &mut [f64]) -> f64 {
    let largest = scores.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    scores.iter_mut().for_each(|s| *s = (*s - largest).exp());
    let sum: f64 = scores.iter().sum();
    scores.iter_mut().for_each(|s| *s /= sum);
    largest + sum.ln()
}
