//! `yw serve` over real HTTP.

use std::io::Write;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use yw_testkit::{Captured, Reply, Rng, Running, Script, Workspace};

use crate::http::{Client, read_response};
use crate::support::{AskProject, AskSetup, fit_project, fitted_project, wait_until, yw};

const PREDICT: &str = "/v1/tasks/triage/predict";
const INVOICE: &str = r#"{"subject": "Invoice", "body": "My card was charged twice", "plan": "free", "seats": 2}"#;

/// A server on a free port; dropping it kills it.
struct Served {
    running: Running,
    client: Client,
}

impl Served {
    #[track_caller]
    fn start(project: &Workspace) -> Self {
        let mut running = yw(["serve", "--address", "127.0.0.1:0"]).dir(project.path()).spawn();
        let address = running.wait_for_address();
        let client = Client(address.trim_start_matches("http://").to_owned());
        Served { running, client }
    }

    /// Asks it to end, and expects an orderly one.
    #[track_caller]
    fn stop(self) -> Captured {
        self.running.terminate().success()
    }

    /// What answers a row now.
    fn candidate(&self) -> String {
        let answer = self.client.post(PREDICT, INVOICE).json();
        answer["candidate"].as_str().unwrap_or_default().to_owned()
    }
}

#[test]
fn one_row_is_answered() {
    let project = fitted_project();
    let served = Served::start(&project);
    let answer = served.client.post(PREDICT, INVOICE).has_status(200).json();
    assert_eq!((&answer["task"], &answer["candidate"]), (&json!("triage"), &json!("words")));
    assert_eq!(answer["answer"], "billing");
    let scores = answer["scores"].as_object().expect("scores by label");
    assert_eq!(scores.keys().collect::<Vec<_>>(), ["account", "billing", "technical"]);
    let sum: f64 = scores.values().filter_map(Value::as_f64).sum();
    assert!((sum - 1.0).abs() < 1e-6, "{scores:?}");
    assert_eq!(answer["confidence"], scores["billing"]);
    assert!(answer["latency_ms"].as_f64().is_some_and(|ms| ms > 0.0 && ms < 1e4), "{answer}");
    assert_eq!(answer["usd"], 0.0);
    assert!(answer["id"].as_str().is_some_and(|id| id.len() == 36), "{answer}");
    assert!(answer["version"].as_str().is_some_and(|v| v.len() == 32), "{answer}");
    assert!(answer.get("error").is_none());
    served.stop();
}

#[test]
fn rows_are_answered_or_refused_each_for_itself() {
    let project = fitted_project();
    let served = Served::start(&project);
    let body = json!([
        { "subject": "Invoice", "body": "charged twice", "plan": null, "seats": 3 },
        { "sobject": "Invoice" },
        { "subject": "Invoice", "seats": "many" },
        "no row",
        {},
    ]);
    let answers = served.client.post(PREDICT, body.to_string()).has_status(200).json();
    let answers = answers.as_array().expect("a list for a list");
    assert_eq!(answers.len(), 5);
    let messages: Vec<&str> = answers.iter().map(|a| a["error"]["message"].as_str().unwrap_or("")).collect();
    assert!(answers[0]["answer"].is_string() && answers[4]["answer"].is_string(), "missing fields are missing values");
    assert!(messages[1].contains("sobject") && messages[1].contains("subject, body, plan, seats"), "{messages:?}");
    assert!(messages[2].contains("`seats` must be a number"), "{messages:?}");
    assert!(messages[3].contains("JSON object"), "{messages:?}");
    for refused in &answers[1..4] {
        assert_eq!(refused["error"]["kind"], "input");
        assert!(refused.get("answer").is_none());
    }
    let mut ids: Vec<&str> = answers.iter().filter_map(|a| a["id"].as_str()).collect();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), 5, "refusals are in the log too");
    served.stop();
}

