//! Where the keys of AWS come from.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use aws_credential_types::Credentials as Identity;
use jiff::{SignedDuration, Timestamp};
use reqwest::header::AUTHORIZATION;
use serde::Deserialize;

use super::fetch::{self, Http, METADATA_TIMEOUT};
use super::refresh::{Expiring, Fetch, Refreshing};
use super::{AuthError, ini};
use crate::Secret;

/// Where the metadata of an EC2 instance is.
const INSTANCE_METADATA: &str = "http://169.254.169.254";

/// Where the containers of ECS and EKS ask; the only addresses that are asked without TLS, besides this machine's.
const CONTAINER_HOSTS: [&str; 3] = ["169.254.170.2", "169.254.170.23", "[fd00:ec2::23]"];

/// Files of profiles are read again after so long: other programs renew the keys in them.
const FILE_LASTS: SignedDuration = SignedDuration::from_mins(10);

/// Where the keys of AWS come from. Clones share what was fetched.
#[derive(Clone)]
pub struct AwsSource(Refreshing<Origin>);

impl AwsSource {
    /// These keys, for ever; temporary ones have a session token.
    pub fn fixed(access_key_id: &str, secret_access_key: Secret, session_token: Option<Secret>) -> Self {
        let keys =
            Keys::new(access_key_id, secret_access_key.expose(), session_token.as_ref().map(Secret::expose), None);
        AwsSource(Refreshing::new(Origin::Fixed(keys)))
    }

    /// A profile of the files of the AWS command line; of those that are missing nothing is said if another has it.
    ///
    /// Keys in the file alone are understood, not those that it says to fetch by signing on or by starting a program.
    pub fn profile(files: Vec<PathBuf>, name: &str) -> Self {
        AwsSource(Refreshing::new(Origin::Profile { files, name: name.to_owned() }))
    }

    /// The role of an ECS task or an EKS pod, as `AWS_CONTAINER_CREDENTIALS_FULL_URI` has its address.
    ///
    /// # Errors
    ///
    /// [`AuthError::Address`] for an address that is neither https, nor this machine's, nor one of those of AWS.
    pub fn container(address: &str, token: Option<Secret>) -> Result<Self, AuthError> {
        Self::from_container(address, token.map(ContainerToken::Given))
    }

    fn from_container(address: &str, token: Option<ContainerToken>) -> Result<Self, AuthError> {
        let url = fetch::checked_url(address, &CONTAINER_HOSTS)?;
        Ok(AwsSource(Refreshing::new(Origin::Container { url, token, http: Http::default() })))
    }

    /// The role of an EC2 instance, from version 2 of its metadata service.
    pub fn instance() -> Self {
        let url = reqwest::Url::parse(INSTANCE_METADATA);
        // A constant; should it not parse, asking says so.
        AwsSource(Refreshing::new(Origin::Instance { url: url.ok(), http: Http::default() }))
    }

    /// As [`instance`](Self::instance), at another address: https, or on this machine.
    ///
    /// # Errors
    ///
    /// [`AuthError::Address`] for any other address.
    pub fn instance_at(address: &str) -> Result<Self, AuthError> {
        let url = fetch::checked_url(address, &["169.254.169.254", "[fd00:ec2::254]"])?;
        Ok(AwsSource(Refreshing::new(Origin::Instance { url: Some(url), http: Http::default() })))
    }

    /// The first of what the AWS SDKs would use: keys in the environment, the profile, the container, the instance.
    ///
    /// `variable` reads the environment. A profile that is named by `AWS_PROFILE` is used whether it is there or not, the
    /// default one only if a file has it.
    ///
    /// # Errors
    ///
    /// [`AuthError::Address`] as for [`container`](Self::container) and [`instance_at`](Self::instance_at).
    pub fn discover(variable: impl Fn(&str) -> Option<String>) -> Result<Self, AuthError> {
        let variable = |name: &str| variable(name).filter(|value| !value.is_empty());
        if let (Some(id), Some(secret)) = (variable("AWS_ACCESS_KEY_ID"), variable("AWS_SECRET_ACCESS_KEY")) {
            let token = variable("AWS_SESSION_TOKEN").map(|token| Secret::new(&token));
            return Ok(Self::fixed(&id, Secret::new(&secret), token));
        }
        let files = profile_files(&variable);
        if let Some(name) = variable("AWS_PROFILE") {
            return Ok(Self::profile(files, &name));
        }
        let has_default = |path: &PathBuf| {
            std::fs::read_to_string(path).is_ok_and(|text| ini::value(&text, "default", "aws_access_key_id").is_some())
        };
        if files.iter().any(has_default) {
            return Ok(Self::profile(files, "default"));
        }
        let full = variable("AWS_CONTAINER_CREDENTIALS_FULL_URI");
        let relative = variable("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI");
        if let Some(address) = relative.map(|path| format!("http://{}{path}", CONTAINER_HOSTS[0])).or(full) {
            let file = variable("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE").map(|path| ContainerToken::File(path.into()));
            let given =
                || variable("AWS_CONTAINER_AUTHORIZATION_TOKEN").map(|t| ContainerToken::Given(Secret::new(&t)));
            return Self::from_container(&address, file.or_else(given));
        }
        match variable("AWS_EC2_METADATA_SERVICE_ENDPOINT") {
            Some(address) => Self::instance_at(&address),
            None => Ok(Self::instance()),
        }
    }

