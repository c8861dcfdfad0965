//! Latency of single rows: measured, never derived from a batch.

use std::time::{Duration, Instant};

use yw_task::{Outcome, PredictContext, Predictor, Rows};

use crate::report::Latency;

/// How many rows are timed one by one, after a few that warm up.
const TIMED_ROWS: usize = 200;
const WARM_UP_ROWS: usize = 10;

/// The latency of single rows: as the predictor reported it where it waited for a network, measured now where it did
/// not. None if there is no row that was answered.
pub(crate) async fn latency(predictor: &dyn Predictor, rows: &Rows, outcomes: &[Outcome]) -> Option<Latency> {
    // A failed row that reports nothing is not tried again: that could take minutes, or money.
    let row_idxs: Vec<usize> =
        (0..outcomes.len()).filter(|&i| outcomes[i].latency.is_some() || outcomes[i].result.is_ok()).collect();
    if row_idxs.is_empty() {
        return None;
    }
    if row_idxs.iter().all(|&i| outcomes[i].latency.is_some()) {
        return Some(percentiles(outcomes.iter().filter_map(|o| o.latency).collect()));
    }
    let predict = async |row_idx: usize| {
        let started = Instant::now();
        predictor.predict(&rows.slice(row_idx, 1), &PredictContext::default()).await;
        started.elapsed()
    };
    let to_time = row_idxs.iter().copied().filter(|&i| outcomes[i].latency.is_none());
    for row_idx in to_time.cycle().take(WARM_UP_ROWS) {
        predict(row_idx).await;
    }
    let mut times = Vec::with_capacity(TIMED_ROWS);
    for i in 0..TIMED_ROWS {
        // Spread over the table, so that long and short rows are both met.
        let row_idx = row_idxs[i * row_idxs.len() / TIMED_ROWS];
        times.push(match outcomes[row_idx].latency {
            Some(reported) => reported,
            None => predict(row_idx).await,
        });
    }
    Some(percentiles(times))
}

/// Nearest-rank percentiles. `times` is not empty.
fn percentiles(mut times: Vec<Duration>) -> Latency {
    times.sort_unstable();
    let rank = |share: f64| times[((share * times.len() as f64).ceil() as usize).clamp(1, times.len()) - 1];
    Latency { p50: rank(0.5), p95: rank(0.95) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_nearest_rank() {
        let found = percentiles((1..=100).map(Duration::from_millis).collect());
        assert_eq!((found.p50.as_millis(), found.p95.as_millis()), (50, 95));
        let one = percentiles(vec![Duration::from_millis(7)]);
        assert_eq!(one.p50, one.p95);
    }
}
