//! Recording and replaying, beneath any server.

use std::time::Duration;

use yw_gateway::auth::{AwsSource, Credentials};
use yw_gateway::cassette::Cassette;
use yw_gateway::{CallError, GatewayConfig, ProviderConfig};
use yw_llm::PriceTable;
use yw_task::Dialect;
use yw_testkit::{Fault, Reply, Script, ScriptedServer, When};

use crate::{ask, gateway, gateway_to, provider, yes};

/// The secrets of clouds are fetched when first needed, after the recording has begun.
#[tokio::test]
async fn the_secrets_of_clouds_are_on_no_tape() {
    const SECRET: &str = "canary/of+the+cloud/0123456789abcdef";
    let quoting = Script::new(|_| Reply::text(format!("I know it: {SECRET}"))).aws_key("AKIDCANARY", SECRET);
    let server = ScriptedServer::start(quoting).await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let profile = folder.path().join("credentials");
    std::fs::write(&profile, format!("[default]\naws_access_key_id = AKIDCANARY\naws_secret_access_key = {SECRET}\n"))
        .unwrap();
    let source = AwsSource::profile(vec![profile], "default");
    let cloud = Some(Credentials::sigv4("eu-central-1", "bedrock", source));
    let address = server.base_url(Dialect::Bedrock);
    let mut gateway = gateway_to(ProviderConfig { cloud, ..provider(Dialect::Bedrock, address.as_str()) }, None);
    let tape = folder.path().join("tape");
    let recorder = gateway.record(&tape).unwrap();
    let first = ask(&gateway, "What do you know?").await.unwrap();
    assert!(first.response.text.contains(SECRET), "it is the provider's own answer");
    drop(server);
    tokio::task::spawn_blocking(move || recorder.flush()).await.unwrap();
    for entry in std::fs::read_dir(&tape).unwrap() {
        let text = std::fs::read_to_string(entry.unwrap().path()).unwrap();
        assert!(text.contains("I know it: ***") && text.contains("[\"authorization\",\"***\"]"), "{text}");
        assert!(!text.contains("canary") && !text.contains("AKIDCANARY"), "{text}");
    }

    // No credentials are looked for: there are none at this address.
    let cloud = Some(Credentials::sigv4("eu-central-1", "bedrock", AwsSource::profile(Vec::new(), "none")));
    let mut replaying = gateway_to(ProviderConfig { cloud, ..provider(Dialect::Bedrock, address) }, None);
    replaying.replay(Cassette::load(&tape).unwrap());
    assert_eq!(ask(&replaying, "What do you know?").await.unwrap().response.text, "I know it: ***");
}

#[tokio::test]
async fn retries_are_played_as_they_went() {
    let bad =
        yes().fault(When::Nth(1), Fault::CutMidBody).fault(When::Nth(2), Fault::rate_limited(Duration::from_millis(1)));
    let server = ScriptedServer::start(bad).await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let mut recording = gateway(&server, None);
    let recorder = recording.record(folder.path()).unwrap();
    let first = ask(&recording, "one").await.unwrap();
    tokio::task::spawn_blocking(move || recorder.flush()).await.unwrap();
    let cassette = Cassette::load(folder.path()).unwrap();
    let ends: Vec<(u16, bool)> =
        cassette.exchanges().iter().map(|e| (e.response.as_ref().unwrap().status, e.is_complete)).collect();
    assert_eq!(ends, [(200, false), (429, true), (200, true)]);

    let mut replaying = gateway(&server, None);
    drop(server);
    replaying.replay(cassette);
    let again = ask(&replaying, "one").await.unwrap();
    assert_eq!((again.response, again.usage), (first.response, first.usage));
    match ask(&replaying, "two").await {
        Err(CallError::Refused { status: 404, message, .. }) => {
            assert!(
                message.contains("no exchange like POST /v1/chat/completions") && message.contains("two"),
                "{message}"
            );
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_replay_needs_no_key() {
    let config = ProviderConfig::well_known("openai").unwrap();
    let config = GatewayConfig { providers: vec![config], prices: PriceTable::builtin() };
    let mut gateway = yw_gateway::Gateway::new(config, None).unwrap();
    assert_eq!(gateway.key_missing("openai").as_deref(), Some("OPENAI_API_KEY"));
    gateway.replay(Cassette::default());
    assert_eq!(gateway.key_missing("openai"), None);
}
