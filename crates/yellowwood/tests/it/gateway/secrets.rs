//! Canaries: secrets that are planted everywhere, and looked for everywhere else.

use std::time::Duration;

use serde_json::Value;
use yw_task::Dialect;
use yw_testkit::{Fault, Reply, Script, ScriptedServer};

use super::dialect::{self, CLIENTS, ask};
use super::rig::{Rig, price, provider, scripted};
use super::wire::Answer;
use crate::support::files_below;

const IN_ENVIRONMENT: &str = "sk-canary-environment-7c1e5f0a9b3d";
const IN_FILE: &str = "sk-canary-file-2b8d4e6f0a1c3579";
const AWS_SECRET: &str = "canaryAwsSecret/9f8e7d6c5b4a39281706f5e4d3c2b1a0";
const OF_A_STRANGER: &str = "yw-AAAAAAAAAA-CanaryOfAStranger0123456789012345678901234";
const IN_A_COOKIE: &str = "canary-cookie-5d3c1b";
const IN_A_HEADER: &str = "canary-header-8e6a4c";

/// Errors of a provider that quotes the key it was sent.
fn indiscreet(key: &'static str) -> Script {
    Script::new(move |request| {
        let quoting = |body: &str| Some(body.replace("KEY", key));
        let openai = r#"{"error":{"message":"Incorrect API key provided: KEY. Authorization: Bearer KEY","type":"invalid_request_error","param":null,"code":"invalid_api_key"}}"#;
        let anthropic =
            r#"{"type":"error","error":{"type":"authentication_error","message":"x-api-key KEY is wrong"}}"#;
        let fault = |code: u16, body: &str| Fault::Status { code, retry_after: None, body: quoting(body) };
        let reply = Reply::text("Nothing to hide.");
        match request.question().split(' ').next().unwrap_or_default() {
            "ok" => reply,
            "cut" => reply.with_fault(Fault::CutAfterContent(1)),
            "slow" => reply.with_fault(Fault::StallAfterContent(1, Duration::from_secs(20))),
            "reset" => reply.with_fault(Fault::Reset),
            "malformed" => reply.with_fault(Fault::MalformedJson),
            "html" => reply.with_fault(fault(502, "<html>Bad gateway: Bearer KEY</html>")),
            status => {
                let body = if request.dialect == Dialect::Anthropic { anthropic } else { openai };
                reply.with_fault(fault(status.parse().unwrap_or(500), body))
            }
        }
    })
}

/// Two providers with keys, one in a file and one in the environment, and one whose requests are signed.
fn project(servers: &[ScriptedServer; 3]) -> Rig {
    let route = |name: &str| {
        format!("[route.{name}]\nmodels = [\"{name}/m\"]\nretries = 0\nbreaker = false\nattempt_timeout_ms = 500\n")
    };
    let mut toml = String::from("[serve]\nkeys = true\ncalls = { content = true }\n");
    toml += &(provider("env", Dialect::OpenAi, &servers[0]) + "key = { env = \"TEAM_KEY\" }\n");
    toml += &(provider("file", Dialect::Anthropic, &servers[1]) + "key = { file = \"secret.key\" }\n");
    toml += &(provider("cloud", Dialect::Bedrock, &servers[2]) + "region = \"eu-central-1\"\n");
    for name in ["env", "file", "cloud"] {
        toml += &(price(&format!("{name}/m")) + &route(name));
    }
    let rig = Rig::new(toml)
        .env("TEAM_KEY", IN_ENVIRONMENT)
        .env("AWS_ACCESS_KEY_ID", "AKIACANARYCANARY0000")
        .env("AWS_SECRET_ACCESS_KEY", AWS_SECRET)
        .env("YW_LOG", "trace");
    rig.workspace.write("secret.key", format!("{IN_FILE}\n"));
    rig
}

