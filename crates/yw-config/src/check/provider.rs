//! Providers: where they are, what they speak, how their key is sent.

use std::collections::HashSet;
use std::path::Path;
use std::time::Duration;

use toml::de::DeTable;
use yw_task::{Dialect, KeyScheme, ProviderAddress, WELL_KNOWN_PROVIDERS, WellKnownProvider, key_variable};

use super::address::{Address, address};
use crate::grammar::{KEY, PROVIDER};
use crate::project::{KeySource, ProviderSpec};
use crate::raw::{At, Place, Report, View};

/// The providers of a project: those it defines, and those that its candidates and routes want.
pub(super) struct Providers {
    /// In the order of the file; none where something was reported.
    defined: Vec<(String, Option<ProviderSpec>)>,
    /// In the order in which they were wanted.
    wanted: Vec<ProviderSpec>,
}

/// Whether a provider can be asked.
pub(super) enum Want {
    /// It can.
    Known,
    /// It is well known, and has no address without an entry; this is a key that the entry has.
    NeedsEntry(&'static str),
    /// Nobody knows it.
    Unknown,
}

impl Providers {
    /// Notes that a candidate or a route asks this provider.
    pub(super) fn want(&mut self, name: &str) -> Want {
        if self.defined.iter().any(|(defined, _)| defined == name) || self.wanted.iter().any(|w| w.name == name) {
            return Want::Known;
        }
        let Some(known) = WellKnownProvider::by_name(name) else { return Want::Unknown };
        match well_known(name) {
            Some(spec) => self.wanted.push(spec),
            None => return Want::NeedsEntry(missing_key(known.address)),
        }
        Want::Known
    }

    /// Whether the file may name models of this provider.
    pub(super) fn knows(&self, name: &str) -> bool {
        self.names().contains(&name)
    }

    /// The names that candidates and routes may use.
    pub(super) fn names(&self) -> Vec<&str> {
        self.defined.iter().map(|(name, _)| name.as_str()).chain(WELL_KNOWN_PROVIDERS.iter().map(|w| w.name)).collect()
    }

    pub(super) fn into_specs(self) -> Option<Vec<ProviderSpec>> {
        self.defined.into_iter().map(|(_, spec)| spec).chain(self.wanted.into_iter().map(Some)).collect()
    }
}

/// A line that gives a provider an address.
fn missing_key(address: ProviderAddress) -> &'static str {
    match address {
        ProviderAddress::Region => "region = \"eu-central-1\"",
        ProviderAddress::Project => "project = \"acme-prod\"",
        ProviderAddress::Own | ProviderAddress::At(_) => "base_url = \"https://NAME.openai.azure.com\"",
    }
}

/// A well-known provider as an empty table would define it.
pub(crate) fn well_known(name: &str) -> Option<ProviderSpec> {
    WellKnownProvider::by_name(name)?;
    let (table, unsound) = (DeTable::new(), HashSet::new());
    let view = View { table: &table, grammar: &PROVIDER, place: Place::whole_file(), unsound: &unsound };
    spec(name, &view, Path::new(""), &mut Report::new(""))
}

pub(super) fn providers(root: &View<'_>, dir: &Path, report: &mut Report<'_>) -> Providers {
    let mut defined = Vec::new();
    for entry in root.map("provider") {
        let name = entry.key.to_owned();
        let spec = root.view(entry.value, &PROVIDER).and_then(|view| spec(&name, &view, dir, report));
        defined.push((name, spec));
    }
    Providers { defined, wanted: Vec::new() }
}

fn spec(name: &str, view: &View<'_>, dir: &Path, report: &mut Report<'_>) -> Option<ProviderSpec> {
    let like = view.text("like").map_or(name.to_owned(), |like| like.value);
    let known = WellKnownProvider::by_name(&like);
    let dialects = dialects(view, known, report);
    let region = view.text("region").map(|region| region.value);
    let scheme = known.map_or_else(|| scheme_of(&dialects, region.is_some()), |known| known.key);
    refuse_foreign_keys(view, known, scheme, report);
    let address = place(name, view, known, scheme, report);
    let (source, needs_key) = key(name, view, known, dir);
    let local = address.as_ref().is_some_and(|a| a.loopback);
    let needs_key = needs_key.unwrap_or(!local && matches!(scheme, KeyScheme::Bearer | KeyScheme::Header(_)));
    if let Some(address) = &address {
        warn_of_open_key(name, view, address, needs_key, &source, report);
    }
    let headers = headers(view, report);
    Some(ProviderSpec {
        name: name.to_owned(),
        like,
        dialects,
        base_url: address?.url,
        api_version: view.text("api_version").map(|version| version.value),
        region,
        key_scheme: scheme,
        key: source,
        needs_key,
        headers: headers?,
        concurrency: view.integer("concurrency")?.value,
        timeout: Duration::from_millis(view.integer("timeout_ms")?.value),
        max_retries: view.integer("max_retries")?.value,
    })
}

