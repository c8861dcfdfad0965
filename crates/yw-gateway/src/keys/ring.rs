use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use jiff::Timestamp;
use thiserror::Error;

use super::spec::KeySpec;
use super::token::{KeyHash, is_token};
use crate::limits::Payer;

/// The keys that are known, by the hash of their tokens. Its keys are replaced all together, while calls go on.
#[derive(Debug, Default)]
pub struct KeyRing {
    keys: RwLock<HashMap<KeyHash, Arc<Key>>>,
}

/// One key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key {
    /// Its public name.
    pub id: String,
    /// The hash of its token.
    pub hash: KeyHash,
    /// What it is called and what it may do.
    pub spec: KeySpec,
    /// Whether its owner has taken it back.
    pub is_revoked: bool,
}

/// Why a caller is not let in. No message holds any part of what was sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum KeyError {
    /// Nothing was sent.
    #[error("no key was sent; send one as `authorization: Bearer yw-...` or as `x-api-key: yw-...`")]
    Missing,
    /// What was sent is not shaped like a key.
    #[error("what was sent is not a key of this server: keys look like `yw-ID-SECRET`")]
    Malformed,
    /// No such key.
    #[error("this server does not know the key; `yw key list` shows those it knows")]
    Unknown,
    /// Its owner has taken it back.
    #[error("the key was revoked; make another with `yw key create`")]
    Revoked,
    /// Its time is over.
    #[error("the key has expired; make another with `yw key create`")]
    Expired,
}

impl Key {
    /// Who pays for the calls of this key.
    pub fn payer(&self) -> Payer<'_> {
        Payer { key: &self.id, limits: &self.spec.limits }
    }
}

impl KeyRing {
    /// A ring of these keys.
    pub fn new(keys: impl IntoIterator<Item = Key>) -> Self {
        KeyRing { keys: RwLock::new(by_hash(keys)) }
    }

    /// Replaces all keys. Keep revoked and expired ones, so that their owners are told what happened.
    pub fn replace(&self, keys: impl IntoIterator<Item = Key>) {
        let keys = by_hash(keys);
        let old = std::mem::replace(&mut *self.keys.write().unwrap_or_else(PoisonError::into_inner), keys);
        // Calls that wait for the ring need not wait for this too.
        drop(old);
    }

    /// Whether there are no keys.
    pub fn is_empty(&self) -> bool {
        self.keys.read().unwrap_or_else(PoisonError::into_inner).is_empty()
    }

    /// The key of a token that a caller sent. How long a wrong one takes does not depend on what is wrong with it, once
    /// it is shaped like a token; see the [module](super).
    ///
    /// # Errors
    /// If the token is none, is not known, or is of no use any more.
    pub fn authenticate(&self, token: Option<&str>, now: Timestamp) -> Result<Arc<Key>, KeyError> {
        let token = token.map(str::trim).filter(|token| !token.is_empty()).ok_or(KeyError::Missing)?;
        if !is_token(token) {
            return Err(KeyError::Malformed);
        }
        let hash = KeyHash::of(token);
        let keys = self.keys.read().unwrap_or_else(PoisonError::into_inner);
        let key = keys.get(&hash).ok_or(KeyError::Unknown)?;
        if key.is_revoked {
            return Err(KeyError::Revoked);
        }
        if key.spec.expires.is_some_and(|at| at <= now) {
            return Err(KeyError::Expired);
        }
        Ok(key.clone())
    }
}

fn by_hash(keys: impl IntoIterator<Item = Key>) -> HashMap<KeyHash, Arc<Key>> {
    keys.into_iter().map(|key| (key.hash, Arc::new(key))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keys::{NewKey, Token};

    fn key(name: &str) -> (Token, Key) {
        let NewKey { id, token, hash } = NewKey::generate().unwrap();
        (token, Key { id, hash, spec: KeySpec::new(name), is_revoked: false })
    }

    fn now() -> Timestamp {
        "2026-11-22T12:00:00Z".parse().unwrap()
    }

    #[test]
    fn each_caller_is_told_what_is_wrong() {
        let (good, app) = key("app");
        let (revoked, mut old) = key("old");
        old.is_revoked = true;
        let (expired, mut trial) = key("trial");
        trial.spec.expires = Some(now());
        let (unknown, _) = key("other");
        let ring = KeyRing::new([app.clone(), old, trial]);
        let check = |token: Option<&str>| ring.authenticate(token, now()).map(|key| key.spec.name.clone());
        assert_eq!(check(Some(good.reveal())), Ok("app".to_owned()));
        assert_eq!(check(Some(&format!(" {} ", good.reveal()))), Ok("app".to_owned()));
        assert_eq!(check(None), Err(KeyError::Missing));
        assert_eq!(check(Some("  ")), Err(KeyError::Missing));
        assert_eq!(check(Some("sk-ant-123")), Err(KeyError::Malformed));
        assert_eq!(check(Some(unknown.reveal())), Err(KeyError::Unknown));
        assert_eq!(check(Some(revoked.reveal())), Err(KeyError::Revoked));
        assert_eq!(check(Some(expired.reveal())), Err(KeyError::Expired));
        let before = now() - jiff::SignedDuration::from_nanos(1);
        assert!(ring.authenticate(Some(expired.reveal()), before).is_ok());
        // The right secret under another's id is nobody's.
        let secret = good.reveal().rsplit('-').next().unwrap();
        let id = unknown.reveal().split('-').nth(1).unwrap();
        assert_eq!(check(Some(&format!("yw-{id}-{secret}"))), Err(KeyError::Unknown));
    }

    #[test]
    fn keys_change_while_calls_go_on() {
        let ((first, a), (second, b)) = (key("a"), key("b"));
        let ring = KeyRing::default();
        assert!(ring.is_empty());
        ring.replace([a]);
        let held = ring.authenticate(Some(first.reveal()), now()).unwrap();
        ring.replace([b]);
        assert_eq!(ring.authenticate(Some(first.reveal()), now()), Err(KeyError::Unknown));
        assert_eq!(ring.authenticate(Some(second.reveal()), now()).unwrap().spec.name, "b");
        assert_eq!(held.payer().key, held.id);
    }

    #[test]
    fn no_secret_is_printed() {
        let (token, app) = key("app");
        let hash: String = app.hash.as_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
        let ring = KeyRing::new([app]);
        let secret = token.reveal().rsplit('-').next().unwrap().to_owned();
        let error = KeyRing::default().authenticate(Some(token.reveal()), now()).unwrap_err();
        let printed = format!("{ring:?} {token:?} {error:?} {error}");
        assert!(!printed.contains(&secret) && !printed.contains(&hash[..8]), "{printed}");
    }
}
