//! "Did you mean": the known name that a wrong one probably stands for.

/// The candidate most like `name`, if one is close enough to be a typing error.
pub(crate) fn nearest<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let wanted = name.to_lowercase();
    let n_chars = wanted.chars().count();
    // A name of one letter with another letter in its place is another name.
    let allowed = (n_chars / 3).max(1).min(n_chars.saturating_sub(1));
    candidates
        .into_iter()
        .map(|candidate| (strsim::damerau_levenshtein(&wanted, &candidate.to_lowercase()), candidate))
        .filter(|(distance, _)| *distance <= allowed)
        .min()
        .map(|(_, candidate)| candidate)
}

/// `a, b, c and 4 more`: at most `shown` of the names.
pub(crate) fn enumerate<S: AsRef<str>>(names: &[S], shown: usize) -> String {
    let mut text = names.iter().take(shown).map(AsRef::as_ref).collect::<Vec<_>>().join(", ");
    if names.len() > shown {
        text.push_str(&format!(" and {} more", names.len() - shown));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_near_names_are_suggested() {
        assert_eq!(nearest("trian.csv", ["test.csv", "train.csv"]), Some("train.csv"));
        assert_eq!(nearest("Subject", ["body", "subject"]), Some("subject"));
        assert_eq!(nearest("plan", ["seats", "body"]), None);
        assert_eq!(nearest("a", ["b", ""]), None);
        assert_eq!(nearest("id", ["ib"]), Some("ib"));
    }

    #[test]
    fn long_lists_are_cut() {
        assert_eq!(enumerate(&["a", "b", "c"], 2), "a, b and 1 more");
        assert_eq!(enumerate(&["a", "b"], 2), "a, b");
    }
}
