//! How a client proves who it is: each platform has its own way.

use yw_task::Dialect;

use super::Shared;
use super::connection::HttpRequest;
use crate::aws::Signed;
use crate::endpoint::{Endpoint, Platform};

/// The status and the message for a request that does not bring the script's key where it belongs.
pub(super) fn check(shared: &Shared, request: &HttpRequest, endpoint: &Endpoint) -> Result<(), (u16, String)> {
    let key = shared.script.key.as_deref();
    let authorization = request.header("authorization");
    let bearer = authorization.and_then(|a| a.strip_prefix("Bearer "));
    if endpoint.dialect == Dialect::Bedrock && bearer.is_none() {
        return check_signature(shared, request, key);
    }
    let Some(key) = key else { return Ok(()) };
    let other = match (endpoint.platform, endpoint.dialect) {
        (Platform::Azure, _) => request.header("api-key"),
        (Platform::Own, Dialect::Anthropic) => request.header("x-api-key"),
        (Platform::Own, Dialect::Gemini) => request.header("x-goog-api-key").or_else(|| query_key(&request.path)),
        _ => None,
    };
    match [bearer, other].into_iter().flatten().any(|k| k == key) {
        true => Ok(()),
        false => Err((401, "the key is missing or wrong".to_owned())),
    }
}

/// A script with a key and no AWS key takes no signature, since it cannot verify one.
fn check_signature(shared: &Shared, request: &HttpRequest, key: Option<&str>) -> Result<(), (u16, String)> {
    let aws = shared.script.aws.as_ref().map(|(id, secret)| (id.as_str(), secret.as_str()));
    if key.is_some() && aws.is_none() {
        return Err((403, "the key is missing or wrong".to_owned()));
    }
    let signed =
        Signed { method: &request.method, path: &request.path, headers: &request.headers, body: &request.body };
    signed.check(aws).map_err(|message| (403, message))
}

fn query_key(path: &str) -> Option<&str> {
    let (_, query) = path.split_once('?')?;
    query.split('&').find_map(|pair| pair.strip_prefix("key="))
}
