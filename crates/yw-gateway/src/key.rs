use std::fmt;

use yw_task::Dialect;

/// Identifies a reply by everything that could change it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct ReplyKey(pub(crate) [u8; 32]);

impl ReplyKey {
    /// The key of the reply to `body`, sent to `url` in `dialect`; replies to the same request under other salts are others.
    pub(crate) fn new(dialect: Dialect, url: &str, body: &[u8], salt: u32) -> Self {
        let mut hasher = blake3::Hasher::new_derive_key("yellowwood reply 1");
        // Lengths keep the parts apart.
        for part in [dialect.name().as_bytes(), url.as_bytes(), body, &salt.to_le_bytes()] {
            hasher.update(&(part.len() as u64).to_le_bytes());
            hasher.update(part);
        }
        ReplyKey(hasher.finalize().into())
    }

    /// A number in [0, 1) for the delay before attempt `attempt`: spread over calls, the same for the same call.
    pub(crate) fn jitter(&self, attempt: u32) -> f64 {
        let hash = blake3::keyed_hash(&self.0, &attempt.to_le_bytes());
        let (first, _) = hash.as_bytes().split_at(4);
        first.iter().fold(0.0, |sum, byte| (sum + f64::from(*byte)) / 256.0)
    }
}

/// 64 hexadecimal digits.
impl fmt::Display for ReplyKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_part_counts() {
        let base = ReplyKey::new(Dialect::OpenAi, "http://a/b", b"c", 0);
        let others = [
            ReplyKey::new(Dialect::Anthropic, "http://a/b", b"c", 0),
            ReplyKey::new(Dialect::OpenAi, "http://a/", b"bc", 0),
            ReplyKey::new(Dialect::OpenAi, "http://a/b", b"d", 0),
            ReplyKey::new(Dialect::OpenAi, "http://a/b", b"c", 1),
        ];
        assert!(others.iter().all(|other| *other != base));
        assert!(base == ReplyKey::new(Dialect::OpenAi, "http://a/b", b"c", 0));
        assert_eq!(base.to_string().len(), 64);
    }

    #[test]
    fn jitter_is_spread_and_repeatable() {
        let key = ReplyKey::new(Dialect::OpenAi, "http://a/b", b"c", 0);
        let jitters: Vec<f64> = (0..200).map(|attempt| key.jitter(attempt)).collect();
        assert!(jitters.iter().all(|j| (0.0..1.0).contains(j)));
        let mean = jitters.iter().sum::<f64>() / 200.0;
        assert!((0.4..0.6).contains(&mean), "{mean}");
        assert_eq!(key.jitter(3), jitters[3]);
    }
}
