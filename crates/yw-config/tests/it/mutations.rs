//! Whatever a file contains, checking it neither panics nor points outside it.

use proptest::prelude::*;

use crate::parse;

const SOUND: &str = include_str!("../../src/reference/example.toml");

/// A change of a text.
#[derive(Debug, Clone)]
enum Change {
    /// Removes some characters from a place on.
    Remove(usize, usize),
    /// Puts a piece in at a place.
    Insert(usize, &'static str),
    /// Writes a line twice.
    DoubleLine(usize),
    /// Removes a line.
    RemoveLine(usize),
    /// Swaps two lines.
    SwapLines(usize, usize),
    /// Writes one word of the file for another.
    SwapWords(usize, usize),
}

const PIECES: &[&str] = &[
    "\"",
    "'",
    "[",
    "]",
    "[[",
    "{",
    "}",
    "=",
    ",",
    ".",
    "\n",
    "\r",
    "\0",
    "#",
    "\"\"\"",
    "'''",
    "\\",
    "ü",
    "日本",
    "\u{feff}",
    "1e999",
    "-1",
    "nan",
    "0x",
    "1979-05-27",
    "true",
    "[]",
    "{}",
    "task",
    "a.b",
    "${X}",
];

fn change() -> impl Strategy<Value = Change> {
    prop_oneof![
        (any::<usize>(), 1..20_usize).prop_map(|(at, n)| Change::Remove(at, n)),
        (any::<usize>(), prop::sample::select(PIECES)).prop_map(|(at, piece)| Change::Insert(at, piece)),
        any::<usize>().prop_map(Change::DoubleLine),
        any::<usize>().prop_map(Change::RemoveLine),
        any::<(usize, usize)>().prop_map(|(a, b)| Change::SwapLines(a, b)),
        any::<(usize, usize)>().prop_map(|(a, b)| Change::SwapWords(a, b)),
    ]
}

fn apply(text: &str, change: &Change) -> String {
    let mut characters: Vec<char> = text.chars().collect();
    let mut lines: Vec<&str> = text.lines().collect();
    if characters.is_empty() || lines.is_empty() {
        return SOUND.to_owned();
    }
    let (n_characters, n_lines) = (characters.len(), lines.len());
    match *change {
        Change::Remove(at, n) => {
            let start = at % n_characters;
            characters.drain(start..(start + n).min(n_characters));
            return characters.into_iter().collect();
        }
        Change::Insert(at, piece) => {
            let start = at % n_characters;
            characters.splice(start..start, piece.chars());
            return characters.into_iter().collect();
        }
        Change::DoubleLine(at) => lines.insert(at % n_lines, lines[at % n_lines]),
        Change::RemoveLine(at) => drop(lines.remove(at % n_lines)),
        Change::SwapLines(a, b) => lines.swap(a % n_lines, b % n_lines),
        Change::SwapWords(a, b) => {
            let words: Vec<&str> = text.split_whitespace().collect();
            return text.replacen(words[a % words.len()], words[b % words.len()], 1);
        }
    }
    lines.join("\n")
}

fn check(text: &str) {
    let problems = match parse(text) {
        Ok(project) => {
            assert!(!project.warnings.has_errors());
            project.warnings
        }
        Err(problems) => {
            assert!(problems.has_errors());
            problems
        }
    };
    for problem in &problems {
        let excerpt = text.get(problem.span.clone());
        assert!(excerpt.is_some(), "{problem:?} is not inside the text");
        assert!(problem.line >= 1 && problem.line <= text.split('\n').count(), "{problem:?}");
        assert!(problem.column >= 1 && !problem.message.is_empty(), "{problem:?}");
    }
    assert!(problems.to_string().len() < 1000 * (1 + problems.len()), "the rendering repeats the file");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn changed_files_never_panic(changes in prop::collection::vec(change(), 1..12)) {
        let text = changes.iter().fold(SOUND.to_owned(), |text, change| apply(&text, change));
        check(&text);
    }

    #[test]
    fn neither_does_noise(text in "(\\PC|[\\[\\]{}=\"'.,#\\n ]|task|fit|ask){0,80}") {
        check(&text);
    }
}
