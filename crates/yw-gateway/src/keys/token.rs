use std::fmt;

use thiserror::Error;

const PREFIX: &str = "yw-";

const ID_LEN: usize = 10;

/// What 32 bytes take in base 62.
const SECRET_LEN: usize = 43;

const SECRET_BYTES: usize = 32;

/// 62¹⁰ is less than 2⁶⁰.
const ID_BYTES: usize = 8;

const DIGITS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// A key that was just made. The token is shown once; the id and the hash are kept.
#[derive(Debug)]
pub struct NewKey {
    /// Its public name.
    pub id: String,
    /// What the caller sends.
    pub token: Token,
    /// What is kept.
    pub hash: KeyHash,
}

/// What a caller sends to say who it is. Prints as `yw-ID-***`.
#[derive(Clone, PartialEq, Eq)]
pub struct Token(String);

/// What is kept of a token. Comparisons take the same time wherever two hashes differ.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct KeyHash(blake3::Hash);

/// The operating system has no random numbers.
#[derive(Debug, Error)]
#[error("the operating system gives no random numbers for a key: {0}")]
pub struct RandomError(String);

impl NewKey {
    /// A key of random numbers from the operating system.
    ///
    /// # Errors
    /// If the operating system has none.
    pub fn generate() -> Result<Self, RandomError> {
        let (mut id, mut secret) = ([0; ID_BYTES], [0; SECRET_BYTES]);
        getrandom::fill(&mut id).map_err(|error| RandomError(error.to_string()))?;
        getrandom::fill(&mut secret).map_err(|error| RandomError(error.to_string()))?;
        Ok(NewKey::from_random(id, secret))
    }

    fn from_random(id: [u8; ID_BYTES], secret: [u8; SECRET_BYTES]) -> Self {
        // The low ten digits of 64 bits: the highest would not be spread evenly.
        let id: String = base62(id, ID_LEN);
        let token = Token(format!("{PREFIX}{id}-{}", base62(secret, SECRET_LEN)));
        NewKey { id, hash: KeyHash::of(&token.0), token }
    }
}

impl Token {
    /// The token itself, to be shown to its owner.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl KeyHash {
    /// The hash of a token.
    pub fn of(token: &str) -> Self {
        // One block of 64 bytes holds a token, and this key is no secret: it keeps these hashes from being of use elsewhere.
        KeyHash(blake3::keyed_hash(b"yellowwood: hash of a key, no. 1", token.as_bytes()))
    }

    /// A hash that was kept.
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        KeyHash(blake3::Hash::from_bytes(bytes))
    }

    /// The hash, to be kept.
    pub fn as_bytes(&self) -> &[u8; 32] {
        self.0.as_bytes()
    }
}

/// Whether a text is shaped like a token.
pub(super) fn is_token(text: &str) -> bool {
    let is_base62 = |part: &str, len: usize| part.len() == len && part.bytes().all(|b| b.is_ascii_alphanumeric());
    let parts = text.strip_prefix(PREFIX).and_then(|rest| rest.split_once('-'));
    parts.is_some_and(|(id, secret)| is_base62(id, ID_LEN) && is_base62(secret, SECRET_LEN))
}

/// The lowest `len` digits of a number in base 62, the highest first.
fn base62<const N: usize>(mut number: [u8; N], len: usize) -> String {
    let mut digits = vec![0; len];
    for digit in digits.iter_mut().rev() {
        // Long division, byte by byte.
        let remainder = number.iter_mut().fold(0u32, |remainder, byte| {
            let value = remainder * 256 + u32::from(*byte);
            *byte = (value / 62) as u8;
            value % 62
        });
        *digit = DIGITS[remainder as usize];
    }
    digits.into_iter().map(char::from).collect()
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.get(..PREFIX.len() + ID_LEN + 1).unwrap_or(PREFIX))?;
        f.write_str("***")
    }
}

impl fmt::Debug for KeyHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KeyHash(***)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_have_one_shape() {
        let key = NewKey::from_random([0xff; 8], [0xff; 32]);
        // By Python: 2^64 - 1 is `LygHa16AHYF`, of which ten digits are kept.
        assert_eq!(key.token.reveal(), "yw-ygHa16AHYF-yhjskwdA6OZ1AL1YmHWZWm8LLG7HjnuCA2j5rOw8Xp1");
        let counted = NewKey::from_random(std::array::from_fn(|i| i as u8), std::array::from_fn(|i| i as u8 + 1));
        assert_eq!(counted.token.reveal(), "yw-01IYT0XLWR-0Eoh211G4c8wtVWM00my5rsNSFlKgaWqQ4mb8gdEqno");
        assert!(is_token(key.token.reveal()) && is_token(counted.token.reveal()));
    }

    #[test]
    fn what_is_shaped_otherwise_is_no_token() {
        let token = NewKey::from_random([7; 8], [7; 32]).token;
        let token = token.reveal();
        let (short, dashed) = (&token[..token.len() - 1], token.replacen("yw-", "yw-a-", 1));
        let accented = token.replacen(&token[3..5], "é", 1);
        for text in ["", "yw-", "yw--", "sk-abc", short, &format!("{token}a"), &format!("{token} "), &dashed, &accented]
        {
            assert!(!is_token(text), "{text}");
        }
        assert_eq!(accented.len(), token.len());
    }

    #[test]
    fn keys_are_all_different() {
        let keys: Vec<NewKey> = (0..100).map(|_| NewKey::generate().unwrap()).collect();
        let ids: std::collections::HashSet<&str> = keys.iter().map(|key| key.id.as_str()).collect();
        let hashes: std::collections::HashSet<KeyHash> = keys.iter().map(|key| key.hash).collect();
        assert_eq!((ids.len(), hashes.len()), (100, 100));
        assert!(keys.iter().all(|key| is_token(key.token.reveal()) && key.hash == KeyHash::of(key.token.reveal())));
    }

    #[test]
    fn a_hash_is_of_every_character() {
        let token = NewKey::from_random([7; 8], [7; 32]).token;
        let kept = KeyHash::from_bytes(*KeyHash::of(token.reveal()).as_bytes());
        assert_eq!(kept, KeyHash::of(token.reveal()));
        for i in 0..token.reveal().len() {
            let mut other = token.reveal().to_owned().into_bytes();
            other[i] = if other[i] == b'x' { b'y' } else { b'x' };
            assert_ne!(kept, KeyHash::of(std::str::from_utf8(&other).unwrap()), "{i}");
        }
        // A hash of another context is of no use here.
        assert_ne!(kept.as_bytes(), blake3::hash(token.reveal().as_bytes()).as_bytes());
    }

    #[test]
    fn no_secret_is_printed() {
        let key = NewKey::from_random([7; 8], [7; 32]);
        let printed = format!("{key:?}");
        let secret = key.token.reveal().rsplit('-').next().unwrap();
        assert!(printed.contains(&format!("yw-{}-***", key.id)), "{printed}");
        assert!(!printed.contains(&secret[..6]) && !printed.contains(&secret[30..]), "{printed}");
    }
}
