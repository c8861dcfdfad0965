use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::limits::LimitSpec;

/// What a key is called and what it may do. This is kept as JSON.
///
/// A key without any list of models, routes or tasks may use everything. A key with one may use what is listed and
/// nothing else: one for `routes = ["fast"]` alone reaches no model by name and no task. A route is used whole: the
/// models behind it need not be listed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
// A restriction that an older program does not know must not go unheeded.
#[serde(deny_unknown_fields)]
pub struct KeySpec {
    /// What its owner calls it.
    pub name: String,
    /// How much it may use.
    #[serde(default, skip_serializing_if = "LimitSpec::is_empty")]
    pub limits: LimitSpec,
    /// The models that it may use by name, as `provider/model`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub models: Option<Vec<Pattern>>,
    /// The routes that it may use.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub routes: Option<Vec<Pattern>>,
    /// The tasks that it may use.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tasks: Option<Vec<Pattern>>,
    /// From when on it is of no use.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "instant")]
    pub expires: Option<Timestamp>,
}

impl KeySpec {
    /// A key that may do everything, for ever.
    pub fn new(name: impl Into<String>) -> Self {
        KeySpec { name: name.into(), ..KeySpec::default() }
    }

    /// Whether it may use a model by name, as `provider/model`.
    pub fn may_use_model(&self, model: &str) -> bool {
        self.may_use(&self.models, model)
    }

    /// Whether it may use a route.
    pub fn may_use_route(&self, route: &str) -> bool {
        self.may_use(&self.routes, route)
    }

    /// Whether it may use a task.
    pub fn may_use_task(&self, task: &str) -> bool {
        self.may_use(&self.tasks, task)
    }

    fn may_use(&self, listed: &Option<Vec<Pattern>>, name: &str) -> bool {
        match listed {
            Some(patterns) => patterns.iter().any(|pattern| pattern.matches(name)),
            None => self.models.is_none() && self.routes.is_none() && self.tasks.is_none(),
        }
    }
}

/// A name in which `*` stands for any characters, slashes included: `openai/*`, `*haiku*`.
///
/// There is nothing but the star, because names come from clients: one star or a hundred, matching takes no more than
/// the product of both lengths.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Pattern(Box<str>);

/// A text that is no pattern.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("`{0}` is no pattern of names: expected a name such as `openai/gpt-5`, with `*` for any characters")]
pub struct PatternError(String);

impl Pattern {
    /// Whether the whole name is as the pattern says.
    pub fn matches(&self, name: &str) -> bool {
        let (pattern, name) = (self.0.as_bytes(), name.as_bytes());
        let (mut p, mut n) = (0, 0);
        // Where the last star is, and where in the name what follows it was last tried.
        let mut star: Option<(usize, usize)> = None;
        while n < name.len() {
            if pattern.get(p) == Some(&b'*') {
                star = Some((p, n));
                p += 1;
            } else if pattern.get(p) == name.get(n) {
                p += 1;
                n += 1;
            } else if let Some((at, tried)) = star {
                // Only the last star can help: an earlier one has let through what it could.
                star = Some((at, tried + 1));
                (p, n) = (at + 1, tried + 1);
            } else {
                return false;
            }
        }
        pattern.iter().skip(p).all(|byte| *byte == b'*')
    }
}

impl FromStr for Pattern {
    type Err = PatternError;

    fn from_str(text: &str) -> Result<Self, PatternError> {
        let bad = text.is_empty() || text.chars().any(|c| c.is_whitespace() || c.is_control());
        if bad { Err(PatternError(text.to_owned())) } else { Ok(Pattern(text.into())) }
    }
}

impl TryFrom<String> for Pattern {
    type Error = PatternError;

    fn try_from(text: String) -> Result<Self, PatternError> {
        text.parse()
    }
}

