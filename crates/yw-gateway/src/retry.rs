use std::time::{Duration, SystemTime};

use reqwest::header::HeaderMap;

use crate::key::ReplyKey;

/// No delay of our own is longer.
const MAX_BACKOFF: Duration = Duration::from_secs(30);

/// A provider that asks for a longer pause is not asked again.
const MAX_RETRY_AFTER: Duration = Duration::from_secs(120);

/// What a provider says about asking again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Advice {
    /// It does not say.
    None,
    /// Ask again after so long.
    After(Duration),
    /// Do not ask again, or not for a long time.
    Never,
}

/// Whether a status is worth another attempt.
pub(crate) fn is_transient(status: u16) -> bool {
    matches!(status, 408 | 409 | 429 | 500..=599)
}

/// Reads `x-should-retry`, `retry-after-ms` and `retry-after`, in the order in which the providers' own clients do.
pub(crate) fn advice(headers: &HeaderMap, now: SystemTime) -> Advice {
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).map(str::trim);
    if header("x-should-retry").is_some_and(|value| value.eq_ignore_ascii_case("false")) {
        return Advice::Never;
    }
    let milliseconds = header("retry-after-ms").and_then(|text| duration(text, 1e-3));
    let asked = milliseconds
        .or_else(|| header("retry-after").and_then(|text| duration(text, 1.0).or_else(|| until(text, now))));
    match asked {
        None => Advice::None,
        Some(delay) if delay > MAX_RETRY_AFTER => Advice::Never,
        Some(delay) => Advice::After(delay),
    }
}

/// A delay written as a number of `unit` seconds. Out of all bounds counts as very long, not as unsaid.
fn duration(text: &str, unit: f64) -> Option<Duration> {
    let seconds = text.parse::<f64>().ok().filter(|n| *n >= 0.0)? * unit;
    Some(Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX))
}

/// A delay written as the date at which it ends, `Wed, 21 Oct 2026 07:28:00 GMT`.
fn until(text: &str, now: SystemTime) -> Option<Duration> {
    let date = jiff::fmt::rfc2822::DateTimeParser::new().parse_timestamp(text).ok()?;
    Some(SystemTime::from(date).duration_since(now).unwrap_or(Duration::ZERO))
}

/// The delay after the attempt `attempt` (from 1): `first`, doubled each time, less up to a quarter, so that calls that
/// failed together do not come back together.
pub(crate) fn backoff(first: Duration, attempt: u32, key: &ReplyKey) -> Duration {
    let doubled = first.saturating_mul(2u32.saturating_pow(attempt.saturating_sub(1)));
    doubled.min(MAX_BACKOFF).mul_f64(1.0 - 0.25 * key.jitter(attempt))
}

#[cfg(test)]
mod tests {
    use super::*;
    use reqwest::header::HeaderValue;
    use yw_task::Dialect;

    fn check(headers: &[(&'static str, &'static str)], expected: Advice) {
        let map =
            headers.iter().map(|(name, value)| ((*name).parse().unwrap(), HeaderValue::from_static(value))).collect();
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_792_567_680); // Wed, 21 Oct 2026 07:28:00 GMT
        assert_eq!(advice(&map, now), expected, "{headers:?}");
    }

    #[test]
    fn advice_is_read_as_the_providers_clients_read_it() {
        let seconds = Duration::from_secs;
        check(&[], Advice::None);
        check(&[("retry-after", "2")], Advice::After(seconds(2)));
        check(&[("retry-after", "0.25")], Advice::After(Duration::from_millis(250)));
        check(&[("retry-after", "2"), ("retry-after-ms", "30")], Advice::After(Duration::from_millis(30)));
        check(&[("retry-after", "Wed, 21 Oct 2026 07:28:09 GMT")], Advice::After(seconds(9)));
        check(&[("retry-after", "Wed, 21 Oct 2026 07:27:00 GMT")], Advice::After(seconds(0)));
        check(&[("retry-after", "120")], Advice::After(seconds(120)));
        check(&[("retry-after", "121")], Advice::Never);
        check(&[("retry-after", "1e300")], Advice::Never);
        check(&[("retry-after", "Wed, 21 Oct 2026 08:28:00 GMT")], Advice::Never);
        check(&[("retry-after", "-1")], Advice::None);
        check(&[("retry-after", "NaN")], Advice::None);
        check(&[("retry-after", "soon")], Advice::None);
        check(&[("retry-after", "1"), ("x-should-retry", "false")], Advice::Never);
        check(&[("retry-after", "1"), ("x-should-retry", "true")], Advice::After(seconds(1)));
    }

    #[test]
    fn backoff_doubles_up_to_its_limit() {
        let key = ReplyKey::new(Dialect::OpenAi, "u", b"b", 0);
        let first = Duration::from_millis(500);
        for (attempt, full) in [(1, 0.5), (2, 1.0), (3, 2.0), (7, 30.0), (4_000_000, 30.0)] {
            let delay = backoff(first, attempt, &key).as_secs_f64();
            assert!(delay <= full && delay >= 0.75 * full, "attempt {attempt}: {delay}");
        }
    }
}