fn dialects(view: &View<'_>, known: Option<&WellKnownProvider>, report: &mut Report<'_>) -> Vec<Dialect> {
    let default = || known.map_or(vec![Dialect::OpenAi], |known| known.dialects.to_vec());
    let Some(At { value, place }) = view.get("dialect") else { return default() };
    let words: Vec<&str> = match value.as_array() {
        Some(list) => list.iter().filter_map(|word| word.get_ref().as_str()).collect(),
        None => value.as_str().into_iter().collect(),
    };
    let mut dialects: Vec<Dialect> = Vec::new();
    for dialect in words.into_iter().filter_map(Dialect::from_name) {
        if dialects.contains(&dialect) {
            report.error(&place, format!("the dialect `{dialect}` stands there twice")).hint("name each once");
        } else {
            dialects.push(dialect);
        }
    }
    if dialects.is_empty() { default() } else { dialects }
}

/// How a server that nobody knows takes its key: as the company does whose dialect it speaks.
fn scheme_of(dialects: &[Dialect], has_region: bool) -> KeyScheme {
    match dialects.first() {
        Some(Dialect::Anthropic) => KeyScheme::Header("x-api-key"),
        Some(Dialect::Gemini) => KeyScheme::Header("x-goog-api-key"),
        Some(Dialect::Bedrock) if has_region => KeyScheme::SigV4,
        Some(Dialect::OpenAi | Dialect::Responses | Dialect::Bedrock) | None => KeyScheme::Bearer,
    }
}

/// Reports keys of one cloud at a provider of another.
fn refuse_foreign_keys(view: &View<'_>, known: Option<&WellKnownProvider>, scheme: KeyScheme, report: &mut Report<'_>) {
    let is_azure = known.is_some_and(|known| known.name == "azure");
    let rules = [
        ("region", "bedrock", scheme == KeyScheme::SigV4),
        ("project", "vertex", scheme == KeyScheme::GoogleToken),
        ("location", "vertex", scheme == KeyScheme::GoogleToken),
        ("api_version", "azure", is_azure),
    ];
    for (key, cloud, fits) in rules {
        if let Some(at) = view.get(key).filter(|_| !fits) {
            let message = format!("`{key}` is for providers like `{cloud}`");
            report.error(&at.place, message).hint(format!("say `like = \"{cloud}\"`, or remove it"));
        }
    }
}

/// Where the provider is: as the file says, as is well known, or made from a region or a project.
fn place(
    name: &str,
    view: &View<'_>,
    known: Option<&WellKnownProvider>,
    scheme: KeyScheme,
    report: &mut Report<'_>,
) -> Option<Address> {
    let lacks = |key: &str| !view.table.contains_key(key);
    if scheme == KeyScheme::SigV4 && lacks("region") {
        let hint = "add, for example, `region = \"eu-central-1\"`: requests are signed for it";
        report.error(&view.place, format!("`{}` has no `region`", view.place.path)).hint(hint);
        return None;
    }
    if let Some(text) = view.text("base_url") {
        let address = address(&text, report)?;
        let is_azure = known.is_some_and(|known| known.name == "azure");
        return Some(if is_azure { azure(address, lacks("api_version")) } else { address });
    }
    if !lacks("base_url") {
        return None;
    }
    let needed = match known.map(|known| known.address) {
        Some(ProviderAddress::At(url)) => return Address::parse(url).ok(),
        Some(ProviderAddress::Region) => return Address::parse(&bedrock(&view.text("region")?.value)).ok(),
        Some(ProviderAddress::Project) if !lacks("project") => {
            let location = view.text("location").map_or("global".to_owned(), |location| location.value);
            return Address::parse(&vertex(&view.text("project")?.value, &location)).ok();
        }
        Some(needed) => needed,
        None => {
            let message = format!("`{}` has no `base_url`, and `{name}` is not well known", view.place.path);
            report.error(&view.place, message).hint("add, for example, `base_url = \"http://127.0.0.1:11434/v1\"`");
            return None;
        }
    };
    let line = missing_key(needed);
    let key = line.split(' ').next().unwrap_or_default();
    report
        .error(&view.place, format!("`{}` has no `{key}`", view.place.path))
        .hint(format!("add, for example, `{line}`"));
    None
}

