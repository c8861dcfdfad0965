use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::{SignedDuration, Timestamp};
use reqwest::header::HeaderMap;
use reqwest::{Method, Url};
use ring::hmac;
use ring::signature::{KeyPair, RSA_PKCS1_2048_8192_SHA256, RsaKeyPair, UnparsedPublicKey};
use rustls::pki_types::PrivatePkcs8KeyDer;
use rustls::pki_types::pem::PemObject;

use super::{AuthError, AwsSource, Credentials, GoogleSource, aws_region};
use crate::Secret;
use crate::fake::{Answer, Fake, answer};

const TEST_KEY: &str = include_str!("test_key.pem");

const SECRET: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";

fn now() -> Timestamp {
    "2015-08-30T12:36:00Z".parse().unwrap()
}

fn later(seconds: i64) -> Timestamp {
    now() + SignedDuration::from_secs(seconds)
}

fn example_keys(token: Option<&str>) -> AwsSource {
    AwsSource::fixed("AKIDEXAMPLE", Secret::new(SECRET), token.map(Secret::new))
}

async fn authorized(credentials: &Credentials, at: Timestamp) -> Result<HeaderMap, AuthError> {
    let mut headers = HeaderMap::new();
    let url = Url::parse("https://example.amazonaws.com/").unwrap();
    credentials.authorize(&Method::POST, &url, &mut headers, b"", at).await?;
    Ok(headers)
}

async fn bearer(source: &GoogleSource, at: Timestamp) -> Result<String, AuthError> {
    let headers = authorized(&Credentials::google(source.clone()), at).await?;
    Ok(headers["authorization"].to_str().unwrap().to_owned())
}

fn variables<'a>(pairs: &'a [(&'a str, &'a str)]) -> impl Fn(&str) -> Option<String> + 'a {
    move |name| pairs.iter().find(|(n, _)| *n == name).map(|(_, value)| (*value).to_owned())
}

#[tokio::test]
async fn plain_keys_replace_what_the_client_sent() {
    let key = Secret::new(" sk-1 ");
    let url = Url::parse("https://example.com/").unwrap();
    let mut headers = HeaderMap::new();
    headers.append("authorization", "Bearer clients-own".parse().unwrap());
    headers.append("authorization", "Bearer another".parse().unwrap());
    let credentials = Credentials::bearer(&key).unwrap();
    credentials.authorize(&Method::POST, &url, &mut headers, b"", now()).await.unwrap();
    assert_eq!(headers.get_all("authorization").iter().collect::<Vec<_>>(), ["Bearer sk-1"]);
    assert!(headers["authorization"].is_sensitive());

    let named = Credentials::header("x-api-key", &key).unwrap();
    assert_eq!(authorized(&named, now()).await.unwrap()["x-api-key"], "sk-1");
    assert!(authorized(&Credentials::none(), now()).await.unwrap().is_empty());
    assert_eq!(
        Credentials::bearer(&Secret::new("a\nb")).unwrap_err(),
        AuthError::Key { header: "authorization".into() }
    );
    assert!(Credentials::header("a b", &key).is_err());
}

/// Signatures published in the AWS Signature Version 4 test suite.
#[tokio::test]
async fn signatures_are_those_of_the_published_suite() {
    let token = "6e86291e8372ff2a2260956d9b8aae1d763fbf315fa00fa31553b73ebf194267";
    let cases = [
        ("GET", "/", None, "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"),
        ("POST", "/", None, "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"),
        ("GET", "/", Some(token), "07ec1639c89043aa0e3e2de82b96708f198cceab042d4a97044c66dd9f74e7f8"),
        (
            "GET",
            "/?Param2=value2&Param1=value1",
            None,
            "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500",
        ),
        (
            "GET",
            "/?Param-3=Value3&Param=Value2&%E1%88%B4=Value1",
            None,
            "371d3713e185cc334048618a97f809c9ffe339c62934c032af5a0e595648fcac",
        ),
    ];
    for (method, path, token, signature) in cases {
        let credentials = Credentials::sigv4("us-east-1", "service", example_keys(token));
        let url = Url::parse(&format!("https://example.amazonaws.com{path}")).unwrap();
        let mut headers = HeaderMap::new();
        let method = method.parse().unwrap();
        credentials.authorize(&method, &url, &mut headers, b"", now()).await.unwrap();
        let signed = if token.is_some() { "host;x-amz-date;x-amz-security-token" } else { "host;x-amz-date" };
        let expected = format!(
            "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, \
             SignedHeaders={signed}, Signature={signature}"
        );
        assert_eq!(headers["authorization"], expected, "{path}");
        assert_eq!(headers["x-amz-date"], "20150830T123600Z");
        assert_eq!(headers.get("x-amz-security-token").map(|t| t.to_str().unwrap()), token);
    }
}

