//! What strings of the project file must say.

use crate::grammar::{Names, Text};
use crate::rate;

/// What keeps a string from being what it should say, and what to do; the first follows the key's name.
pub(crate) fn flaw_of(text: Text, string: &str) -> Option<(&'static str, &'static str)> {
    let all = |allowed: fn(char) -> bool| string.chars().all(allowed);
    match text {
        Text::Name if string.len() > 128 || !all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c)) => {
            Some(("has other characters than letters, digits, `-`, `_` and `.`", "write it as the provider does"))
        }
        Text::Variable
            if !all(|c| c.is_ascii_alphanumeric() || c == '_') || string.starts_with(|c: char| c.is_ascii_digit()) =>
        {
            Some(("is no name of an environment variable", "without `$`, for example \"TEAM_B_KEY\""))
        }
        Text::HeaderName if !Names::Headers.allow(string) => Some(("is no name of a header", Names::Headers.rule())),
        Text::Header if !all(|c| c == ' ' || c.is_ascii_graphic()) => {
            Some(("has characters that headers cannot have", "letters, digits and signs of ASCII, in one line"))
        }
        Text::Rate => {
            rate::split(string).err().map(|flaw| (flaw, "for example \"60/min\", \"100/day\" or \"500 total\""))
        }
        _ => None,
    }
}

/// Whether a string asks for an environment variable: `${NAME}` anywhere, or `$NAME` alone.
pub(crate) fn names_variable(string: &str) -> bool {
    let shouted = |name: &str| !name.is_empty() && name.chars().all(|c| c.is_ascii_uppercase() || c == '_');
    string.contains("${") || string.strip_prefix('$').is_some_and(shouted)
}
