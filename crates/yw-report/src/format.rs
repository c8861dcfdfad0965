//! Numbers as the page shows them.

use std::time::Duration;

use yw_stats::Estimate;

/// About four significant digits, an en dash where there is no number.
pub(crate) fn number(n: f64) -> String {
    if !n.is_finite() {
        return "–".to_owned();
    }
    let whole_digits = if n == 0.0 { 0 } else { (n.abs().log10().floor() as i32 + 1).max(0) };
    let decimals = (4 - whole_digits).clamp(0, 4) as usize;
    format!("{n:.decimals$}")
}

/// `0.812 … 0.861`.
pub(crate) fn interval(estimate: &Estimate) -> String {
    if estimate.low.is_nan() || estimate.high.is_nan() {
        return "–".to_owned();
    }
    format!("{} … {}", number(estimate.low), number(estimate.high))
}

/// Microseconds to seconds, with two significant digits or so.
pub(crate) fn time(time: Duration) -> String {
    let ms = time.as_secs_f64() * 1e3;
    match ms {
        1000.0.. => format!("{:.1} s", ms / 1e3),
        10.0.. => format!("{ms:.0} ms"),
        1.0.. => format!("{ms:.1} ms"),
        0.1.. => format!("{ms:.2} ms"),
        _ => format!("{:.0} µs", ms * 1e3),
    }
}

/// Dollars, with enough decimals to be more than zero.
pub(crate) fn dollars(usd: f64) -> String {
    if usd == 0.0 {
        "$0".to_owned()
    } else if usd >= 0.01 {
        format!("${usd:.2}")
    } else {
        format!("${usd:.6}")
    }
}

/// A share in percent.
pub(crate) fn percent(share: f64) -> String {
    format!("{:.1} %", share * 100.0)
}
