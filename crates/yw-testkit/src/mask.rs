//! Masks for what differs from run to run, so that output can be compared with a snapshot.

use std::borrow::Cow;
use std::sync::LazyLock;

use regex::Regex;

/// The patterns and what stands for their matches, in the order they are applied: insta takes them as `filters`.
pub const MASKS: &[(&str, &str)] = &[
    (r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b", "[id]"),
    (r"\b[0-9a-f]{64}\b", "[hash]"),
    (r"\b\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(:\d{2}(\.\d+)?)?( ?(Z|UTC|[+-]\d{2}:\d{2}))?", "[time]"),
    (r"127\.0\.0\.1:\d+", "127.0.0.1:[port]"),
    (r"\b\d[\d,]*(\.\d+)? ?(rows|answers|calls)/s", "[rate]"),
    (r"\b\d[\d,]*(\.\d+)? ?(ns|µs|us|ms|s|sec|seconds?|min|minutes?|h)\b", "[duration]"),
];

static COMPILED: LazyLock<Vec<(Regex, &str)>> = LazyLock::new(|| {
    let compile = |(pattern, stands_in): &(&str, &'static str)| {
        (Regex::new(pattern).expect("the masks are valid patterns"), *stands_in)
    };
    MASKS.iter().map(compile).collect()
});

static RULES: LazyLock<Regex> = LazyLock::new(|| Regex::new("─{4,}|═{4,}|-{4,}").expect("a valid pattern"));
static SPACES: LazyLock<Regex> = LazyLock::new(|| Regex::new(" {2,}").expect("a valid pattern"));

/// The text with ids, hashes, times, ports, rates and durations masked.
///
/// What is masked has no fixed width, so the layout of tables is evened out too: rules become three long, and lines with
/// a mask lose their alignment.
pub fn mask(text: &str) -> String {
    let mut masked = Cow::Borrowed(text);
    for (pattern, stands_in) in COMPILED.iter() {
        if pattern.is_match(&masked) {
            masked = Cow::Owned(pattern.replace_all(&masked, *stands_in).into_owned());
        }
    }
    let even = |line: &str| {
        let ruled = RULES.replace_all(line, |found: &regex::Captures<'_>| found[0].chars().take(3).collect::<String>());
        let is_masked = COMPILED.iter().any(|(_, stands_in)| ruled.contains(stands_in));
        if is_masked { SPACES.replace_all(&ruled, " ").into_owned() } else { ruled.into_owned() }
    };
    let lines: Vec<String> = masked.split('\n').map(even).collect();
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &str) {
        assert_eq!(mask(text), expected);
    }

    #[test]
    fn what_varies_is_masked() {
        check("run 0193a2b4-11aa-7bcd-8eef-0123456789ab", "run [id]");
        check("at 2026-08-21T10:11:12.5Z, or 2026-08-21 10:11 UTC.", "at [time], or [time].");
        check("listening on http://127.0.0.1:43211/v1", "listening on http://127.0.0.1:[port]/v1");
        check("fitted in 1.25 s, 12,000 rows/s, p95 0.3 ms", "fitted in [duration], [rate], p95 [duration]");
    }

    #[test]
    fn what_matters_stays() {
        check("macro_f1 0.912 of 600 rows, $0.25, 3 skipped", "macro_f1 0.912 of 600 rows, $0.25, 3 skipped");
        check("2026-08-21", "2026-08-21");
    }

    #[test]
    fn widths_do_not_matter() {
        let wide = "─────────\n words   112.5 ms \n plain    x\n";
        let narrow = "──────\n words     9 ms \n plain    x\n";
        assert_eq!(mask(wide), mask(narrow));
        check(wide, "───\n words [duration] \n plain    x\n");
    }
}
