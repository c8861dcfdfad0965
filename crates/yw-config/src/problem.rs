//! What is wrong with a project file, and how it is shown.

use std::fmt;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::secret;

/// How bad a problem is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Severity {
    /// The project cannot be used.
    Error,
    /// The project can be used, and probably says what was not meant.
    Warning,
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Severity::Error => "error",
            Severity::Warning => "warning",
        })
    }
}

/// One thing that is wrong, where it is, and what to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// How bad it is.
    pub severity: Severity,
    /// What is wrong, one sentence without a full stop.
    pub message: String,
    /// Where, in bytes of the text; on character boundaries. Empty where something is missing.
    pub span: Range<usize>,
    /// The line of the span's start, from 1.
    pub line: usize,
    /// The column of the span's start in characters, from 1.
    pub column: usize,
    /// The key, from the root, joined by dots; empty for the file as a whole.
    pub key_path: String,
    /// What to do.
    pub hint: Option<String>,
}

impl Problem {
    /// A problem without a hint at `span` of `text`; a span outside is moved inside.
    pub(crate) fn new(
        text: &str,
        severity: Severity,
        span: Range<usize>,
        key_path: impl Into<String>,
        message: String,
    ) -> Self {
        let start = text.floor_char_boundary(span.start);
        let end = text.ceil_char_boundary(span.end.min(text.len())).max(start);
        let (line, column) = line_and_column(text, start);
        Problem { severity, message, span: start..end, line, column, key_path: key_path.into(), hint: None }
    }

    /// The same problem with what to do.
    pub fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

/// Line and column of a byte, both from 1, the column in characters.
fn line_and_column(text: &str, byte_idx: usize) -> (usize, usize) {
    let before = &text[..byte_idx];
    let line_start = before.rfind('\n').map_or(0, |i| i + 1);
    let line = 1 + before.bytes().filter(|b| *b == b'\n').count();
    (line, 1 + before[line_start..].chars().filter(|c| *c != '\u{feff}').count())
}

/// Every problem of one file, in the order of the text.
///
/// `Display` is the plain rendering with excerpts, one blank line between problems.
#[derive(Debug, Clone)]
pub struct Problems {
    file: PathBuf,
    text: Arc<str>,
    list: Vec<Problem>,
}

impl Problems {
    /// The most problems that are kept; a file that has more is not a project file.
    pub const MAX: usize = 500;

    pub(crate) fn new(file: PathBuf, text: Arc<str>, mut list: Vec<Problem>) -> Self {
        list.sort_by_key(|p| (p.span.start, p.severity));
        list.truncate(Self::MAX);
        Problems { file, text, list }
    }

    /// The file.
    pub fn file(&self) -> &Path {
        &self.file
    }

    /// Its text, which the spans point into.
    pub fn text(&self) -> &Arc<str> {
        &self.text
    }

    /// The problems.
    pub fn iter(&self) -> std::slice::Iter<'_, Problem> {
        self.list.iter()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.list.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// Whether one of them is an error.
    pub fn has_errors(&self) -> bool {
        self.list.iter().any(|p| p.severity == Severity::Error)
    }
}

impl<'a> IntoIterator for &'a Problems {
    type Item = &'a Problem;
    type IntoIter = std::slice::Iter<'a, Problem>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl std::error::Error for Problems {}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, problem) in self.list.iter().enumerate() {
            if i > 0 {
                f.write_str("\n\n")?;
            }
            self.write_one(f, problem)?;
        }
        Ok(())
    }
}

impl Problems {
    /// The message, the place, the line with carets below it, and the hint.
    fn write_one(&self, f: &mut fmt::Formatter<'_>, problem: &Problem) -> fmt::Result {
        let number = problem.line.to_string();
        let margin = " ".repeat(number.len());
        writeln!(f, "{}: {}", problem.severity, problem.message)?;
        write!(f, "{margin}--> {}:{}:{}", self.file.display(), problem.line, problem.column)?;
        if !self.text.is_empty() {
            let excerpt = Excerpt::of(&self.text, &problem.span);
            write!(f, "\n{margin} |\n{number} | {}\n{margin} | {}", excerpt.line, excerpt.carets)?;
        }
        match &problem.hint {
            Some(hint) => write!(f, "\n{margin} = help: {hint}"),
            None => Ok(()),
        }
    }
}

/// The line where a span starts, cut to a readable length, and the carets below it.
struct Excerpt {
    line: String,
    carets: String,
}

/// Characters of a line that an excerpt shows before the span, and in all.
const EXCERPT_BEFORE: usize = 80;
const EXCERPT_WIDTH: usize = 120;

impl Excerpt {
    fn of(text: &str, span: &Range<usize>) -> Excerpt {
        let line_start = text[..span.start].rfind('\n').map_or(0, |i| i + 1);
        let line_end = text[span.start..].find('\n').map_or(text.len(), |i| span.start + i);
        let before = text[line_start..span.start].trim_start_matches('\u{feff}');
        let marked = text[span.start..span.end.min(line_end)].trim_end_matches('\r');
        let after = text[span.end.min(line_end)..line_end].trim_end_matches('\r');

        let skipped = before.chars().count().saturating_sub(EXCERPT_BEFORE);
        let ellipsis = if skipped > 0 { "…" } else { "" };
        let before: String = before.chars().skip(skipped).collect();
        let room = EXCERPT_WIDTH.saturating_sub(before.chars().count());
        let line: String = format!("{ellipsis}{before}");
        let tail: String = marked.chars().chain(after.chars()).take(room).collect();
        let cut = if marked.chars().count() + after.chars().count() > room { "…" } else { "" };

        // Tabs stay tabs, so that carets stand below what they mark at any tab width.
        let indent: String = line.chars().map(|c| if c == '\t' { '\t' } else { ' ' }).collect();
        let n_carets = marked.chars().count().clamp(1, room.max(1));
        Excerpt { line: printable(&format!("{line}{tail}{cut}")), carets: format!("{indent}{}", "^".repeat(n_carets)) }
    }
}

/// Control characters, which could command the terminal, as replacement characters; keys as stars.
fn printable(line: &str) -> String {
    secret::mask(line).chars().map(|c| if c.is_control() && c != '\t' { '\u{fffd}' } else { c }).collect()
}