/// A request as it goes to Bedrock, against the definition of the signature, written out here once more: a path whose
/// escapes are escaped again, a port, a body, a header that counts and others that do not.
#[tokio::test]
async fn a_request_to_bedrock_is_signed_by_the_definition() {
    let credentials = Credentials::sigv4("eu-west-1", "bedrock", example_keys(None));
    let url = Url::parse("https://bedrock.test:8443/model/anthropic.claude-sonnet-4%3A0/converse").unwrap();
    let mut headers = HeaderMap::new();
    for (name, value) in [("content-type", "application/json"), ("traceparent", "00-1"), ("x-amz-date", "forged")] {
        headers.insert(name, value.parse().unwrap());
    }
    credentials.authorize(&Method::POST, &url, &mut headers, b"{\"a\":1}", now()).await.unwrap();

    let hex = |bytes: &[u8]| bytes.iter().map(|b| format!("{b:02x}")).collect::<String>();
    let sha = |bytes: &[u8]| hex(ring::digest::digest(&ring::digest::SHA256, bytes).as_ref());
    let canonical = format!(
        "POST\n/model/anthropic.claude-sonnet-4%253A0/converse\n\ncontent-type:application/json\n\
         host:bedrock.test:8443\nx-amz-date:20150830T123600Z\n\ncontent-type;host;x-amz-date\n{}",
        sha(b"{\"a\":1}")
    );
    let scope = "20150830/eu-west-1/bedrock/aws4_request";
    let to_sign = format!("AWS4-HMAC-SHA256\n20150830T123600Z\n{scope}\n{}", sha(canonical.as_bytes()));
    let mac =
        |key: &[u8], text: &str| hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), text.as_bytes()).as_ref().to_vec();
    let key = ["20150830", "eu-west-1", "bedrock", "aws4_request"]
        .iter()
        .fold(format!("AWS4{SECRET}").into_bytes(), |key, part| mac(&key, part));
    let signature = hex(&mac(&key, &to_sign));
    let authorization = headers["authorization"].to_str().unwrap();
    assert!(authorization.ends_with(&format!("SignedHeaders=content-type;host;x-amz-date, Signature={signature}")));
    assert_eq!(headers["traceparent"], "00-1");
}

#[tokio::test]
async fn containers_and_instances_give_keys_until_they_expire() {
    let expires = later(3600);
    let keys = format!(
        r#"{{"Code":"Success","AccessKeyId":"ASIA","SecretAccessKey":"s3cret/key","Token":"t0ken","Expiration":"{expires}"}}"#
    );
    let server = Fake::start(move |asked| match asked.line.as_str() {
        "GET /container" if asked.header("authorization") == Some("pod-token") => answer(200, keys.clone()),
        "PUT /latest/api/token" if asked.header("x-aws-ec2-metadata-token-ttl-seconds").is_some() => {
            answer(200, "imds")
        }
        line if asked.header("x-aws-ec2-metadata-token") != Some("imds") => answer(401, line),
        "GET /latest/meta-data/iam/security-credentials/" => answer(200, "a-role\n"),
        "GET /latest/meta-data/iam/security-credentials/a-role" => answer(200, keys.clone()),
        _ => answer(404, ""),
    })
    .await;
    let container = format!("{}/container", server.address);
    let sources = [
        (AwsSource::container(&container, Some(Secret::new("pod-token"))).unwrap(), 1),
        (AwsSource::instance_at(&server.address).unwrap(), 3),
        (AwsSource::discover(variables(&[("AWS_EC2_METADATA_SERVICE_ENDPOINT", &server.address)])).unwrap(), 3),
        (
            AwsSource::discover(variables(&[
                ("AWS_CONTAINER_CREDENTIALS_FULL_URI", &container),
                ("AWS_CONTAINER_AUTHORIZATION_TOKEN", "pod-token"),
            ]))
            .unwrap(),
            1,
        ),
    ];
    for (source, requests) in sources {
        let before = server.asked().len();
        let credentials = Credentials::sigv4("us-east-1", "bedrock", source);
        for at in [0, 10, 3000] {
            let headers = authorized(&credentials, later(at)).await.unwrap();
            assert_eq!(headers["x-amz-security-token"], "t0ken");
            assert!(headers["authorization"].to_str().unwrap().contains("Credential=ASIA/"));
        }
        assert_eq!(server.asked().len() - before, requests, "{credentials:?}");
        let shown = format!("{credentials:?} {}", credentials.redact("s3cret/key t0ken".to_owned()));
        assert!(!shown.contains("s3cret") && !shown.contains("t0ken"), "{shown}");
    }
    let refused = AwsSource::container(&container, None).unwrap();
    let error = authorized(&Credentials::sigv4("r", "s", refused), now()).await.unwrap_err();
    assert!(matches!(error, AuthError::Refused { status: 401, .. }), "{error}");
}

