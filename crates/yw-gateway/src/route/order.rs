use super::dice::{Dice, mix, unit};
use super::health::Snapshot;
use super::spec::Strategy;

/// One target, as far as its place matters.
#[derive(Debug, Clone, Copy)]
pub(super) struct Candidate {
    pub(super) weight: f64,
    pub(super) health: Snapshot,
    /// A hash of its model.
    pub(super) hash: u64,
}

/// The order in which targets are tried: indices into `candidates`, each once, with those last that are not available.
///
/// `sticky` is a hash of what keeps calls together.
pub(super) fn order(strategy: Strategy, candidates: &[Candidate], sticky: Option<u64>, dice: &mut Dice) -> Vec<usize> {
    let mut order: Vec<usize> = (0..candidates.len()).collect();
    let keys: Vec<f64> = match (strategy, sticky) {
        (Strategy::Order, _) => Vec::new(),
        // Rendezvous hashing: each target draws its number from the value, so that when one target goes only its own
        // calls move, and they spread over the others by weight.
        (_, Some(sticky)) => candidates.iter().map(|c| arrival(unit(mix(sticky ^ c.hash)), c.weight)).collect(),
        (Strategy::Weight, None) => candidates.iter().map(|c| arrival(dice.uniform(), c.weight)).collect(),
        (Strategy::Latency, None) => latency_keys(candidates, dice),
    };
    let key = |index: usize| keys.get(index).copied().unwrap_or(0.0);
    let is_left_alone = |index: usize| candidates.get(index).is_some_and(|c| !c.health.is_available);
    // Stable: what is equal stays as listed.
    order.sort_by(|a, b| is_left_alone(*a).cmp(&is_left_alone(*b)).then(key(*a).total_cmp(&key(*b))));
    order
}

/// When a target of this weight arrives in a race: an exponential time of rate `weight`. The first is each with a
/// probability in proportion to its weight, and so is the first of those that remain when any are taken out.
fn arrival(uniform: f64, weight: f64) -> f64 {
    if weight > 0.0 { -uniform.ln() / weight } else { f64::INFINITY }
}

/// By cost, but for the first: that is the cheaper of two at random. The cheapest of all would get every call of a moment
/// until its first answers come back.
fn latency_keys(candidates: &[Candidate], dice: &mut Dice) -> Vec<f64> {
    let cost = |c: &Candidate| if c.weight > 0.0 { c.health.cost / c.weight } else { f64::INFINITY };
    let mut keys: Vec<f64> = candidates.iter().map(cost).collect();
    let in_race = |(_, c): &(usize, &Candidate)| c.health.is_available && c.weight > 0.0;
    let racing: Vec<usize> = candidates.iter().enumerate().filter(in_race).map(|(index, _)| index).collect();
    let first = dice.below(racing.len());
    let second = dice.below(racing.len().saturating_sub(1));
    // The second is drawn from those without the first.
    let second = if second >= first { second + 1 } else { second };
    let key = |place: usize| racing.get(place).and_then(|index| keys.get(*index)).copied();
    let winner = match (key(first), key(second)) {
        (Some(a), Some(b)) if b < a => racing.get(second),
        _ => racing.get(first),
    };
    if let Some(key) = winner.and_then(|index| keys.get_mut(*index)) {
        *key = f64::NEG_INFINITY;
    }
    keys
}
