//! Making artifacts: copied beside, synced, and renamed into place when they are whole.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use super::{
    ArtifactFile, ArtifactId, ArtifactManifest, ArtifactProblem, FILES, MANIFEST, NewArtifact, folder, verify,
};
use crate::StoreError;
use crate::files::{self, sync_dir};

/// How the names of artifacts in the making begin.
const UNFINISHED: &str = ".new-";

/// Copies `from_dir` into the folder `artifacts`.
pub(super) fn put(artifacts: &Path, from_dir: &Path, artifact: NewArtifact) -> Result<ArtifactId, StoreError> {
    files::create_dir(artifacts)?;
    // Dropped before its end, it removes itself.
    let new = tempfile::Builder::new()
        .prefix(UNFINISHED)
        .tempdir_in(artifacts)
        .map_err(|e| StoreError::from_io("create", WRITING, artifacts, e))?;

    let mut copied = Vec::new();
    copy_folder(from_dir, &new.path().join(FILES), "", &mut copied)?;
    copied.sort_by(|a, b| a.name.cmp(&b.name));
    let manifest = ArtifactManifest::new(artifact, copied);
    write_manifest(&new.path().join(MANIFEST), &manifest)?;
    sync_dir(new.path())?;

    let id = manifest.id();
    let place = artifacts.join(id.as_str());
    if place.exists() {
        if verify::verify(&place, &id).is_ok() {
            return Ok(id);
        }
        fs::remove_dir_all(&place).map_err(|e| StoreError::from_io("replace", WRITING, &place, e))?;
    }
    let new = new.keep();
    files::rename(&new, &place, WRITING).inspect_err(|_| {
        let _ = fs::remove_dir_all(&new);
    })?;
    Ok(id)
}

/// Removes what a killed process has left. The caller holds the run lock, so nobody is making an artifact.
pub(crate) fn remove_unfinished(state_dir: &Path) -> Result<(), StoreError> {
    for path in files::list(&folder(state_dir))? {
        let is_unfinished = path.file_name().is_some_and(|n| n.as_encoded_bytes().starts_with(UNFINISHED.as_bytes()));
        if is_unfinished {
            fs::remove_dir_all(&path).map_err(|e| StoreError::from_io("remove", WRITING, &path, e))?;
        }
    }
    Ok(())
}

const WRITING: &str = "the artifact";

/// Copies a folder with those below it. `prefix` is the folder's name inside the artifact, with a `/` at its end.
fn copy_folder(from: &Path, to: &Path, prefix: &str, copied: &mut Vec<ArtifactFile>) -> Result<(), StoreError> {
    files::create_dir(to)?;
    for path in files::list(from)? {
        let file_type =
            fs::symlink_metadata(&path).map_err(|e| StoreError::from_io("read", WRITING, &path, e))?.file_type();
        match path.file_name().and_then(|name| name.to_str()) {
            Some(name) if file_type.is_dir() => {
                copy_folder(&path, &to.join(name), &format!("{prefix}{name}/"), copied)?;
            }
            Some(name) if file_type.is_file() => {
                copied.push(copy_file(&path, &to.join(name), format!("{prefix}{name}"))?);
            }
            _ => {
                let problem = ArtifactProblem::NotAFile { file: path.display().to_string() };
                return Err(StoreError::Artifact { path: from.to_owned(), problem });
            }
        }
    }
    sync_dir(to)
}

/// Copies and hashes one file in one pass.
fn copy_file(from: &Path, to: &PathBuf, name: String) -> Result<ArtifactFile, StoreError> {
    let cannot_read = |e| StoreError::from_io("read", WRITING, from, e);
    let cannot_write = |e| StoreError::from_io("write", WRITING, to, e);
    let mut source = File::open(from).map_err(cannot_read)?;
    let mut target = File::create_new(to).map_err(cannot_write)?;
    let mut hasher = blake3::Hasher::new();
    let mut size_bytes = 0;
    let mut buffer = vec![0; 1 << 16];
    loop {
        let n_read = match source.read(&mut buffer) {
            Ok(0) => break,
            Ok(n_read) => n_read,
            Err(e) if e.kind() == io::ErrorKind::Interrupted => continue,
            Err(e) => return Err(cannot_read(e)),
        };
        hasher.update(&buffer[..n_read]);
        target.write_all(&buffer[..n_read]).map_err(cannot_write)?;
        size_bytes += n_read as u64;
    }
    target.sync_all().map_err(cannot_write)?;
    Ok(ArtifactFile { name, size_bytes, blake3: hasher.finalize().to_hex().to_string() })
}

fn write_manifest(path: &Path, manifest: &ArtifactManifest) -> Result<(), StoreError> {
    let write = || -> io::Result<()> {
        let mut file = File::create_new(path)?;
        file.write_all(serde_json::to_string_pretty(manifest)?.as_bytes())?;
        file.write_all(b"\n")?;
        file.sync_all()
    };
    write().map_err(|e| StoreError::from_io("write", WRITING, path, e))
}
