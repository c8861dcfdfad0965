//! Removes secrets from what is kept.

use std::borrow::Cow;

use bytes::Bytes;
use reqwest::Url;
use reqwest::header::{HeaderMap, HeaderName};

use crate::Secret;

/// What stands where a secret was.
pub(super) const REMOVED: &str = "***";

/// Shorter texts are no secrets, and stand in too many places: a local server's key may be `x`.
const MIN_SECRET_BYTES: usize = 6;

/// A header whose name has one of these holds a credential.
const SECRET_WORDS: [&str; 9] =
    ["auth", "key", "token", "secret", "cookie", "credential", "signature", "password", "session"];

/// Headers that have one of the words and no credential: a replay needs the limits.
const PLAIN_HEADERS: [&str; 3] = ["ratelimit", "rate-limit", "idempotency-key"];

/// A query parameter of one of these names holds a credential.
const SECRET_PARAMETERS: [&str; 14] = [
    "key",
    "api_key",
    "api-key",
    "apikey",
    "access_token",
    "token",
    "sig",
    "signature",
    "password",
    "client_secret",
    "code",
    "x-amz-signature",
    "x-amz-credential",
    "x-amz-security-token",
];

/// The secrets to look for, in each form in which a body may have them.
#[derive(Debug, Clone, Default)]
pub(super) struct Scrubber {
    /// Longest first, so that a secret within another does not leave the rest of it.
    needles: Vec<Needle>,
}

#[derive(Clone, PartialEq, Eq)]
struct Needle(String);

impl std::fmt::Debug for Needle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(REMOVED)
    }
}

impl Scrubber {
    pub(super) fn new<'a>(secrets: impl IntoIterator<Item = &'a Secret>) -> Self {
        let mut scrubber = Scrubber::default();
        scrubber.extend(secrets.into_iter().map(Secret::expose));
        scrubber
    }

    /// The same, looking for more.
    pub(super) fn with<'a>(&self, secrets: impl IntoIterator<Item = &'a str>) -> Self {
        let mut scrubber = self.clone();
        scrubber.extend(secrets);
        scrubber
    }

    /// Whether there is nothing to add for this secret.
    pub(super) fn looks_for(&self, secret: &str) -> bool {
        secret.len() < MIN_SECRET_BYTES || self.needles.iter().any(|needle| needle.0 == secret)
    }

    fn extend<'a>(&mut self, secrets: impl IntoIterator<Item = &'a str>) {
        for secret in secrets.into_iter().filter(|secret| secret.len() >= MIN_SECRET_BYTES) {
            for form in forms(secret) {
                if !self.needles.iter().any(|needle| needle.0 == form) {
                    self.needles.push(Needle(form));
                }
            }
        }
        self.needles.sort_by_key(|needle| std::cmp::Reverse(needle.0.len()));
    }

    pub(super) fn text(&self, text: &str) -> String {
        let found = self.find(text.as_bytes());
        if found.is_empty() {
            return text.to_owned();
        }
        String::from_utf8_lossy(&cut(text.as_bytes(), 0, &found)).into_owned()
    }

    pub(super) fn bytes(&self, bytes: &Bytes) -> Bytes {
        let found = self.find(bytes);
        if found.is_empty() { bytes.clone() } else { cut(bytes, 0, &found).into() }
    }

    /// As [`bytes`](Self::bytes) of all pieces together: a secret may be split between them.
    pub(super) fn pieces<T: Copy>(&self, pieces: &[(T, Bytes)]) -> Vec<(T, Bytes)> {
        let whole: Cow<'_, [u8]> = match pieces {
            [(_, only)] => Cow::Borrowed(only),
            _ => Cow::Owned(pieces.iter().flat_map(|(_, piece)| piece).copied().collect()),
        };
        let found = self.find(&whole);
        if found.is_empty() {
            return pieces.to_vec();
        }
        let mut start = 0;
        let mut scrubbed = Vec::with_capacity(pieces.len());
        for (at, piece) in pieces {
            scrubbed.push((*at, Bytes::from(cut(piece, start, &found))));
            start += piece.len();
        }
        scrubbed
    }

    /// Names and values; of values that hold credentials nothing is left.
    pub(super) fn headers(&self, headers: &HeaderMap) -> Vec<(String, String)> {
        let scrub = |name: &HeaderName, value: &[u8]| {
            if is_secret_header(name.as_str()) {
                REMOVED.to_owned()
            } else {
                self.text(&String::from_utf8_lossy(value))
            }
        };
        headers.iter().map(|(name, value)| (name.to_string(), scrub(name, value.as_bytes()))).collect()
    }

    pub(super) fn url(&self, url: &Url) -> String {
        let mut url = url.clone();
        // Fails for addresses that have no host, which have no credentials either.
        let _ = url.set_username("");
        let _ = url.set_password(None);
        url.set_fragment(None);
        if let Some(query) = url.query().map(scrub_query) {
            url.set_query(Some(&query));
        }
        self.text(url.as_str())
    }

    /// The places of all secrets, in order, without overlap.
    fn find(&self, text: &[u8]) -> Vec<(usize, usize)> {
        let mut found: Vec<(usize, usize)> = Vec::new();
        for Needle(needle) in &self.needles {
            found.extend(memchr::memmem::find_iter(text, needle.as_bytes()).map(|at| (at, at + needle.len())));
        }
        found.sort_unstable();
        let mut merged: Vec<(usize, usize)> = Vec::with_capacity(found.len());
        for (start, end) in found {
            match merged.last_mut() {
                Some(last) if start < last.1 => last.1 = last.1.max(end),
                _ => merged.push((start, end)),
            }
        }
        merged
    }
}

