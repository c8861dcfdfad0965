//! What the name of a model tells about what it understands. Converse is one shape for all, but refuses what a model lacks.

/// Who made a model.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Family {
    /// Anthropic, with the version, such as (4, 5), where the name tells it.
    Claude(Option<(u32, u32)>),
    /// Amazon's own.
    Nova,
    /// OpenAI's open models.
    OpenAi,
    /// Mistral.
    Mistral,
    /// Another maker.
    Other,
    /// The name does not tell: a profile or deployment under an id of its own.
    Unknown,
}

impl Family {
    /// The family of a model's id, such as `eu.anthropic.claude-sonnet-4-5-20250929-v1:0`, or of an ARN that ends in one.
    pub(super) fn of(model: &str) -> Self {
        let is_of = |maker: &str| {
            model.starts_with(maker) || model.contains(&format!("/{maker}")) || {
                // Behind the prefix of a region.
                model.contains(&format!(".{maker}"))
            }
        };
        if is_of("anthropic.") {
            return Family::Claude(claude_version(model));
        }
        let known = [("amazon.nova", Family::Nova), ("openai.", Family::OpenAi), ("mistral.", Family::Mistral)];
        match known.into_iter().find(|(maker, _)| is_of(maker)) {
            Some((_, family)) => family,
            None if model.starts_with("arn:") => Family::Unknown,
            None => Family::Other,
        }
    }

    /// Whether the model may be Claude, so that its ways are worth trying.
    pub(super) fn may_be_claude(self) -> bool {
        matches!(self, Family::Claude(_) | Family::Unknown)
    }

    /// Whether the model reads marks for the cache.
    pub(super) fn has_cache_points(self) -> bool {
        self.may_be_claude() || self == Family::Nova
    }

    /// Whether the model decides itself how many tokens to think, and is told an effort: Claude from 4.6 on.
    pub(super) fn thinks_adaptively(self) -> bool {
        matches!(self, Family::Claude(Some(version)) if version >= (4, 6))
    }
}

/// The version in a name such as `claude-3-7-sonnet-20250219-v1:0` or `claude-opus-4-6-v1`: the first one or two numbers that
/// are not a date.
fn claude_version(model: &str) -> Option<(u32, u32)> {
    let name = model.split_once("claude-")?.1;
    let numbers: Vec<Option<u32>> = name.split('-').map(|word| word.parse().ok().filter(|_| word.len() <= 2)).collect();
    let first = numbers.iter().position(Option::is_some)?;
    let minor = numbers.get(first + 1).copied().flatten();
    Some((numbers[first]?, minor.unwrap_or(0)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_tell_the_family() {
        let check = |model: &str, family: Family| assert_eq!(Family::of(model), family, "{model}");
        check("anthropic.claude-3-7-sonnet-20250219-v1:0", Family::Claude(Some((3, 7))));
        check("us.anthropic.claude-opus-4-20250514-v1:0", Family::Claude(Some((4, 0))));
        check("global.anthropic.claude-opus-4-6-v1", Family::Claude(Some((4, 6))));
        check("anthropic.claude-opus-5", Family::Claude(Some((5, 0))));
        check("anthropic.claude-instant", Family::Claude(None));
        check("eu.amazon.nova-lite-v1:0", Family::Nova);
        check("openai.gpt-oss-120b-1:0", Family::OpenAi);
        check("arn:aws:bedrock:us-east-1::foundation-model/anthropic.claude-sonnet-4-6", Family::Claude(Some((4, 6))));
        check("arn:aws:bedrock:us-east-1:1:application-inference-profile/abc", Family::Unknown);
        check("meta.llama4-scout-17b-instruct-v1:0", Family::Other);
    }

    #[test]
    fn new_models_are_told_an_effort() {
        assert!(Family::of("anthropic.claude-sonnet-4-6").thinks_adaptively());
        assert!(Family::of("anthropic.claude-fable-5").thinks_adaptively());
        assert!(!Family::of("anthropic.claude-haiku-4-5-20251001-v1:0").thinks_adaptively());
        assert!(!Family::Unknown.thinks_adaptively());
    }
}
