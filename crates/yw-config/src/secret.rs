//! Keys that stand where none should: how they are recognised, and kept out of what is printed.

/// How keys begin that say whose they are.
const PREFIXES: &[&str] = &[
    "sk-", "sk_", "pk-", "rk-", "gsk_", "xai-", "AIza", "AKIA", "ASIA", "ABSK", "ya29.", "pplx-", "csk-", "fw_",
    "tgp_", "hf_", "ghp_", "nvapi-", "r8_", "yw-",
];

/// Whether a text begins as keys do, and goes on like one.
pub(crate) fn has_key_prefix(text: &str) -> bool {
    let text = text.trim();
    let text = text.strip_prefix("Bearer ").unwrap_or(text);
    let rest = PREFIXES.iter().find_map(|prefix| text.strip_prefix(prefix));
    rest.is_some_and(|rest| {
        let is_key = rest.bytes().all(|b| b.is_ascii_alphanumeric() || b"_-.".contains(&b));
        is_key && (rest.len() >= 16 || (rest.len() >= 4 && rest.bytes().any(|b| b.is_ascii_digit())))
    })
}

/// Whether a text is a key rather than the name of something: by its beginning, or because it is long and random.
pub(crate) fn looks_like_key(text: &str) -> bool {
    let text = text.trim();
    let n_digits = text.bytes().filter(u8::is_ascii_digit).count();
    let is_random = text.len() >= 32 && n_digits >= 4 && n_digits < text.len() && text.bytes().all(is_key_byte);
    has_key_prefix(text) || (is_random && !text.contains('_'))
}

fn is_key_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-')
}

/// The same text, as long as before, with stars for keys and for passwords in addresses.
pub(crate) fn mask(text: &str) -> String {
    let mut masked = String::with_capacity(text.len());
    let mut rest = text;
    while !rest.is_empty() {
        let end = rest.bytes().position(|b| !is_key_byte(b)).unwrap_or(rest.len());
        let (word, after) = rest.split_at(end);
        if looks_like_key(word) {
            masked.push_str(&word[..3]);
            masked.extend(std::iter::repeat_n('*', word.len() - 3));
        } else {
            masked.push_str(word);
        }
        let next = after.chars().next().map_or(0, char::len_utf8);
        masked.push_str(&after[..next]);
        rest = &after[next..];
    }
    mask_passwords(masked)
}

/// `https://user:******@host` for an address with a password.
fn mask_passwords(text: String) -> String {
    let Some(start) = text.find("://").map(|i| i + 3) else { return text };
    let end = text[start..].find(['/', '"', '\'', ' ']).map_or(text.len(), |i| start + i);
    let Some(at) = text[start..end].rfind('@').map(|i| start + i) else { return text };
    let from = text[start..at].find(':').map_or(start, |i| start + i + 1);
    let stars: String = text[from..at].chars().map(|_| '*').collect();
    format!("{}{stars}{}", &text[..from], mask_passwords_after(&text[at..]))
}

/// The rest of a text whose first address was seen to.
fn mask_passwords_after(rest: &str) -> String {
    if rest.contains("://") { mask_passwords(rest.to_owned()) } else { rest.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_told_from_names() {
        for key in [
            "sk-1234",
            "sk-proj-abcdefghijklmnop",
            "Bearer sk-ant-api03-AAAA",
            "AIzaSyA-1234567890",
            "0123456789abcdef0123456789abcdef",
        ] {
            assert!(looks_like_key(key), "{key}");
        }
        for name in
            ["OPENAI_API_KEY", "sk-learn", "TEAM_B_KEY_2024", "org-acme", "/run/secrets/key", "", "sk-", "yw-key"]
        {
            assert!(!looks_like_key(name), "{name}");
        }
        assert!(!has_key_prefix("0123456789abcdef0123456789abcdef"), "a hash may be a header");
        assert!(!looks_like_key(&"y".repeat(110)) && !looks_like_key(&"7".repeat(40)));
    }

    #[test]
    fn what_is_printed_holds_no_key() {
        let check = |text: &str, expect: &str| {
            assert_eq!(mask(text), expect);
            assert_eq!(text.chars().count(), expect.chars().count());
        };
        check("key = \"sk-1234\" # ü sk-learn", "key = \"sk-****\" # ü sk-learn");
        check("url = \"https://me:s3cret@a.example/x\"", "url = \"https://me:******@a.example/x\"");
        check("a://b@c d://e:f@g", "a://*@c d://e:*@g");
        check("https://a.example/@b", "https://a.example/@b");
        check("", "");
    }
}
