//! Several processes on one project.

use std::time::Duration;

use yw_store::StoreError;

use crate::child::{Role, Talker};
use crate::crash::check_acknowledged;
use crate::support::{Project, log_record};

#[tokio::test]
async fn a_second_run_is_told_who_has_the_project() {
    let project = Project::new();
    let mut holder = Talker::start(Role::Lock, &project.state_dir());
    assert!(holder.lines.by_ref().any(|line| line.unwrap() == "locked;"));

    let store = project.open().await;
    let error = store.lock_run().await.unwrap_err();
    assert!(matches!(error, StoreError::Running { pid, .. } if pid == Some(holder.process.id())), "{error}");
    assert!(error.to_string().contains(&format!("(process {})", holder.process.id())), "{error}");
    // Serving goes on meanwhile.
    store.log().await.unwrap().append(&[log_record("a", 1)]).await.unwrap();

    holder.kill();
    let lock = store.lock_run().await.unwrap();
    let error = store.lock_run().await.unwrap_err();
    assert!(matches!(error, StoreError::Running { pid, .. } if pid == Some(std::process::id())), "{error}");
    drop(lock);
    store.lock_run().await.unwrap();
}

#[tokio::test]
async fn writers_share_a_project() {
    let project = Project::new();
    let writers = [0, 1].map(|_| Talker::start(Role::Write, &project.state_dir()));
    let store = project.open().await;
    let log = store.log().await.unwrap();
    let mut generations = Vec::new();
    for n in 0..20 {
        let id = yw_store::new_id();
        log.append(&[log_record(&id, n)]).await.unwrap();
        assert!(store.log_record(&id).await.unwrap().is_some());
        generations.push(store.champions_generation().await.unwrap());
        tokio::time::sleep(Duration::from_millis(40)).await;
    }
    assert!(generations.first() < generations.last(), "promotions of other processes are noticed: {generations:?}");
    // Both live: what they have acknowledged so far is found in their segments.
    for mut writer in writers {
        let seen = writer.lines.by_ref().map(Result::unwrap).find(|line| line.starts_with("log ")).unwrap();
        check_acknowledged(&store, &[seen]).await;
        check_acknowledged(&store, &writer.kill()).await;
    }
}