#[tokio::test]
async fn profiles_are_read_from_the_files() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).display().to_string();
    std::fs::write(
        path("credentials"),
        "[default]\naws_access_key_id=AKDEF\naws_secret_access_key=one\n[half]\naws_access_key_id=x\n",
    )
    .unwrap();
    std::fs::write(
        path("config"),
        "[profile work]\naws_access_key_id=AKWORK\naws_secret_access_key=two\nregion=eu-west-3\n[profile sso]\nsso_session=a\n",
    )
    .unwrap();
    let with = |profile: Option<&'static str>| {
        let (credentials, config) = (path("credentials"), path("config"));
        move |name: &str| match name {
            "AWS_SHARED_CREDENTIALS_FILE" => Some(credentials.clone()),
            "AWS_CONFIG_FILE" => Some(config.clone()),
            "AWS_PROFILE" => profile.map(str::to_owned),
            _ => None,
        }
    };
    let signed = async |profile| {
        let source = AwsSource::discover(with(profile)).unwrap();
        let headers = authorized(&Credentials::sigv4("r", "s", source), now()).await?;
        Ok::<_, AuthError>(headers["authorization"].to_str().unwrap().to_owned())
    };
    assert!(signed(None).await.unwrap().contains("Credential=AKDEF/"));
    assert!(signed(Some("work")).await.unwrap().contains("Credential=AKWORK/"));
    assert!(matches!(signed(Some("half")).await, Err(AuthError::File { .. })));
    assert!(matches!(signed(Some("sso")).await, Err(AuthError::Unsupported { .. })));
    assert!(matches!(signed(Some("none")).await, Err(AuthError::File { .. })));
    assert_eq!(aws_region(with(Some("work"))).as_deref(), Some("eu-west-3"));
    assert_eq!(aws_region(variables(&[("AWS_REGION", "us-west-2")])).as_deref(), Some("us-west-2"));
}

fn service_account(token_uri: &str) -> String {
    serde_json::json!({
        "type": "service_account", "client_email": "a@b.iam", "private_key_id": "k1", "private_key": TEST_KEY,
        "token_uri": token_uri,
    })
    .to_string()
}

/// A token server that counts; each answer has another token.
async fn token_server(respond: impl Fn(usize) -> Answer + Send + Sync + 'static) -> Fake {
    let count = AtomicUsize::new(0);
    Fake::start(move |_| respond(count.fetch_add(1, Ordering::SeqCst))).await
}

