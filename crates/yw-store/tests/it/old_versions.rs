//! Files of older versions still open; files of newer ones say so.

use std::path::{Path, PathBuf};

use jiff::Timestamp;
use sqlx::ConnectOptions;
use sqlx::sqlite::SqliteConnectOptions;
use yw_store::{FeedbackRecord, Store, StoreError};

use crate::support::{Project, all_ids, at, copy_files, log_record, promotion, run_record};

fn fixture(version: u32) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/fixtures/state-v{version}"))
}

#[tokio::test]
async fn state_of_version_1_opens() {
    let project = Project::new();
    copy_files(&fixture(1), &project.state_dir());
    let store = project.open().await;
    assert_eq!(store.run("run-1").await.unwrap().unwrap(), run_record("run-1", at(0)));
    assert_eq!(store.replies_get(&[1; 32]).await.unwrap().as_deref(), Some(&b"paid"[..]));
    let champion = store.champion("triage").await.unwrap().unwrap();
    assert_eq!((champion.candidate.as_str(), champion.since, champion.is_return), ("a", at(3), true));
    assert_eq!(store.champion_history("triage", 10).await.unwrap().len(), 3);
    assert_eq!(all_ids(&store).await, ["answer-1", "answer-2"]);
    let entry = store.log_record("answer-1").await.unwrap().unwrap();
    assert_eq!((entry.record, entry.feedback.len()), (log_record("answer-1", 1), 1));
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
    store.close().await.unwrap();
    std::fs::create_dir_all(fixture(1)).unwrap();
    std::fs::copy(project.state_dir().join("state.db"), fixture(1).join("state.db")).unwrap();
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