impl From<Pattern> for String {
    fn from(pattern: Pattern) -> String {
        pattern.0.into()
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// An instant as RFC 3339 text.
mod instant {
    use jiff::Timestamp;
    use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};

    pub(super) fn serialize<S: Serializer>(at: &Option<Timestamp>, serializer: S) -> Result<S::Ok, S::Error> {
        at.map(|at| at.to_string()).serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Timestamp>, D::Error> {
        let text = Option::<String>::deserialize(deserializer)?;
        let parse = |text: String| {
            let expected = "expected one such as 2027-01-31T00:00:00Z";
            text.parse().map_err(|error| D::Error::custom(format!("`{text}` is no time, {expected}: {error}")))
        };
        text.map(parse).transpose()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits::Measure;
    use proptest::prelude::*;

    fn patterns(list: &[&str]) -> Option<Vec<Pattern>> {
        Some(list.iter().map(|text| text.parse().unwrap()).collect())
    }

    fn check(pattern: &str, name: &str, expected: bool) {
        assert_eq!(pattern.parse::<Pattern>().unwrap().matches(name), expected, "{pattern} {name}");
    }

    #[test]
    fn stars_stand_for_any_characters() {
        check("openai/gpt-5", "openai/gpt-5", true);
        check("openai/gpt-5", "openai/gpt-5-mini", false);
        check("openai/gpt-5", "xopenai/gpt-5", false);
        check("openai/*", "openai/", true);
        check("openai/*", "openai/a/b", true);
        check("openai/*", "openai", false);
        check("*", "", true);
        check("*haiku*", "anthropic/claude-haiku-4-5", true);
        check("*haiku", "anthropic/claude-haiku-4-5", false);
        check("a*b*c", "aXbXbXc", true);
        check("a*bc", "abcbc", true);
        check("a*bc", "abcb", false);
        check("gpt-?", "gpt-5", false);
        check("[a]", "a", false);
    }

    #[test]
    fn hostile_names_take_no_time() {
        let pattern: Pattern = "*a".repeat(50).parse().unwrap();
        let name = format!("{}b", "a".repeat(20_000));
        let start = std::time::Instant::now();
        assert!(!pattern.matches(&name));
        assert!(start.elapsed() < std::time::Duration::from_secs(2));
    }

    /// What a pattern means, without regard to time.
    fn matches_by_definition(pattern: &[u8], name: &[u8]) -> bool {
        match pattern.split_first() {
            None => name.is_empty(),
            Some((b'*', rest)) => (0..=name.len()).any(|i| matches_by_definition(rest, &name[i..])),
            Some((byte, rest)) => name.split_first().is_some_and(|(b, n)| b == byte && matches_by_definition(rest, n)),
        }
    }

    proptest! {
        #[test]
        fn matching_is_as_defined(pattern in "[ab*]{1,8}", name in "[ab]{0,10}") {
            let expected = matches_by_definition(pattern.as_bytes(), name.as_bytes());
            prop_assert_eq!(pattern.parse::<Pattern>().unwrap().matches(&name), expected);
        }
    }

    #[test]
    fn what_is_not_listed_is_not_allowed() {
        let free = KeySpec::new("free");
        assert!(free.may_use_model("a/b") && free.may_use_route("fast") && free.may_use_task("triage"));
        let some = KeySpec { models: patterns(&["openai/*", "anthropic/claude-haiku-4-5"]), ..KeySpec::new("some") };
        assert!(some.may_use_model("openai/gpt-5") && some.may_use_model("anthropic/claude-haiku-4-5"));
        assert!(!some.may_use_model("anthropic/claude-opus-4-5"));
        assert!(!some.may_use_route("fast") && !some.may_use_task("triage"));
        let both = KeySpec { routes: patterns(&["*"]), tasks: patterns(&["triage"]), ..KeySpec::new("both") };
        assert!(both.may_use_route("fast") && both.may_use_task("triage"));
        assert!(!both.may_use_task("triage2") && !both.may_use_model("openai/gpt-5"));
        let none = KeySpec { models: patterns(&[]), ..KeySpec::new("none") };
        assert!(!none.may_use_model("a/b") && !none.may_use_route("fast"));
    }

    #[test]
    fn keys_survive_json() {
        let spec = KeySpec {
            limits: LimitSpec::default().with(Measure::Dollars, "20/month").unwrap(),
            models: patterns(&["openai/*"]),
            expires: Some("2027-01-01T00:00:00Z".parse().unwrap()),
            ..KeySpec::new("app")
        };
        let json = serde_json::to_string(&spec).unwrap();
        let expected = r#"{"name":"app","limits":{"dollars":["20.00/month"]},"models":["openai/*"],"expires":"2027-01-01T00:00:00Z"}"#;
        assert_eq!(json, expected);
        assert_eq!(serde_json::from_str::<KeySpec>(&json).unwrap(), spec);
        assert_eq!(serde_json::from_str::<KeySpec>(r#"{"name":"app"}"#).unwrap(), KeySpec::new("app"));
    }

    #[test]
    fn what_is_not_understood_is_refused() {
        for (json, expected) in [
            (r#"{"name":"app","regions":["eu"]}"#, "unknown field `regions`"),
            (r#"{"name":"app","models":["a b"]}"#, "`a b` is no pattern of names"),
            (r#"{"name":"app","expires":"soon"}"#, "`soon` is no time, expected one such as 2027-01-31T00:00:00Z"),
            (r#"{"limits":{}}"#, "missing field `name`"),
        ] {
            let error = serde_json::from_str::<KeySpec>(json).unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
        }
    }
}
