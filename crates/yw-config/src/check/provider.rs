//! Providers, prices and the server.

use std::collections::HashSet;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use url::{Host, Url};
use yw_task::{Dialect, ModelRef, WELL_KNOWN_PROVIDERS, WellKnownProvider, key_variable};

use crate::grammar::{Names, PRICE, PROVIDER, SERVE};
use crate::price::usd_per_token;
use crate::project::{PriceSpec, ProviderSpec, ServeSpec};
use crate::raw::{At, Place, Report, View};

/// The providers of a project: those it defines, and those that its candidates want.
pub(super) struct Providers {
    /// In the order of the file; none where something was reported.
    defined: Vec<(String, Option<ProviderSpec>)>,
    /// In the order in which they were wanted.
    wanted: Vec<&'static WellKnownProvider>,
}

impl Providers {
    /// Notes that a candidate asks this provider; false if nobody knows it.
    pub(super) fn want(&mut self, name: &str) -> bool {
        if self.defined.iter().any(|(defined, _)| defined == name) {
            return true;
        }
        let Some(provider) = well_known(name) else { return false };
        if !self.wanted.iter().any(|w| w.name == name) {
            self.wanted.push(provider);
        }
        true
    }

    /// The names that candidates may use.
    pub(super) fn names(&self) -> Vec<&str> {
        self.defined.iter().map(|(name, _)| name.as_str()).chain(WELL_KNOWN_PROVIDERS.iter().map(|w| w.name)).collect()
    }

    pub(super) fn into_specs(self) -> Option<Vec<ProviderSpec>> {
        let defined = self.defined.into_iter().map(|(_, spec)| spec);
        defined.chain(self.wanted.into_iter().map(well_known_spec)).collect()
    }
}

fn well_known(name: &str) -> Option<&'static WellKnownProvider> {
    WELL_KNOWN_PROVIDERS.iter().find(|w| w.name == name)
}

/// A well-known provider as an empty table would define it.
fn well_known_spec(provider: &WellKnownProvider) -> Option<ProviderSpec> {
    let (table, unsound) = (toml::de::DeTable::new(), HashSet::new());
    let view = View { table: &table, grammar: &PROVIDER, place: Place::whole_file(), unsound: &unsound };
    spec(provider.name, &view, &mut Report::new(""))
}

pub(super) fn providers(root: &View<'_>, report: &mut Report<'_>) -> Providers {
    let mut defined = Vec::new();
    for entry in root.map("provider") {
        let name = entry.key.to_owned();
        let spec = root.view(entry.value, &PROVIDER).and_then(|view| spec(&name, &view, report));
        defined.push((name, spec));
    }
    Providers { defined, wanted: Vec::new() }
}

fn spec(name: &str, view: &View<'_>, report: &mut Report<'_>) -> Option<ProviderSpec> {
    let well_known = well_known(name);
    let dialect = view.text("dialect").map_or(well_known.map_or(Dialect::OpenAi, |w| w.dialect), |word| {
        Dialect::from_name(&word.value).unwrap_or(Dialect::OpenAi)
    });
    let address = match (view.text("base_url"), well_known) {
        (Some(text), _) => base_url(&text, report),
        (None, Some(w)) if !view.table.contains_key("base_url") => Address::parse(w.base_url).ok(),
        (None, Some(_)) => None,
        (None, None) => {
            if !view.table.contains_key("base_url") {
                let message = format!("`{}` has no `base_url`, and `{name}` is not well known", view.place.path);
                report.error(&view.place, message).hint("add, for example, `base_url = \"http://127.0.0.1:11434/v1\"`");
            }
            None
        }
    };
    let key = view.boolean("key").map(|b| b.value);
    let key = key.or_else(|| address.as_ref().map(|a| !a.loopback));
    if let (Some(address), Some(true), Some(at)) = (&address, key, view.get("base_url"))
        && !address.encrypted
        && !address.loopback
    {
        let message = format!("the key of `{name}` would cross the network unencrypted");
        let hint =
            format!("use https, or `key = false` if the server wants none; {} is sent if set", key_variable(name));
        report.warning(&at.place, message).hint(hint);
    }
    Some(ProviderSpec {
        name: name.to_owned(),
        dialect,
        base_url: address?.url,
        concurrency: view.integer("concurrency")?.value,
        timeout: Duration::from_millis(view.integer("timeout_ms")?.value),
        max_retries: view.integer("max_retries")?.value,
        key: key?,
    })
}

/// Where a provider is.
struct Address {
    url: String,
    encrypted: bool,
    loopback: bool,
}

impl Address {
    /// On an error, what is wrong and what to do.
    fn parse(text: &str) -> Result<Address, (String, &'static str)> {
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
        for ending in ["/chat/completions", "/responses", "/v1/messages"] {
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

fn base_url(text: &At<String>, report: &mut Report<'_>) -> Option<Address> {
    match Address::parse(&text.value) {
        Ok(address) => Some(address),
        Err((message, hint)) => {
            report.error(&text.place, message).hint(hint);
            None
        }
    }
}

pub(super) fn prices(root: &View<'_>, report: &mut Report<'_>) -> Option<Vec<PriceSpec>> {
    let mut prices = Vec::new();
    for entry in root.map("price") {
        let Some(model) = ModelRef::parse(entry.key).filter(|_| Names::Models.allow(entry.key)) else { continue };
        let key_place = entry.key_place();
        let Some(view) = root.view(entry.value, &PRICE) else { continue };
        let usd = |key| view.get(key).and_then(|at| usd_per_token(at.value).ok());
        let (input, output, cached_input) = (usd("input"), usd("output"), usd("cached_input"));
        if let (Some(input), Some(cached)) = (input, cached_input)
            && cached > input
        {
            let message = format!("cached tokens of `{model}` cost more than others");
            report.warning(&key_place, message).hint("`cached_input` is the price of tokens read from the cache");
        }
        prices.push(input.zip(output).map(|(input, output)| PriceSpec { model, input, output, cached_input }));
    }
    prices.into_iter().collect()
}

pub(super) fn serve(root: &View<'_>, report: &mut Report<'_>) -> Option<ServeSpec> {
    let (table, place) = (toml::de::DeTable::new(), root.place.clone());
    let absent = || View { table: &table, grammar: &SERVE, place, unsound: root.unsound };
    let view = root.table("serve", &SERVE);
    let view = view.unwrap_or_else(absent);
    let text = view.text("address")?;
    let Ok(address) = text.value.parse::<SocketAddr>() else {
        let hint = match text.value.parse::<IpAddr>() {
            Ok(ip) => format!("add a port: \"{}\"", SocketAddr::new(ip, 7878)),
            Err(_) => "write an IP address and a port: \"127.0.0.1:7878\"".to_owned(),
        };
        report.error(&text.place, format!("`{}` is no address to listen on", text.value)).hint(hint);
        return None;
    };
    Some(ServeSpec {
        address,
        max_body_bytes: view.integer("max_body_bytes")?.value,
        timeout: Duration::from_millis(view.integer("timeout_ms")?.value),
    })
}
