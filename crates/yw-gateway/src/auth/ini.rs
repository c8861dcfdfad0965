//! The profile files of the AWS command line.

/// The value of `key` in the section `[name]`, where `text` is in the form of `~/.aws/credentials`.
///
/// Keys and sections are compared without regard to case and to white space around them; lines that are indented belong to
/// a nested setting and are skipped; later values win, as they do for the command line.
pub(super) fn value<'a>(text: &'a str, section: &str, key: &str) -> Option<&'a str> {
    lines(text)
        .filter(|(at, name, _)| at.eq_ignore_ascii_case(section) && name.eq_ignore_ascii_case(key))
        .map(|(_, _, value)| value)
        .filter(|value| !value.is_empty())
        .last()
}

/// Section, key and value of each line that has a value.
fn lines(text: &str) -> impl Iterator<Item = (&str, &str, &str)> {
    let mut section = "";
    text.lines().filter_map(move |line| {
        if let Some(name) = header(line) {
            section = name;
            return None;
        }
        let is_skipped = line.starts_with([' ', '\t', '#', ';']);
        let (key, value) = line.split_once('=').filter(|_| !is_skipped)?;
        // A comment begins with white space before its sign: keys may hold the sign itself.
        let value = value.split(" #").next().unwrap_or_default().split(" ;").next().unwrap_or_default();
        Some((section, key.trim(), value.trim()))
    })
}

fn header(line: &str) -> Option<&str> {
    let (name, _) = line.trim().strip_prefix('[')?.split_once(']')?;
    Some(name.trim())
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "; keys\n[default]\naws_access_key_id = AKID ; first\naws_secret_access_key=a#b=/c+d \n\
        s3 =\n  aws_access_key_id = nested\n\n[ Profile work ]\nregion=eu-west-1\nregion = eu-west-2\nempty =\n";

    #[test]
    fn values_are_found_in_their_section() {
        assert_eq!(value(TEXT, "default", "aws_access_key_id"), Some("AKID"));
        assert_eq!(value(TEXT, "default", "AWS_SECRET_ACCESS_KEY"), Some("a#b=/c+d"));
        assert_eq!(value(TEXT, "profile work", "region"), Some("eu-west-2"));
        assert_eq!(value(TEXT, "profile work", "empty"), None);
        assert_eq!(value(TEXT, "work", "region"), None);
    }

    #[test]
    fn anything_is_survived() {
        for text in ["", "[", "]", "[]", "=", "[a\nb=c", "\u{0}=\u{0}", "[a]b=c"] {
            assert_eq!(value(text, "x", "b"), None, "{text:?}");
        }
    }
}
