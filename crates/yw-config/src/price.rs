//! Prices, exactly.

use toml::de::DeValue;
use yw_task::Usd;

/// The decimals that a price per million tokens may have, so that the price of one token is whole picodollars.
const DECIMALS: usize = 6;

/// The largest price per million tokens. Ten times what any provider ever asked; a larger one is a slip.
const LARGEST_DOLLARS: i128 = 100_000;

/// The price of one token from the TOML number that says dollars per million tokens.
///
/// The decimal digits are read as they stand and never pass through binary floating point. On an error, the words that
/// follow the key's name.
pub(crate) fn usd_per_token(value: &DeValue<'_>) -> Result<Usd, &'static str> {
    let text = match value {
        DeValue::Integer(integer) if integer.radix() == 10 => integer.as_str(),
        DeValue::Float(float) => float.as_str(),
        _ => return Err("must be a decimal number"),
    };
    let text = text.strip_prefix('+').unwrap_or(text);
    if text.starts_with('-') {
        return Err("must not be negative");
    }
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let fraction = fraction.trim_end_matches('0');
    let digits = |part: &str| part.bytes().all(|b| b.is_ascii_digit());
    if !digits(whole) || !digits(fraction) {
        return Err("must be a plain decimal number, such as 0.25");
    }
    if fraction.len() > DECIMALS {
        return Err("must have at most 6 decimals");
    }
    // A dollar per million tokens is a million picodollars per token, and that is six decimals.
    let picos: i128 = format!("{whole}{fraction:0<DECIMALS$}").parse().map_err(|_| "is too large")?;
    if picos > LARGEST_DOLLARS * 1_000_000 {
        return Err("is too large: it must be at most 100000");
    }
    Ok(Usd::from_picos(picos))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expect: Result<i128, &str>) {
        let value = DeValue::parse(text).unwrap();
        assert_eq!(usd_per_token(value.get_ref()).map(Usd::picos), expect, "{text}");
    }

    #[test]
    fn prices_are_exact() {
        check("1", Ok(1_000_000));
        check("0.25", Ok(250_000));
        check("+3.00", Ok(3_000_000));
        check("0.000001", Ok(1));
        check("0.0000010", Ok(1));
        check("0", Ok(0));
        check("1_000.5", Ok(1_000_500_000));
    }

    #[test]
    fn what_would_be_rounded_or_is_no_price_is_refused() {
        check("0.0000001", Err("must have at most 6 decimals"));
        check("-1", Err("must not be negative"));
        check("1e-3", Err("must be a plain decimal number, such as 0.25"));
        check("nan", Err("must be a plain decimal number, such as 0.25"));
        check("inf", Err("must be a plain decimal number, such as 0.25"));
        check("0x10", Err("must be a decimal number"));
        check("100001", Err("is too large: it must be at most 100000"));
        check("1_000_000_000_000_000_000_000_000_000_000_000_000_000_000_000.0", Err("is too large"));
    }
}
