//! Project folders that vanish with the test.

use std::fs;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

/// A temporary folder with a project in it, deleted when dropped.
#[derive(Debug)]
pub struct Workspace {
    dir: TempDir,
}

impl Workspace {
    /// An empty folder.
    pub fn new() -> Self {
        Workspace { dir: tempfile::Builder::new().prefix("yw-").tempdir().expect("a temporary folder can be made") }
    }

    /// A copy of a folder, without its `.yellowwood`.
    pub fn copy_of(source: impl AsRef<Path>) -> Self {
        let workspace = Workspace::new();
        copy(source.as_ref(), workspace.path());
        workspace
    }

    /// The same with this file, its folders included.
    pub fn file(self, path: impl AsRef<Path>, contents: impl AsRef<[u8]>) -> Self {
        self.write(path, contents);
        self
    }

    /// Writes a file below the folder, its folders included.
    pub fn write(&self, path: impl AsRef<Path>, contents: impl AsRef<[u8]>) {
        let path = self.join(path);
        let parent = path.parent().unwrap_or(self.path());
        fs::create_dir_all(parent).unwrap_or_else(|e| panic!("cannot make {}: {e}", parent.display()));
        fs::write(&path, contents).unwrap_or_else(|e| panic!("cannot write {}: {e}", path.display()));
    }

    /// The text of a file below the folder.
    pub fn read(&self, path: impl AsRef<Path>) -> String {
        let path = self.join(path);
        fs::read_to_string(&path).unwrap_or_else(|e| panic!("cannot read {}: {e}", path.display()))
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        self.dir.path()
    }

    /// A path below the folder.
    pub fn join(&self, path: impl AsRef<Path>) -> PathBuf {
        self.path().join(path)
    }
}

impl Default for Workspace {
    fn default() -> Self {
        Workspace::new()
    }
}

fn copy(from: &Path, to: &Path) {
    let entries = fs::read_dir(from).unwrap_or_else(|e| panic!("cannot list {}: {e}", from.display()));
    for entry in entries {
        let entry = entry.unwrap_or_else(|e| panic!("cannot list {}: {e}", from.display()));
        let (source, target) = (entry.path(), to.join(entry.file_name()));
        if entry.file_name() == ".yellowwood" {
            continue;
        }
        if source.is_dir() {
            fs::create_dir_all(&target).unwrap_or_else(|e| panic!("cannot make {}: {e}", target.display()));
            copy(&source, &target);
        } else {
            fs::copy(&source, &target).unwrap_or_else(|e| panic!("cannot copy {}: {e}", source.display()));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn copies_leave_the_state_behind() {
        let original = Workspace::new().file("data/train.csv", "a,b\n").file(".yellowwood/db", "state");
        let copy = Workspace::copy_of(original.path());
        assert_eq!(copy.read("data/train.csv"), "a,b\n");
        assert!(!copy.join(".yellowwood").exists());
        let path = original.path().to_owned();
        drop(original);
        assert!(!path.exists());
    }
}
