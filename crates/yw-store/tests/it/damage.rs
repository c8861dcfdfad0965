//! Databases that are not what was written.

use std::fs::{self, OpenOptions};
use std::io::{Seek, SeekFrom, Write};
use std::path::Path;

use sqlx::ConnectOptions;
use sqlx::sqlite::SqliteConnectOptions;
use yw_store::{Store, StoreError};

use crate::child::{Role, Talker};
use crate::support::{Project, at, copy_files, run_record};

/// A state folder with so many runs that the database has a few hundred pages.
async fn with_runs() -> Project {
    let project = Project::new();
    let store = project.open().await;
    let mut record = run_record("", at(0));
    record.verdict.reason = "because ".repeat(1_000);
    for n in 0..50 {
        record.run = format!("run-{n}");
        store.insert_run(&record).await.unwrap();
    }
    store.close().await.unwrap();
    project
}

fn database(state_dir: &Path) -> std::path::PathBuf {
    state_dir.join("state.db")
}

async fn open_damaged(state_dir: &Path) -> String {
    match Store::open(state_dir).await {
        Err(error @ StoreError::Damaged { .. }) => error.to_string(),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_truncated_database_is_told_at_once() {
    let project = with_runs().await;
    let length = fs::metadata(database(&project.state_dir())).unwrap().len();
    assert!(length > 100 * 4096);
    for cut in [0, 1, 15, 16, 99, 100, 511, 4095, 4096, 4097, length / 2, length - 4096, length - 1] {
        let state_dir = project.path(&format!("cut-{cut}"));
        copy_files(&project.state_dir(), &state_dir);
        OpenOptions::new().write(true).open(database(&state_dir)).unwrap().set_len(cut).unwrap();
        let message = open_damaged(&state_dir).await;
        assert!(message.contains("move the folder away to start afresh"), "{message}");
        assert!(message.contains(&format!("{cut} bytes")), "{message}");
        assert_eq!(fs::metadata(database(&state_dir)).unwrap().len(), cut, "and nothing was changed");
    }
}

#[tokio::test]
async fn garbage_is_told_at_once() {
    let project = with_runs().await;
    let good = fs::read(database(&project.state_dir())).unwrap();
    let state_dir = project.path("garbage");
    for (from, to) in [(0, 16), (0, 100), (0, good.len()), (68, 72), (100, 4096)] {
        let mut bytes = good.clone();
        bytes[from..to].iter_mut().enumerate().for_each(|(n, byte)| *byte = (n * 7 + 1) as u8);
        fs::create_dir_all(&state_dir).unwrap();
        fs::write(database(&state_dir), bytes).unwrap();
        open_damaged(&state_dir).await;
        fs::remove_dir_all(&state_dir).unwrap();
    }
}

#[tokio::test]
async fn garbage_behind_the_first_page_is_told_when_it_is_read() {
    let project = with_runs().await;
    let mut file = OpenOptions::new().write(true).open(database(&project.state_dir())).unwrap();
    let length = file.metadata().unwrap().len();
    file.seek(SeekFrom::Start(40 * 4096)).unwrap();
    file.write_all(&vec![0xa5; (length - 40 * 4096) as usize]).unwrap();
    let store = project.open().await;
    assert!(matches!(store.runs(None, 1_000).await, Err(StoreError::Damaged { .. })));
}

#[tokio::test]
async fn a_database_of_another_program_is_left_alone() {
    let project = Project::new();
    fs::create_dir_all(project.state_dir()).unwrap();
    let options = SqliteConnectOptions::new().filename(database(&project.state_dir())).create_if_missing(true);
    let mut other = options.connect().await.unwrap();
    sqlx::raw_sql("CREATE TABLE theirs (x)").execute(&mut other).await.unwrap();
    drop(other);
    assert!(open_damaged(&project.state_dir()).await.contains("of another program"));
}

#[tokio::test]
async fn a_truncated_database_with_a_write_ahead_log_never_passes_for_whole() {
    let project = Project::new();
    let mut writer = Talker::start(Role::Write, &project.state_dir());
    let runs: Vec<String> =
        writer.lines.by_ref().map(Result::unwrap).filter(|line| line.starts_with("run ")).take(30).collect();
    writer.kill();
    assert!(fs::metadata(project.state_dir().join("state.db-wal")).unwrap().len() > 0);
    let length = fs::metadata(database(&project.state_dir())).unwrap().len();
    let mut n_told = 0;
    for cut in [0, 50, 4096, 3 * 4096 + 5, length / 2, length - 4096] {
        let state_dir = project.path(&format!("cut-{cut}"));
        copy_files(&project.state_dir(), &state_dir);
        OpenOptions::new().write(true).open(database(&state_dir)).unwrap().set_len(cut).unwrap();
        // The log may have every page that is gone; otherwise the first look at one says so.
        let store = match Store::open(&state_dir).await {
            Ok(store) => store,
            Err(StoreError::Damaged { .. }) => {
                n_told += 1;
                continue;
            }
            Err(other) => panic!("{other:?}"),
        };
        for line in &runs {
            let id = line.trim_start_matches("run ").trim_end_matches(';');
            match store.run(id).await {
                Ok(Some(_)) => {}
                Err(StoreError::Damaged { .. }) => n_told += 1,
                other => panic!("cut at {cut}: {other:?}"),
            }
        }
    }
    assert!(n_told >= 2, "what is shorter than its header is always told");
}

#[tokio::test]
async fn a_write_ahead_log_without_its_database_is_not_played_into_a_new_one() {
    let project = Project::new();
    let mut writer = Talker::start(Role::Write, &project.state_dir());
    assert!(writer.lines.by_ref().any(|line| line.unwrap().starts_with("champion ")));
    writer.kill();
    fs::remove_file(database(&project.state_dir())).unwrap();
    let store = project.open().await;
    assert_eq!(store.runs(None, 10).await.unwrap(), []);
    store.insert_run(&run_record("a", at(0))).await.unwrap();
    assert_eq!(store.runs(None, 10).await.unwrap().len(), 1);
}
