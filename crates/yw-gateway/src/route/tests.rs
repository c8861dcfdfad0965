mod breaker;
mod order;
mod plan;
mod simulation;

use std::time::{Duration, Instant};

use super::*;

fn targets(weights: &[f64]) -> Vec<Target> {
    let target = |(i, weight): (usize, &f64)| Target::parse(&format!("p/m{i}")).unwrap().with_weight(*weight);
    weights.iter().enumerate().map(target).collect()
}

fn route(strategy: Strategy, weights: &[f64]) -> RouteSpec {
    RouteSpec { strategy, ..RouteSpec::new("fast", targets(weights)) }
}

fn router(spec: RouteSpec) -> Router {
    Router::new(spec, &HealthBook::default()).unwrap()
}

fn failed() -> AttemptOutcome {
    AttemptOutcome::Failed { retry_after: None }
}

fn seconds(seconds: f64) -> Duration {
    Duration::from_secs_f64(seconds)
}

/// Pearson's statistic of counts against probabilities.
fn chi_squared(counts: &[u64], probabilities: &[f64]) -> f64 {
    let n = counts.iter().sum::<u64>() as f64;
    let term = |(count, p): (&u64, &f64)| (*count as f64 - n * p).powi(2) / (n * p);
    counts.iter().zip(probabilities).map(term).sum()
}
