//! Where the access tokens of Google Cloud come from.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::{SignedDuration, Timestamp};
use reqwest::Url;
use reqwest::header::HeaderValue;
use ring::rand::SystemRandom;
use ring::signature::{RSA_PKCS1_SHA256, RsaKeyPair};
use rustls::pki_types::PrivatePkcs8KeyDer;
use rustls::pki_types::pem::PemObject;
use serde::Deserialize;
use serde_json::json;

use super::AuthError;
use super::fetch::{self, Http, METADATA_TIMEOUT, TOKEN_TIMEOUT};
use super::refresh::{Expiring, Fetch, Refreshing};
use crate::Secret;

/// What tokens are good for; what an account may do is decided by its roles.
const SCOPE: &str = "https://www.googleapis.com/auth/cloud-platform";

const TOKEN_URI: &str = "https://oauth2.googleapis.com/token";

const METADATA_HOST: &str = "metadata.google.internal";

/// How long an assertion is valid; Google takes no more.
const ASSERTION_SECONDS: i64 = 3600;

/// Where the access tokens of Google Cloud come from. Clones share what was fetched.
#[derive(Clone)]
pub struct GoogleSource(Refreshing<Origin>);

impl GoogleSource {
    /// The file of a service account, or the one that `gcloud auth application-default login` writes. It is read when the
    /// first token is needed.
    pub fn file(path: impl Into<PathBuf>) -> Self {
        Self::new(Place::File(path.into()))
    }

    /// The text of such a file.
    ///
    /// # Errors
    ///
    /// It is not one, its key cannot be read, or its `token_uri` is neither https nor on this machine.
    pub fn json(text: &str) -> Result<Self, AuthError> {
        Ok(Self::new(Place::Account(Arc::new(Account::parse(text, Path::new("the settings"))?))))
    }

    /// The account of the machine, pod or function, from the metadata server beside it.
    pub fn metadata() -> Self {
        Self::new(Place::Metadata(METADATA_HOST.to_owned()))
    }

    /// The first of what Google's libraries would use: `GOOGLE_APPLICATION_CREDENTIALS`, the login of `gcloud`, the metadata
    /// server. `variable` reads the environment.
    pub fn discover(variable: impl Fn(&str) -> Option<String>) -> Self {
        let variable = |name: &str| variable(name).filter(|value| !value.is_empty());
        if let Some(path) = variable("GOOGLE_APPLICATION_CREDENTIALS") {
            return Self::file(path);
        }
        let config = variable("CLOUDSDK_CONFIG").map(PathBuf::from);
        let config = config.or_else(|| Some(Path::new(&variable("HOME")?).join(".config/gcloud")));
        let login = config.map(|folder| folder.join("application_default_credentials.json"));
        match login.filter(|path| path.is_file()) {
            Some(path) => Self::file(path),
            None => {
                Self::new(Place::Metadata(variable("GCE_METADATA_HOST").unwrap_or_else(|| METADATA_HOST.to_owned())))
            }
        }
    }

    fn new(from: Place) -> Self {
        GoogleSource(Refreshing::new(Origin { from, http: Http::default() }))
    }

    /// A token that is valid at `now`.
    pub(super) async fn token(&self, now: Timestamp) -> Result<Arc<Token>, AuthError> {
        self.0.get(now).await
    }

    pub(super) fn secrets(&self) -> Vec<Secret> {
        let account = match &self.0.source().from {
            Place::Account(account) => account.secrets(),
            Place::File(_) | Place::Metadata(_) => Vec::new(),
        };
        account.into_iter().chain(self.0.peek().map(|token| token.secret.clone())).collect()
    }
}

impl fmt::Debug for GoogleSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0.source().from {
            Place::File(path) => write!(f, "Google({})", path.display()),
            Place::Account(_) => f.write_str("Google(the settings)"),
            Place::Metadata(host) => write!(f, "Google({host})"),
        }
    }
}

/// An access token.
pub(super) struct Token {
    pub(super) header: HeaderValue,
    secret: Secret,
}

struct Origin {
    from: Place,
    http: Http,
}

enum Place {
    File(PathBuf),
    Account(Arc<Account>),
    Metadata(String),
}

impl Fetch for Origin {
    type Value = Token;

    async fn fetch(&self, now: Timestamp) -> Result<Expiring<Token>, AuthError> {
        match &self.from {
            Place::File(path) => {
                // Read every time: whoever replaces the key expects the next token to be made with the new one.
                let account = Account::parse(&fetch::file(path).await?, path)?;
                self.exchange(&account, now).await
            }
            Place::Account(account) => self.exchange(account, now).await,
            Place::Metadata(host) => self.ask_metadata(host, now).await,
        }
    }
}

impl Origin {
    async fn exchange(&self, account: &Account, now: Timestamp) -> Result<Expiring<Token>, AuthError> {
        let url = account.token_url();
        let form = match account {
            Account::Service { .. } => {
                let assertion = account.assertion(now)?;
                vec![("grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer".to_owned()), ("assertion", assertion)]
            }
            Account::User { client_id, client_secret, refresh_token, .. } => vec![
                ("grant_type", "refresh_token".to_owned()),
                ("client_id", client_id.clone()),
                ("client_secret", client_secret.expose().to_owned()),
                ("refresh_token", refresh_token.expose().to_owned()),
            ],
        };
        // The query of an address has the same form as the body.
        let mut encoder = url.clone();
        encoder.query_pairs_mut().clear().extend_pairs(form);
        let body = encoder.query().unwrap_or_default().to_owned();
        let request = self.http.for_url(url)?.post(url.clone());
        let request = request.header("content-type", "application/x-www-form-urlencoded").body(body);
        token(fetch::json(request, url, TOKEN_TIMEOUT).await?, url, now)
    }

