//! How Gemini's signatures travel through clients that know nothing of them.
//!
//! Gemini 3 demands that a call of a tool comes back with the signature it was made with. The one thing that every client
//! gives back unchanged is the call's id, so the signature becomes part of it: `ID__thought__SIGNATURE`, where the signature
//! is in the alphabet that all providers accept in ids (base64 for URLs, without padding). Where Gemini gave no id, as on
//! Vertex, we make one that starts with `gemini_` and that Gemini is never told.
//!
//! The signature of a text is worth giving back, though not demanded. It becomes the signature of a stretch of reasoning,
//! marked as Gemini's with `gemini:` so that no other provider is given it, and Gemini none of theirs.

use std::borrow::Cow;

const SEPARATOR: &str = "__thought__";
const MADE_UP: &str = "gemini_";
const MARK: &str = "gemini:";

/// What Google lets stand in place of a signature where a conversation was begun with another model.
pub(super) const NO_SIGNATURE: &str = "skip_thought_signature_validator";

/// The id by which clients know a call: the `id` that Gemini gave, or else one made of the answer's id and the number of the
/// call in it; with the call's signature.
pub(super) fn call_id(id: Option<&str>, response_id: &str, call_idx: usize, signature: Option<&str>) -> String {
    let mut call_id = match id {
        Some(id) if !id.is_empty() => id.to_owned(),
        _ => format!("{MADE_UP}{response_id}_{call_idx}"),
    };
    // Whatever else stood there could not be turned back.
    let is_base64 = |s: &&str| s.bytes().all(|b| b.is_ascii_alphanumeric() || b"+/-_=".contains(&b));
    if let Some(signature) = signature.filter(|s| !s.is_empty()).filter(is_base64) {
        call_id.push_str(SEPARATOR);
        call_id.extend(signature.trim_end_matches('=').chars().map(|c| match c {
            '+' => '-',
            '/' => '_',
            other => other,
        }));
    }
    call_id
}

/// The id of a call without the signature in it: what providers other than Gemini should be told.
pub(crate) fn plain_call_id(call_id: &str) -> &str {
    call_id.split_once(SEPARATOR).map_or(call_id, |(id, _)| id)
}

/// The id to give back to Gemini; none for one that it did not give.
pub(super) fn provider_id(call_id: &str) -> Option<&str> {
    Some(plain_call_id(call_id)).filter(|id| !id.is_empty() && !id.starts_with(MADE_UP))
}

/// The signature in the id of a call, in plain base64.
pub(super) fn call_signature(call_id: &str) -> Option<String> {
    let (_, signature) = call_id.split_once(SEPARATOR)?;
    let mut base64: String = signature
        .chars()
        .map(|c| match c {
            '-' => '+',
            '_' => '/',
            other => other,
        })
        .collect();
    while !base64.len().is_multiple_of(4) {
        base64.push('=');
    }
    Some(base64)
}

/// A signature of Gemini's, marked as such.
pub(super) fn marked(signature: &str) -> String {
    format!("{MARK}{signature}")
}

/// The signature as Gemini gave it; none if another provider did.
pub(super) fn unmarked(signature: &str) -> Option<Cow<'_, str>> {
    signature.strip_prefix(MARK).map(Cow::Borrowed)
}

/// Whether a stretch of reasoning was signed by Gemini, so that no other provider can read the signature.
pub(crate) fn is_own_signature(signature: &str) -> bool {
    signature.starts_with(MARK)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_comes_back_as_it_was() {
        for signature in ["CiEB+z/9Aa==", "abc=", "abcd", "QQ=="] {
            let id = call_id(Some("fc-1"), "r", 0, Some(signature));
            assert!(id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_'), "{id}");
            assert_eq!(call_signature(&id).as_deref(), Some(signature));
            assert_eq!((plain_call_id(&id), provider_id(&id)), ("fc-1", Some("fc-1")));
        }
    }

    #[test]
    fn ids_that_were_made_up_stay_here() {
        let id = call_id(None, "Zx_9", 2, Some("QQ=="));
        assert_eq!(id, "gemini_Zx_9_2__thought__QQ");
        assert_eq!((plain_call_id(&id), provider_id(&id)), ("gemini_Zx_9_2", None));
        assert_eq!(call_id(None, "r", 0, None), "gemini_r_0");
        assert_eq!(call_signature("call_1"), None);
        assert_eq!(call_id(Some("a"), "r", 0, Some("not base64!")), "a");
    }
}
