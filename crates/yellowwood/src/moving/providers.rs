//! The providers of a draft: which accounts and servers there are, and what they are called.

use std::collections::BTreeSet;
use std::fmt::Write;

use yw_task::{KeyScheme, WellKnownProvider, key_variable};

use super::draft::{key, quoted};

/// Where the key of a provider is.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) enum Key {
    /// Where it is without a word.
    #[default]
    Usual,
    /// In this variable.
    Environment(String),
    /// In this file.
    File(String),
    /// There is none.
    None,
}

/// An account at a company, or a server. Two deployments with equal settings are reached through the same.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Account {
    /// A well-known provider, or a name for one that is not.
    pub(super) like: String,
    pub(super) dialect: Option<&'static str>,
    pub(super) base_url: Option<String>,
    pub(super) api_version: Option<String>,
    pub(super) region: Option<String>,
    pub(super) project: Option<String>,
    pub(super) location: Option<String>,
    pub(super) key: Key,
    pub(super) headers: Vec<(String, String)>,
}

impl Account {
    fn known(&self) -> Option<&'static WellKnownProvider> {
        WellKnownProvider::by_name(&self.like)
    }

    /// Whether it is the well-known provider without an entry.
    fn is_plain(&self) -> bool {
        *self == Account { like: self.like.clone(), ..Account::default() }
            && self.known().is_some_and(|known| known.base_url().is_some())
    }

    /// A word that tells it from others like it.
    fn mark(&self) -> Option<String> {
        let host = || {
            let url = self.base_url.as_deref()?;
            let host = url.split("://").nth(1)?.split(['/', ':']).next()?;
            host.split('.')
                .next()
                .filter(|label| !matches!(*label, "api" | "www" | "localhost" | "127"))
                .map(str::to_owned)
        };
        let variable = || match &self.key {
            Key::Environment(name) => {
                let like = self.like.to_ascii_uppercase();
                let words = name.split('_').filter(|word| !["API", "KEY", "TOKEN", "", &like].contains(word));
                Some(words.collect::<Vec<_>>().join("-").to_ascii_lowercase())
            }
            Key::Usual | Key::File(_) | Key::None => None,
        };
        let words = [self.region.clone(), self.location.clone(), host(), variable()];
        words.into_iter().flatten().map(|word| safe(&word)).find(|word| !word.is_empty())
    }
}

/// A word as part of a provider's name.
fn safe(word: &str) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() || c == '-' { c.to_ascii_lowercase() } else { '-' };
    let word: String = word.chars().take(40).map(plain).collect();
    word.trim_matches('-').to_owned()
}

/// All accounts, each once.
#[derive(Debug, Default)]
pub(super) struct Providers {
    accounts: Vec<Account>,
}

impl Providers {
    /// The place of an account among them.
    pub(super) fn add(&mut self, mut account: Account) -> usize {
        let usual = account.known().map(WellKnownProvider::key_variable);
        if usual.is_some_and(|usual| account.key == Key::Environment(usual)) {
            account.key = Key::Usual;
        }
        match self.accounts.iter().position(|known| *known == account) {
            Some(place) => place,
            None => {
                self.accounts.push(account);
                self.accounts.len() - 1
            }
        }
    }

    /// The name of each, unique: that of the well-known provider where there is one such account, or where it has no
    /// settings of its own.
    pub(super) fn names(&self) -> Vec<String> {
        let mut taken: BTreeSet<String> = BTreeSet::new();
        let mut names = vec![String::new(); self.accounts.len()];
        // Accounts without an entry have no other name.
        let plain_first = |plain: bool| self.accounts.iter().enumerate().filter(move |(_, a)| a.is_plain() == plain);
        for (place, account) in plain_first(true).chain(plain_first(false)) {
            let base = Some(safe(&account.like)).filter(|base| !base.is_empty()).unwrap_or_else(|| "server".into());
            let only = self.accounts.iter().filter(|other| other.like == account.like).count() == 1;
            let is_mine = account.known().is_some() || WellKnownProvider::by_name(&base).is_none();
            let marked = account.mark().map(|mark| format!("{base}-{mark}"));
            let first = if (only || account.is_plain()) && is_mine { Some(base.clone()) } else { marked };
            let numbered = (2..).map(|n| format!("{base}-{n}"));
            let mut candidates = first.into_iter().chain(numbered);
            let free = |name: &String| !taken.contains(name) && (account.like == *name || !is_well_known(name));
            let name = candidates.find(free).unwrap_or_default();
            taken.insert(name.clone());
            names[place] = name;
        }
        names
    }

