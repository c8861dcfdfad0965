//! The serving log.

use std::fs;
use std::time::Duration;

use serde_json::json;
use yw_store::{FeedbackRecord, LogPosition, Store, StoreError};

use crate::support::{Project, all_ids, at, ids, log_record};

fn feedback(id: &str, seconds: i64, truth: Option<&str>) -> FeedbackRecord {
    FeedbackRecord { id: id.into(), at: at(seconds), truth: truth.map(Into::into), score: Some(0.5), comment: None }
}

/// The files in the folder of the segments that end so.
fn n_files(project: &Project, end: &str) -> usize {
    let names = fs::read_dir(project.state_dir().join("log")).unwrap();
    names.filter(|e| e.as_ref().unwrap().file_name().to_string_lossy().ends_with(end)).count()
}

#[tokio::test]
async fn an_answer_is_found_as_soon_as_it_is_appended() {
    let project = Project::new();
    let store = project.open().await;
    let log = store.log().await.unwrap();
    log.append(&[log_record("a", 1), log_record("b", 2)]).await.unwrap();
    assert_eq!(store.log_record("a").await.unwrap().unwrap().record, log_record("a", 1));
    log.append(&[log_record("c", 3)]).await.unwrap();
    store.feedback(&feedback("c", 4, Some("sales"))).await.unwrap();
    store.feedback(&feedback("c", 5, None)).await.unwrap();
    let entry = store.log_record("c").await.unwrap().unwrap();
    assert_eq!(entry.feedback, [feedback("c", 4, Some("sales")), feedback("c", 5, None)]);
    assert_eq!(entry.feedback[0].truth, Some(json!("sales")));
}

#[tokio::test]
async fn feedback_needs_an_answer() {
    let project = Project::new();
    let store = project.open().await;
    store.log().await.unwrap().append(&[log_record("a", 1)]).await.unwrap();
    let error = store.feedback(&feedback("b", 1, None)).await.unwrap_err();
    assert!(matches!(&error, StoreError::NotFound { id, .. } if id == "b"), "{error}");
    assert_eq!(store.log_record("b").await.unwrap(), None);
}

#[tokio::test]
async fn pages_meet_without_gap_or_overlap() {
    let project = Project::new();
    let store = project.open().await;
    let log = store.log().await.unwrap();
    let names: Vec<String> = (0..300).map(|n| format!("{n:03}")).collect();
    for (n, id) in names.iter().enumerate() {
        log.append(&[log_record(id, n as i64)]).await.unwrap();
    }
    let mut other = log_record("other", 5);
    other.task = "refunds".into();
    log.append(&[other]).await.unwrap();
    assert_eq!(all_ids(&store).await, names);

    let page = store.log_page("triage", LogPosition::START, 7).await.unwrap();
    assert_eq!(ids(&page), &names[..7]);
    store.feedback(&feedback("008", 400, None)).await.unwrap();
    let page = store.log_page("triage", page.next, 2).await.unwrap();
    assert_eq!(ids(&page), &names[7..9]);
    assert_eq!(page.entries.iter().map(|e| e.feedback.len()).collect::<Vec<_>>(), [0, 1]);

    let since = store.log_position("triage", at(298)).await.unwrap();
    let page = store.log_page("triage", since, 10).await.unwrap();
    assert_eq!(ids(&page), ["298", "299"]);
    let end = store.log_page("triage", page.next, 10).await.unwrap();
    assert_eq!((end.entries.len(), end.next), (0, page.next));
    let end = store.log_position("triage", at(1_000)).await.unwrap();
    log.append(&[log_record("new", 1_000)]).await.unwrap();
    assert_eq!(ids(&store.log_page("triage", end, 10).await.unwrap()), ["new"]);
}

#[tokio::test]
async fn an_id_stays_what_it_was_first() {
    let project = Project::new();
    let store = project.open().await;
    let log = store.log().await.unwrap();
    log.append(&[log_record("a", 1), log_record("a", 2)]).await.unwrap();
    store.log_record("a").await.unwrap();
    log.append(&[log_record("a", 3)]).await.unwrap();
    assert_eq!(all_ids(&store).await, ["a"]);
    assert_eq!(store.log_record("a").await.unwrap().unwrap().record.at, at(1));
}

#[tokio::test]
async fn segments_empty_themselves_and_leave_nothing() {
    let project = Project::new();
    let store = project.open().await;
    let log = store.log().await.unwrap();
    log.append(&[log_record("a", 1)]).await.unwrap();
    assert_eq!(n_files(&project, "segment"), 1);
    let segment = fs::read_dir(project.state_dir().join("log")).unwrap().next().unwrap().unwrap().path();
    for _ in 0..100 {
        tokio::time::sleep(Duration::from_millis(20)).await;
        if !segment.exists() {
            break;
        }
    }
    assert!(!segment.exists(), "the first segment was not brought into the database");
    assert_eq!(n_files(&project, "segment"), 1, "only its successor is left");
    log.append(&[log_record("b", 2)]).await.unwrap();
    store.close().await.unwrap();
    drop((store, log));
    let store = project.open().await;
    assert_eq!(n_files(&project, "segment"), 0);
    assert_eq!(all_ids(&store).await, ["a", "b"]);
}

#[tokio::test]
async fn what_was_appended_after_closing_is_there_at_the_next_opening() {
    let project = Project::new();
    let store = project.open().await;
    let log = store.log().await.unwrap();
    store.close().await.unwrap();
    log.append(&[log_record("late", 1)]).await.unwrap();
    drop((store, log));
    assert_eq!(all_ids(&project.open().await).await, ["late"]);
}

#[tokio::test]
async fn a_damaged_segment_gives_what_it_has_and_is_kept() {
    let project = Project::new();
    let records: Vec<_> = ["a", "b", "c"].map(|id| log_record(id, 1)).into();
    let bytes = {
        let store = project.open().await;
        let log = store.log().await.unwrap();
        log.append(&records).await.unwrap();
        let segment = fs::read_dir(project.state_dir().join("log")).unwrap().next().unwrap().unwrap().path();
        fs::read(segment).unwrap()
    };
    let n_record = (bytes.len() - 8) / 3;

    let fresh = Project::new();
    fs::create_dir_all(fresh.state_dir().join("log")).unwrap();
    let mut damaged = bytes.clone();
    damaged[8 + n_record + 50] ^= 1;
    fs::write(fresh.state_dir().join("log/1.segment"), damaged).unwrap();
    let store = Store::open(&fresh.state_dir()).await.unwrap();
    assert_eq!(all_ids(&store).await, ["a"]);
    assert_eq!((n_files(&fresh, "segment"), n_files(&fresh, "damaged")), (0, 1));

    // A record that was cut off was never acknowledged: nothing to keep.
    fs::write(fresh.state_dir().join("log/2.segment"), &bytes[..bytes.len() - 1]).unwrap();
    let store = Store::open(&fresh.state_dir()).await.unwrap();
    assert_eq!(all_ids(&store).await, ["a", "b"]);
    assert_eq!((n_files(&fresh, "segment"), n_files(&fresh, "damaged")), (0, 1));
}
