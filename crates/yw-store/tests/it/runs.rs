//! Runs.

use yw_store::{Score, StoreError};

use crate::support::{Project, at, run_record};

#[tokio::test]
async fn runs_come_back_newest_first() {
    let project = Project::new();
    let store = project.open().await;
    assert_eq!(store.runs(None, 10).await.unwrap(), []);
    for (id, seconds) in [("b", 20), ("a", 10), ("c", 30)] {
        store.insert_run(&run_record(id, at(seconds))).await.unwrap();
    }
    let summaries = store.runs(None, 2).await.unwrap();
    assert_eq!(summaries.iter().map(|s| s.run.as_str()).collect::<Vec<_>>(), ["c", "b"]);
    let newest = &summaries[0];
    assert_eq!((newest.n_compared, newest.n_candidates), (1, 2));
    assert_eq!(newest.champion.as_deref(), Some("words"));
    assert_eq!(newest.score, Some(Score { value: 0.84, low: Some(0.79), high: Some(0.88) }));
}

#[tokio::test]
async fn a_run_is_found_by_the_beginning_of_its_id() {
    let project = Project::new();
    let store = project.open().await;
    for id in ["0190aa", "0190ab", "0190"] {
        store.insert_run(&run_record(id, at(0))).await.unwrap();
    }
    let found = async |id: &str| store.run(id).await.map(|record| record.map(|r| r.run));
    assert_eq!(found("0190aa").await.unwrap().as_deref(), Some("0190aa"));
    assert_eq!(found("0190ab").await.unwrap().as_deref(), Some("0190ab"));
    assert_eq!(found("0190").await.unwrap().as_deref(), Some("0190"), "a whole id is never ambiguous");
    assert_eq!(found("0191").await.unwrap(), None);
    // `%` and `_` mean something to SQL, and nothing here.
    assert_eq!(found("01%").await.unwrap(), None);
    assert!(matches!(found("019").await, Err(StoreError::Ambiguous { matches: 3, .. })));
    assert_eq!(store.run("0190aa").await.unwrap().unwrap(), run_record("0190aa", at(0)));
}

#[tokio::test]
async fn an_id_is_used_once() {
    let project = Project::new();
    let store = project.open().await;
    store.insert_run(&run_record("a", at(0))).await.unwrap();
    assert!(matches!(store.insert_run(&run_record("a", at(1))).await, Err(StoreError::Database { .. })));
    assert_eq!(store.run("a").await.unwrap().unwrap().started, at(0));
}

#[tokio::test]
async fn looking_for_state_makes_none() {
    let project = Project::new();
    let state_dir = project.state_dir();
    assert!(yw_store::Store::open_existing(&state_dir).await.unwrap().is_none());
    assert!(!state_dir.exists());
    project.open().await.insert_run(&run_record("a", at(0))).await.unwrap();
    let store = yw_store::Store::open_existing(&state_dir).await.unwrap().unwrap();
    assert_eq!(store.runs(None, 1).await.unwrap().len(), 1);
    assert_eq!(std::fs::read_to_string(state_dir.join(".gitignore")).unwrap(), "*\n");
}
