//! Limits as people say them: `100/day`.

use yw_task::Usd;

use crate::project::Window;

/// Words for a window, the first the one that this program writes.
const WINDOWS: &[(&[&str], Window)] = &[
    (&["min", "minute", "m"], Window::Minute),
    (&["hour", "h"], Window::Hour),
    (&["day", "d"], Window::Day),
    (&["month", "mo"], Window::Month),
    (&["total"], Window::Total),
];

/// The amount, still as text, and the window.
///
/// *Errors*: what is wrong, as the words that follow the key's name.
pub(crate) fn split(text: &str) -> Result<(&str, Window), &'static str> {
    let text = text.trim();
    let (amount, window) = match text.split_once('/') {
        Some(parts) => parts,
        None => text.split_once(char::is_whitespace).ok_or("must say in which time: \"100/day\"")?,
    };
    let word = window.trim().trim_start_matches("per ").to_lowercase();
    let window = WINDOWS.iter().find(|(words, _)| words.contains(&word.as_str()));
    let (_, window) = window.ok_or("must end in `/min`, `/hour`, `/day`, `/month` or ` total`")?;
    Ok((amount.trim(), *window))
}

/// A whole number, with `_` between digits where people put them.
pub(crate) fn count(amount: &str) -> Result<u64, &'static str> {
    match amount.replace('_', "").parse::<u64>() {
        Ok(0) => Err("must be above 0"),
        Ok(count) => Ok(count),
        Err(_) => Err("must begin with a whole number"),
    }
}

/// Dollars, exactly.
pub(crate) fn dollars(amount: &str) -> Result<Usd, &'static str> {
    const DECIMALS: usize = 6;
    let amount = amount.trim_start_matches('$').replace('_', "");
    let (whole, fraction) = amount.split_once('.').unwrap_or((&amount, ""));
    let digits = |part: &str| part.bytes().all(|b| b.is_ascii_digit());
    if whole.is_empty() || !digits(whole) || !digits(fraction) {
        return Err("must begin with an amount in dollars, such as 20 or 0.50");
    }
    let fraction = fraction.trim_end_matches('0');
    if fraction.len() > DECIMALS {
        return Err("must have at most 6 decimals");
    }
    // Six decimals of a dollar are a million picodollars each.
    let micros: i128 = format!("{whole}{fraction:0<DECIMALS$}").parse().map_err(|_| "is too large")?;
    match micros {
        0 => Err("must be above 0"),
        1..=1_000_000_000_000_000 => Ok(Usd::from_picos(micros * 1_000_000)),
        _ => Err("is too large: it must be at most a billion dollars"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_and_windows() {
        assert_eq!(split("100/day"), Ok(("100", Window::Day)));
        assert_eq!(split(" 1_000 / Minute "), Ok(("1_000", Window::Minute)));
        assert_eq!(split("5 per hour"), Ok(("5", Window::Hour)));
        assert_eq!(split("500 total"), Ok(("500", Window::Total)));
        assert_eq!(split("20/mo"), Ok(("20", Window::Month)));
        assert!(split("100").is_err() && split("100/year").is_err() && split("").is_err() && split("/").is_err());
    }

    #[test]
    fn dollars_are_exact() {
        assert_eq!(dollars("20"), Ok(Usd::from_picos(20_000_000_000_000)));
        assert_eq!(dollars("$0.50"), Ok(Usd::from_picos(500_000_000_000)));
        assert_eq!(dollars("0.000001"), Ok(Usd::from_picos(1_000_000)));
        for wrong in ["", ".", "-1", "1e3", "0", "0.0000001", "1000000001", "x", &"9".repeat(60)] {
            assert!(dollars(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn counts_are_whole() {
        assert_eq!(count("6_000"), Ok(6000));
        for wrong in ["", "0", "-1", "1.5", "1e3", "many", "99999999999999999999999"] {
            assert!(count(wrong).is_err(), "{wrong}");
        }
    }
}
