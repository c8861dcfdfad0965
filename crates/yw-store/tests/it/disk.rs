//! Disks that are full, and disks that cannot be written.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use yw_store::{Store, StoreError, new_id};

use crate::child::{self, Role, say};
use crate::crash::check_acknowledged;
use crate::support::{Project, at, log_record, new_artifact, run_record};

/// Mounts a disk of twelve megabytes in a namespace of its own, which ends with the process, and fills it there.
#[test]
fn a_full_disk_loses_nothing_that_was_acknowledged() {
    let project = Project::new();
    let disk = project.path("disk");
    std::fs::create_dir(&disk).unwrap();
    let child = child::command(Role::FillDisk, &disk.join(".yellowwood"));
    let mut inside = Command::new("unshare");
    inside
        .args(["--map-root-user", "--mount", "sh", "-c"])
        .arg(r#"mount -t tmpfs -o size=12m tmpfs "$1" && shift && exec "$@""#)
        .arg("sh")
        .arg(&disk)
        .arg(child.get_program())
        .args(child.get_args())
        .envs(child.get_envs().filter_map(|(key, value)| Some((key, value?))))
        .stdin(Stdio::null());
    let output = match inside.output() {
        Ok(output) => output,
        Err(error) => return skip(&format!("there is no `unshare` ({error})")),
    };
    let (said, errors) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    if !said.contains("begun;") {
        return skip(&format!("a small disk cannot be mounted here ({})", errors.trim()));
    }
    assert!(output.status.success() && said.contains("finished;"), "{said}\n{errors}");
}

#[allow(clippy::print_stderr, reason = "a test that is skipped says why")]
fn skip(reason: &str) {
    eprintln!("skipped: {reason}");
}

/// What the child does on the small disk.
pub(crate) async fn fill(state_dir: &Path) {
    let disk = state_dir.parent().unwrap();
    let ballast = disk.join("ballast");
    std::fs::write(&ballast, vec![1; 9 << 20]).unwrap();
    let store = Store::open(state_dir).await.unwrap();
    let log = store.log().await.unwrap();
    let mut acknowledged = Vec::new();

    // Alternately, so that the database and the segments both meet the end of the disk.
    let (mut reply_error, mut log_error) = (None, None);
    while reply_error.is_none() || log_error.is_none() {
        for _ in 0..50 {
            let id = new_id();
            match log.append(&[log_record(&id, 1)]).await {
                Ok(()) => acknowledged.push(format!("log {id};")),
                Err(error) => log_error = Some(error),
            }
        }
        let id = new_id();
        let key = *blake3::hash(id.as_bytes()).as_bytes();
        match store.replies_put(&key, id.as_bytes()).await {
            Ok(()) => acknowledged.push(format!("reply {id};")),
            Err(error) => reply_error = Some(error),
        }
        if reply_error.is_some() {
            // The database is full; fill the rest for the log.
            let _ = std::fs::write(disk.join(format!("more-{id}")), vec![2; 1 << 16]);
        }
    }
    for (error, what) in [(reply_error, "a paid reply"), (log_error, "the serving log")] {
        let error = error.unwrap();
        assert!(matches!(&error, StoreError::Full { writing, .. } if *writing == what), "{error:?}");
        say(&error.to_string());
    }
    let fitted = tempfile::tempdir().unwrap();
    std::fs::write(fitted.path().join("weights"), vec![3; 1 << 20]).unwrap();
    let error = store.put_artifact(fitted.path(), new_artifact()).await.unwrap_err();
    assert!(matches!(error, StoreError::Full { .. }), "{error:?}");

    // An error a request must not become a file a request.
    let n_segments = std::fs::read_dir(state_dir.join("log")).unwrap().count();
    for _ in 0..200 {
        let _ = log.append(&[log_record("refused", 1)]).await;
    }
    let n_more = std::fs::read_dir(state_dir.join("log")).unwrap().count().saturating_sub(n_segments);
    assert!(n_more <= 5, "{n_more} more files");

    // With room again, everything is there, and the store works on.
    drop((log, store));
    for entry in std::fs::read_dir(disk).unwrap().map(Result::unwrap) {
        if entry.file_name().to_string_lossy().starts_with("more-") || entry.path() == ballast {
            std::fs::remove_file(entry.path()).unwrap();
        }
    }
    let store = Store::open(state_dir).await.unwrap();
    check_acknowledged(&store, &acknowledged).await;
    store.insert_run(&run_record("a", at(0))).await.unwrap();
    store.log().await.unwrap().append(&[log_record("after", 1)]).await.unwrap();
    assert!(store.log_record("after").await.unwrap().is_some());
    store.close().await.unwrap();
    drop(store);

    // Refused until the threads of the database have closed their files.
    let remount = || Command::new("mount").args(["-o", "remount,ro"]).arg(disk).output().unwrap().status.success();
    let is_remounted = (0..100).any(|_| {
        std::thread::sleep(Duration::from_millis(20));
        remount()
    });
    assert!(is_remounted);
    let error = Store::open(state_dir).await.unwrap_err();
    assert!(matches!(error, StoreError::ReadOnly { .. }), "{error:?}");
    let error = Store::open(&disk.join("new")).await.unwrap_err();
    assert!(matches!(error, StoreError::ReadOnly { .. }), "{error:?}");
    say("finished");
}
