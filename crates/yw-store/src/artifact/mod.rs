//! Artifacts: folders of files under the hash of their content.

mod id;
mod manifest;
mod put;
mod verify;

use std::path::{Path, PathBuf};

pub use self::id::{ArtifactId, NotAnArtifactId};
pub use self::manifest::{ArtifactFile, ArtifactManifest, NewArtifact};
pub(crate) use self::put::remove_unfinished;
use crate::files::blocking;
use crate::{Store, StoreError};

/// An artifact whose files were checked.
#[derive(Debug, Clone, PartialEq)]
pub struct ArtifactDir {
    /// The folder with the files, just as they were put.
    pub path: PathBuf,
    /// What they are.
    pub manifest: ArtifactManifest,
}

/// Why an artifact cannot be used, or a folder cannot become one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ArtifactProblem {
    /// There is no such folder.
    #[error("it is missing; `yw run` makes it anew")]
    Missing,
    /// Its files are not those that were put.
    #[error("it is damaged: {file} {detail}; `yw run` makes it anew")]
    Damaged {
        /// The file, relative to the artifact.
        file: String,
        /// What is wrong with it, as the end of a sentence that starts with the file.
        detail: String,
    },
    /// Another version of the program wrote it.
    #[error("it has format {found}, this program reads format {supported}; `yw run` makes it anew")]
    OtherVersion {
        /// Its format.
        found: u32,
        /// The format that this program reads.
        supported: u32,
    },
    /// The folder holds something that cannot be stored.
    #[error("{file} is not a plain file with a name in UTF-8")]
    NotAFile {
        /// The thing in the folder.
        file: String,
    },
}

/// Artifacts.
impl Store {
    /// Keeps a copy of the files in `from_dir`; durable when it returns. The same content and description get the same
    /// id, and are kept once; a damaged copy is replaced.
    ///
    /// The caller holds the [run lock](Store::lock_run).
    pub async fn put_artifact(&self, from_dir: &Path, artifact: NewArtifact) -> Result<ArtifactId, StoreError> {
        let (artifacts, from_dir) = (folder(self.state_dir()), from_dir.to_owned());
        blocking(self.state_dir(), move || put::put(&artifacts, &from_dir, artifact)).await
    }

    /// The artifact with this id, after reading all of its files and comparing them with its hash.
    pub async fn artifact(&self, id: &ArtifactId) -> Result<ArtifactDir, StoreError> {
        let (artifacts, id) = (folder(self.state_dir()), id.clone());
        blocking(self.state_dir(), move || verify::verify(&artifacts.join(id.as_str()), &id)).await
    }
}

/// Fails unless the store has something under this id.
pub(crate) fn require_folder(state_dir: &Path, id: &ArtifactId) -> Result<(), StoreError> {
    let path = folder(state_dir).join(id.as_str());
    if path.is_dir() { Ok(()) } else { Err(StoreError::Artifact { path, problem: ArtifactProblem::Missing }) }
}

fn folder(state_dir: &Path) -> PathBuf {
    state_dir.join("artifacts")
}

/// The name of the description inside an artifact.
const MANIFEST: &str = "manifest.json";

/// The name of the folder with the files inside an artifact.
const FILES: &str = "files";
