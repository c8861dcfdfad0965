//! Kill -9, at moments that nobody chose.

use std::collections::BTreeSet;
use std::time::Duration;

use yw_store::{CallFilter, Store};

use crate::child::{Role, Talker};
use crate::support::{Project, all_ids, at};

/// Fails unless everything that was acknowledged is in the store.
pub(crate) async fn check_acknowledged(store: &Store, lines: &[String]) {
    let in_log: BTreeSet<String> = all_ids(store).await.into_iter().collect();
    let calls = store.calls(&CallFilter::default()).await.unwrap();
    let calls: BTreeSet<String> = calls.into_iter().map(|call| call.id).collect();
    let champions: BTreeSet<String> =
        store.champion_history("triage", usize::MAX).await.unwrap().into_iter().map(|c| c.candidate).collect();
    // A line that was cut off has no end, and acknowledges nothing.
    for line in lines.iter().filter_map(|line| line.strip_suffix(';')) {
        let Some((what, id)) = line.split_once(' ') else { continue };
        let is_there = match what {
            "log" => in_log.contains(id),
            "call" => calls.contains(id),
            "champion" => champions.contains(id),
            "run" => store.run(id).await.unwrap().is_some(),
            "artifact" => store.artifact(&id.parse().unwrap()).await.is_ok(),
            "reply" => {
                let key = *blake3::hash(id.as_bytes()).as_bytes();
                store.replies_get(&key).await.unwrap().as_deref() == Some(id.as_bytes())
            }
            _ => continue,
        };
        assert!(is_there, "{line} was acknowledged and is gone");
    }
}

/// A moment to kill at, different in every round and run.
fn some_moment(longest: Duration) -> Duration {
    let random = blake3::hash(yw_store::new_id().as_bytes()).as_bytes()[0];
    longest.mul_f64(f64::from(random) / 255.0)
}

#[tokio::test]
async fn nothing_acknowledged_is_lost() {
    let project = Project::new();
    let mut n_acknowledged = 0;
    for round in 0..20 {
        let mut writer = Talker::start(Role::Write, &project.state_dir());
        // From the first acknowledgement on, so that every round has something to lose.
        let mut lines = Vec::new();
        for line in writer.lines.by_ref() {
            lines.push(line.unwrap());
            if lines.last().is_some_and(|line| line.starts_with("log ")) {
                break;
            }
        }
        let moment = some_moment(Duration::from_millis(300));
        std::thread::sleep(moment);
        lines.extend(writer.kill());

        let store = project.open().await;
        // Everything of all earlier rounds was in the store after theirs; what is there stays there.
        check_acknowledged(&store, &lines).await;
        let n_log = all_ids(&store).await.len();
        n_acknowledged += lines.iter().filter(|line| line.starts_with("log ") && line.ends_with(';')).count();
        assert!(n_log >= n_acknowledged, "round {round}, after {moment:?}: {n_log} of {n_acknowledged}");
        // However often a call was brought in, it was spent once.
        let n_calls = store.call_sums(&CallFilter::default(), &[]).await.unwrap()[0].calls;
        assert_eq!(store.spent_since(at(0)).await.unwrap().total.requests, n_calls);
        let _lock = store.lock_run().await.unwrap();
        // The first rounds may have ended before the first artifact.
        for entry in std::fs::read_dir(project.state_dir().join("artifacts")).into_iter().flatten() {
            let name = entry.unwrap().file_name().into_string().unwrap();
            store.artifact(&name.parse().unwrap()).await.unwrap();
        }
    }
}

#[tokio::test]
async fn a_creation_that_is_killed_can_be_repeated() {
    for round in 0..20 {
        let project = Project::new();
        let mut writer = Talker::start(Role::Write, &project.state_dir());
        let begun = writer.lines.by_ref().map(Result::unwrap).find(|line| line.starts_with("begun"));
        assert!(begun.is_some());
        let moment = some_moment(Duration::from_millis(40));
        std::thread::sleep(moment);
        let lines = writer.kill();
        match Store::open(&project.state_dir()).await {
            Ok(store) => check_acknowledged(&store, &lines).await,
            Err(error) => panic!("round {round}, after {moment:?}: {error}"),
        }
    }
}
