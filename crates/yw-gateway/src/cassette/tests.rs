use std::time::Duration;

use bytes::Bytes;
use proptest::prelude::*;
use reqwest::header::{HeaderMap, HeaderValue};
use reqwest::{Method, Url};
use tokio::time::Instant;

use super::format::{from_line, to_line};
use super::scrub::Scrubber;
use super::{Cassette, CassetteError, Exchange, Player, RecordedRequest, RecordedResponse, Recorder, RecorderOptions};
use crate::Secret;

fn url(text: &str) -> Url {
    Url::parse(text).unwrap()
}

fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
    pairs.iter().map(|(name, value)| (name.parse().unwrap(), HeaderValue::from_str(value).unwrap())).collect()
}

fn exchange(body: &str, pieces: &[(u64, &[u8])]) -> Exchange {
    Exchange {
        at: "2026-11-23T08:15:30.123456Z".parse().unwrap(),
        request: RecordedRequest {
            method: "POST".to_owned(),
            url: "https://a.example/v1/x?alt=sse".to_owned(),
            headers: vec![("content-type".to_owned(), "application/json".to_owned())],
            body: body.to_owned().into(),
        },
        response: Some(RecordedResponse {
            status: 200,
            after: Duration::from_millis(5),
            headers: vec![],
            body: pieces
                .iter()
                .map(|(at, piece)| (Duration::from_millis(*at), Bytes::copy_from_slice(piece)))
                .collect(),
        }),
        is_complete: true,
    }
}

#[test]
fn lines_are_as_documented() {
    let line = to_line(&exchange("{}", &[(6, b"data: 1"), (7, b"\xff")])).unwrap();
    assert_eq!(
        String::from_utf8(line).unwrap(),
        r#"{"v":1,"at":"2026-11-23T08:15:30.123456Z","request":{"method":"POST","url":"https://a.example/v1/x?alt=sse","#
            .to_owned()
            + r#""headers":[["content-type","application/json"]],"body":"{}"},"response":{"status":200,"after_ms":5.0,"#
            + r#""headers":[],"body":[[6.0,"data: 1"],[7.0,{"base64":"/w=="}]]},"end":"complete"}"#
    );
}

proptest! {
    #[test]
    fn lines_say_everything(
        body in proptest::collection::vec(any::<u8>(), 0..40),
        pieces in proptest::collection::vec((0u64..5_000_000, proptest::collection::vec(any::<u8>(), 0..20)), 0..5),
        is_complete: bool,
    ) {
        let mut recorded = exchange("", &[]);
        recorded.request.body = body.into();
        recorded.is_complete = is_complete;
        let pieces = pieces.into_iter().map(|(micros, piece)| (Duration::from_micros(micros), piece.into()));
        recorded.response.as_mut().unwrap().body = pieces.collect();
        let line = to_line(&recorded).unwrap();
        prop_assert!(!line.contains(&b'\n'));
        prop_assert_eq!(from_line(&line).unwrap(), recorded);
    }

    #[test]
    fn any_line_is_survived(line in proptest::collection::vec(any::<u8>(), 0..80)) {
        prop_assert!(from_line(&line).is_err());
    }

    /// Whatever the pieces, they are together what the whole is.
    #[test]
    fn secrets_are_found_across_pieces(cuts in proptest::collection::vec(0usize..60, 0..8), n in 0usize..4) {
        let secrets = [Secret::new("sk-canary-1"), Secret::new("canary-1-and-more"), Secret::new("sk-canary-1-and")];
        let scrubber = Scrubber::new(&secrets);
        let whole = format!("a{}b", "sk-canary-1-and-more|".repeat(n));
        let mut at: Vec<usize> = cuts.into_iter().map(|cut| cut.min(whole.len())).collect();
        at.extend([0, whole.len()]);
        at.sort_unstable();
        let pieces: Vec<(usize, Bytes)> =
            at.windows(2).map(|w| (w[0], Bytes::copy_from_slice(&whole.as_bytes()[w[0]..w[1]]))).collect();
        let scrubbed = scrubber.pieces(&pieces);
        prop_assert_eq!(scrubbed.iter().map(|(at, _)| *at).collect::<Vec<_>>(), pieces.iter().map(|(at, _)| *at).collect::<Vec<_>>());
        let together: Vec<u8> = scrubbed.iter().flat_map(|(_, piece)| piece).copied().collect();
        prop_assert_eq!(String::from_utf8(together).unwrap(), format!("a{}b", "***|".repeat(n)));
        prop_assert_eq!(scrubber.text(&whole), format!("a{}b", "***|".repeat(n)));
    }
}

