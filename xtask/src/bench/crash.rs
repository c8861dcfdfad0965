//! `cargo xtask bench crash`: kill -9 under load loses no answer that a client had.
//!
//! A client remembers the id of every answer that it read to the end. After the kill the server is started again on what
//! is left, and takes feedback for an id only if the answer is in its log.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use serde_json::{Value, json};

use super::banking77;
use super::http::{self, Response};
use super::load::Load;
use super::options::Options;
use super::program::{Program, Server};
use super::rows;
use super::schedule::{Arrivals, Random};

/// A kill comes between these moments of the load.
const EARLIEST_KILL: Duration = Duration::from_millis(20);
const LATEST_KILL: Duration = Duration::from_millis(1500);

pub(crate) fn run(root: &Path, args: &[&str]) -> Result<String, String> {
    let options = Options::parse(args, &["banking77", "kills", "rate", "connections", "seed"])?;
    let n_kills: usize = options.positive("kills", 20)?;
    let rate: f64 = options.positive("rate", 1000.0)?;
    let n_connections = options.positive("connections", 8)?;
    let seed: u64 = options.number("seed", 0)?;
    let data_dir = banking77::data_dir(&options)?;
    let program = Program::find(root)?;
    let project = banking77::write(&program, &data_dir, "crash")?;
    crate::report("fitting Banking77");
    banking77::run(&program, &project)?;

    let mut server = program.serve(&project, None)?;
    let requests = rows::requests(&project.join("test.csv"), &server.task(Some(banking77::TASK))?)?;
    let mut random = Random(seed);
    let (mut acknowledged, mut lost) = (Vec::new(), BTreeSet::new());
    for round in 1..=n_kills {
        let kill_at = EARLIEST_KILL + (LATEST_KILL - EARLIEST_KILL).mul_f64(random.unit());
        // The load goes on past the kill, so that there are always answers under way.
        let schedule = Arrivals::Poisson.schedule(rate, kill_at + EARLIEST_KILL, seed.wrapping_add(round as u64));
        let load = Load { address: server.address, requests: &requests, schedule: &schedule, n_connections };
        let ids = load_until_killed(&load, &mut server, kill_at);
        server = program.serve(&project, None)?;
        let missing = missing(server.address, &ids, n_connections)?;
        crate::report(&format!(
            "kill {round:>2} at {:>4} ms: {:>4} acknowledged, {} lost, ready again after {} ms",
            kill_at.as_millis(),
            ids.len(),
            missing.len(),
            server.time_to_ready.as_millis(),
        ));
        lost.extend(missing);
        acknowledged.extend(ids);
    }
    // A later recovery might have dropped what an earlier one had kept.
    let n_lost_at_once = lost.len();
    lost.extend(missing(server.address, &acknowledged, n_connections)?);
    let message = format!(
        "{n_kills} kills under load at {rate}/s: {} answers acknowledged, {n_lost_at_once} lost at once, {} more by later rounds",
        acknowledged.len(),
        lost.len() - n_lost_at_once,
    );
    match (acknowledged.is_empty(), lost.first()) {
        (true, _) => Err(format!("{message}: no answer came before a kill, so nothing is shown")),
        (false, None) => Ok(message),
        (false, Some(id)) => Err(format!("{message}; one of them is {id}")),
    }
}

/// The ids of all answers that came before the server was killed.
fn load_until_killed(load: &Load<'_>, server: &mut Server, kill_at: Duration) -> Vec<String> {
    let sent = std::thread::scope(|scope| {
        let client = scope.spawn(|| load.run(|response| answer_id(&response.ok()?)));
        std::thread::sleep(kill_at);
        server.kill();
        client.join().unwrap_or_else(|e| std::panic::resume_unwind(e))
    });
    sent.into_iter().filter_map(|sent| sent.outcome).collect()
}

/// The id of an answer that a client may rely on.
fn answer_id(response: &Response) -> Option<String> {
    let body: Value = serde_json::from_slice(&response.body).ok()?;
    body["id"].as_str().filter(|_| response.status == 200).map(str::to_owned)
}

/// The ids that the server does not know.
fn missing(address: SocketAddr, ids: &[String], n_connections: usize) -> Result<Vec<String>, String> {
    let request = |id: &String| http::request("POST", "/v1/feedback", &json!({ "id": id, "score": 1 }).to_string());
    let requests: Vec<Vec<u8>> = ids.iter().map(request).collect();
    let at_once = vec![Duration::ZERO; ids.len()];
    let load = Load { address, requests: &requests, schedule: &at_once, n_connections };
    let replies = load.run(|response| response.map_err(|e| e.to_string()));
    let mut missing = Vec::new();
    for reply in replies {
        let id = &ids[reply.idx];
        match reply.outcome {
            Ok(response) if response.status == 201 => {}
            Ok(response) if response.status == 404 => missing.push(id.clone()),
            Ok(response) => {
                return Err(format!(
                    "feedback for {id}: {}: {}",
                    response.status,
                    String::from_utf8_lossy(&response.body)
                ));
            }
            Err(e) => return Err(format!("feedback for {id}: {e}")),
        }
    }
    Ok(missing)
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::net::TcpListener;

    use super::*;

    /// Takes feedback as `yw serve` does, but knows only ids that begin with `kept`.
    fn forgetful_server() -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut block = [0; 1024];
            while let Ok(n_bytes @ 1..) = stream.read(&mut block) {
                let request = String::from_utf8_lossy(&block[..n_bytes]);
                let status = if request.contains(r#"{"id":"kept"#) { "201 Created" } else { "404 Not Found" };
                write!(stream, "HTTP/1.1 {status}\r\ncontent-length: 0\r\n\r\n").unwrap();
            }
        });
        address
    }

    #[test]
    fn ids_that_the_server_does_not_know_are_missing() {
        let ids = ["kept 1", "gone", "kept 2"].map(str::to_owned);
        assert_eq!(missing(forgetful_server(), &ids, 1), Ok(vec!["gone".to_owned()]));
    }

    #[test]
    fn only_whole_answers_count() {
        let check = |status, body: &[u8], expect: Option<&str>| {
            assert_eq!(answer_id(&Response::new(status, body)).as_deref(), expect);
        };
        check(200, br#"{"id": "a", "answer": "x"}"#, Some("a"));
        check(200, br#"{"id": "a", "ans"#, None);
        check(500, br#"{"id": "a"}"#, None);
        check(200, br#"{"error": {}}"#, None);
    }
}
