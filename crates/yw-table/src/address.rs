//! From addresses to files: paths, globs and object-store addresses become [`Location`]s in one object-store interface.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Once};
use std::time::Duration;

use futures::TryStreamExt;
use glob::{MatchOptions, Pattern};
use object_store::aws::{AmazonS3Builder, AmazonS3ConfigKey};
use object_store::azure::{AzureConfigKey, MicrosoftAzureBuilder};
use object_store::gcp::{GoogleCloudStorageBuilder, GoogleConfigKey};
use object_store::http::HttpBuilder;
use object_store::local::LocalFileSystem;
use object_store::path::Path as ObjectPath;
use object_store::{ClientConfigKey, ClientOptions, ObjectStore, ObjectStoreScheme, RetryConfig};
use tokio::runtime::Handle;
use url::{Position, Url};

use crate::error::Near;
use crate::near::nearest;
use crate::{Source, TableError};

/// A file that exists, as far as its store tells without being asked for it.
#[derive(Debug, Clone)]
pub(crate) struct Location {
    /// What messages call it.
    pub(crate) name: Arc<str>,
    pub(crate) store: Arc<dyn ObjectStore>,
    pub(crate) path: ObjectPath,
}

/// All files of a source, in reading order. Blocks.
pub(crate) fn resolve(source: &Source, runtime: &Handle) -> Result<Vec<Location>, TableError> {
    let mut locations = Vec::new();
    for address in &source.addresses {
        match parse(address)? {
            Address::Local(path) => resolve_local(address, &path, &source.base_dir, &mut locations)?,
            Address::Remote(url) => runtime.block_on(resolve_remote(address, &url, &mut locations))?,
        }
    }
    Ok(locations)
}

enum Address {
    Local(PathBuf),
    Remote(Url),
}

fn parse(address: &str) -> Result<Address, TableError> {
    let invalid = |reason: String| TableError::Address { address: address.to_owned(), reason };
    if !address.contains("://") {
        return Ok(Address::Local(PathBuf::from(address)));
    }
    let url = Url::parse(address).map_err(|e| invalid(e.to_string()))?;
    if url.scheme() == "file" {
        let path =
            url.to_file_path().map_err(|()| invalid("a file address looks like file:///folder/name.csv".into()))?;
        return Ok(Address::Local(path));
    }
    if url.query().is_some() {
        return Err(invalid("addresses with a `?` part are not supported".into()));
    }
    Ok(Address::Remote(url))
}

const GLOB_CHARACTERS: [char; 3] = ['*', '?', '['];

/// `path` is relative to `base_dir`, or absolute.
fn resolve_local(address: &str, path: &Path, base_dir: &Path, found: &mut Vec<Location>) -> Result<(), TableError> {
    let full_path = base_dir.join(path);
    match std::fs::metadata(&full_path) {
        Ok(metadata) if metadata.is_dir() => Err(TableError::Address {
            address: address.to_owned(),
            reason: "it is a folder; name its files, for example with *.csv".to_owned(),
        }),
        Ok(_) => {
            found.push(local(address, &full_path)?);
            Ok(())
        }
        Err(_) if address.contains(GLOB_CHARACTERS) => resolve_glob(address, path, base_dir, found),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            Err(TableError::NoSuchFile { address: address.to_owned(), near: near(&full_path) })
        }
        Err(error) => Err(TableError::read(address, error)),
    }
}

/// Glob characters of `base_dir` itself mean nothing.
fn resolve_glob(address: &str, pattern: &Path, base_dir: &Path, found: &mut Vec<Location>) -> Result<(), TableError> {
    let full_pattern = Path::new(&Pattern::escape(&base_dir.to_string_lossy())).join(pattern);
    let matches = glob::glob(&full_pattern.to_string_lossy())
        .map_err(|e| TableError::Address { address: address.to_owned(), reason: e.to_string() })?;
    let mut paths = Vec::new();
    for path in matches {
        let path = path.map_err(|e| TableError::read(&e.path().display().to_string(), std::io::Error::from(e)))?;
        if path.is_file() {
            paths.push(path);
        }
    }
    if paths.is_empty() {
        return Err(TableError::NoMatch { pattern: address.to_owned(), near: near(&base_dir.join(pattern)) });
    }
    paths.sort();
    for path in paths {
        let name = path.strip_prefix(base_dir).unwrap_or(&path).display().to_string();
        found.push(local(&name, &path)?);
    }
    Ok(())
}

fn local(name: &str, path: &Path) -> Result<Location, TableError> {
    let absolute = std::path::absolute(path).and_then(|p| p.canonicalize()).map_err(|e| TableError::read(name, e))?;
    let path = ObjectPath::from_absolute_path(absolute).map_err(|e| TableError::read(name, e))?;
    Ok(Location { name: name.into(), store: Arc::new(LocalFileSystem::new()), path })
}