/// Azure's present API lives below `/openai/v1`; of the older one, the whole path is made from the deployment.
fn azure(address: Address, present: bool) -> Address {
    let root = address.url.trim_end_matches("/v1").trim_end_matches("/openai").to_owned();
    let is_resource = root.splitn(4, '/').count() < 4;
    match (present, is_resource) {
        (true, true) => Address { url: format!("{root}/openai/v1"), ..address },
        (false, true) => Address { url: root, ..address },
        // Something that stands before Azure has paths of its own.
        (_, false) => address,
    }
}

fn bedrock(region: &str) -> String {
    let domain = if region.starts_with("cn-") { "amazonaws.com.cn" } else { "amazonaws.com" };
    format!("https://bedrock-runtime.{region}.{domain}")
}

fn vertex(project: &str, location: &str) -> String {
    let host = match location {
        "global" => "aiplatform.googleapis.com".to_owned(),
        _ => format!("{location}-aiplatform.googleapis.com"),
    };
    format!("https://{host}/v1/projects/{project}/locations/{location}/publishers/google")
}

/// Where the key is, and whether there must be one, if the file says so.
fn key(name: &str, view: &View<'_>, known: Option<&WellKnownProvider>, dir: &Path) -> (KeySource, Option<bool>) {
    let own = known.filter(|known| known.name == name).map(WellKnownProvider::key_variable);
    let usual = KeySource::Environment(own.unwrap_or_else(|| key_variable(name)));
    let Some(at) = view.get("key") else { return (usual, None) };
    if let Some(needed) = at.value.as_bool() {
        return (usual, Some(needed));
    }
    let Some(key) = view.variant(at, &KEY) else { return (usual, None) };
    let source = match key.grammar.key("env") {
        Some(_) => key.text("env").map(|name| KeySource::Environment(name.value)),
        None => key.text("file").map(|path| KeySource::File(dir.join(path.value))),
    };
    (source.unwrap_or(usual), Some(true))
}

fn warn_of_open_key(
    name: &str,
    view: &View<'_>,
    address: &Address,
    needs_key: bool,
    source: &KeySource,
    report: &mut Report<'_>,
) {
    if let Some(at) = view.get("base_url").filter(|_| needs_key && !address.encrypted && !address.loopback) {
        let message = format!("the key of `{name}` would cross the network unencrypted");
        let hint = format!("use https, or `key = false` if the server wants none; {source} is sent if set");
        report.warning(&at.place, message).hint(hint);
    }
}

/// Headers that carry keys.
const OF_KEYS: &[&str] = &["authorization", "proxy-authorization", "x-api-key", "api-key", "x-goog-api-key", "cookie"];

/// Headers that the connection needs.
const OF_THE_CONNECTION: &[&str] = &[
    "host",
    "content-length",
    "content-type",
    "content-encoding",
    "transfer-encoding",
    "connection",
    "keep-alive",
    "te",
    "trailer",
    "upgrade",
    "expect",
    "accept-encoding",
];

fn headers(view: &View<'_>, report: &mut Report<'_>) -> Option<Vec<(String, String)>> {
    let mut headers: Vec<(String, String)> = Vec::new();
    for entry in view.map("headers") {
        let name = entry.key.to_ascii_lowercase();
        let mut refuse = |message: String, hint: &str| report.error(&entry.key_place(), message).hint(hint);
        if OF_KEYS.contains(&name.as_str()) || name.starts_with("x-amz-") {
            let hint = "a key is named by `key = { env = \"NAME\" }`, and sent as the provider wants it";
            refuse(format!("the header `{name}` carries a key"), hint);
        } else if OF_THE_CONNECTION.contains(&name.as_str()) {
            refuse(format!("the header `{name}` is not the file's to set"), "remove it");
        } else if headers.iter().any(|(known, _)| *known == name) {
            refuse(format!("the header `{name}` stands there twice"), "their case does not count; remove one");
        }
        let value = entry.value.value.as_str().filter(|_| !view.unsound.contains(&entry.value.place.span.start))?;
        headers.push((name, value.to_owned()));
    }
    Some(headers)
}
