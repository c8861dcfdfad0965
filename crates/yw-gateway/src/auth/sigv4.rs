//! Signatures of AWS, version 4.

use std::fmt;
use std::sync::Arc;
use std::time::SystemTime;

use aws_credential_types::Credentials as Identity;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningParams, SigningSettings, sign};
use aws_sigv4::sign::v4;
use jiff::Timestamp;
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use reqwest::{Method, Url};

use super::{AuthError, AwsSource};
use crate::Secret;

/// Signs requests to one service in one region.
#[derive(Clone)]
pub(super) struct Signer {
    region: Arc<str>,
    service: Arc<str>,
    source: AwsSource,
}

impl Signer {
    pub(super) fn new(region: &str, service: &str, source: AwsSource) -> Self {
        Signer { region: region.into(), service: service.into(), source }
    }

    pub(super) fn secrets(&self) -> Vec<Secret> {
        self.source.secrets()
    }

    /// Adds the headers of the signature.
    pub(super) async fn sign(
        &self,
        method: &Method,
        url: &Url,
        headers: &mut HeaderMap,
        body: &[u8],
        now: Timestamp,
    ) -> Result<(), AuthError> {
        let keys = self.source.keys(now).await?;
        // What a client sent under these names is not ours, and would be signed with the rest.
        headers.remove(AUTHORIZATION);
        for name in ["x-amz-date", "x-amz-security-token"] {
            headers.remove(name);
        }
        for (name, value) in self.signature(&keys.identity, method, url, headers, body, now)? {
            headers.insert(name, value);
        }
        Ok(())
    }

    fn signature(
        &self,
        identity: &Identity,
        method: &Method,
        url: &Url,
        headers: &HeaderMap,
        body: &[u8],
        now: Timestamp,
    ) -> Result<Vec<(HeaderName, HeaderValue)>, AuthError> {
        let identity = identity.clone().into();
        let parameters: SigningParams<'_> = v4::SigningParams::builder()
            .identity(&identity)
            .region(&self.region)
            .name(&self.service)
            .time(SystemTime::from(now))
            .settings(SigningSettings::default())
            .build()
            .map_err(unsignable)?
            .into();
        let signed_headers = headers
            .iter()
            .filter(|(name, _)| is_signed(name))
            .filter_map(|(n, v)| Some((n.as_str(), v.to_str().ok()?)));
        let request = SignableRequest::new(method.as_str(), url.as_str(), signed_headers, SignableBody::Bytes(body))
            .map_err(unsignable)?;
        let (instructions, _) = sign(request, &parameters).map_err(unsignable)?.into_parts();
        let (added, _) = instructions.into_parts();
        added
            .into_iter()
            .map(|header| {
                let mut value = HeaderValue::from_str(header.value()).map_err(unsignable)?;
                value.set_sensitive(header.sensitive() || header.name() == AUTHORIZATION.as_str());
                Ok((HeaderName::from_static(header.name()), value))
            })
            .collect()
    }
}

/// Whether a header is part of what is signed: those that AWS demands, and none that a proxy on the way might change.
fn is_signed(name: &HeaderName) -> bool {
    *name == CONTENT_TYPE || name.as_str().starts_with("x-amz-")
}

fn unsignable(error: impl std::error::Error) -> AuthError {
    AuthError::Sign { reason: error.to_string() }
}

impl fmt::Debug for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SigV4({} in {}, keys of {:?})", self.service, self.region, self.source)
    }
}
