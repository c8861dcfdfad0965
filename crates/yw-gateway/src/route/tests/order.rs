use proptest::prelude::{Just, any, prop, prop_assert, prop_assert_eq, prop_oneof, proptest};
use proptest::strategy::Strategy as Generator;

use super::*;
use crate::route::health::Snapshot;
use crate::route::order::{Candidate, order};

fn candidates(weights: &[f64]) -> Vec<Candidate> {
    let health = Snapshot { is_available: true, cost: 0.0 };
    // Any numbers do for hashes, if they are not alike.
    let hash = |i: usize| Dice::seeded(i as u64).uniform().to_bits().wrapping_mul(0x9e37_79b9_7f4a_7c15);
    weights.iter().enumerate().map(|(i, weight)| Candidate { weight: *weight, health, hash: hash(i) }).collect()
}

/// All orders of three, and their probabilities when each is drawn by weight among those that remain.
fn orders_of_three(weights: &[f64; 3]) -> ([[usize; 3]; 6], [f64; 6]) {
    let orders = [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]];
    let total: f64 = weights.iter().sum();
    let probability = |[a, b, _]: [usize; 3]| weights[a] / total * weights[b] / (total - weights[a]);
    (orders, orders.map(probability))
}

/// 20.5 would be passed by chance in one of a thousand tests with five degrees of freedom.
const CRITICAL: f64 = 20.5;

#[test]
fn weights_are_probabilities_at_every_place() {
    for (seed, weights) in [[1.0, 1.0, 1.0], [0.7, 0.2, 0.1], [50.0, 30.0, 20.0]].iter().enumerate() {
        let (orders, probabilities) = orders_of_three(weights);
        let mut dice = Dice::seeded(seed as u64);
        let mut counts = [0; 6];
        for _ in 0..60_000 {
            let drawn = order(Strategy::Weight, &candidates(weights), None, &mut dice);
            counts[orders.iter().position(|o| drawn == o).unwrap()] += 1;
        }
        let statistic = chi_squared(&counts, &probabilities);
        assert!(statistic < CRITICAL, "{weights:?}: {counts:?}, {statistic}");
    }
}

#[test]
fn sticky_values_spread_by_weight() {
    for (strategy, weights) in [(Strategy::Weight, [0.7, 0.2, 0.1]), (Strategy::Latency, [1.0, 1.0, 2.0])] {
        let (orders, probabilities) = orders_of_three(&weights);
        let mut dice = Dice::seeded(3);
        let mut counts = [0; 6];
        for user in 0..60_000u64 {
            let sticky = Some(crate::route::dice::mix(user));
            let drawn = order(strategy, &candidates(&weights), sticky, &mut dice);
            counts[orders.iter().position(|o| drawn == o).unwrap()] += 1;
        }
        let statistic = chi_squared(&counts, &probabilities);
        assert!(statistic < CRITICAL, "{weights:?}: {counts:?}, {statistic}");
    }
}

#[test]
fn what_is_taken_out_leaves_its_share_to_the_others_by_weight() {
    let mut candidates = candidates(&[0.6, 0.3, 0.1]);
    candidates[0].health.is_available = false;
    let mut dice = Dice::seeded(5);
    let mut counts = [0; 2];
    for _ in 0..40_000 {
        let drawn = order(Strategy::Weight, &candidates, None, &mut dice);
        assert_eq!(drawn[2], 0);
        counts[drawn[0] - 1] += 1;
    }
    // 10.8 for one of a thousand with one degree of freedom.
    let statistic = chi_squared(&counts, &[0.75, 0.25]);
    assert!(statistic < 10.8, "{counts:?}, {statistic}");
}

#[test]
fn of_two_at_random_the_cheaper_is_first() {
    let mut candidates = candidates(&[1.0; 4]);
    for (candidate, cost) in candidates.iter_mut().zip([3.0, 1.0, 4.0, 2.0]) {
        candidate.health.cost = cost;
    }
    let mut dice = Dice::seeded(11);
    let mut counts = [0; 4];
    for _ in 0..30_000 {
        let drawn = order(Strategy::Latency, &candidates, None, &mut dice);
        counts[drawn[0]] += 1;
        let others: Vec<usize> = [1, 3, 0, 2].into_iter().filter(|i| *i != drawn[0]).collect();
        assert_eq!(drawn[1..], others);
    }
    // Of six pairs the cheapest wins three, the next two, the next one, the last none.
    assert_eq!(counts[2], 0);
    let statistic = chi_squared(&[counts[1], counts[3], counts[0]], &[3.0 / 6.0, 2.0 / 6.0, 1.0 / 6.0]);
    // 13.8 for one of a thousand with two degrees of freedom.
    assert!(statistic < 13.8, "{counts:?}, {statistic}");
}

fn any_candidates() -> impl Generator<Value = Vec<Candidate>> {
    let weight = prop_oneof![Just(0.0), 0.01..10.0f64];
    let candidate =
        (weight, any::<bool>(), 0.0..10.0f64, any::<u64>()).prop_map(|(weight, is_available, cost, hash)| Candidate {
            weight,
            health: Snapshot { is_available, cost },
            hash,
        });
    prop::collection::vec(candidate, 0..8)
}

fn any_strategy() -> impl Generator<Value = Strategy> {
    prop::sample::select(vec![Strategy::Order, Strategy::Weight, Strategy::Latency])
}

proptest! {
    #[test]
    fn every_target_has_one_place(
        strategy in any_strategy(),
        candidates in any_candidates(),
        sticky in any::<Option<u64>>(),
        seed in any::<u64>(),
    ) {
        let drawn = order(strategy, &candidates, sticky, &mut Dice::seeded(seed));
        let mut sorted = drawn.clone();
        sorted.sort_unstable();
        prop_assert_eq!(sorted, (0..candidates.len()).collect::<Vec<_>>());
        let is_left_alone: Vec<bool> = drawn.iter().map(|i| !candidates[*i].health.is_available).collect();
        prop_assert!(is_left_alone.is_sorted());
        // Of those that can be asked, the ones without weight come last.
        if strategy != Strategy::Order {
            let first = drawn.iter().filter(|i| candidates[**i].health.is_available);
            let has_no_weight: Vec<bool> = first.map(|i| candidates[*i].weight == 0.0).collect();
            prop_assert!(has_no_weight.is_sorted());
        } else {
            prop_assert!(drawn.chunk_by(|a, b| a < b).count() <= 2);
        }
    }

    #[test]
    fn only_the_calls_of_a_target_that_went_move(candidates in any_candidates(), sticky in any::<u64>(), gone in 0..8usize) {
        let mut without = candidates.clone();
        let Some(candidate) = without.get_mut(gone) else { return Ok(()) };
        candidate.health.is_available = false;
        let mut dice = Dice::seeded(0);
        let before = order(Strategy::Weight, &candidates, Some(sticky), &mut dice);
        let after = order(Strategy::Weight, &without, Some(sticky), &mut dice);
        let others = |order: Vec<usize>| order.into_iter().filter(|i| *i != gone).collect::<Vec<_>>();
        prop_assert_eq!(others(before), others(after));
    }
}
