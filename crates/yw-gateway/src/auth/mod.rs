//! How a request proves who sends it: keys in headers, AWS signatures, Google access tokens.

mod aws;
mod error;
mod fetch;
mod google;
mod ini;
mod refresh;
mod sigv4;
#[cfg(test)]
mod tests;

use std::fmt;

use jiff::Timestamp;
use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderName, HeaderValue};
use reqwest::{Method, Url};

pub use aws::{AwsSource, aws_region};
pub use error::AuthError;
pub use google::GoogleSource;

use crate::Secret;
use sigv4::Signer;

/// What a provider wants to see with every request.
///
/// [`authorize`](Credentials::authorize) adds it to a request's headers. Keys that never change are added without waiting;
/// those of the clouds are fetched when first needed, kept, and renewed before they expire, by one task at a time. Clones
/// share what was fetched. Neither `Debug` nor an error shows a key.
#[derive(Clone, Default)]
pub struct Credentials(Kind);

#[derive(Clone, Default)]
enum Kind {
    #[default]
    None,
    Header {
        name: HeaderName,
        value: HeaderValue,
        secret: Secret,
    },
    SigV4(Signer),
    Google(GoogleSource),
}

impl Credentials {
    /// Nothing is sent.
    pub const fn none() -> Self {
        Credentials(Kind::None)
    }

    /// `authorization: Bearer <key>`.
    ///
    /// # Errors
    ///
    /// [`AuthError::Key`] if no header can hold the key.
    pub fn bearer(key: &Secret) -> Result<Self, AuthError> {
        Self::in_header(AUTHORIZATION, key, format!("Bearer {}", key.expose()))
    }

    /// The key alone in a header, such as `x-api-key`, `api-key` or `x-goog-api-key`.
    ///
    /// # Errors
    ///
    /// [`AuthError::Key`] if `name` is no header name or no header can hold the key.
    pub fn header(name: &str, key: &Secret) -> Result<Self, AuthError> {
        let name = HeaderName::try_from(name).map_err(|_| AuthError::Key { header: name.to_owned() })?;
        Self::in_header(name, key, key.expose().to_owned())
    }

    fn in_header(name: HeaderName, key: &Secret, text: String) -> Result<Self, AuthError> {
        let mut value = HeaderValue::from_str(&text).map_err(|_| AuthError::Key { header: name.to_string() })?;
        value.set_sensitive(true);
        Ok(Credentials(Kind::Header { name, value, secret: key.clone() }))
    }

    /// A signature of AWS, version 4, for `service` (such as `bedrock`) in `region`.
    pub fn sigv4(region: &str, service: &str, source: AwsSource) -> Self {
        Credentials(Kind::SigV4(Signer::new(region, service, source)))
    }

    /// An access token of Google Cloud.
    pub fn google(source: GoogleSource) -> Self {
        Credentials(Kind::Google(source))
    }

    /// Adds what proves the sender to `headers`, in place of whatever they had for it.
    ///
    /// Signatures cover `method`, `url`, `body`, and of the headers `content-type` and those that begin with `x-amz-`:
    /// these must be final. They are valid for five minutes, so a repeated attempt is to be authorized anew.
    ///
    /// # Errors
    ///
    /// For the clouds alone: there are no keys, they cannot be read, or they cannot be fetched.
    pub async fn authorize(
        &self,
        method: &Method,
        url: &Url,
        headers: &mut HeaderMap,
        body: &[u8],
        now: Timestamp,
    ) -> Result<(), AuthError> {
        match &self.0 {
            Kind::None => Ok(()),
            Kind::Header { name, value, .. } => {
                headers.insert(name, value.clone());
                Ok(())
            }
            // Boxed, for the futures of all other calls would carry the room for these.
            Kind::SigV4(signer) => Box::pin(signer.sign(method, url, headers, body, now)).await,
            Kind::Google(source) => {
                let token = Box::pin(source.token(now)).await?;
                headers.insert(AUTHORIZATION, token.header.clone());
                Ok(())
            }
        }
    }

    /// Whether anything is sent at all.
    pub fn is_none(&self) -> bool {
        matches!(self.0, Kind::None)
    }

    /// Every secret known at this moment: what must not appear in anything that is kept.
    pub fn secrets(&self) -> Vec<Secret> {
        match &self.0 {
            Kind::None => Vec::new(),
            Kind::Header { secret, .. } => vec![secret.clone()],
            Kind::SigV4(signer) => signer.secrets(),
            Kind::Google(source) => source.secrets(),
        }
    }

    /// `text` without any of the secrets known at this moment.
    pub fn redact(&self, text: String) -> String {
        match &self.0 {
            Kind::None => text,
            Kind::Header { secret, .. } => secret.redact(text),
            _ => self.secrets().iter().fold(text, |text, secret| secret.redact(text)),
        }
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Kind::None => f.write_str("None"),
            Kind::Header { name, .. } => write!(f, "Header({name}: ***)"),
            Kind::SigV4(signer) => signer.fmt(f),
            Kind::Google(source) => source.fmt(f),
        }
    }
}
