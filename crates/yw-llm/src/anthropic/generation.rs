//! What models of different ages accept.

/// What of a request a model accepts, by the version in its name.
///
/// Claude 4.6 brought thinking whose depth the model chooses itself (`adaptive`, with an effort), and 4.7 refuses the
/// budgets of before, and temperatures. A name without a version is taken for a new model.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Generation {
    /// Whether thinking is asked for by effort; else by a budget of tokens.
    pub(super) is_adaptive: bool,
    /// Whether temperature, `top_p` and `top_k` are accepted.
    pub(super) takes_sampling: bool,
}

impl Generation {
    pub(super) fn of(model: &str) -> Self {
        let version = version(model);
        Generation {
            is_adaptive: version.is_none_or(|version| version >= (4, 6)),
            takes_sampling: version.is_some_and(|version| version < (4, 7)) || !model.contains("claude"),
        }
    }
}

/// The version in names such as `claude-sonnet-4-5-20250929`, `claude-3-7-sonnet-latest` and
/// `us.anthropic.claude-opus-4-6-v1:0`; none if the name is not of that kind.
fn version(model: &str) -> Option<(u32, u32)> {
    let start = model.find("claude")?;
    let mut numbers = model[start..]
        .split(['-', '.', '@', ':'])
        .skip(1)
        .skip_while(|word| word.parse::<u32>().is_err())
        .map_while(|word| word.parse::<u32>().ok());
    let major = numbers.next()?;
    // A date follows the version.
    let minor = numbers.next().filter(|minor| *minor < 100).unwrap_or(0);
    (major < 100).then_some((major, minor))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_stand_in_different_places() {
        let check = |model: &str, expected| assert_eq!(version(model), expected, "{model}");
        check("claude-sonnet-4-5-20250929", Some((4, 5)));
        check("claude-opus-4-20250514", Some((4, 0)));
        check("claude-3-7-sonnet-latest", Some((3, 7)));
        check("claude-3-haiku-20240307", Some((3, 0)));
        check("us.anthropic.claude-opus-4-6-v1:0", Some((4, 6)));
        check("anthropic/claude-haiku-5.5", Some((5, 5)));
        check("claude-opus-4-1@20250805", Some((4, 1)));
        check("claude-fable-5", Some((5, 0)));
        check("claude-next", None);
        check("kimi-k2", None);
    }

    #[test]
    fn generations_differ() {
        let old = Generation { is_adaptive: false, takes_sampling: true };
        let between = Generation { is_adaptive: true, takes_sampling: true };
        let new = Generation { is_adaptive: true, takes_sampling: false };
        assert_eq!(Generation::of("claude-haiku-4-5"), old);
        assert_eq!(Generation::of("claude-sonnet-4-6"), between);
        assert_eq!(Generation::of("claude-opus-4-7"), new);
        assert_eq!(Generation::of("claude-fable-5-1"), new);
        assert_eq!(Generation::of("deepseek-v4-pro"), between);
    }
}