/// Secrets in every place of an exchange: nothing of them is in any file.
#[test]
fn no_canary_is_in_the_files() {
    let folder = tempfile::tempdir().unwrap();
    let [configured, fetched, tricky] = ["canary-configured", "canary-fetched-token", "canary/\"tricky\"+ä"];
    let options =
        RecorderOptions { secrets: vec![Secret::new(configured), Secret::new(tricky)], ..RecorderOptions::default() };
    let recorder = Recorder::start(folder.path(), options).unwrap();
    recorder.add_secret(&Secret::new(fetched));
    let sent = headers(&[
        ("authorization", "Bearer canary-in-authorization"),
        ("proxy-authorization", "Basic canary-in-proxy"),
        ("x-api-key", "canary-in-x-api-key"),
        ("api-key", "canary-in-api-key"),
        ("x-goog-api-key", "canary-in-goog"),
        ("x-amz-security-token", "canary-in-amz-token"),
        ("cookie", "canary-in-cookie=1"),
        ("x-note", "this is canary-configured, plainly"),
        ("content-type", "application/json"),
    ]);
    let address = "https://user:canary-in-password@h.example/v1/canary-fetched-token/x\
        ?key=canary-in-key&alt=sse&X-Amz-Signature=canary-in-signature&note=canary%2F%22tricky%22%2B%C3%A4#canary-fetched-token";
    let body = serde_json::json!({ "model": "m", "a": configured, "b": tricky, "c": format!("x{fetched}x") });
    let mut recording = recorder.begin(&Method::POST, &url(address), &sent, body.to_string().into());
    recording.response(401, &headers(&[("set-cookie", "canary-in-set-cookie"), ("x-echo", "canary-in-x-api-key")]));
    let answer = "Wrong key: canary-in-authorization; canary-in-key; canary-configured; canary-in-proxy \u{1f600}";
    for piece in answer.as_bytes().chunks(3) {
        recording.piece(&Bytes::copy_from_slice(piece));
    }
    assert!(!format!("{recorder:?} {recording:?}").contains("canary"));
    recording.finish();
    drop(recorder.begin(&Method::GET, &url("https://h.example/canary-configured"), &sent, Bytes::new()));
    recorder.flush();
    assert_eq!((recorder.stats().written, recorder.stats().dropped), (2, 0));

    for entry in std::fs::read_dir(folder.path()).unwrap() {
        let path = entry.unwrap().path();
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(!text.contains("canary") && !path.display().to_string().contains("canary"), "{text}");
        #[cfg(unix)]
        assert_eq!(std::os::unix::fs::PermissionsExt::mode(&path.metadata().unwrap().permissions()) & 0o777, 0o600);
    }
    let cassette = Cassette::load(folder.path()).unwrap();
    let [first, second] = cassette.exchanges() else { panic!("{cassette:?}") };
    assert_eq!(first.request.url, "https://h.example/v1/***/x?key=***&alt=sse&X-Amz-Signature=***&note=***");
    assert!(first.request.headers.contains(&("content-type".to_owned(), "application/json".to_owned())));
    let response = first.response.as_ref().unwrap();
    let answer: Vec<u8> = response.body.iter().flat_map(|(_, piece)| piece).copied().collect();
    assert_eq!(String::from_utf8(answer).unwrap(), "Wrong key: ***; ***; ***; *** \u{1f600}");
    assert_eq!(
        response.body.len(),
        answer_pieces(
            "Wrong key: canary-in-authorization; canary-in-key; canary-configured; canary-in-proxy \u{1f600}"
        )
    );
    assert!(!second.is_complete && second.response.is_none());

    // Whoever asks with the secrets gets the recording all the same.
    let player = Player::new(cassette, &[configured, fetched, tricky].map(Secret::new));
    assert!(player.answer("post", &url(address), &body.to_string().into()).is_some());
    assert!(player.answer("GET", &url("https://h.example/canary-configured"), &Bytes::new()).is_none());
}

fn answer_pieces(answer: &str) -> usize {
    answer.len().div_ceil(3)
}