#[test]
fn bad_requests_are_told_what_is_wrong() {
    let project = fitted_project();
    let served = Served::start(&project);
    let check_row = |row: Value, message: &str| {
        let response = served.client.post(PREDICT, row.to_string()).has_status(422);
        let said = response.json()["error"]["message"].as_str().unwrap_or_default().to_owned();
        assert!(said.contains(message), "{row}: {said}");
    };
    check_row(json!({ "sobject": "Invoice" }), "sobject");
    check_row(json!({ "subject": 3 }), "`subject` must be a text");
    check_row(json!({ "seats": "3" }), "`seats` must be a number");
    check_row(json!({ "seats": { "n": 3 } }), "`seats` must be a number");
    check_row(json!({ "seats": true }), "`seats` must be a number");

    let deep = "[".repeat(10_000) + &"]".repeat(10_000);
    let deep_object = format!("{{\"subject\":{deep}}}");
    for body in ["", "{", "subject=Invoice", "3", "\"text\"", "null", "{\"seats\": NaN}", "\u{0}", &deep, &deep_object]
    {
        let response = served.client.post(PREDICT, body).has_status(400);
        assert_eq!(response.error_code(), "bad_request", "{}", &body[..body.len().min(40)]);
    }
    served.client.post(PREDICT, b"\xff\xfe").has_status(400);
    assert_eq!(served.client.post(PREDICT, "[]").has_status(200).json(), json!([]));
    served.client.post(PREDICT, r#"{"seats": 1e400}"#).has_status(400);

    let send = |method: &str, path: &str| served.client.send(method, path, &[], b"").expect("a response");
    for (method, path, status, code) in [
        ("GET", PREDICT, 405, "no_method"),
        ("DELETE", "/v1/tasks", 405, "no_method"),
        ("GET", "/v1/nothing", 404, "no_route"),
        ("GET", "/", 404, "no_route"),
        ("GET", "/v1/tasks/billing", 404, "unknown_task"),
        ("POST", "/v1/tasks/billing/predict", 404, "unknown_task"),
        ("POST", "/v1/tasks/%2e%2e/predict", 404, "unknown_task"),
    ] {
        let response = send(method, path).has_status(status);
        assert_eq!(response.error_code(), code, "{method} {path}");
    }
    served.client.get("/healthz").has_status(200);
    served.stop();
}

#[test]
fn bodies_are_limited() {
    const BYTES: usize = 200 << 20;
    let project = fitted_project();
    let served = Served::start(&project);
    // Only promised: refused before it is sent.
    let started = Instant::now();
    let mut stream = served.client.connect().expect("a connection");
    let head = format!("POST {PREDICT} HTTP/1.1\r\nhost: localhost\r\ncontent-length: {BYTES}\r\n\r\n[{{");
    stream.write_all(head.as_bytes()).expect("the server reads");
    let refused = read_response(stream).expect("a response").has_status(413);
    assert_eq!(refused.error_code(), "too_large");
    assert!(started.elapsed() < Duration::from_secs(2), "{:?}", started.elapsed());

    // Sent in chunks, with no promise: refused when it is over the limit, and not read to its end.
    let mut stream = served.client.connect().expect("a connection");
    write!(stream, "POST {PREDICT} HTTP/1.1\r\nhost: localhost\r\ntransfer-encoding: chunked\r\n\r\n")
        .expect("written");
    let reader = stream.try_clone().expect("a second handle");
    let sending = std::thread::spawn(move || {
        let chunk = [format!("{:x}\r\n", 1 << 16).into_bytes(), vec![b' '; 1 << 16], b"\r\n".to_vec()].concat();
        (0..BYTES >> 16).take_while(|_| stream.write_all(&chunk).is_ok()).count()
    });
    let refused = read_response(reader).expect("a response").has_status(413);
    assert_eq!(refused.error_code(), "too_large");
    let n_sent = sending.join().expect("the sender ends") << 16;
    assert!(n_sent < BYTES / 2, "{n_sent} bytes were taken");
    served.client.post(PREDICT, INVOICE).has_status(200);
    served.stop();
}

#[test]
fn feedback_joins_an_answer() {
    let project = fitted_project();
    let served = Served::start(&project);
    let answers = served.client.post(PREDICT, format!("[{INVOICE},{INVOICE}]")).json();
    let feedback = |body: Value| served.client.post("/v1/feedback", body.to_string());
    for (answer, mut body) in [(0, json!({ "truth": "billing" })), (1, json!({ "score": 0.5, "comment": "so so" }))] {
        body["id"] = answers[answer]["id"].clone();
        assert_eq!(feedback(body.clone()).has_status(201).json(), json!({ "id": body["id"] }));
    }
    let unknown = feedback(json!({ "id": "0199f3a1-0000-7000-8000-000000000000", "truth": "billing" })).has_status(404);
    assert_eq!(unknown.error_code(), "unknown_id");
    let id = &answers[0]["id"];
    for body in [
        json!({}),
        json!({ "id": id }),
        json!({ "id": id, "thruth": "billing" }),
        json!({ "id": 3, "score": 1 }),
        json!([]),
    ] {
        let response = feedback(body.clone());
        assert_eq!((response.status, response.error_code().as_str()), (400, "bad_request"), "{body}");
    }
    served.client.post("/v1/feedback", "no JSON").has_status(400);
    served.stop();
}

#[test]
fn the_server_describes_itself() {
    let project = fitted_project();
    let served = Served::start(&project);
    served.client.get("/healthz").has_status(200);
    served.client.get("/readyz").has_status(200);
    let tasks = served.client.get("/v1/tasks").has_status(200).json();
    let task = &tasks["tasks"][0];
    assert_eq!(task["task"], "triage");
    assert_eq!(task["input"], json!({ "subject": "text", "body": "text", "plan": "category", "seats": "number" }));
    assert_eq!(task["answer"]["labels"], json!(["account", "billing", "technical"]));
    assert_eq!(task["champion"]["candidate"], "words");
    assert_eq!(served.client.get("/v1/tasks/triage").has_status(200).json(), *task);

    let openapi = served.client.get("/openapi.json").has_status(200).json();
    assert!(openapi["openapi"].as_str().is_some_and(|v| v.starts_with("3.")));
    let schema = &openapi["paths"][PREDICT]["post"]["requestBody"]["content"]["application/json"]["schema"]["oneOf"][0];
    let fields: Vec<&String> = schema["properties"].as_object().expect("properties").keys().collect();
    assert_eq!(fields, ["subject", "body", "plan", "seats"]);
    served.stop();
}

#[test]
fn metrics_can_be_scraped() {
    let project = fitted_project();
    let served = Served::start(&project);
    served.client.post(PREDICT, format!("[{INVOICE},{INVOICE},{{\"no\":1}}]")).has_status(200);
    served.client.get("/v1/nothing");
    let response = served.client.get("/metrics").has_status(200);
    assert!(response.head.contains("content-type: text/plain; version=0.0.4"), "{}", response.head);
    let samples: Vec<(&str, f64)> = response.body.lines().filter(|l| !l.starts_with('#')).map(sample).collect();
    let value = |name: &str| samples.iter().find(|(n, _)| *n == name).map(|(_, v)| *v);
    assert_eq!(value(r#"yw_answers_total{task="triage",outcome="ok"}"#), Some(2.0), "{}", response.body);
    assert_eq!(value(r#"yw_answers_total{task="triage",outcome="input"}"#), Some(1.0));
    let count = r#"yw_http_request_duration_seconds_count{route="/v1/tasks/{task}/predict",status="200"}"#;
    assert_eq!(value(count), Some(1.0));
    let named: Vec<&str> =
        response.body.lines().filter_map(|l| l.strip_prefix("# TYPE ")).filter_map(|l| l.split(' ').next()).collect();
    for (name, _) in &samples {
        assert!(named.iter().any(|family| name.starts_with(family)), "{name} has a type");
    }
    served.stop();
}

/// A line of Prometheus' text format: a name with labels, and a number.
fn sample(line: &str) -> (&str, f64) {
    let (name, value) = line.rsplit_once(' ').unwrap_or_else(|| panic!("no sample: {line}"));
    (name, value.parse().unwrap_or_else(|e| panic!("{line}: {e}")))
}

#[test]
fn a_server_waits_for_its_first_champion() {
    let project = fit_project();
    let served = Served::start(&project);
    served.client.get("/healthz").has_status(200);
    let waiting = served.client.get("/readyz").has_status(503).json();
    assert_eq!(waiting["tasks_without_champion"], json!(["triage"]));
    assert_eq!(served.client.post(PREDICT, INVOICE).has_status(503).error_code(), "no_champion");
    served.client.get("/openapi.json").has_status(200);
    yw(["run"]).dir(project.path()).run().success();
    wait_until("it is ready", || served.client.get("/readyz").status == 200);
    served.client.post(PREDICT, INVOICE).has_status(200);
    served.stop();
}

#[test]
fn promotions_reach_a_running_server() {
    let project = fitted_project();
    let served = Served::start(&project);
    assert_eq!(served.candidate(), "words");
    for (args, expected) in
        [(&["promote", "triage", "baseline"][..], "baseline"), (&["promote", "triage", "--back"], "words")]
    {
        yw(args).dir(project.path()).run().success();
        let promoted = Instant::now();
        wait_until("the promotion arrives", || served.candidate() == expected);
        assert!(promoted.elapsed() < Duration::from_secs(3), "{:?}", promoted.elapsed());
    }
    let history = yw(["promote", "triage", "--history"]).dir(project.path()).run().success().stdout;
    assert_eq!(history.matches("words").count(), 2, "{history}");
    served.stop();
}

#[test]
fn pages_of_other_sites_are_refused() {
    let project = fitted_project();
    let served = Served::start(&project);
    let ask = |headers: &[(&str, &str)]| {
        served.client.send("POST", PREDICT, headers, INVOICE.as_bytes()).expect("a response")
    };
    for headers in [
        [("origin", "https://evil.example")],
        [("origin", "null")],
        [("origin", "http://127.0.0.1.evil.example")],
        [("host", "evil.example:7878")],
        [("host", "192.0.2.1")],
    ] {
        assert_eq!(ask(&headers).has_status(403).error_code(), "cross_site", "{headers:?}");
    }
    for headers in [[("origin", "http://localhost:3000")], [("host", "localhost:7878")], [("host", "[::1]:7878")]] {
        ask(&headers).has_status(200);
    }
    served.stop();
}

#[test]
fn other_machines_are_kept_out() {
    let project = fitted_project();
    for address in ["0.0.0.0:0", "192.0.2.1:7878", "[::]:0"] {
        let refused = yw(["serve", "--address", address]).dir(project.path()).run().exits_with(1);
        assert!(refused.stderr.contains("open to other machines"), "{}", refused.stderr);
        assert!(refused.stderr.contains("yw key create"), "{}", refused.stderr);
    }
    let served = Served::start(&project);
    let taken = yw(["serve", "--address", &served.client.0]).dir(project.path()).run().exits_with(1);
    assert!(taken.stderr.contains("cannot listen on") && taken.stderr.contains("in use"), "{}", taken.stderr);
    served.stop();
}

/// A project whose champion asks a provider that is quick until `slow` is set.
fn slow_champion(slow: &Arc<AtomicBool>) -> AskProject {
    let project = AskProject::new(AskSetup { n_test: 10, ..AskSetup::default() }, |test| {
        let (slow, test) = (slow.clone(), test.clone());
        Script::new(move |request| {
            let truth = request.mark("T-").and_then(|mark| test.truth_in(&mark));
            let delay = if slow.load(Ordering::SeqCst) { Duration::from_millis(700) } else { Duration::ZERO };
            Reply::answer(truth.unwrap_or_else(|| "billing".into())).with_delay(delay)
        })
    });
    project.run(&[]);
    slow.store(true, Ordering::SeqCst);
    project
}

#[test]
fn a_request_under_way_is_finished_before_the_end() {
    let slow = Arc::new(AtomicBool::new(false));
    let project = slow_champion(&slow);
    let served = Served::start(&project.workspace);
    let client = served.client.clone();
    let asking = std::thread::spawn(move || client.post(PREDICT, INVOICE));
    wait_until("the provider is asked", || project.server.in_flight() == 1);
    served.stop();
    let answer = asking.join().expect("the client gets a response").has_status(200).json();
    assert_eq!((&answer["candidate"], &answer["answer"]), (&json!("asked"), &json!("billing")));
    assert!(answer["usd"].as_f64().is_some_and(|usd| usd > 0.0), "{answer}");

    // Its answer is in the log, and its reply is kept: the same question is free now.
    let n_requests = project.server.requests().len();
    let served = Served::start(&project.workspace);
    let body = json!({ "id": answer["id"], "score": 1 }).to_string();
    served.client.post("/v1/feedback", body).has_status(201);
    served.client.post(PREDICT, INVOICE).has_status(200);
    assert_eq!(project.server.requests().len(), n_requests);
    served.stop();
}

#[test]
fn a_provider_in_trouble_is_that_rows_error() {
    let slow = Arc::new(AtomicBool::new(false));
    let project = slow_champion(&slow);
    let toml = project.workspace.read("yellowwood.toml");
    project
        .workspace
        .write("yellowwood.toml", toml.replace("[provider.scripted]\n", "[provider.scripted]\nmax_retries = 0\n"));
    let served = Served::start(&project.workspace);
    let AskProject { workspace: _folder, server, .. } = project;
    drop(server);
    let refused = served.client.post(PREDICT, INVOICE).has_status(502).json();
    assert_eq!(refused["error"]["kind"], "provider", "{refused}");
    served.client.get("/healthz").has_status(200);
    served.stop();
}

#[test]
fn kill_loses_no_acknowledged_answer() {
    const KILLS: usize = 6;
    const CLIENTS: usize = 3;
    let project = fitted_project();
    let mut rng = Rng::new(3);
    let mut acknowledged: Vec<String> = Vec::new();
    for _ in 0..KILLS {
        let served = Served::start(&project);
        let ids = Mutex::new(Vec::new());
        std::thread::scope(|scope| {
            for _ in 0..CLIENTS {
                scope.spawn(|| {
                    // Until the server is gone.
                    while let Ok(response) = served.client.try_post(PREDICT, INVOICE) {
                        ids.lock().expect("no client panics").push(response.json()["id"].as_str().map(str::to_owned));
                        std::thread::sleep(Duration::from_millis(2));
                    }
                });
            }
            wait_until("some answers came", || ids.lock().is_ok_and(|ids| ids.len() > 20));
            std::thread::sleep(Duration::from_millis(rng.below(250) as u64));
            let killed = std::process::Command::new("kill").arg("-KILL").arg(served.running.id().to_string()).status();
            assert!(killed.is_ok_and(|s| s.success()));
        });
        acknowledged.extend(ids.into_inner().expect("no client panics").into_iter().map(|id| id.expect("an id")));
    }
    let served = Served::start(&project);
    let client = &served.client;
    std::thread::scope(|scope| {
        for ids in acknowledged.chunks(acknowledged.len().div_ceil(4)) {
            scope.spawn(move || {
                for id in ids {
                    let body = json!({ "id": id, "truth": "billing" }).to_string();
                    client.post("/v1/feedback", body).has_status(201);
                }
            });
        }
    });
    served.stop();
}

#[test]
fn answers_are_explained_if_asked_for() {
    let project = fitted_project();
    let served = Served::start(&project);
    let explained = |query: &str, body: &str| served.client.post(&format!("{PREDICT}{query}"), body);
    assert!(explained("?explain=false", INVOICE).has_status(200).json().get("explanation").is_none());

    let answer = explained("?explain=true", INVOICE).has_status(200).json();
    let explanation = &answer["explanation"];
    assert_eq!(explanation["unit"], "log_probability");
    let contributions = explanation["contributions"].as_array().expect("a list");
    assert_eq!(contributions.len(), 20);
    let listed: f64 = contributions.iter().filter_map(|c| c["contribution"].as_f64()).sum();
    let number = |key: &str| explanation[key].as_f64().expect("a number");
    assert!((number("expected") + listed + number("rest") - number("score")).abs() < 1e-9, "{explanation}");
    assert!(contributions.iter().all(|c| c["feature"].is_string()), "{explanation}");

    let rows = format!("[{INVOICE}, {{\"sobject\": \"\"}}, {INVOICE}]");
    let answers = explained("?explain=true", &rows).has_status(200).json();
    assert_eq!(answers[0]["explanation"], *explanation);
    assert_eq!(answers[2]["explanation"], *explanation);
    assert!(answers[1].get("explanation").is_none() && answers[1]["error"].is_object());
    assert_eq!(explained("?explain=true", "[]").has_status(200).json(), json!([]));
    for query in ["?explain=yes", "?explian=true"] {
        assert_eq!(explained(query, INVOICE).has_status(400).error_code(), "bad_request");
    }
    let described = served.client.get("/openapi.json").json();
    assert_eq!(described["paths"][PREDICT]["post"]["parameters"][0]["name"], "explain");
    served.stop();
}

#[test]
fn what_cannot_be_explained_is_refused() {
    let project = fitted_project();
    yw(["promote", "triage", "baseline"]).dir(project.path()).run().success();
    let served = Served::start(&project);
    let refused = served.client.post(&format!("{PREDICT}?explain=true"), INVOICE).has_status(400);
    assert_eq!(refused.error_code(), "not_explainable");
    served.client.post(PREDICT, INVOICE).has_status(200);
    served.stop();
}
