//! What happens to the log beside those who append to it, and what if nothing does.

use std::fs;
use std::time::Duration;

use yw_store::{LogRecord, Store};

use crate::support::{Project, all_ids, copy_files, log_record};

/// The segments, and how long each is.
fn segments(project: &Project) -> Vec<u64> {
    let entries = fs::read_dir(project.state_dir().join("log")).unwrap().map(Result::unwrap);
    let segments = entries.filter(|entry| entry.path().extension().is_some_and(|e| e == "segment"));
    // One may go away between its name and its length.
    segments.filter_map(|entry| Some(entry.metadata().ok()?.len())).collect()
}

fn long_record(id: &str) -> LogRecord {
    LogRecord { input: "x".repeat(100 << 10).into(), ..log_record(id, 1) }
}

/// The names of the threads of this process that are ours, with their scheduling policy; see proc(5).
#[cfg(target_os = "linux")]
fn background_threads() -> Vec<(String, u32)> {
    let tasks = fs::read_dir("/proc/self/task").unwrap().map(|entry| entry.unwrap().path());
    let stats = tasks.filter_map(|path| fs::read_to_string(path.join("stat")).ok());
    let threads = stats.filter_map(|stat| {
        let (head, fields) = stat.rsplit_once(") ")?;
        let name = head.split_once('(')?.1.to_owned();
        name.starts_with("yw-background").then(|| Some((name, fields.split(' ').nth(38)?.parse().ok()?)))?
    });
    threads.collect()
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn the_background_gives_way_with_its_connection() {
    const SCHED_IDLE: u32 = 5;
    let project = Project::new();
    let store = project.open().await;
    let log = store.log().await.unwrap();
    log.append(&[log_record("a", 1)]).await.unwrap();
    // Other tests start such threads too, which are not yet idle for a moment.
    let mut threads = Vec::new();
    for _ in 0..200 {
        tokio::time::sleep(Duration::from_millis(20)).await;
        threads = background_threads();
        let is_there = |name: &str| threads.iter().any(|(found, _)| found == name);
        let has_connection = threads.iter().any(|(name, _)| name.starts_with("yw-background-"));
        if is_there("yw-background") && has_connection && threads.iter().all(|(_, policy)| *policy == SCHED_IDLE) {
            return;
        }
    }
    panic!("{threads:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn long_segments_are_finished_without_the_background() {
    let project = Project::new();
    let store = project.open().await;
    let log = store.log().await.unwrap();
    store.close().await.unwrap(); // and with it the background
    let ids: Vec<String> = (0..200).map(|n| format!("{n:03}")).collect();
    for id in &ids {
        log.append(&[long_record(id)]).await.unwrap();
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    let lengths = segments(&project);
    assert!(lengths.len() > 2 && lengths.iter().all(|length| *length < 10 << 20), "{lengths:?}");
    drop((log, store));
    assert_eq!(all_ids(&project.open().await).await, ids);
}

#[tokio::test]
async fn what_is_too_much_for_the_opening_is_read_all_the_same_and_brought_in_later() {
    let project = Project::new();
    let store = project.open().await;
    let log = store.log().await.unwrap();
    store.close().await.unwrap();
    let ids: Vec<String> = (0..200).map(|n| format!("{n:03}")).collect();
    for id in &ids {
        log.append(&[long_record(id)]).await.unwrap();
        tokio::time::sleep(Duration::from_millis(1)).await; // for the segments to be finished
    }
    drop((log, store));
    let n_left = segments(&project).len();
    assert!(n_left > 3);

    let copy = Project::new();
    copy_files(&project.state_dir(), &copy.state_dir());
    copy_files(&project.state_dir().join("log"), &copy.state_dir().join("log"));
    let store = project.open().await;
    assert!(!segments(&project).is_empty(), "the opening did not wait for all");
    assert_eq!(all_ids(&store).await, ids);

    let store = copy.open().await;
    assert!(segments(&copy).len() > 1, "the opening did not wait for all");
    let _log = store.log().await.unwrap();
    for _ in 0..300 {
        tokio::time::sleep(Duration::from_millis(20)).await;
        // The writer's own is left.
        if segments(&copy) == [8] {
            break;
        }
    }
    assert_eq!(segments(&copy), [8]);
    assert_eq!(all_ids(&store).await, ids);
}

#[tokio::test]
async fn the_background_ends_with_the_last_writer() {
    let project = Project::new();
    let log = {
        let store = project.open().await;
        store.log().await.unwrap()
    };
    log.append(&[log_record("a", 1)]).await.unwrap();
    // It goes on without the store.
    for _ in 0..200 {
        tokio::time::sleep(Duration::from_millis(20)).await;
        if segments(&project) == [8] {
            break;
        }
    }
    assert_eq!(segments(&project), [8]);
    drop(log);
    for _ in 0..200 {
        tokio::time::sleep(Duration::from_millis(20)).await;
        if segments(&project).is_empty() {
            break;
        }
    }
    assert!(segments(&project).is_empty(), "the empty segment of a writer that is gone is removed");
    assert_eq!(all_ids(&Store::open(&project.state_dir()).await.unwrap()).await, ["a"]);
}
