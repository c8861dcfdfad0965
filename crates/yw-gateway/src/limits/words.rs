use thiserror::Error;
use yw_task::Usd;

use super::error::Amount;
use super::spec::Measure;
use super::window::Window;

/// Decimals of a picodollar.
const MONEY_DECIMALS: usize = 12;

/// More dollars than anybody has; few enough that no sum of amounts overflows.
const MAX_DOLLARS: i128 = 1_000_000_000_000_000;

/// Words that are no limit.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum LimitError {
    /// There is no window.
    #[error("`{words}` lacks its window: write `{words}/minute`, `/hour`, `/day`, `/month`, or `{words} total`")]
    NoWindow {
        /// What was given.
        words: String,
    },
    /// The window is none.
    #[error("`{window}` in `{words}` is no window: expected minute, hour, day, month or total")]
    Window {
        /// What was given.
        words: String,
        /// The part that should be a window.
        window: String,
    },
    /// The amount is not a whole number.
    #[error("`{amount}` in `{words}` is no number of {measure}: expected a whole number such as 60, 2_000, 100k or 5M")]
    Count {
        /// What was given.
        words: String,
        /// The part that should be a number.
        amount: String,
        /// What is limited.
        measure: &'static str,
    },
    /// The amount is not an amount of money.
    #[error("`{amount}` in `{words}` is no amount of dollars: expected one such as 20, 1.50 or $0.005")]
    Dollars {
        /// What was given.
        words: String,
        /// The part that should be an amount.
        amount: String,
    },
    /// The same window has two limits.
    #[error("there are two limits of {measure} for the same window, {window}")]
    Twice {
        /// What is limited.
        measure: &'static str,
        /// The window.
        window: &'static str,
    },
}

/// Reads `AMOUNT/WINDOW`, `AMOUNT per WINDOW` or `AMOUNT total`.
pub(super) fn parse(measure: Measure, words: &str) -> Result<(Amount, Window), LimitError> {
    let no_window = || LimitError::NoWindow { words: words.to_owned() };
    let (amount, window) = words.split_once('/').or_else(|| words.split_once(' ')).ok_or_else(no_window)?;
    let (amount, window) = (amount.trim(), window.trim());
    let window = window.strip_prefix("per ").unwrap_or(window).trim();
    let Some(window) = parse_window(window) else {
        return Err(LimitError::Window { words: words.to_owned(), window: window.to_owned() });
    };
    let (words, amount) = (words.to_owned(), amount.to_owned());
    match measure {
        Measure::Dollars => match parse_dollars(&amount) {
            Some(usd) => Ok((Amount::Dollars(usd), window)),
            None => Err(LimitError::Dollars { words, amount }),
        },
        _ => match parse_count(&amount) {
            Some(n) => Ok((Amount::Count(n), window)),
            None => Err(LimitError::Count { words, amount, measure: measure.name() }),
        },
    }
}

/// The words that are read as this limit.
pub(super) fn spell(amount: Amount, window: Window) -> String {
    let amount = match amount {
        Amount::Count(n) => n.to_string(),
        Amount::Dollars(usd) => usd.to_string().trim_start_matches('$').to_owned(),
    };
    if window == Window::Total { format!("{amount} total") } else { format!("{amount}/{window}") }
}

fn parse_window(text: &str) -> Option<Window> {
    match text {
        "minute" | "min" => Some(Window::Minute),
        "hour" | "h" => Some(Window::Hour),
        "day" | "d" => Some(Window::Day),
        "month" | "mo" => Some(Window::Month),
        "total" | "in total" => Some(Window::Total),
        _ => None,
    }
}

/// A whole number, with `_` between digits, and `k` or `M` for thousands and millions.
fn parse_count(text: &str) -> Option<u64> {
    let (digits, unit) = match text.strip_suffix('k') {
        Some(digits) => (digits, 1_000),
        None => text.strip_suffix('M').map_or((text, 1), |digits| (digits, 1_000_000)),
    };
    without_separators(digits)?.parse::<u64>().ok()?.checked_mul(unit)
}

/// An exact decimal, with a dollar sign or without.
fn parse_dollars(text: &str) -> Option<Usd> {
    let text = text.strip_prefix('$').unwrap_or(text);
    let (whole, fraction) = match text.split_once('.') {
        Some((whole, fraction)) => (whole, fraction),
        None => (text, ""),
    };
    let is_fraction = fraction.len() <= MONEY_DECIMALS && fraction.bytes().all(|b| b.is_ascii_digit());
    let dollars = without_separators(whole)?.parse::<i128>().ok().filter(|n| *n <= MAX_DOLLARS)?;
    let picos = format!("{fraction:0<MONEY_DECIMALS$}").parse::<i128>().ok().filter(|_| is_fraction)?;
    Some(Usd::from_picos(dollars * 1_000_000_000_000 + picos))
}

