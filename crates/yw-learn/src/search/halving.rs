//! Which trials are worth going on with.

/// Trials that must have been as far before one is given up.
const MIN_OTHERS: usize = 3;

/// Whether a trial goes on after its first parts: if its loss so far is among the best `1 / divisor` of the losses that trials
/// had at the same place, its own included.
///
/// Asynchronous successive halving (L. Li and others, *A system for massively parallel hyperparameter tuning*, 2020) for trials
/// that come one after the other. The first few always go on: there is nothing to compare them with.
///
/// `losses_of_others` are those of the trials before this one that were as far, whether they went on or not. A loss that is no
/// number is worse than any.
pub fn keeps_going(loss: f64, losses_of_others: &[f64], divisor: usize) -> bool {
    if losses_of_others.len() < MIN_OTHERS {
        return true;
    }
    let n_kept = (losses_of_others.len() + 1).div_ceil(divisor.max(1));
    let n_better = losses_of_others.iter().filter(|other| other.total_cmp(&loss).is_lt()).count();
    !loss.is_nan() && n_better < n_kept
}
