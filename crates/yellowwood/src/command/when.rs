//! Times as people type them.

use jiff::{Span, Timestamp, civil::Date, tz::TimeZone};

use crate::exit;
use crate::failure::Failure;

/// A moment: a date (midnight, UTC), an RFC 3339 time, or so long before `now`.
pub(crate) fn past(option: &str, text: &str, now: Timestamp) -> Result<Timestamp, Failure> {
    moment(text).or_else(|| now.checked_sub(span(text)?).ok()).ok_or_else(|| wrong(option, text))
}

/// A moment: a date (midnight, UTC), an RFC 3339 time, or so long after `now`.
pub(crate) fn future(option: &str, text: &str, now: Timestamp) -> Result<Timestamp, Failure> {
    moment(text).or_else(|| now.checked_add(span(text)?).ok()).ok_or_else(|| wrong(option, text))
}

fn moment(text: &str) -> Option<Timestamp> {
    let midnight = |date: Date| Some(date.to_zoned(TimeZone::UTC).ok()?.timestamp());
    text.parse().ok().or_else(|| midnight(text.parse().ok()?))
}

/// A span such as `30d`, in units that timestamps can be moved by.
fn span(text: &str) -> Option<Span> {
    let unit = text.chars().last()?;
    let number: i64 = text.strip_suffix(unit)?.parse().ok().filter(|n| *n >= 0)?;
    let hours = |n: i64| Span::new().try_hours(n).ok();
    match unit {
        'm' => Span::new().try_minutes(number).ok(),
        'h' => hours(number),
        'd' => hours(number.checked_mul(24)?),
        'w' => hours(number.checked_mul(24 * 7)?),
        _ => None,
    }
}

fn wrong(option: &str, text: &str) -> Failure {
    Failure::message(exit::USAGE, format!("--{option} {text} is no time"))
        .with_hint("give a date (2026-11-22), a time (2026-11-22T08:00:00Z), or a span (30m, 12h, 7d, 2w)")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_times_and_spans() {
        let now: Timestamp = "2026-11-22T12:00:00Z".parse().unwrap();
        let check = |text: &str, expected: &str| {
            assert_eq!(past("since", text, now).unwrap().to_string(), expected, "{text}");
        };
        check("2026-11-01", "2026-11-01T00:00:00Z");
        check("2026-11-01T10:00:00+02:00", "2026-11-01T08:00:00Z");
        check("90m", "2026-11-22T10:30:00Z");
        check("1d", "2026-11-21T12:00:00Z");
        check("2w", "2026-11-08T12:00:00Z");
        assert_eq!(future("expires", "12h", now).unwrap().to_string(), "2026-11-23T00:00:00Z");
        for text in ["", "d", "-1d", "1y", "yesterday", "é", "99999999999999999999d", "9223372036854775807w"] {
            assert!(past("since", text, now).is_err(), "{text}");
        }
    }
}
