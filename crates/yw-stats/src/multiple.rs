//! Several comparisons at once.

/// Holm's step-down adjustment: reject every hypothesis whose adjusted p value is at most α, and the chance of any false
/// rejection in the family is at most α, whatever the dependence between them.
///
/// The family is the p values that are not NaN; a NaN stays NaN and does not count, as in R's `p.adjust`. Results are in
/// the order of the input, at least as large as the input, at most 1.
///
/// Source: S. Holm, *A simple sequentially rejective multiple test procedure*, Scandinavian Journal of Statistics 6, 1979.
pub fn holm(p_values: &[f64]) -> Vec<f64> {
    let n_hypotheses = p_values.iter().filter(|p| !p.is_nan()).count();
    step_down(p_values, n_hypotheses)
}

/// Holm's adjustment for comparisons of each other candidate with the one that *turned out* best on the same rows.
///
/// Picking the best first and testing it against the rest is a search over all pairs: among `k` equal candidates,
/// `k - 1` tests against the luckiest reject far too often. So the family here is all `k (k - 1) / 2` pairs, of which only
/// the `k - 1` given were computed. The uncomputed ones can only lower Holm's factors, so the result is valid, and a
/// little careful. For two candidates nothing changes. Use [`holm`] when the reference was fixed in advance.
pub fn holm_versus_best(p_values: &[f64]) -> Vec<f64> {
    let n_others = p_values.iter().filter(|p| !p.is_nan()).count();
    step_down(p_values, n_others * (n_others + 1) / 2)
}

/// The running maximum of p₍₁₎·m, p₍₂₎·(m - 1), …
fn step_down(p_values: &[f64], n_hypotheses: usize) -> Vec<f64> {
    let mut order: Vec<usize> = (0..p_values.len()).filter(|&i| !p_values[i].is_nan()).collect();
    order.sort_by(|&a, &b| p_values[a].total_cmp(&p_values[b]));
    let mut adjusted = vec![f64::NAN; p_values.len()];
    let mut largest = 0.0_f64;
    for (rank, &i) in order.iter().enumerate() {
        largest = largest.max((p_values[i] * (n_hypotheses - rank) as f64).min(1.0));
        adjusted[i] = largest;
    }
    adjusted
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(adjusted: &[f64], expect: &[f64]) {
        assert_eq!(adjusted.len(), expect.len());
        for (a, e) in adjusted.iter().zip(expect) {
            assert!((a - e).abs() < 1e-12 || (a.is_nan() && e.is_nan()), "{adjusted:?} is not {expect:?}");
        }
    }

    #[test]
    fn holm_by_hand() {
        check(&holm(&[0.01, 0.04, 0.03, 0.005]), &[0.03, 0.06, 0.06, 0.02]);
        check(&holm(&[0.4, 0.9]), &[0.8, 0.9]);
        check(&holm(&[0.7, 0.6]), &[1.0, 1.0]);
        check(&holm(&[0.02, f64::NAN, 0.03]), &[0.04, f64::NAN, 0.04]);
        check(&holm(&[]), &[]);
    }

    #[test]
    fn the_best_was_picked_among_all_pairs() {
        check(&holm_versus_best(&[0.01]), &[0.01]);
        check(&holm_versus_best(&[0.01, 0.02, f64::NAN]), &[0.03, 0.04, f64::NAN]);
        check(&holm_versus_best(&[0.001, 0.01, 0.02, 0.5]), &[0.01, 0.09, 0.16, 1.0]);
    }
}
