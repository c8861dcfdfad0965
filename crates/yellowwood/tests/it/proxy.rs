//! `yw serve` as a gateway, and clients that read streams.

use std::io::{Read, Write};

use serde_json::Value;
use yw_testkit::{Captured, Running, Script, ScriptedServer, Workspace};

use crate::http::Client;
use crate::support::{tickets, yw};

/// The key of the scripted provider: nothing but a request to the provider may have it.
pub(crate) const PROVIDER_KEY: &str = "sk-canary-of-the-provider-1f2e3d";

/// A project with the providers `scripted` (OpenAI's dialect) and `claude` (Anthropic's), both the scripted server.
pub(crate) fn project(script: Script, serve: &str) -> (Workspace, ScriptedServer) {
    let server = ScriptedServer::spawn_thread(script).expect("a scripted server starts");
    let (train, test) = tickets(60, 10);
    let task = train.task_toml("triage", "train.csv", "test.csv");
    let key = "key = { env = \"SCRIPTED_KEY\" }";
    let toml = format!(
        "{task}\n[task.triage.candidate.words]\nfit = \"linear\"\n\n\
         [provider.scripted]\ndialect = \"openai\"\nbase_url = \"{}\"\n{key}\n\n\
         [provider.claude]\ndialect = \"anthropic\"\nbase_url = \"{}\"\n{key}\n\n\
         [price.\"scripted/say:hello\"]\ninput = 1.0\noutput = 5.0\n\n\
         [route.spare]\nmodels = [\"scripted/close\", \"scripted/say:spare\"]\nretries = 1\n\n[serve]\n{serve}\n",
        server.base_url_openai(),
        server.base_url_anthropic(),
    );
    let workspace =
        Workspace::new().file("yellowwood.toml", toml).file("train.csv", train.csv()).file("test.csv", test.csv());
    (workspace, server)
}

/// A gateway on a free port; dropping it kills it.
pub(crate) struct Proxy {
    running: Running,
    client: Client,
}

/// What a client got, chunks put together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Got {
    pub(crate) status: u16,
    /// In lower case.
    pub(crate) head: String,
    pub(crate) body: String,
}

impl Proxy {
    /// Starts `yw serve` with more arguments, and with the provider's key or without.
    #[track_caller]
    pub(crate) fn start(workspace: &Workspace, args: &[&str], has_key: bool) -> Self {
        let mut call = yw(["serve", "--address", "127.0.0.1:0"]).args(args).dir(workspace.path());
        if has_key {
            call = call.env("SCRIPTED_KEY", PROVIDER_KEY);
        }
        let mut running = call.spawn();
        let client = Client(running.wait_for_address().trim_start_matches("http://").to_owned());
        Proxy { running, client }
    }

    #[track_caller]
    pub(crate) fn post(&self, path: &str, headers: &[(&str, &str)], body: &Value) -> Got {
        let body = body.to_string();
        let mut request = format!(
            "POST {path} HTTP/1.1\r\nhost: {}\r\nconnection: close\r\ncontent-type: application/json\r\n\
             content-length: {}\r\n",
            self.client.0,
            body.len()
        );
        for (name, value) in headers {
            request += &format!("{name}: {value}\r\n");
        }
        request += &format!("\r\n{body}");
        let mut stream = self.client.connect().expect("the gateway listens");
        stream.write_all(request.as_bytes()).expect("the gateway reads");
        let mut bytes = Vec::new();
        stream.read_to_end(&mut bytes).expect("the gateway answers");
        Got::parse(&bytes)
    }

    /// Asks it to end, and expects an orderly one.
    #[track_caller]
    pub(crate) fn stop(self) -> Captured {
        self.running.terminate().success()
    }
}

impl Got {
    #[track_caller]
    fn parse(bytes: &[u8]) -> Self {
        let text = String::from_utf8_lossy(bytes);
        let (head, body) = text.split_once("\r\n\r\n").unwrap_or_else(|| panic!("no response: {text}"));
        let head = head.to_ascii_lowercase();
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a status");
        let body = if head.contains("transfer-encoding: chunked") { joined(body) } else { body.to_owned() };
        Got { status, head, body }
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
    }

    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|e| panic!("no JSON ({e}): {self:?}"))
    }

    /// The same, if it has this status; panics with all of it otherwise.
    #[track_caller]
    pub(crate) fn has_status(self, status: u16) -> Self {
        assert!(self.status == status, "expected status {status}: {self:?}");
        self
    }
}

/// Chunks put together. The texts of these tests are ASCII.
fn joined(mut chunked: &str) -> String {
    let mut whole = String::new();
    while let Some((length, rest)) = chunked.split_once("\r\n") {
        let length = usize::from_str_radix(length, 16).expect("a chunk has a length");
        if length == 0 {
            break;
        }
        whole += &rest[..length];
        chunked = rest[length..].trim_start_matches("\r\n");
    }
    whole
}
