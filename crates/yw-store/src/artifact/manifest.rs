//! What an artifact says about itself.

use std::path::Path;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{ArtifactDir, ArtifactId, ArtifactProblem};
use crate::StoreError;

/// The description of a folder that is to become an artifact.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewArtifact {
    /// Which loader reads the files, such as `linear`.
    pub kind: String,
    /// The version of that loader's file format.
    pub format: u32,
    /// The task that it answers.
    pub task: String,
    /// The candidate that was fitted.
    pub candidate: String,
    /// When it was made. Not part of the hash.
    pub created: Timestamp,
}

/// `manifest.json` of an artifact.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ArtifactManifest {
    /// The version of this file: [`ArtifactManifest::VERSION`].
    pub version: u32,
    /// Which loader reads the files.
    pub kind: String,
    /// The version of that loader's file format.
    pub format: u32,
    /// The task that it answers.
    pub task: String,
    /// The candidate that was fitted.
    pub candidate: String,
    /// When it was first made.
    pub created: Timestamp,
    /// The files, sorted by name.
    pub files: Vec<ArtifactFile>,
}

/// One file of an artifact.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ArtifactFile {
    /// The path inside the folder, with `/` between its parts.
    pub name: String,
    /// How long it is.
    pub size_bytes: u64,
    /// The BLAKE3 hash of its content, hexadecimal.
    pub blake3: String,
}

impl ArtifactManifest {
    /// The version of the manifest, and of the folder around it, that this program writes and reads.
    pub const VERSION: u32 = 1;

    /// A description of files that are sorted by name.
    pub(super) fn new(artifact: NewArtifact, files: Vec<ArtifactFile>) -> Self {
        let NewArtifact { kind, format, task, candidate, created } = artifact;
        ArtifactManifest { version: Self::VERSION, kind, format, task, candidate, created, files }
    }

    /// The size of all files together.
    pub fn size_bytes(&self) -> u64 {
        self.files.iter().map(|file| file.size_bytes).sum()
    }

    /// The id of the artifact: a hash of everything above except for the time.
    pub(super) fn id(&self) -> ArtifactId {
        let mut hasher = blake3::Hasher::new();
        // Each part after its length, so that no two descriptions give the same bytes.
        let mut part = |bytes: &[u8]| {
            hasher.update(&(bytes.len() as u64).to_le_bytes());
            hasher.update(bytes);
        };
        part(b"yellowwood artifact");
        part(&self.version.to_le_bytes());
        part(self.kind.as_bytes());
        part(&self.format.to_le_bytes());
        part(self.task.as_bytes());
        part(self.candidate.as_bytes());
        for file in &self.files {
            part(file.name.as_bytes());
            part(&file.size_bytes.to_le_bytes());
            part(file.blake3.as_bytes());
        }
        ArtifactId::new(&hasher.finalize())
    }
}

impl ArtifactDir {
    /// Fails unless the files have the given version of their loader's format.
    pub fn require_format(&self, supported: u32) -> Result<(), StoreError> {
        let found = self.manifest.format;
        if found == supported {
            return Ok(());
        }
        let path = self.path.parent().unwrap_or(Path::new("")).to_owned();
        Err(StoreError::Artifact { path, problem: ArtifactProblem::OtherVersion { found, supported } })
    }
}