    /// Keys that are valid at `now`.
    pub(super) async fn keys(&self, now: Timestamp) -> Result<Arc<Keys>, AuthError> {
        self.0.get(now).await
    }

    pub(super) fn secrets(&self) -> Vec<Secret> {
        let fixed = match self.0.source() {
            Origin::Fixed(keys) => Some(keys.secrets()),
            Origin::Container { token: Some(ContainerToken::Given(token)), .. } => Some(vec![token.clone()]),
            _ => None,
        };
        let fetched = self.0.peek().map(|keys| keys.secrets());
        fixed.into_iter().chain(fetched).flatten().collect()
    }
}

/// The region that the environment names, or else the profile's.
pub fn aws_region(variable: impl Fn(&str) -> Option<String>) -> Option<String> {
    let variable = |name: &str| variable(name).filter(|value| !value.is_empty());
    variable("AWS_REGION").or_else(|| variable("AWS_DEFAULT_REGION")).or_else(|| {
        let profile = variable("AWS_PROFILE").unwrap_or_else(|| "default".to_owned());
        let texts = profile_files(&variable).into_iter().filter_map(|path| std::fs::read_to_string(path).ok());
        texts.filter_map(|text| profile_value(&text, &profile, "region").map(str::to_owned)).next()
    })
}

impl fmt::Debug for AwsSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.source() {
            Origin::Fixed(_) => f.write_str("the settings"),
            Origin::Profile { name, .. } => write!(f, "the profile {name}"),
            Origin::Container { url, .. } => write!(f, "the container at {}", fetch::origin(url)),
            Origin::Instance { .. } => f.write_str("the instance"),
        }
    }
}

enum Origin {
    Fixed(Keys),
    Profile { files: Vec<PathBuf>, name: String },
    Container { url: reqwest::Url, token: Option<ContainerToken>, http: Http },
    Instance { url: Option<reqwest::Url>, http: Http },
}

enum ContainerToken {
    Given(Secret),
    /// Read for every request: the cluster renews it.
    File(PathBuf),
}

/// The keys that sign.
#[derive(Clone)]
pub(super) struct Keys {
    pub(super) identity: Identity,
}

impl Keys {
    fn new(id: &str, secret: &str, token: Option<&str>, expires: Option<Timestamp>) -> Self {
        let token = token.filter(|token| !token.is_empty()).map(str::to_owned);
        Keys { identity: Identity::new(id, secret, token, expires.map(SystemTime::from), "yellowwood") }
    }

    fn secrets(&self) -> Vec<Secret> {
        let token = self.identity.session_token().map(Secret::new);
        std::iter::once(Secret::new(self.identity.secret_access_key())).chain(token).collect()
    }
}

impl Fetch for Origin {
    type Value = Keys;

    async fn fetch(&self, now: Timestamp) -> Result<Expiring<Keys>, AuthError> {
        match self {
            Origin::Fixed(keys) => Ok(Expiring { value: keys.clone(), expires: None }),
            Origin::Profile { files, name } => from_profile(files, name, now).await,
            Origin::Container { url, token, http } => from_container(url, token.as_ref(), http).await,
            Origin::Instance { url: Some(url), http } => from_instance(url, http).await,
            Origin::Instance { url: None, .. } => Err(AuthError::Address { address: INSTANCE_METADATA.to_owned() }),
        }
    }
}