    /// The entries, with an empty line before each.
    pub(super) fn write(&self, out: &mut String) {
        for (name, account) in self.names().iter().zip(&self.accounts) {
            if !account.is_plain() {
                // Writing to a string never fails.
                let _ = write!(out, "\n[provider.{}]\n{}", key(name), entry(name, account));
            }
        }
    }
}

fn is_well_known(name: &str) -> bool {
    WellKnownProvider::by_name(name).is_some()
}

fn entry(name: &str, account: &Account) -> String {
    let mut lines = String::new();
    let mut line = |key: &str, value: String| {
        let _ = writeln!(lines, "{key} = {value}");
    };
    if account.known().is_some() && account.like != name {
        line("like", quoted(&account.like));
    }
    if let Some(dialect) = account.dialect {
        line("dialect", quoted(dialect));
    }
    let texts = [
        ("base_url", &account.base_url),
        ("region", &account.region),
        ("project", &account.project),
        ("location", &account.location),
        ("api_version", &account.api_version),
    ];
    for (key, value) in texts {
        if let Some(value) = value {
            line(key, quoted(value));
        }
    }
    // An account under another name would look for a variable of that name.
    let needs_none = account.known().is_some_and(|known| {
        matches!(known.key, KeyScheme::GoogleToken) || known.base_url().is_some_and(|url| url.starts_with("http://"))
    });
    let usual = account.known().filter(|known| known.name != name && !needs_none).map(WellKnownProvider::key_variable);
    match (&account.key, usual) {
        // Signing is not replaced by a key that happens to be there.
        (Key::Usual, Some(_)) if account.known().is_some_and(|known| known.key == KeyScheme::SigV4) => {}
        (Key::Usual, Some(variable)) => line("key", format!("{{ env = {} }}", quoted(&variable))),
        (Key::Environment(variable), _) if *variable != key_variable(name) => {
            line("key", format!("{{ env = {} }}", quoted(variable)));
        }
        (Key::Usual | Key::Environment(_), _) => {}
        (Key::File(path), _) => line("key", format!("{{ file = {} }}", quoted(path))),
        (Key::None, _) => line("key", "false".to_owned()),
    }
    if !account.headers.is_empty() {
        let headers: Vec<String> = account.headers.iter().map(|(n, v)| format!("{} = {}", key(n), quoted(v))).collect();
        line("headers", format!("{{ {} }}", headers.join(", ")));
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    fn account(like: &str, base_url: &str, variable: &str) -> Account {
        Account {
            like: like.into(),
            base_url: Some(base_url.to_owned()).filter(|url| !url.is_empty()),
            key: if variable.is_empty() { Key::Usual } else { Key::Environment(variable.into()) },
            ..Account::default()
        }
    }

    #[test]
    fn names_are_short_and_unique() {
        let mut providers = Providers::default();
        for account in [
            account("openai", "", "OPENAI_API_KEY"),
            account("openai", "", ""),
            account("azure", "https://acme-eu.openai.azure.com", ""),
            account("azure", "https://acme-us.openai.azure.com", "AZURE_US_KEY"),
            account("azure", "https://acme-us.openai.azure.com", "AZURE_OTHER_KEY"),
            account("openai", "", "OPENAI_API_KEY_TEAM_B"),
            account("my server", "http://10.0.0.1:8000/v1", ""),
            account("", "http://10.0.0.2:8000/v1", ""),
        ] {
            providers.add(account);
        }
        let names = providers.names();
        assert_eq!(
            names,
            ["openai", "azure-acme-eu", "azure-acme-us", "azure-2", "openai-team-b", "my-server", "server"]
        );
    }
}
