//! Who may call: keys, what they look like, how they are kept, and what they may use.
//!
//! A key is a token `yw-ID-SECRET`. The id is public: it names the key in records and messages. The secret is 32 random
//! bytes, shown once by [`NewKey::generate`] and never kept: a [`KeyRing`] only holds a [`KeyHash`] of the token.
//!
//! # Why BLAKE3 and not argon2
//!
//! A password hash such as argon2 is slow on purpose, because people choose passwords from a set small enough to try.
//! These secrets are drawn from 2²⁵⁶ values that are all as likely: no machine tries any part of them worth speaking of,
//! however fast the hash, so a slow one buys nothing. It would cost some ten milliseconds and megabytes for each request,
//! which is what a server can be flooded with. What is needed is that nobody finds a token for a given hash, and BLAKE3
//! gives that in a tenth of a microsecond. The hash is keyed with a constant of its own, so that it is of no use anywhere
//! else.
//!
//! # Why the time tells nothing
//!
//! A token is looked up by the hash of all of it, in a table with a random seed, and compared in constant time. Two wrong
//! tokens, one of them right but for its last character, have hashes that are equally unlike that of the right one. There
//! is no look-up by id first: whether an id exists cannot be told from the time either. What is not even shaped like a
//! token is refused early, which tells what is written here.

mod ring;
mod spec;
mod token;

pub use ring::{Key, KeyError, KeyRing};
pub use spec::{KeySpec, Pattern, PatternError};
pub use token::{KeyHash, NewKey, RandomError, Token};
