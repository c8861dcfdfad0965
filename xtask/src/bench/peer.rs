//! What a user would pick instead, asked to do the same work by a command that prints lines.

use std::process::Command;

/// Runs a command of the shell and returns what `parse` makes of its lines; there must be one like `example`.
pub(crate) fn lines<T>(command: &str, example: &str, parse: impl Fn(&str) -> Option<T>) -> Result<Vec<T>, String> {
    let output = Command::new("sh").args(["-c", command]).output().map_err(|e| format!("{command}: {e}"))?;
    let text = String::from_utf8_lossy(&output.stdout);
    let parsed: Vec<T> = text.lines().filter_map(parse).collect();
    if parsed.is_empty() {
        let errors = String::from_utf8_lossy(&output.stderr);
        return Err(format!("{command}: no line like `{example}`\n{text}{errors}"));
    }
    Ok(parsed)
}

/// The number behind a word of a line, such as 4.4 behind `fit` in `fit 4.40s`.
pub(crate) fn number_after(line: &str, name: &str) -> Option<f64> {
    let mut words = line.split_whitespace();
    words.find(|word| *word == name)?;
    words.next()?.trim_end_matches('s').parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_stand_behind_words() {
        let line = "full   accuracy 0.9117 fit 4.40s";
        assert_eq!(number_after(line, "accuracy"), Some(0.9117));
        assert_eq!(number_after(line, "fit"), Some(4.4));
        assert_eq!(number_after(line, "predict"), None);
        assert_eq!(number_after("UserWarning: fit", "fit"), None);
    }

    #[test]
    fn a_command_without_such_a_line_is_an_error_with_what_it_said() {
        let parse = |line: &str| number_after(line, "fit");
        assert_eq!(lines("echo fit 1s; echo noise; echo fit 2s", "fit 1s", parse), Ok(vec![1.0, 2.0]));
        let error = lines("echo noise; echo broken >&2", "fit 1s", parse).unwrap_err();
        assert!(error.ends_with("no line like `fit 1s`\nnoise\nbroken\n"), "{error}");
    }
}
