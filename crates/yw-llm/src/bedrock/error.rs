use serde_json::Value;

use crate::json::{shortened, text};
use crate::{ProviderError, ProviderErrorKind};

/// Reads the body of a failure whose name is not known, because it stood in a header; see [`decode_named_error`].
pub fn decode_error(status: u16, body: &[u8]) -> ProviderError {
    decode_named_error(status, None, body)
}

/// Reads the body of a failure. `name` is the header `x-amzn-errortype`, such as `ThrottlingException:http://...`, if there
/// was one.
pub fn decode_named_error(status: u16, name: Option<&str>, body: &[u8]) -> ProviderError {
    let json = serde_json::from_slice::<Value>(body).ok();
    let typed = json.as_ref().and_then(|json| text(json, "/__type"));
    let message = match &json {
        Some(json) => message_of(json),
        None => String::from_utf8_lossy(body).into_owned(),
    };
    read_error(Some(status), name.or(typed), &message)
}

/// The message of a failure, whose key begins with either case.
pub(super) fn message_of(json: &Value) -> String {
    ["/message", "/Message"].iter().find_map(|key| text(json, key)).map_or_else(|| json.to_string(), str::to_owned)
}

/// A failure by its name, or else by the status. The name may stand between a namespace and an address.
pub(super) fn read_error(status: Option<u16>, name: Option<&str>, message: &str) -> ProviderError {
    use ProviderErrorKind::*;
    let name = name.map(|name| name.split(':').next().unwrap_or_default().rsplit('#').next().unwrap_or_default());
    let word = name.map(str::to_ascii_lowercase);
    let kind = match word.as_deref().map(|word| word.strip_suffix("exception").unwrap_or(word)) {
        Some("validation") if status == Some(413) => TooLarge,
        Some("validation") => InvalidRequest,
        Some("throttling" | "toomanyrequests" | "servicequotaexceeded") => RateLimited,
        Some("accessdenied") => Permission,
        Some(
            "unrecognizedclient"
            | "invalidsignature"
            | "expiredtoken"
            | "missingauthenticationtoken"
            | "incompletesignature"
            | "notauthorized"
            | "invalidclienttokenid",
        ) => Authentication,
        Some("resourcenotfound" | "unknownoperation") => NotFound,
        Some("modeltimeout") => Timeout,
        Some("serviceunavailable" | "modelnotready") => Overloaded,
        Some("internalserver" | "internalfailure" | "modelerror" | "modelstreamerror") => Server,
        // 424: the model failed, which is not the request's fault.
        _ if status == Some(424) => Server,
        _ => status.map_or(Other, ProviderErrorKind::of_status),
    };
    let code = name.filter(|name| !name.is_empty()).map(str::to_owned);
    ProviderError { kind, message: shortened(message, 600), code }
}