#[test]
fn no_secret_is_anywhere_it_does_not_belong() {
    let servers = [IN_ENVIRONMENT, IN_FILE, AWS_SECRET].map(|key| scripted(indiscreet(key)));
    let mut rig = project(&servers);
    let token = rig.key("app", &["--budget", "5/month"]);
    rig.serve();
    let mut seen: Vec<(String, Vec<u8>)> = Vec::new();
    let mut note = |what: String, answer: &Answer| {
        let headers: String = answer.headers.iter().map(|(name, value)| format!("{name}: {value}\n")).collect();
        seen.push((what, [headers.into_bytes(), answer.body.clone()].concat()));
    };
    let bearer = format!("Bearer {token}");
    let stranger = format!("Bearer {OF_A_STRANGER}");
    let cookie = format!("session={IN_A_COOKIE}");
    for client in CLIENTS {
        for stream in [false, true] {
            for model in ["env", "file", "cloud"] {
                for what in
                    ["ok", "400", "401", "403", "404", "429", "500", "503", "html", "cut", "slow", "reset", "malformed"]
                {
                    let headers =
                        [("authorization", bearer.as_str()), ("cookie", cookie.as_str()), ("x-secret", IN_A_HEADER)];
                    let answer =
                        rig.ask_with(client, &headers, &ask(client, model, &format!("{what} {stream}"), stream));
                    assert!(what != "ok" || answer.status == 200, "{model}: {} {}", answer.status, answer.text());
                    note(format!("{client} {model} {what}"), &answer);
                }
            }
        }
        let body = ask(client, "env", "ok", false);
        note("wrong key".into(), &rig.ask_with(client, &[("authorization", &stranger)], &body).has_status(401));
        note("wrong key".into(), &rig.ask_with(client, &[("x-api-key", OF_A_STRANGER)], &body).has_status(401));
        note("no JSON".into(), &rig.send("POST", dialect::path(client), &[("authorization", &bearer)], b"{\"model\":"));
    }
    for path in ["/metrics", "/v1/models", "/openapi.json", "/v1/tasks", "/nowhere"] {
        note(path.into(), &rig.send("GET", path, &[("authorization", &bearer), ("cookie", &cookie)], b""));
    }
    let key_list = rig.yw(&["key", "list", "--all", "--format", "json"]);
    let calls: Vec<Value> = rig.calls();
    assert!(calls.len() > 200, "{} calls", calls.len());
    let stopped = rig.stop();
    assert!(stopped.stderr.len() > 100_000, "everything is traced: {} bytes", stopped.stderr.len());
    seen.push(("key list".into(), key_list.stdout.into_bytes()));
    seen.push(("standard error".into(), stopped.stderr.into_bytes()));
    seen.push(("standard output".into(), stopped.stdout.into_bytes()));
    for (path, contents) in files_below(&rig.workspace.join(".yellowwood")) {
        seen.push((path.display().to_string(), contents));
    }
    let secret_part = token.rsplit('-').next().expect("a token has parts").to_owned();
    for (what, bytes) in &seen {
        for canary in [IN_ENVIRONMENT, IN_FILE, AWS_SECRET, OF_A_STRANGER, IN_A_COOKIE, IN_A_HEADER] {
            assert!(!contains(bytes, canary), "{canary} is in {what}: {}", around(bytes, canary));
        }
        assert!(!contains(bytes, &secret_part), "the client's key is in {what}: {}", around(bytes, &secret_part));
    }
    for server in &servers {
        let sent: Vec<_> = server.requests().into_iter().flat_map(|request| request.headers).collect();
        let foreign =
            |value: &str| [&token, OF_A_STRANGER, IN_A_COOKIE, IN_A_HEADER].iter().any(|c| value.contains(*c));
        assert!(sent.iter().all(|(_, value)| !foreign(value)), "what clients send for us goes to no provider");
    }
    let keys_of = |server: usize, name: &str| -> Vec<String> {
        let requests = servers[server].requests();
        let mut keys: Vec<String> = requests.iter().filter_map(|r| r.header(name).map(str::to_owned)).collect();
        keys.dedup();
        keys
    };
    assert_eq!(keys_of(0, "authorization"), [format!("Bearer {IN_ENVIRONMENT}")]);
    assert_eq!(keys_of(1, "x-api-key"), [IN_FILE]);
}

#[test]
fn the_store_has_only_the_hash_of_a_clients_key() {
    let server = scripted(Script::new(|_| Reply::text("Yes.")));
    let mut rig = Rig::new(format!("[serve]\nkeys = true\n{}", provider("x", Dialect::OpenAi, &server)));
    let token = rig.key("app", &[]);
    rig.serve();
    let bearer = format!("Bearer {token}");
    for client in CLIENTS {
        rig.ask_with(client, &[("authorization", &bearer)], &ask(client, "x/m", "Yes?", true)).has_status(200);
        rig.ask_with(client, &[("x-api-key", &token)], &ask(client, "x/m", "Yes?", false)).has_status(200);
    }
    rig.stop();
    let secret_part = token.rsplit('-').next().expect("a token has parts");
    for (path, contents) in files_below(&rig.workspace.join(".yellowwood")) {
        assert!(!contains(&contents, secret_part), "{}: {}", path.display(), around(&contents, secret_part));
    }
}

fn contains(bytes: &[u8], what: &str) -> bool {
    bytes.windows(what.len()).any(|window| window == what.as_bytes())
}

/// What stands before and after it, for the report.
fn around(bytes: &[u8], what: &str) -> String {
    let at = bytes.windows(what.len()).position(|window| window == what.as_bytes()).unwrap_or(0);
    let end = (at + what.len() + 100).min(bytes.len());
    String::from_utf8_lossy(&bytes[at.saturating_sub(200)..end]).into_owned()
}
