//! Files of older versions still open; files of newer ones say so.

use std::path::{Path, PathBuf};

use jiff::Timestamp;
use sqlx::ConnectOptions;
use sqlx::sqlite::SqliteConnectOptions;
use yw_store::{CachedResponse, CallFilter, FeedbackRecord, KeyRecord, Store, StoreError};

use crate::support::{Project, all_ids, at, call_record, copy_files, log_record, promotion, run_record};

fn fixture(version: u32) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/fixtures/state-v{version}"))
}

async fn check_version_1(store: &Store) {
    assert_eq!(store.run("run-1").await.unwrap().unwrap(), run_record("run-1", at(0)));
    assert_eq!(store.replies_get(&[1; 32]).await.unwrap().as_deref(), Some(&b"paid"[..]));
    let champion = store.champion("triage").await.unwrap().unwrap();
    assert_eq!((champion.candidate.as_str(), champion.since, champion.is_return), ("a", at(3), true));
    assert_eq!(store.champion_history("triage", 10).await.unwrap().len(), 3);
    assert_eq!(all_ids(store).await, ["answer-1", "answer-2"]);
    let entry = store.log_record("answer-1").await.unwrap().unwrap();
    assert_eq!((entry.record, entry.feedback.len()), (log_record("answer-1", 1), 1));
}

#[tokio::test]
async fn state_of_version_1_opens() {
    let project = Project::new();
    copy_files(&fixture(1), &project.state_dir());
    let store = project.open().await;
    check_version_1(&store).await;
    // And is then of the present version.
    let log = store.log().await.unwrap();
    log.append_call(&call_record("call-1", 1)).unwrap();
    assert_eq!(store.calls(&CallFilter::default()).await.unwrap(), [call_record("call-1", 1)]);
}

#[tokio::test]
async fn segments_of_version_1_are_brought_in() {
    let project = Project::new();
    let log = project.state_dir().join("log");
    std::fs::create_dir_all(&log).unwrap();
    let mut bytes = b"YWlog\0\0\x01".to_vec();
    for id in ["a", "b"] {
        let json = serde_json::to_vec(&log_record(id, 1)).unwrap();
        bytes.extend_from_slice(&(json.len() as u32).to_le_bytes());
        bytes.extend_from_slice(&blake3::hash(&json).as_bytes()[..8]);
        bytes.extend_from_slice(&json);
    }
    std::fs::write(log.join("0190163d-8694-739b-aea5-966c26f8ad90.segment"), bytes).unwrap();
    assert_eq!(all_ids(&project.open().await).await, ["a", "b"]);
}

#[tokio::test]
async fn state_of_version_2_opens() {
    let project = Project::new();
    copy_files(&fixture(2), &project.state_dir());
    let store = project.open().await;
    check_version_1(&store).await;
    assert_eq!(
        store.calls(&CallFilter::default()).await.unwrap(),
        [call_record("call-1", 1), call_record("call-2", 2)]
    );
    let spent = store.spent_since(at(0)).await.unwrap().total;
    assert_eq!((spent.requests, spent.usd), (2, call_record("call-1", 1).usd.times(2)));
    assert_eq!(store.keys().await.unwrap(), [key()]);
    assert_eq!(store.cache_get(&[2; 32], at(0)).await.unwrap(), Some(cached()));
}

fn key() -> KeyRecord {
    KeyRecord {
        id: "k1".into(),
        name: "app".into(),
        hash: [3; 32],
        created: at(0),
        expires: Some(at(9)),
        revoked: Some(at(8)),
        spec: serde_json::json!({ "models": ["openai/*"] }),
    }
}

fn cached() -> CachedResponse {
    CachedResponse { at: at(0), content_type: "application/json".into(), body: b"{}".to_vec() }
}

/// Writes the fixture of the present version; run it once, when a new migration is released, and name it by hand.
#[tokio::test]
#[ignore = "writes into the source tree"]
async fn write_the_fixture() {
    let project = Project::new();
    let store = project.open().await;
    store.insert_run(&run_record("run-1", at(0))).await.unwrap();
    store.replies_put(&[1; 32], b"paid").await.unwrap();
    let [a, b] = [project.put(&store, "a").await, project.put(&store, "b").await];
    store.promote(&promotion("a", &a, 1)).await.unwrap();
    store.promote(&promotion("b", &b, 2)).await.unwrap();
    store.promote_back("triage", at(3)).await.unwrap();
    store.log().await.unwrap().append(&[log_record("answer-1", 1), log_record("answer-2", 2)]).await.unwrap();
    let truth = Some("sales".into());
    let feedback = FeedbackRecord { id: "answer-1".into(), at: at(9), truth, score: None, comment: None };
    store.feedback(&feedback).await.unwrap();
    let log = store.log().await.unwrap();
    log.append_call(&call_record("call-1", 1)).unwrap();
    log.append_call(&call_record("call-2", 2)).unwrap();
    store.key_create(&key()).await.unwrap();
    store.cache_put(&[2; 32], &cached(), at(60)).await.unwrap();
    store.close().await.unwrap();
    std::fs::create_dir_all(fixture(2)).unwrap();
    std::fs::copy(project.state_dir().join("state.db"), fixture(2).join("state.db")).unwrap();
}

#[tokio::test]
async fn state_of_a_newer_version_says_so() {
    let project = Project::new();
    project.open().await.close().await.unwrap();
    let options = SqliteConnectOptions::new().filename(project.state_dir().join("state.db"));
    let mut connection = options.connect().await.unwrap();
    sqlx::query("INSERT INTO schema_history (version, applied, program) VALUES (99, ?, '9.9.9')")
        .bind(Timestamp::now().as_microsecond())
        .execute(&mut connection)
        .await
        .unwrap();
    drop(connection);
    let error = Store::open(&project.state_dir()).await.unwrap_err();
    assert!(matches!(error, StoreError::Newer { found: 99, .. }), "{error}");
    assert!(error.to_string().contains("use the newer yw"), "{error}");
}