/// The files that stand in the folder of a path that does not exist.
fn near(path: &Path) -> Near {
    let Some(entries) = path.parent().and_then(|folder| std::fs::read_dir(folder).ok()) else {
        return Near::default();
    };
    let mut names: Vec<String> = entries
        .flatten()
        .filter(|entry| entry.path().is_file())
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .filter(|name| !name.starts_with('.'))
        .collect();
    names.sort();
    let wanted = path.file_name().unwrap_or_default().to_string_lossy();
    let meant = nearest(&wanted, names.iter().map(String::as_str)).map(str::to_owned);
    Near { meant, names }
}

async fn resolve_remote(address: &str, url: &Url, found: &mut Vec<Location>) -> Result<(), TableError> {
    let invalid = |reason: String| TableError::Address { address: address.to_owned(), reason };
    let (scheme, path) = ObjectStoreScheme::parse(url).map_err(|e| invalid(e.to_string()))?;
    let store = open_store(&scheme, url, address)?;
    if !path.as_ref().contains(GLOB_CHARACTERS) {
        found.push(Location { name: address.into(), store, path });
        return Ok(());
    }
    let pattern = Pattern::new(path.as_ref()).map_err(|e| invalid(e.to_string()))?;
    let options = MatchOptions { require_literal_separator: true, ..MatchOptions::new() };
    let literal = path.as_ref().split(GLOB_CHARACTERS).next().unwrap_or_default();
    let folder = literal.rsplit_once('/').map(|(folder, _)| ObjectPath::from(folder));
    let listed = store.list(folder.as_ref()).map_ok(|meta| meta.location).try_collect::<Vec<_>>().await;
    let mut paths = listed.map_err(|e| TableError::read(address, e))?;
    let all: Vec<String> = paths.iter().map(|p| p.filename().unwrap_or_default().to_owned()).collect();
    paths.retain(|path| pattern.matches_with(path.as_ref(), options));
    if paths.is_empty() {
        return Err(TableError::NoMatch { pattern: address.to_owned(), near: Near { meant: None, names: all } });
    }
    paths.sort();
    found.extend(paths.into_iter().map(|path| Location {
        name: format!("{}/{path}", &url[..Position::BeforePath]).into(),
        store: store.clone(),
        path,
    }));
    Ok(())
}

/// The store of an address; keys and regions come from the environment variables that each cloud's own tools read.
fn open_store(scheme: &ObjectStoreScheme, url: &Url, address: &str) -> Result<Arc<dyn ObjectStore>, TableError> {
    // A failed address should be reported within seconds; a long download must not be cut after a while.
    const RETRY_TIMEOUT: Duration = Duration::from_secs(20);
    const READ_TIMEOUT: &str = "60 seconds";
    const REQUEST_TIMEOUT: &str = "1 day";
    install_tls_provider();
    let retry = RetryConfig { max_retries: 4, retry_timeout: RETRY_TIMEOUT, ..RetryConfig::default() };
    macro_rules! cloud {
        ($builder:ty, $key:path) => {
            <$builder>::from_env()
                .with_url(url.as_str())
                .with_retry(retry)
                .with_config($key(ClientConfigKey::Timeout), REQUEST_TIMEOUT)
                .with_config($key(ClientConfigKey::ReadTimeout), READ_TIMEOUT)
                .build()
                .map(|store| Arc::new(store) as Arc<dyn ObjectStore>)
        };
    }
    let store = match scheme {
        ObjectStoreScheme::AmazonS3 => cloud!(AmazonS3Builder, AmazonS3ConfigKey::Client),
        ObjectStoreScheme::GoogleCloudStorage => cloud!(GoogleCloudStorageBuilder, GoogleConfigKey::Client),
        ObjectStoreScheme::MicrosoftAzure => cloud!(MicrosoftAzureBuilder, AzureConfigKey::Client),
        ObjectStoreScheme::Http => HttpBuilder::new()
            .with_url(&url[..Position::BeforePath])
            .with_retry(retry)
            .with_client_options(
                ClientOptions::new()
                    .with_allow_http(true)
                    .with_config(ClientConfigKey::Timeout, REQUEST_TIMEOUT)
                    .with_config(ClientConfigKey::ReadTimeout, READ_TIMEOUT),
            )
            .build()
            .map(|store| Arc::new(store) as Arc<dyn ObjectStore>),
        _ => {
            let reason = "use a path, or file://, s3://, gs://, az://, http:// or https://".to_owned();
            return Err(TableError::Address { address: address.to_owned(), reason });
        }
    };
    store.map_err(|e| TableError::read(address, e))
}

/// The HTTP client brings no cryptography of its own; whoever is first in the process names it.
fn install_tls_provider() {
    static INSTALLED: Once = Once::new();
    INSTALLED.call_once(|| {
        // An error says that another part of the program was first, which is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
    });
}
