//! Other gateways, in front of the same provider.

use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use super::upstream::Upstream;
use crate::bench::http::{self, Connection};
use crate::bench::program::Program;

/// How long a peer may take until it answers. LiteLLM imports for half a minute.
const READY_WITHIN: Duration = Duration::from_secs(180);

/// A gateway to compare with.
pub(super) struct Peer {
    pub(super) name: &'static str,
    /// How many times its throughput is ours to be.
    pub(super) at_least: f64,
    program: PathBuf,
    kind: Kind,
}

#[derive(Clone, Copy)]
enum Kind {
    LiteLlm,
    Portkey,
}

/// A running peer; dropping it kills it.
pub(super) struct Running {
    child: Child,
    pub(super) address: SocketAddr,
    pub(super) request: Vec<u8>,
}

impl Peer {
    /// LiteLLM's proxy: the command `litellm` of `pip install 'litellm[proxy]'`.
    pub(super) fn litellm(program: PathBuf) -> Self {
        Peer { name: "LiteLLM", at_least: 10.0, program, kind: Kind::LiteLlm }
    }

    /// Portkey's gateway: `build/start-server.js` of `npm install @portkey-ai/gateway`.
    pub(super) fn portkey(program: PathBuf) -> Self {
        Peer { name: "Portkey", at_least: 3.0, program, kind: Kind::Portkey }
    }

    /// Starts it on a free port, on the given core if one is given, and waits until it answers.
    pub(super) fn start(&self, program: &Program, upstream: &Upstream, core: Option<usize>) -> Result<Running, String> {
        let dir = program.fresh_dir("gateway-peer")?;
        let address = free_address()?;
        let mut command = self.command(&dir, address, upstream)?;
        if let Some(core) = core {
            let mut pinned = Command::new("taskset");
            pinned.args(["--cpu-list", &core.to_string()]).arg(command.get_program()).args(command.get_args());
            command = pinned;
        }
        let notes = std::fs::File::create(dir.join("notes")).map_err(|e| e.to_string())?;
        let errors = notes.try_clone().map_err(|e| e.to_string())?;
        command.current_dir(&dir).env("OPENAI_API_KEY", "any").stdout(Stdio::from(notes)).stderr(Stdio::from(errors));
        let child = command.spawn().map_err(|e| format!("{}: {e}", self.program.display()))?;
        let running = Running { child, address, request: self.request(upstream) };
        running.wait()?;
        Ok(running)
    }

    fn command(&self, dir: &Path, address: SocketAddr, upstream: &Upstream) -> Result<Command, String> {
        let port = address.port().to_string();
        match self.kind {
            Kind::LiteLlm => {
                let config = format!(
                    "model_list:\n  - model_name: fast\n    litellm_params:\n      model: openai/gpt-5-mini\n      \
                     api_base: http://{}/v1\n      api_key: any\n",
                    upstream.address
                );
                let file = dir.join("config.yaml");
                std::fs::write(&file, config).map_err(|e| format!("{}: {e}", file.display()))?;
                let mut command = Command::new(&self.program);
                command.arg("--config").arg(file).args(["--port", &port, "--host", "127.0.0.1"]);
                Ok(command)
            }
            Kind::Portkey => {
                let mut command = Command::new("node");
                command.arg(&self.program).arg(format!("--port={port}")).arg("--headless");
                Ok(command)
            }
        }
    }

    fn request(&self, upstream: &Upstream) -> Vec<u8> {
        let host = format!("http://{}/v1", upstream.address);
        let (model, headers) = match self.kind {
            Kind::LiteLlm => ("fast", vec![("authorization", "Bearer any".to_owned())]),
            Kind::Portkey => (
                "gpt-5-mini",
                vec![
                    ("authorization", "Bearer any".to_owned()),
                    ("x-portkey-provider", "openai".to_owned()),
                    ("x-portkey-custom-host", host),
                ],
            ),
        };
        http::request_with("POST", "/v1/chat/completions", &headers, &super::body(model))
    }
}

impl Running {
    fn wait(&self) -> Result<(), String> {
        let start = Instant::now();
        loop {
            let answer = Connection::new(self.address).exchange(&self.request);
            match answer {
                Ok(response) if response.status == 200 => return Ok(()),
                other if start.elapsed() > READY_WITHIN => {
                    let what = match other {
                        Ok(response) => format!("{}: {}", response.status, String::from_utf8_lossy(&response.body)),
                        Err(e) => e.to_string(),
                    };
                    return Err(format!("the peer does not answer: {what}"));
                }
                _ => std::thread::sleep(Duration::from_millis(500)),
            }
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn free_address() -> Result<SocketAddr, String> {
    let listener = TcpListener::bind("127.0.0.1:0").map_err(|e| e.to_string())?;
    listener.local_addr().map_err(|e| e.to_string())
}
