//! The options of a benchmark: `--name value`, `--flag`, and at most one argument without a name.

use std::path::PathBuf;
use std::str::FromStr;

/// What was given on the command line.
#[derive(Debug)]
pub(crate) struct Options<'a> {
    argument: Option<&'a str>,
    named: Vec<(&'a str, &'a str)>,
    flags: Vec<&'a str>,
}

impl<'a> Options<'a> {
    /// Takes the command line apart; `known` are the names that are understood, without their dashes.
    pub(crate) fn parse(args: &[&'a str], known: &[&str]) -> Result<Self, String> {
        Self::parse_with_flags(args, known, &[])
    }

    /// As [`parse`](Self::parse); `flags` are the names that take no value.
    pub(crate) fn parse_with_flags(args: &[&'a str], known: &[&str], flags: &[&str]) -> Result<Self, String> {
        let mut options = Options { argument: None, named: Vec::new(), flags: Vec::new() };
        let mut args = args.iter().copied();
        while let Some(arg) = args.next() {
            if let Some(name) = arg.strip_prefix("--") {
                if flags.contains(&name) {
                    options.flags.push(name);
                    continue;
                }
                if !known.contains(&name) {
                    let there_are = [known, flags].concat().join(", --");
                    return Err(format!("there is no option --{name} here; there are: --{there_are}"));
                }
                options.named.push((name, args.next().ok_or_else(|| format!("--{name} needs a value"))?));
            } else if let Some(first) = options.argument.replace(arg) {
                return Err(format!("one argument too many: {first} and {arg}"));
            }
        }
        Ok(options)
    }

    /// The argument without a name.
    pub(crate) fn argument(&self) -> Option<&'a str> {
        self.argument
    }

    /// Whether a flag was given.
    pub(crate) fn has(&self, flag: &str) -> bool {
        self.flags.contains(&flag)
    }

    /// The value of an option; of several the last.
    pub(crate) fn text(&self, name: &str) -> Option<&'a str> {
        self.named.iter().rev().find(|(n, _)| *n == name).map(|(_, value)| *value)
    }

    /// The file or folder that an option names.
    pub(crate) fn path(&self, name: &str) -> Option<PathBuf> {
        self.text(name).map(PathBuf::from)
    }

    /// A number that must be above zero.
    pub(crate) fn positive<T: FromStr + PartialOrd + Default>(&self, name: &str, default: T) -> Result<T, String> {
        let number = self.number(name, default)?;
        if number > T::default() { Ok(number) } else { Err(format!("--{name} must be above zero")) }
    }

    /// A number.
    pub(crate) fn number<T: FromStr>(&self, name: &str, default: T) -> Result<T, String> {
        let Some(text) = self.text(name) else { return Ok(default) };
        text.parse().map_err(|_| format!("--{name} needs a number, not `{text}`"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_are_taken_apart() {
        let options = Options::parse(&["dir", "--rate", "5", "--rate", "7.5"], &["rate", "kills"]).unwrap();
        assert_eq!(options.argument(), Some("dir"));
        assert_eq!(options.positive("rate", 1.0), Ok(7.5));
        assert_eq!(options.positive("kills", 20), Ok(20));
        assert_eq!(options.number::<u64>("rate", 0), Err("--rate needs a number, not `7.5`".to_owned()));
    }

    #[test]
    fn flags_take_no_value() {
        let options = Options::parse_with_flags(&["--scaling", "dir", "--rate", "5"], &["rate"], &["scaling"]).unwrap();
        assert!(options.has("scaling") && !options.has("rate"));
        assert_eq!((options.argument(), options.text("rate")), (Some("dir"), Some("5")));
        let error = Options::parse_with_flags(&["--scale"], &["rate"], &["scaling"]).unwrap_err();
        assert_eq!(error, "there is no option --scale here; there are: --rate, --scaling");
    }

    #[test]
    fn mistakes_are_named() {
        let check = |args: &[&str], expect: &str| assert_eq!(Options::parse(args, &["rate"]).unwrap_err(), expect);
        check(&["--rat", "5"], "there is no option --rat here; there are: --rate");
        check(&["--rate"], "--rate needs a value");
        check(&["a", "b"], "one argument too many: a and b");
        let options = Options::parse(&["--rate", "-1"], &["rate"]).unwrap();
        assert_eq!(options.positive("rate", 1.0), Err("--rate must be above zero".to_owned()));
    }
}
