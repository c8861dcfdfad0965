//! Which models answer well together.

/// How often each of `n_members` models should count, so that their weighted answers have a small loss.
///
/// Greedy selection with replacement (R. Caruana and others, *Ensemble selection from libraries of models*, ICML 2004): from
/// nothing on, the member is added once more that makes the loss smallest, `n_rounds` times; the smallest loss on the way
/// counts, at its first occurrence. So weights are small whole numbers, most of them zero, and the best single member is where it
/// starts.
///
/// `loss` is called with one count per member, not all zero. A loss that is no number is worse than any. *Shape* of the
/// result: one count per member; all zero if there is none, or none has a loss.
pub fn select_ensemble(n_members: usize, n_rounds: usize, mut loss: impl FnMut(&[u32]) -> f64) -> Vec<u32> {
    let (mut counts, mut best) = (vec![0; n_members], (vec![0; n_members], f64::INFINITY));
    for _ in 0..n_rounds {
        let mut of_member = |member: usize| {
            let mut more: Vec<u32> = counts.clone();
            more[member] += 1;
            let loss = loss(&more);
            (more, if loss.is_nan() { f64::INFINITY } else { loss })
        };
        let next = (0..n_members).map(&mut of_member).reduce(|best, next| if next.1 < best.1 { next } else { best });
        let Some((next, loss)) = next.filter(|(_, loss)| *loss < f64::INFINITY) else { break };
        if loss < best.1 {
            best = (next.clone(), loss);
        }
        counts = next;
    }
    best.0
}