fn token(n: usize, lasts: u64) -> Answer {
    answer(200, format!(r#"{{"access_token":"ya29.{n}","expires_in":{lasts},"token_type":"Bearer"}}"#))
}

#[tokio::test]
async fn a_service_account_signs_for_a_token() {
    let server = token_server(|n| token(n, 3600)).await;
    let uri = format!("{}/token", server.address);
    let source = GoogleSource::json(&service_account(&uri)).unwrap();
    assert_eq!(bearer(&source, now()).await.unwrap(), "Bearer ya29.0");
    assert_eq!(bearer(&source, later(60)).await.unwrap(), "Bearer ya29.0");

    let [asked] = &server.asked()[..] else { panic!("asked more than once") };
    assert_eq!(asked.line, "POST /token");
    assert_eq!(asked.header("content-type"), Some("application/x-www-form-urlencoded"));
    let form = Url::parse(&format!("http://x/?{}", asked.body)).unwrap();
    let form: std::collections::HashMap<_, _> = form.query_pairs().collect();
    assert_eq!(form["grant_type"], "urn:ietf:params:oauth:grant-type:jwt-bearer");
    let parts: Vec<&str> = form["assertion"].split('.').collect();
    let decode = |part: &str| URL_SAFE_NO_PAD.decode(part).unwrap();
    let json = |part: &str| serde_json::from_slice::<serde_json::Value>(&decode(part)).unwrap();
    assert_eq!(json(parts[0]), serde_json::json!({"alg": "RS256", "typ": "JWT", "kid": "k1"}));
    let claims = json(parts[1]);
    assert_eq!((claims["iss"].as_str(), claims["aud"].as_str()), (Some("a@b.iam"), Some(uri.as_str())));
    assert_eq!(claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap(), 3600);
    let der = PrivatePkcs8KeyDer::from_pem_slice(TEST_KEY.as_bytes()).unwrap();
    let key = RsaKeyPair::from_pkcs8(der.secret_pkcs8_der()).unwrap();
    UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, key.public_key().as_ref())
        .verify(format!("{}.{}", parts[0], parts[1]).as_bytes(), &decode(parts[2]))
        .unwrap();
}

#[tokio::test]
async fn tokens_are_renewed_before_they_expire_by_one_at_a_time() {
    let server = token_server(|n| Answer { delay: Duration::from_millis(50), ..token(n, 3600) }).await;
    let source = GoogleSource::json(&service_account(&server.address)).unwrap();
    let together = |at| futures::future::join_all((0..20).map(|_| bearer(&source, at)).collect::<Vec<_>>());
    assert!(together(now()).await.iter().all(|token| token.as_deref() == Ok("Bearer ya29.0")));
    assert_eq!(server.asked().len(), 1);

    // Four minutes before the end the old token still serves, while one call's renewal is under way.
    assert!(together(later(3600 - 240)).await.iter().all(|token| token.as_deref() == Ok("Bearer ya29.0")));
    while bearer(&source, later(3600 - 240)).await.unwrap() == "Bearer ya29.0" {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert_eq!(server.asked().len(), 2);

    // At the end nobody gets the old one.
    assert!(together(later(2 * 3600)).await.iter().all(|token| token.as_deref() == Ok("Bearer ya29.2")));
    assert_eq!(server.asked().len(), 3);
}

#[tokio::test]
async fn a_failed_renewal_costs_nothing_while_the_old_token_lasts() {
    let server = token_server(|n| if n == 0 { token(0, 3600) } else { answer(503, r#"{"error":"later"}"#) }).await;
    let source = GoogleSource::json(&service_account(&server.address)).unwrap();
    assert_eq!(bearer(&source, now()).await.unwrap(), "Bearer ya29.0");
    for _ in 0..3 {
        assert_eq!(bearer(&source, later(3400)).await.unwrap(), "Bearer ya29.0");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    // The failure is remembered for a moment: many calls are not many requests.
    let errors = futures::future::join_all((0..10).map(|_| bearer(&source, later(3590))).collect::<Vec<_>>()).await;
    let expected = AuthError::Refused { from: server.address.clone(), status: 503, message: "later".to_owned() };
    assert!(errors.iter().all(|error| error.as_ref() == Err(&expected)), "{errors:?}");
    assert!(expected.is_transient());
    assert_eq!(server.asked().len(), 3);
}

#[tokio::test]
async fn logins_and_the_metadata_server_give_tokens_too() {
    let server = Fake::start(|asked| match asked.line.as_str() {
        "POST /token" if asked.body.contains("refresh_token=1%2F%2Frefresh") => token(7, 3600),
        "GET /computeMetadata/v1/instance/service-accounts/default/token"
            if asked.header("metadata-flavor") == Some("Google") =>
        {
            token(8, 3600)
        }
        _ => answer(400, r#"{"error":"invalid_grant","error_description":"Bad Request","sent":"echo"}"#),
    })
    .await;
    let login = |refresh: &str| {
        serde_json::json!({"type": "authorized_user", "client_id": "c", "client_secret": "cs", "refresh_token": refresh,
            "token_uri": format!("{}/token", server.address)})
        .to_string()
    };
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("application_default_credentials.json");
    std::fs::write(&path, login("1//refresh")).unwrap();
    let config = folder.path().display().to_string();
    let source = GoogleSource::discover(variables(&[("CLOUDSDK_CONFIG", &config)]));
    assert_eq!(bearer(&source, now()).await.unwrap(), "Bearer ya29.7");
    let file = path.display().to_string();
    let source = GoogleSource::discover(variables(&[("GOOGLE_APPLICATION_CREDENTIALS", &file)]));
    assert_eq!(bearer(&source, now()).await.unwrap(), "Bearer ya29.7");
    let host = server.address.trim_start_matches("http://");
    let source = GoogleSource::discover(variables(&[("GCE_METADATA_HOST", host)]));
    assert_eq!(bearer(&source, now()).await.unwrap(), "Bearer ya29.8");
    assert!(!format!("{source:?}").contains("ya29"));

    let source = GoogleSource::json(&login("wrong")).unwrap();
    let error = bearer(&source, now()).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        format!("{} gives no credentials: status 400: invalid_grant: Bad Request", server.address)
    );
    assert!(!error.is_transient());
}

#[test]
fn credentials_are_asked_for_over_tls_or_on_this_machine() {
    for address in [
        "http://token.example/x?secret=1",
        "http://169.254.169.254/token",
        "ftp://a",
        "nonsense",
        "http://localhost.evil/",
    ] {
        let error = GoogleSource::json(&service_account(address)).map(|_| ()).unwrap_err();
        assert!(matches!(error, AuthError::Address { .. }), "{address}: {error}");
        assert!(!error.to_string().contains("secret"), "{error}");
        assert!(AwsSource::container(address, None).is_err(), "{address}");
    }
    for address in ["https://sts.example/x", "http://127.0.0.1:1/x", "http://[::1]/x", "http://localhost/x"] {
        assert!(GoogleSource::json(&service_account(address)).is_ok(), "{address}");
    }
    assert!(AwsSource::container("http://169.254.170.2/v2/credentials/x", None).is_ok());
    assert!(AwsSource::container("http://[fd00:ec2::23]/v1/credentials", None).is_ok());
    assert!(AwsSource::container("http://169.254.170.2.evil/", None).is_err());
}

#[test]
fn what_is_wrong_with_a_file_is_said_without_quoting_it() {
    let cases = [
        "\"private\"",
        "{",
        r#"{"type":"service_account"}"#,
        r#"{"type":"service_account","client_email":"a","private_key":"private"}"#,
        r#"{"type":"service_account","client_email":"private","private_key":7}"#,
        r#"{"type":"external_account"}"#,
    ];
    for text in cases {
        let error = GoogleSource::json(text).map(|_| ()).unwrap_err().to_string();
        assert!(!error.contains("\"private\"") && !error.contains("`private`"), "{text}: {error}");
    }
}

#[tokio::test]
async fn nobody_waits_for_a_server_that_is_silent() {
    let count = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&count);
    let server = Fake::start(move |_| {
        counted.fetch_add(1, Ordering::SeqCst);
        Answer { delay: Duration::from_secs(60), ..token(0, 1) }
    })
    .await;
    let host = server.address.trim_start_matches("http://");
    let source = GoogleSource::discover(variables(&[("GCE_METADATA_HOST", host)]));
    let start = std::time::Instant::now();
    let errors = futures::future::join_all((0..5).map(|_| bearer(&source, now())).collect::<Vec<_>>()).await;
    assert!(errors.iter().all(|error| matches!(error, Err(AuthError::Fetch { .. }))), "{errors:?}");
    assert!(start.elapsed() < Duration::from_secs(5));
    assert_eq!(count.load(Ordering::SeqCst), 1);
}
