//! Did you mean.

/// The word among `known` that `word` was probably meant to be.
///
/// Case, hyphens and underscores do not count. The rest may differ by one edit (a letter added, left out, changed, or
/// two swapped) for each three letters. A word may also be the beginning of another, or the other way round.
pub(crate) fn closest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    if word.len() > 64 {
        return None;
    }
    let plain = |text: &str| text.to_lowercase().replace(['-', '_', ' '], "");
    let word = plain(word);
    let allowed = (word.chars().count() / 3).max(1);
    let distance = |candidate: &str| {
        let candidate = plain(candidate);
        let shorter = word.len().min(candidate.len());
        match strsim::osa_distance(&word, &candidate) {
            near if near <= allowed && near < candidate.chars().count() => Some(near),
            _ if shorter >= 3 && (candidate.starts_with(&word) || word.starts_with(&candidate)) => Some(allowed + 1),
            _ => None,
        }
    };
    let near = known.into_iter().take(COMPARED).filter_map(|candidate| Some((distance(candidate)?, candidate)));
    near.min_by_key(|(distance, _)| *distance).map(|(_, candidate)| candidate)
}

/// How many words are compared at most: where there are more, the file was not written by hand.
const COMPARED: usize = 1000;

/// How many words a list of suggestions has at most.
const LISTED: usize = 40;

/// `` `a`, `b` or `c` ``, cut short where there are too many to read.
pub(crate) fn listed<'a>(words: impl IntoIterator<Item = &'a str>, conjunction: &str) -> String {
    let mut words = words.into_iter().map(|w| format!("`{w}`"));
    let mut shown: Vec<String> = words.by_ref().take(LISTED).collect();
    if words.next().is_some() {
        shown.push("others".into());
    }
    match shown.as_slice() {
        [] => String::new(),
        [one] => one.clone(),
        [init @ .., last] => format!("{} {conjunction} {last}", init.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(word: &str, known: &[&str], expect: Option<&str>) {
        assert_eq!(closest(word, known.iter().copied()), expect, "{word}");
    }

    #[test]
    fn small_slips_are_recognised() {
        let keys = ["question", "input", "answer", "train", "test", "metric", "limits", "group", "seed", "candidate"];
        check("metrc", &keys, Some("metric"));
        check("mertic", &keys, Some("metric"));
        check("Metric", &keys, Some("metric"));
        check("candidates", &keys, Some("candidate"));
        check("limit", &keys, Some("limits"));
        check("tets", &keys, Some("test"));
        check("p95-ms", &["p95_ms"], Some("p95_ms"));
        check("p95", &["usd_per_1000", "p95_ms"], Some("p95_ms"));
        check("metric_name", &keys, Some("metric"));
        check("usdper1000", &["usd_per_1000"], Some("usd_per_1000"));
    }

    #[test]
    fn unrelated_words_are_not_forced() {
        check("library", &["linear", "nearest"], None);
        check("x", &["by"], None);
        check("xy", &["a", "b"], None);
        check("", &["a"], None);
        check(&"metric".repeat(1000), &["metric"], None);
    }

    #[test]
    fn lists_read_like_prose() {
        assert_eq!(listed(["a"], "or"), "`a`");
        assert_eq!(listed(["a", "b", "c"], "or"), "`a`, `b` or `c`");
    }
}
