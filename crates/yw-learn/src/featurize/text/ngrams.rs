//! Cutting texts into n-grams, without a string per n-gram.

use std::hash::Hasher;

use rustc_hash::FxHasher;

/// What n-grams are made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unit {
    /// Runs of at least two letters, digits or underscores; n-grams join them with a space.
    Words,
    /// Characters of one white-space-separated word with a space before and after it (scikit-learn's `char_wb`).
    Characters,
}

/// Which n-grams a text is cut into.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Cut {
    pub(super) unit: Unit,
    pub(super) shortest: usize,
    pub(super) longest: usize,
    pub(super) lowercase: bool,
}

/// Memory that is reused from text to text.
#[derive(Debug, Default)]
pub(super) struct Scratch {
    /// The text in normal form: words, one space between two, and for characters one at both ends.
    normal: String,
    /// Where each word of `normal` starts and ends.
    words: Vec<(usize, usize)>,
    /// Where the characters of one word start, and where the last one ends.
    starts: Vec<usize>,
}

/// The key of an n-gram. Keys of 10 million distinct n-grams are all distinct with probability 0.999997; they are never
/// stored, so the hash may change.
pub(super) fn key(ngram: &str) -> u64 {
    let mut hasher = FxHasher::default();
    hasher.write(ngram.as_bytes());
    hasher.finish()
}

impl Cut {
    /// Calls `visit` with each n-gram of a text, repeats included.
    pub(super) fn for_each(self, text: &str, scratch: &mut Scratch, visit: impl FnMut(&str)) {
        scratch.normal.clear();
        scratch.words.clear();
        match self.unit {
            Unit::Words => self.word_ngrams(text, scratch, visit),
            Unit::Characters => self.character_ngrams(text, scratch, visit),
        }
    }

    fn word_ngrams(self, text: &str, scratch: &mut Scratch, mut visit: impl FnMut(&str)) {
        let is_word = |c: char| c == '_' || c.is_alphanumeric();
        for word in text.split(|c| !is_word(c)).filter(|w| w.chars().nth(1).is_some()) {
            scratch.push_word(word, self.lowercase);
        }
        for n in self.shortest..=self.longest {
            for window in scratch.words.windows(n) {
                visit(&scratch.normal[window[0].0..window[n - 1].1]);
            }
        }
    }

    fn character_ngrams(self, text: &str, scratch: &mut Scratch, mut visit: impl FnMut(&str)) {
        scratch.normal.push(' ');
        for word in text.split_whitespace() {
            scratch.push_word(word, self.lowercase);
        }
        scratch.normal.push(' ');
        let Scratch { normal, words, starts } = scratch;
        for &(start, end) in &*words {
            let padded = &normal[start - 1..end + 1];
            starts.clear();
            starts.extend(padded.char_indices().map(|(i, _)| i).chain([padded.len()]));
            let n_characters = starts.len() - 1;
            for n in self.shortest..=self.longest {
                if n >= n_characters {
                    visit(padded); // a word that is too short counts once, whole
                    break;
                }
                for first in 0..=n_characters - n {
                    visit(&padded[starts[first]..starts[first + n]]);
                }
            }
        }
    }
}

impl Scratch {
    /// Appends a word, after a space if there is something before it.
    fn push_word(&mut self, word: &str, lowercase: bool) {
        if !self.words.is_empty() {
            self.normal.push(' ');
        }
        let start = self.normal.len();
        match (lowercase, word.is_ascii()) {
            (false, _) => self.normal.push_str(word),
            (true, true) => {
                self.normal.push_str(word);
                self.normal[start..].make_ascii_lowercase();
            }
            (true, false) => self.normal.extend(word.chars().flat_map(char::to_lowercase)),
        }
        self.words.push((start, self.normal.len()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(unit: Unit, (shortest, longest): (usize, usize), text: &str, expect: &[&str]) {
        let cut = Cut { unit, shortest, longest, lowercase: true };
        let mut found = Vec::new();
        cut.for_each(text, &mut Scratch::default(), |ngram| found.push(ngram.to_owned()));
        assert_eq!(found, expect, "{text:?}");
    }

    #[test]
    fn words() {
        check(Unit::Words, (1, 2), "Don't PANIC, ok?", &["don", "panic", "ok", "don panic", "panic ok"]);
        check(Unit::Words, (1, 1), "a I ?", &[]);
        check(Unit::Words, (2, 3), "one", &[]);
        check(Unit::Words, (1, 1), "Größe_1 ÉTÉ 漢字", &["größe_1", "été", "漢字"]);
    }

    #[test]
    fn characters() {
        check(Unit::Characters, (2, 3), "Ab c", &[" a", "ab", "b ", " ab", "ab ", " c", "c ", " c "]);
        check(Unit::Characters, (5, 6), "é", &[" é "]);
        check(Unit::Characters, (3, 3), "né", &[" né", "né "]);
        check(Unit::Characters, (2, 5), "  ", &[]);
        check(Unit::Characters, (1, 1), "x", &[" ", "x", " "]);
    }
}
