//! Reading artifacts: nothing is believed before it was hashed.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io;
use std::path::Path;

use serde::Deserialize;

use super::{ArtifactDir, ArtifactFile, ArtifactId, ArtifactManifest, ArtifactProblem, FILES, MANIFEST};
use crate::StoreError;
use crate::files;

/// Reads the artifact in the folder `artifact` and compares it with its id.
pub(super) fn verify(artifact: &Path, id: &ArtifactId) -> Result<ArtifactDir, StoreError> {
    if !artifact.is_dir() {
        return Err(StoreError::Artifact { path: artifact.to_owned(), problem: ArtifactProblem::Missing });
    }
    let manifest = read_manifest(artifact)?;
    if manifest.id() != *id {
        return Err(damaged(artifact, MANIFEST, "does not belong to this artifact"));
    }
    // The manifest is now known to be the one that was written: its names are safe to open.
    for file in &manifest.files {
        verify_file(artifact, file)?;
    }
    let path = artifact.join(FILES);
    let mut found = BTreeSet::new();
    names_below(&path, "", &mut found)?;
    if let Some(extra) = found.iter().find(|name| !manifest.files.iter().any(|file| file.name == **name)) {
        return Err(damaged(artifact, extra, "was added"));
    }
    Ok(ArtifactDir { path, manifest })
}

fn read_manifest(artifact: &Path) -> Result<ArtifactManifest, StoreError> {
    #[derive(Deserialize)]
    struct Version {
        version: u32,
    }
    let path = artifact.join(MANIFEST);
    let unreadable = |e: serde_json::Error| damaged(artifact, MANIFEST, &format!("cannot be read ({e})"));
    let bytes = fs::read(&path).map_err(|e| missing_or_unreadable(artifact, MANIFEST, &path, e))?;
    // The version comes first: another one may have other keys.
    let Version { version: found } = serde_json::from_slice(&bytes).map_err(unreadable)?;
    if found != ArtifactManifest::VERSION {
        let problem = ArtifactProblem::OtherVersion { found, supported: ArtifactManifest::VERSION };
        return Err(StoreError::Artifact { path: artifact.to_owned(), problem });
    }
    serde_json::from_slice(&bytes).map_err(unreadable)
}

fn verify_file(artifact: &Path, expected: &ArtifactFile) -> Result<(), StoreError> {
    let ArtifactFile { name, size_bytes, blake3 } = expected;
    let path = artifact.join(FILES).join(name);
    let unreadable = |e| missing_or_unreadable(artifact, name, &path, e);
    let file = File::open(&path).map_err(unreadable)?;
    let found_bytes = file.metadata().map_err(unreadable)?.len();
    if found_bytes != *size_bytes {
        return Err(damaged(artifact, name, &format!("has {found_bytes} bytes of {size_bytes}")));
    }
    let mut hasher = blake3::Hasher::new();
    hasher.update_reader(file).map_err(unreadable)?;
    if hasher.finalize().to_hex().as_str() != blake3 {
        return Err(damaged(artifact, name, "has changed"));
    }
    Ok(())
}

/// Adds the names of all files below `folder`, after `prefix`.
fn names_below(folder: &Path, prefix: &str, names: &mut BTreeSet<String>) -> Result<(), StoreError> {
    for path in files::list(folder)? {
        let name = format!("{prefix}{}", path.file_name().unwrap_or_default().display());
        if path.is_dir() {
            names_below(&path, &format!("{name}/"), names)?;
        } else {
            names.insert(name);
        }
    }
    Ok(())
}

fn missing_or_unreadable(artifact: &Path, name: &str, path: &Path, source: io::Error) -> StoreError {
    match source.kind() {
        io::ErrorKind::NotFound => damaged(artifact, name, "is missing"),
        _ => StoreError::from_io("read", "a file", path, source),
    }
}

fn damaged(artifact: &Path, file: &str, detail: &str) -> StoreError {
    let problem = ArtifactProblem::Damaged { file: file.to_owned(), detail: detail.to_owned() };
    StoreError::Artifact { path: artifact.to_owned(), problem }
}