async fn from_profile(files: &[PathBuf], name: &str, now: Timestamp) -> Result<Expiring<Keys>, AuthError> {
    let mut missing = AuthError::File { path: "~/.aws/credentials".to_owned(), reason: "no such file".to_owned() };
    for path in files {
        let text = match fetch::file(path).await {
            Ok(text) => text,
            Err(error) => {
                missing = error;
                continue;
            }
        };
        let value = |key| profile_value(&text, name, key);
        match (value("aws_access_key_id"), value("aws_secret_access_key")) {
            (Some(id), Some(secret)) => {
                let keys = Keys::new(id, secret, value("aws_session_token"), None);
                return Ok(Expiring { value: keys, expires: now.checked_add(FILE_LASTS).ok() });
            }
            (Some(_), None) | (None, Some(_)) => {
                return Err(fetch::unreadable(path, format!("the profile `{name}` has half of a pair of keys")));
            }
            (None, None) => {}
        }
        for key in ["sso_session", "sso_start_url", "credential_process", "role_arn", "web_identity_token_file"] {
            if value(key).is_some() {
                return Err(AuthError::Unsupported {
                    what: format!("the profile `{name}` with `{key}`"),
                    hint: "run `aws configure export-credentials --format env` and set what it prints".to_owned(),
                });
            }
        }
        missing = fetch::unreadable(path, format!("it has no profile `{name}` with keys"));
    }
    Err(missing)
}

/// What containers and instances answer.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct RoleKeys {
    access_key_id: String,
    secret_access_key: String,
    token: Option<String>,
    expiration: Option<Timestamp>,
}

impl From<RoleKeys> for Expiring<Keys> {
    fn from(keys: RoleKeys) -> Self {
        let value = Keys::new(&keys.access_key_id, &keys.secret_access_key, keys.token.as_deref(), keys.expiration);
        Expiring { value, expires: keys.expiration }
    }
}

async fn from_container(
    url: &reqwest::Url,
    token: Option<&ContainerToken>,
    http: &Http,
) -> Result<Expiring<Keys>, AuthError> {
    let token = match token {
        None => None,
        Some(ContainerToken::Given(token)) => Some(token.clone()),
        Some(ContainerToken::File(path)) => Some(Secret::new(&fetch::file(path).await?)),
    };
    let mut request = http.direct(url)?.get(url.clone());
    if let Some(token) = token {
        request = request.header(AUTHORIZATION, token.expose());
    }
    Ok(fetch::json::<RoleKeys>(request, url, METADATA_TIMEOUT).await?.into())
}

async fn from_instance(url: &reqwest::Url, http: &Http) -> Result<Expiring<Keys>, AuthError> {
    let client = http.direct(url)?;
    let base = url.as_str().trim_end_matches('/');
    let roles = format!("{base}/latest/meta-data/iam/security-credentials/");
    let token = client.put(format!("{base}/latest/api/token")).header("x-aws-ec2-metadata-token-ttl-seconds", "300");
    let token = fetch::text(token, url, METADATA_TIMEOUT).await?;
    let ask = |address: String| client.get(address).header("x-aws-ec2-metadata-token", &token);
    let role = fetch::text(ask(roles.clone()), url, METADATA_TIMEOUT).await?;
    let role = role.lines().next().unwrap_or_default();
    if role.is_empty() || !role.bytes().all(|b| b.is_ascii_alphanumeric() || b"+=,.@_-".contains(&b)) {
        return Err(AuthError::Fetch { from: fetch::origin(url), reason: "the instance has no role".to_owned() });
    }
    Ok(fetch::json::<RoleKeys>(ask(format!("{roles}{role}")), url, METADATA_TIMEOUT).await?.into())
}

/// The files with profiles; credentials come before settings.
fn profile_files(variable: &impl Fn(&str) -> Option<String>) -> Vec<PathBuf> {
    let home = variable("HOME").or_else(|| variable("USERPROFILE"));
    let beside_home = |name: &str| home.as_ref().map(|home| Path::new(home).join(".aws").join(name));
    let credentials = variable("AWS_SHARED_CREDENTIALS_FILE").map(PathBuf::from).or_else(|| beside_home("credentials"));
    let config = variable("AWS_CONFIG_FILE").map(PathBuf::from).or_else(|| beside_home("config"));
    credentials.into_iter().chain(config).collect()
}

/// A value of a profile, which the settings file calls `[profile name]`.
fn profile_value<'a>(text: &'a str, profile: &str, key: &str) -> Option<&'a str> {
    ini::value(text, profile, key).or_else(|| ini::value(text, &format!("profile {profile}"), key))
}
