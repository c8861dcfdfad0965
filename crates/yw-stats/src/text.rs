//! Scores of one text answer against the truth; their mean over rows is a [`mean`](crate::mean). A failed row scores 0.

use std::collections::HashMap;

/// 1 where truth and answer are the same after SQuAD's normalisation (lower case; no ASCII punctuation; no `a`, `an`,
/// `the`; white space collapsed), otherwise 0.
///
/// Source: P. Rajpurkar and others, *SQuAD: 100,000+ questions for machine comprehension of text*, 2016, and its
/// `evaluate-v2.0.py`.
pub fn exact_match(truth: &str, answer: &str) -> f64 {
    f64::from(squad_tokens(truth) == squad_tokens(answer))
}

/// The F1 score of the tokens that truth and answer share, regardless of order, after SQuAD's normalisation (see
/// [`exact_match`]). Where either has no token left: 1 if both have none, otherwise 0.
pub fn token_f1(truth: &str, answer: &str) -> f64 {
    let (truth, answer) = (squad_tokens(truth), squad_tokens(answer));
    if truth.is_empty() || answer.is_empty() {
        return f64::from(truth == answer);
    }
    let mut unmatched: HashMap<&str, usize> = HashMap::new();
    for token in &truth {
        *unmatched.entry(token).or_default() += 1;
    }
    let mut n_shared = 0;
    for token in &answer {
        if let Some(n_left) = unmatched.get_mut(token.as_str()).filter(|n_left| **n_left > 0) {
            *n_left -= 1;
            n_shared += 1;
        }
    }
    f1(n_shared, truth.len(), answer.len())
}

/// ROUGE-L: the F1 score of the longest common subsequence of the lower-cased alphanumeric tokens, without stemming.
/// 0 where either has no token.
///
/// For ASCII text this is what the Python package `rouge_score` computes; unlike it, letters and digits of all scripts
/// count. Text in a script that puts no spaces between words is one long token. *Cost*: the product of both lengths.
///
/// Source: C.-Y. Lin, *ROUGE: a package for automatic evaluation of summaries*, 2004.
pub fn rouge_l(truth: &str, answer: &str) -> f64 {
    let (truth, answer) = (truth.to_lowercase(), answer.to_lowercase());
    let (truth, answer) = (alphanumeric_tokens(&truth), alphanumeric_tokens(&answer));
    f1(longest_common_subsequence(&truth, &answer), truth.len(), answer.len())
}

/// The harmonic mean of the shares of both sides that are shared; 0 where nothing is.
fn f1(n_shared: usize, n_truth: usize, n_answer: usize) -> f64 {
    if n_shared == 0 { 0.0 } else { 2.0 * n_shared as f64 / (n_truth + n_answer) as f64 }
}

/// The words left by SQuAD's normalisation, in the order of its script: lower-case, drop punctuation, drop articles,
/// split at white space.
fn squad_tokens(text: &str) -> Vec<String> {
    let mut plain = text.to_lowercase();
    plain.retain(|c| !c.is_ascii_punctuation());
    without_articles(&plain).split_whitespace().map(str::to_owned).collect()
}

/// The text with each article that stands as a whole word replaced by a space. A word is a run of letters and digits,
/// since `_` is punctuation and gone already.
fn without_articles(text: &str) -> String {
    let mut kept = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let in_word = c.is_alphanumeric();
        let end = rest.find(|c: char| c.is_alphanumeric() != in_word).unwrap_or(rest.len());
        let (run, after) = rest.split_at(end);
        kept.push_str(if matches!(run, "a" | "an" | "the") { " " } else { run });
        rest = after;
    }
    kept
}

fn alphanumeric_tokens(lower_cased: &str) -> Vec<&str> {
    lower_cased.split(|c: char| !c.is_alphanumeric()).filter(|token| !token.is_empty()).collect()
}

/// Its length, by the textbook recurrence over one row at a time.
fn longest_common_subsequence(a: &[&str], b: &[&str]) -> usize {
    let mut lengths = vec![0; b.len() + 1];
    for token_a in a {
        let mut diagonal = 0;
        for (j, token_b) in b.iter().enumerate() {
            let above = lengths[j + 1];
            lengths[j + 1] = if token_a == token_b { diagonal + 1 } else { above.max(lengths[j]) };
            diagonal = above;
        }
    }
    lengths[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exact_matches() {
        assert_eq!(exact_match("The  Eiffel Tower!", "eiffel tower"), 1.0);
        assert_eq!(exact_match("it's", "its"), 1.0);
        assert_eq!(exact_match("a an the", ""), 1.0);
        assert_eq!(exact_match("Ångström", "ångström"), 1.0);
        assert_eq!(exact_match("then", "n"), 0.0); // an article only as a whole word
        assert_eq!(exact_match("cat dog", "dog cat"), 0.0);
    }

    #[test]
    fn token_f1_by_hand() {
        // Truth: cat sat on mat. Answer: cat cat mat. Shared: cat, mat.
        let found = token_f1("The cat sat on the mat", "a cat, a cat, the mat");
        assert!((found - 2.0 * 2.0 / 7.0).abs() < 1e-15, "{found}");
        assert_eq!(token_f1("dog cat", "cat dog"), 1.0);
        assert_eq!(token_f1("the", "!"), 1.0);
        assert_eq!(token_f1("the", "cat"), 0.0);
    }

    #[test]
    fn rouge_l_by_hand() {
        // Lin 2004, section 3: "police kill the gunman" keeps "police the gunman" in order, "the gunman kill police" two.
        assert_eq!(rouge_l("police killed the gunman", "police kill the gunman"), 0.75);
        assert_eq!(rouge_l("police killed the gunman", "the gunman kill police"), 0.5);
        assert_eq!(rouge_l("Größe: 5", "größe 5"), 1.0);
        assert_eq!(rouge_l("", ""), 0.0);
    }
}