#[tokio::test(start_paused = true)]
async fn the_nth_time_gets_the_nth_recording_and_then_the_last() {
    let first = exchange(r#"{"a":1,"b":[1.0,{"x":null,"y":2}]}"#, &[(10, b"one"), (500, b"!")]);
    let second = exchange(r#"{"a":1,"b":[1.0,{"x":null,"y":2}]}"#, &[(10, b"two")]);
    let mut other = exchange("not json", &[(10, b"other")]);
    other.is_complete = false;
    let player = Player::new(Cassette::from(vec![first, second, other]), &[]);
    let ask = |path: &str, body: &'static str| {
        player.answer("POST", &url(&format!("http://127.0.0.1:1{path}")), &Bytes::from_static(body.as_bytes()))
    };
    let same = r#" { "b" : [1, {"y": 2e0, "x": null}], "a": 1.0 } "#;
    for expected in ["one", "two", "two"] {
        assert_eq!(ask("/v1/x?alt=sse", same).unwrap().piece().await.unwrap(), expected);
    }
    for different in [r#"{"a":1,"b":[{"x":null,"y":2},1]}"#, r#"{"a":1}"#, r#"{"a":"1","b":[1,{"x":null,"y":2}]}"#] {
        assert!(ask("/v1/x?alt=sse", different).is_none(), "{different}");
    }
    assert!(ask("/v1/x", same).is_none() && ask("/v1/y?alt=sse", same).is_none());
    let mut cut = ask("/v1/x?alt=sse", "not json").unwrap();
    assert_eq!(cut.head().await.unwrap().status, 200);
    assert_eq!((cut.piece().await.unwrap(), cut.piece().await, cut.is_cut()), (Bytes::from("other"), None, true));
}

#[tokio::test(start_paused = true)]
async fn time_passes_as_it_did() {
    let player = Player::new(Cassette::from(vec![exchange("", &[(20, b"a"), (700, b"b")])]), &[]);
    let ask = || player.answer("POST", &url("http://h/v1/x?alt=sse"), &Bytes::new()).unwrap();
    let start = Instant::now();
    let mut at_once = ask();
    while at_once.piece().await.is_some() {}
    assert_eq!(start.elapsed(), Duration::ZERO);
    let mut timed = ask().timed();
    let mut times = Vec::new();
    timed.head().await.unwrap();
    times.push(start.elapsed().as_millis());
    while timed.piece().await.is_some() {
        times.push(start.elapsed().as_millis());
    }
    assert_eq!(times, [5, 20, 700]);
}

#[test]
fn a_recorder_that_falls_behind_drops_and_counts() {
    let folder = tempfile::tempdir().unwrap();
    let options = RecorderOptions { max_waiting_bytes: 1000, ..RecorderOptions::default() };
    let recorder = Recorder::start(folder.path(), options).unwrap();
    let begin = |bytes: usize| {
        recorder.begin(&Method::POST, &url("https://h/"), &HeaderMap::new(), Bytes::from(vec![b'x'; bytes]))
    };
    begin(2000).finish();
    let mut endless = begin(10);
    endless.response(200, &HeaderMap::new());
    for _ in 0..20 {
        endless.piece(&Bytes::from(vec![b'x'; 100]));
    }
    endless.finish();
    begin(900).finish();
    recorder.flush();
    assert_eq!((recorder.stats().written, recorder.stats().dropped), (1, 2));
    // What was written no longer counts as waiting.
    begin(900).finish();
    drop(recorder);
    assert_eq!(Cassette::load(folder.path()).unwrap().exchanges().len(), 2);
}

#[test]
fn damaged_files_are_reported_by_line_except_for_a_last_line_cut_off() {
    let folder = tempfile::tempdir().unwrap();
    assert!(matches!(Cassette::load(folder.path()), Err(CassetteError::Empty { .. })));
    assert!(matches!(Cassette::load(&folder.path().join("none")), Err(CassetteError::Read { .. })));
    let path = folder.path().join("a.jsonl");
    let line = String::from_utf8(to_line(&exchange("{}", &[])).unwrap()).unwrap();
    std::fs::write(&path, format!("{line}\n\n{line}\n{}", &line[..line.len() / 2])).unwrap();
    assert_eq!(Cassette::load(folder.path()).unwrap().exchanges().len(), 2);
    for (text, line) in
        [(format!("{line}\n{{}}\n{line}\n"), 2), (format!("{line}\n{}\n", line.replace("\"v\":1", "\"v\":2")), 2)]
    {
        std::fs::write(&path, text).unwrap();
        match Cassette::load(&path) {
            Err(CassetteError::Line { line: found, .. }) => assert_eq!(found, line),
            other => panic!("{other:?}"),
        }
    }
}