/// The values of a request that hold credentials, to be looked for in what is answered: some servers quote them.
pub(super) fn sent_secrets(headers: &HeaderMap, url: &Url) -> Vec<String> {
    let in_headers = headers.iter().filter(|(name, _)| is_secret_header(name.as_str())).filter_map(|(_, value)| {
        let value = value.to_str().ok()?;
        Some(value.strip_prefix("Bearer ").or_else(|| value.strip_prefix("Basic ")).unwrap_or(value).trim().to_owned())
    });
    let in_query = url.query_pairs().filter(|(name, _)| is_secret_parameter(name)).map(|(_, value)| value.into_owned());
    in_headers.chain(in_query).chain(url.password().map(str::to_owned)).collect()
}

fn is_secret_header(name: &str) -> bool {
    SECRET_WORDS.iter().any(|word| name.contains(word)) && !PLAIN_HEADERS.iter().any(|word| name.contains(word))
}

fn is_secret_parameter(name: &str) -> bool {
    SECRET_PARAMETERS.iter().any(|secret| name.eq_ignore_ascii_case(secret))
}

fn scrub_query(query: &str) -> String {
    let scrub = |pair: &str| match pair.split_once('=') {
        Some((name, _)) if is_secret_parameter(name) => format!("{name}={REMOVED}"),
        _ => pair.to_owned(),
    };
    query.split('&').map(scrub).collect::<Vec<_>>().join("&")
}

/// A secret as it stands in plain text, in JSON, and in addresses and forms.
fn forms(secret: &str) -> Vec<String> {
    let quoted = serde_json::to_string(secret).unwrap_or_default();
    let json = quoted.get(1..quoted.len().saturating_sub(1)).unwrap_or_default().to_owned();
    let escaped_slashes = json.replace('/', "\\/");
    let escaped = |keep: &[u8]| -> String {
        let byte = |b: u8| match b {
            b if b.is_ascii_alphanumeric() || keep.contains(&b) => char::from(b).to_string(),
            b => format!("%{b:02X}"),
        };
        secret.bytes().map(byte).collect()
    };
    vec![secret.to_owned(), json, escaped_slashes, escaped(b"-_.~"), escaped(b"-_.~/"), escaped(b"-_.*")]
}

/// `piece`, which begins at `start` of the whole, without what was found; the mark stands where the secret began.
fn cut(piece: &[u8], start: usize, found: &[(usize, usize)]) -> Vec<u8> {
    let end = start + piece.len();
    let mut kept = Vec::with_capacity(piece.len());
    let keep = |kept: &mut Vec<u8>, from: usize, to: usize| {
        kept.extend_from_slice(piece.get(from - start..to - start).unwrap_or_default());
    };
    let first = found.partition_point(|(_, to)| *to <= start);
    let mut at = start;
    for (from, to) in found.iter().skip(first).take_while(|(from, _)| *from < end) {
        if *from >= start {
            keep(&mut kept, at, *from);
            kept.extend_from_slice(REMOVED.as_bytes());
        }
        at = (*to).min(end);
    }
    keep(&mut kept, at, end);
    kept
}
