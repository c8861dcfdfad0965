//! Artifacts: kept once, and believed only after they were hashed.

use std::fs;
use std::path::{Path, PathBuf};

use yw_store::{ArtifactId, ArtifactProblem, NewArtifact, Store, StoreError};

use crate::support::{Project, at, new_artifact};

/// A project with one artifact of three files, one of them in a folder.
async fn with_artifact() -> (Project, Store, ArtifactId, PathBuf) {
    let project = Project::new();
    let store = project.open().await;
    let from = project.path("fitted");
    fs::create_dir_all(from.join("first")).unwrap();
    fs::write(from.join("weights.bin"), vec![42; 200_000]).unwrap();
    fs::write(from.join("labels.json"), r#"["app","web"]"#).unwrap();
    fs::write(from.join("first").join("empty"), "").unwrap();
    let id = store.put_artifact(&from, new_artifact()).await.unwrap();
    let folder = project.state_dir().join("artifacts").join(id.as_str());
    (project, store, id, folder)
}

async fn problem(store: &Store, id: &ArtifactId) -> ArtifactProblem {
    match store.artifact(id).await {
        Err(StoreError::Artifact { problem, .. }) => problem,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn an_artifact_comes_back_as_it_was() {
    let (project, store, id, _) = with_artifact().await;
    let artifact = store.artifact(&id).await.unwrap();
    assert_eq!(fs::read(artifact.path.join("weights.bin")).unwrap(), vec![42; 200_000]);
    assert_eq!(fs::read_to_string(artifact.path.join("labels.json")).unwrap(), r#"["app","web"]"#);
    let names: Vec<&str> = artifact.manifest.files.iter().map(|f| f.name.as_str()).collect();
    assert_eq!(names, ["first/empty", "labels.json", "weights.bin"]);
    assert_eq!(artifact.manifest.size_bytes(), 200_013);
    assert_eq!((artifact.manifest.kind.as_str(), artifact.manifest.created), ("linear", at(0)));

    // The same content again, made later: the same artifact, which keeps the time of the first.
    let again = NewArtifact { created: at(99), ..new_artifact() };
    assert_eq!(store.put_artifact(&project.path("fitted"), again).await.unwrap(), id);
    assert_eq!(store.artifact(&id).await.unwrap().manifest.created, at(0));
    assert_eq!(fs::read_dir(project.state_dir().join("artifacts")).unwrap().count(), 1);
}

#[tokio::test]
async fn content_and_description_make_the_id() {
    let (project, store, id, _) = with_artifact().await;
    let from = project.path("fitted");
    for other in [
        NewArtifact { kind: "nearest".into(), ..new_artifact() },
        NewArtifact { format: 2, ..new_artifact() },
        NewArtifact { task: "refunds".into(), ..new_artifact() },
        NewArtifact { candidate: "letters".into(), ..new_artifact() },
    ] {
        assert_ne!(store.put_artifact(&from, other).await.unwrap(), id);
    }
    fs::rename(from.join("first/empty"), from.join("empty")).unwrap();
    assert_ne!(store.put_artifact(&from, new_artifact()).await.unwrap(), id);
}

#[tokio::test]
async fn every_kind_of_damage_is_named() {
    type Harm = fn(&Path);
    let harms: [(&str, &str, Harm); 7] = [
        ("weights.bin", "has changed", |dir| flip(&dir.join("files/weights.bin"), 100_000)),
        ("weights.bin", "is missing", |dir| fs::remove_file(dir.join("files/weights.bin")).unwrap()),
        ("labels.json", "has 3 bytes of 13", |dir| fs::write(dir.join("files/labels.json"), "[1]").unwrap()),
        ("first/more", "was added", |dir| fs::write(dir.join("files/first/more"), "").unwrap()),
        ("manifest.json", "is missing", |dir| fs::remove_file(dir.join("manifest.json")).unwrap()),
        ("manifest.json", "cannot be read", |dir| fs::write(dir.join("manifest.json"), "{}").unwrap()),
        ("manifest.json", "does not belong", |dir| {
            let path = dir.join("manifest.json");
            fs::write(&path, fs::read_to_string(&path).unwrap().replace("weights.bin", "../../x")).unwrap();
        }),
    ];
    for (name, expected, harm) in harms {
        let (project, store, id, folder) = with_artifact().await;
        harm(&folder);
        match problem(&store, &id).await {
            ArtifactProblem::Damaged { file, detail } => {
                assert_eq!(file, name);
                assert!(detail.starts_with(expected), "{detail}");
            }
            other => panic!("{other}"),
        }
        // Making it anew heals it, as the message says.
        assert_eq!(store.put_artifact(&project.path("fitted"), new_artifact()).await.unwrap(), id);
        store.artifact(&id).await.unwrap();
    }
}

#[tokio::test]
async fn no_flipped_bit_goes_unseen() {
    let (_project, store, id, folder) = with_artifact().await;
    let good = store.artifact(&id).await.unwrap();
    let path = folder.join("manifest.json");
    let bytes = fs::read(&path).unwrap();
    for at in 0..bytes.len() {
        flip(&path, at);
        // The time is told to people and checked by nobody; white space means nothing.
        if let Ok(found) = store.artifact(&id).await {
            assert_eq!(found.manifest.files, good.manifest.files, "byte {at}");
            assert_eq!(found.manifest.kind, good.manifest.kind, "byte {at}");
        }
        fs::write(&path, &bytes).unwrap();
    }
}

#[tokio::test]
async fn other_versions_say_so() {
    let (_project, store, id, folder) = with_artifact().await;
    let artifact = store.artifact(&id).await.unwrap();
    artifact.require_format(1).unwrap();
    let error = artifact.require_format(3).unwrap_err();
    assert!(
        error.to_string().contains("it has format 1, this program reads format 3; `yw run` makes it anew"),
        "{error}"
    );

    let path = folder.join("manifest.json");
    fs::write(&path, r#"{"version": 7, "contents": []}"#).unwrap();
    assert_eq!(problem(&store, &id).await, ArtifactProblem::OtherVersion { found: 7, supported: 1 });
    fs::remove_dir_all(&folder).unwrap();
    assert_eq!(problem(&store, &id).await, ArtifactProblem::Missing);
}

#[cfg(unix)]
#[tokio::test]
async fn only_files_and_folders_can_be_kept() {
    let (project, store, _, _) = with_artifact().await;
    let from = project.path("fitted");
    std::os::unix::fs::symlink("/etc/passwd", from.join("link")).unwrap();
    let error = store.put_artifact(&from, new_artifact()).await.unwrap_err();
    assert!(matches!(error, StoreError::Artifact { problem: ArtifactProblem::NotAFile { .. }, .. }), "{error}");
    assert_eq!(fs::read_dir(project.state_dir().join("artifacts")).unwrap().count(), 1, "it left nothing behind");
}

#[tokio::test]
async fn the_next_run_removes_what_a_killed_one_has_left() {
    let (project, store, id, _) = with_artifact().await;
    let left = project.state_dir().join("artifacts").join(".new-abc");
    fs::create_dir_all(left.join("files")).unwrap();
    let _lock = store.lock_run().await.unwrap();
    assert!(!left.exists());
    store.artifact(&id).await.unwrap();
}

fn flip(path: &Path, at: usize) {
    let mut bytes = fs::read(path).unwrap();
    bytes[at] ^= 1;
    fs::write(path, bytes).unwrap();
}