    async fn ask_metadata(&self, host: &str, now: Timestamp) -> Result<Expiring<Token>, AuthError> {
        let address = format!("http://{host}/computeMetadata/v1/instance/service-accounts/default/token");
        // The host is of this machine's own settings; it may be another name of the link-local address.
        let url = Url::parse(&address).map_err(|_| AuthError::Address { address })?;
        let request = self.http.direct(&url)?.get(url.clone()).header("metadata-flavor", "Google");
        token(fetch::json(request, &url, METADATA_TIMEOUT).await?, &url, now)
    }
}

#[derive(Deserialize)]
struct TokenAnswer {
    access_token: String,
    /// Seconds.
    expires_in: i64,
}

fn token(answer: TokenAnswer, url: &Url, now: Timestamp) -> Result<Expiring<Token>, AuthError> {
    let unfit = |reason: &str| AuthError::Fetch { from: fetch::origin(url), reason: reason.to_owned() };
    let mut header = HeaderValue::try_from(format!("Bearer {}", answer.access_token))
        .map_err(|_| unfit("the token has characters that no header can hold"))?;
    header.set_sensitive(true);
    let lasts = SignedDuration::from_secs(answer.expires_in.clamp(0, 24 * 3600));
    let expires = now.checked_add(lasts).map_err(|_| unfit("the token never ends"))?;
    Ok(Expiring { value: Token { header, secret: Secret::new(&answer.access_token) }, expires: Some(expires) })
}

/// What a file of credentials says.
enum Account {
    Service { email: String, key_id: Option<String>, key: Box<RsaKeyPair>, key_text: Secret, token_url: Url },
    User { client_id: String, client_secret: Secret, refresh_token: Secret, token_url: Url },
}

#[derive(Deserialize)]
struct AccountFile {
    #[serde(rename = "type")]
    kind: String,
    client_email: Option<String>,
    private_key_id: Option<String>,
    private_key: Option<String>,
    token_uri: Option<String>,
    client_id: Option<String>,
    client_secret: Option<String>,
    refresh_token: Option<String>,
}

impl Account {
    fn parse(text: &str, path: &Path) -> Result<Self, AuthError> {
        let unfit = |reason: &str| fetch::unreadable(path, reason);
        // The message of serde_json may quote the file, which is secret.
        let file: AccountFile = serde_json::from_str(text)
            .map_err(|error| unfit(&format!("not the JSON of an account, at line {}", error.line())))?;
        let token_url = fetch::checked_url(file.token_uri.as_deref().unwrap_or(TOKEN_URI), &[])?;
        match file.kind.as_str() {
            "service_account" => {
                let (Some(email), Some(pem)) = (file.client_email, file.private_key) else {
                    return Err(unfit("a service account has `client_email` and `private_key`"));
                };
                let der = PrivatePkcs8KeyDer::from_pem_slice(pem.as_bytes())
                    .map_err(|_| unfit("`private_key` is not a PKCS#8 key in PEM"))?;
                let key = RsaKeyPair::from_pkcs8(der.secret_pkcs8_der())
                    .map(Box::new)
                    .map_err(|_| unfit("`private_key` is not an RSA key of 2048 bits or more"))?;
                Ok(Account::Service { email, key_id: file.private_key_id, key, key_text: Secret::new(&pem), token_url })
            }
            "authorized_user" => {
                let (Some(client_id), Some(secret), Some(refresh)) =
                    (file.client_id, file.client_secret, file.refresh_token)
                else {
                    return Err(unfit("a login has `client_id`, `client_secret` and `refresh_token`"));
                };
                let (client_secret, refresh_token) = (Secret::new(&secret), Secret::new(&refresh));
                Ok(Account::User { client_id, client_secret, refresh_token, token_url })
            }
            other => Err(AuthError::Unsupported {
                what: format!("an account of the type `{other}`"),
                hint: "use the key of a service account, or the metadata server".to_owned(),
            }),
        }
    }

    fn token_url(&self) -> &Url {
        match self {
            Account::Service { token_url, .. } | Account::User { token_url, .. } => token_url,
        }
    }

    fn secrets(&self) -> Vec<Secret> {
        match self {
            Account::Service { key_text, .. } => vec![key_text.clone()],
            Account::User { client_secret, refresh_token, .. } => vec![client_secret.clone(), refresh_token.clone()],
        }
    }

    /// The signed statement that is exchanged for a token.
    fn assertion(&self, now: Timestamp) -> Result<String, AuthError> {
        let Account::Service { email, key_id, key, token_url, .. } = self else {
            return Err(AuthError::Sign { reason: "a login signs nothing".to_owned() });
        };
        let mut header = json!({ "alg": "RS256", "typ": "JWT" });
        if let Some(id) = key_id {
            header["kid"] = json!(id);
        }
        let issued = now.as_second();
        let claims = json!({
            "iss": email, "scope": SCOPE, "aud": token_url.as_str(), "iat": issued, "exp": issued + ASSERTION_SECONDS,
        });
        let encode = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        let signed = format!("{}.{}", encode(header.to_string().as_bytes()), encode(claims.to_string().as_bytes()));
        let mut signature = vec![0; key.public().modulus_len()];
        key.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), signed.as_bytes(), &mut signature)
            .map_err(|_| AuthError::Sign { reason: "the private key does not sign".to_owned() })?;
        Ok(format!("{signed}.{}", encode(&signature)))
    }
}
