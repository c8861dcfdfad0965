//! Web addresses of providers and collectors.

use url::{Host, Url};

use crate::raw::{At, Report};

/// Where a server is.
pub(super) struct Address {
    pub(super) url: String,
    pub(super) encrypted: bool,
    pub(super) loopback: bool,
}

impl Address {
    /// On an error, what is wrong and what to do.
    pub(super) fn parse(text: &str) -> Result<Address, (String, &'static str)> {
        const EXAMPLE: &str = "for example `http://127.0.0.1:11434/v1`";
        if !text.contains("://") {
            return Err((format!("`{text}` is no web address"), "start it with `https://` or `http://`"));
        }
        let url = Url::parse(text).map_err(|e| (format!("`{text}` is no web address: {e}"), EXAMPLE))?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err((format!("`{}` is no scheme for providers", url.scheme()), "use `https://` or `http://`"));
        }
        if !url.username().is_empty() || url.password().is_some() {
            let hint = "keys are read from the environment: NAME_API_KEY";
            return Err(("the address holds credentials".into(), hint));
        }
        if url.query().is_some() || url.fragment().is_some() {
            return Err(("the address has a query or a fragment".into(), "end it after the path"));
        }
        let path = url.path().trim_end_matches('/');
        for ending in ["/chat/completions", "/responses", "/v1/messages", "/embeddings"] {
            if path.ends_with(ending) {
                return Err((format!("the address ends in `{ending}`"), "leave that out; the dialect appends it"));
            }
        }
        let loopback = match url.host() {
            Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
            Some(Host::Ipv4(ip)) => ip.is_loopback(),
            Some(Host::Ipv6(ip)) => ip.is_loopback(),
            None => false,
        };
        let encrypted = url.scheme() == "https";
        Ok(Address { url: text.trim().trim_end_matches('/').to_owned(), encrypted, loopback })
    }
}

/// The address that a key of the file says; reported if it is none.
pub(super) fn address(text: &At<String>, report: &mut Report<'_>) -> Option<Address> {
    match Address::parse(&text.value) {
        Ok(address) => Some(address),
        Err((message, hint)) => {
            report.error(&text.place, message).hint(hint);
            None
        }
    }
}