/// Digits without the `_` between them; none if anything else is there.
fn without_separators(text: &str) -> Option<String> {
    let starts_and_ends =
        text.starts_with(|c: char| c.is_ascii_digit()) && text.ends_with(|c: char| c.is_ascii_digit());
    let is_number = starts_and_ends && text.bytes().all(|b| b.is_ascii_digit() || b == b'_');
    is_number.then(|| text.replace('_', ""))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits::LimitSpec;

    fn reads(measure: Measure, words: &str) -> String {
        match LimitSpec::default().with(measure, words) {
            Ok(spec) => spec.to_string(),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn limits_are_read_as_people_write_them() {
        for (words, expected) in [
            ("60/min", "60 requests/minute"),
            ("60 per minute", "60 requests/minute"),
            ("2_000 / hour", "2000 requests/hour"),
            ("100k/day", "100000 requests/day"),
            ("5M/month", "5000000 requests/month"),
            ("7 total", "7 requests in total"),
            ("7/total", "7 requests in total"),
            ("0/day", "0 requests/day"),
            ("60/min, 1000/day", "60 requests/minute, 1000 requests/day"),
        ] {
            assert_eq!(reads(Measure::Requests, words), expected, "{words}");
        }
        for (words, expected) in [
            ("20/month", "$20.00/month"),
            ("$1.50 total", "$1.50 in total"),
            ("0.000000000001/day", "$0.000000000001/day"),
            ("1_000.5/day", "$1000.50/day"),
        ] {
            assert_eq!(reads(Measure::Dollars, words), expected, "{words}");
        }
    }

    #[test]
    fn what_is_no_limit_says_what_is_expected() {
        for (measure, words, expected) in [
            (
                Measure::Dollars,
                "20",
                "`20` lacks its window: write `20/minute`, `/hour`, `/day`, `/month`, or `20 total`",
            ),
            (
                Measure::Requests,
                "5/second",
                "`second` in `5/second` is no window: expected minute, hour, day, month or total",
            ),
            (
                Measure::Requests,
                "1.5/min",
                "`1.5` in `1.5/min` is no number of requests: expected a whole number such as 60, 2_000, 100k or 5M",
            ),
            (
                Measure::Dollars,
                "1.0000000000001/day",
                "`1.0000000000001` in `1.0000000000001/day` is no amount of dollars: \
                 expected one such as 20, 1.50 or $0.005",
            ),
            (Measure::Tokens, "5/min,6/minute", "there are two limits of tokens for the same window, minute"),
        ] {
            assert_eq!(reads(measure, words), expected);
        }
    }

    #[test]
    fn no_odd_number_is_read() {
        for amount in ["", "-1", "+1", "_1", "1_", "1e3", "0x1", "k", "18446744073709551616", "20000000000000000k", "٣"]
        {
            assert!(LimitSpec::default().with(Measure::Tokens, &format!("{amount}/day")).is_err(), "{amount}");
        }
        for amount in ["", "-1", ".", ".5", "1.-5", "1.5.5", "NaN", "inf", "1e3", "$", "$$1", "9999999999999999", "1,5"]
        {
            assert!(LimitSpec::default().with(Measure::Dollars, &format!("{amount}/day")).is_err(), "{amount}");
        }
    }

    #[test]
    fn limits_survive_json() {
        let spec = LimitSpec::default().with(Measure::Requests, "60/min,1000/day").unwrap();
        let spec = spec.with(Measure::Dollars, "0.000000000001 total").unwrap();
        let json = serde_json::to_string(&spec).unwrap();
        assert_eq!(json, r#"{"requests":["60/minute","1000/day"],"dollars":["0.000000000001 total"]}"#);
        assert_eq!(serde_json::from_str::<LimitSpec>(&json).unwrap(), spec);
        assert_eq!(serde_json::from_str::<LimitSpec>("{}").unwrap(), LimitSpec::default());
        let unknown = serde_json::from_str::<LimitSpec>(r#"{"images":["3/day"]}"#).unwrap_err();
        assert!(unknown.to_string().contains("unknown field `images`"), "{unknown}");
        let wrong = serde_json::from_str::<LimitSpec>(r#"{"tokens":["3/year"]}"#).unwrap_err();
        assert!(wrong.to_string().contains("`year` in `3/year` is no window"), "{wrong}");
    }
}
