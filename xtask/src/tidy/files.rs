//! Rules about files: lengths, lints, unsafe code.

use std::fs;
use std::path::{Path, PathBuf};

use super::layers::Package;

/// The longest a source file may be, in lines.
const LONGEST_FILE: usize = 1000;

/// The longest the architecture may be told, in lines.
const LONGEST_ARCHITECTURE: usize = 250;

/// The one crate with unsafe code.
const UNSAFE_CRATE: &str = "yw-kernels";

/// Every rule that a file breaks, as `file: why`.
pub(crate) fn check(root: &Path, packages: &[Package]) -> Vec<String> {
    let mut violations = Vec::new();
    for package in packages {
        violations.extend(check_manifest(package));
        for file in rust_files(&package.dir) {
            let name = file.strip_prefix(root).unwrap_or(&file).display().to_string();
            match fs::read_to_string(&file) {
                Ok(text) => violations.extend(check_source(&package.name, &text).map(|why| format!("{name}: {why}"))),
                Err(e) => violations.push(format!("{name}: {e}")),
            }
        }
    }
    for name in ["ARCHITECTURE.md", "CONTRIBUTING.md", "CHANGELOG.md", "LICENSE", "README.md", "deny.toml"] {
        if !root.join(name).is_file() {
            violations.push(format!("{name}: missing"));
        }
    }
    let architecture = fs::read_to_string(root.join("ARCHITECTURE.md")).unwrap_or_default();
    if architecture.lines().count() > LONGEST_ARCHITECTURE {
        violations.push(format!("ARCHITECTURE.md: over {LONGEST_ARCHITECTURE} lines"));
    }
    for package in packages.iter().filter(|p| p.name.starts_with("yw-")) {
        if !architecture.contains(&package.name) {
            violations.push(format!("ARCHITECTURE.md: does not mention {}", package.name));
        }
    }
    violations
}

fn check_manifest(package: &Package) -> Option<String> {
    let path = package.dir.join("Cargo.toml");
    let text = fs::read_to_string(&path).unwrap_or_default();
    let folder = package.dir.file_name().and_then(|n| n.to_str()).unwrap_or_default();
    if folder != package.name {
        return Some(format!("{}: the folder is called {folder}", package.name));
    }
    let inherits = text.contains("[lints]\nworkspace = true");
    (package.name != UNSAFE_CRATE && !inherits)
        .then(|| format!("{}: its manifest does not inherit the workspace's lints", package.name))
}

fn check_source(package: &str, text: &str) -> Option<String> {
    let lines = text.lines().count();
    if lines > LONGEST_FILE {
        return Some(format!("{lines} lines; over {LONGEST_FILE}, split it"));
    }
    let has_unsafe = text.lines().map(str::trim_start).any(|line| {
        !line.starts_with("//")
            && (line.contains("unsafe {") || line.contains("unsafe fn") || line.contains("unsafe impl"))
    });
    (package != UNSAFE_CRATE && package != "xtask" && has_unsafe)
        .then(|| format!("unsafe code lives in {UNSAFE_CRATE} only"))
}

fn rust_files(dir: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    let Ok(entries) = fs::read_dir(dir) else { return files };
    for path in entries.flatten().map(|e| e.path()) {
        let name = path.file_name().and_then(|n| n.to_str()).unwrap_or_default();
        if path.is_dir() && name != "target" {
            files.extend(rust_files(&path));
        } else if name.ends_with(".rs") {
            files.push(path);
        }
    }
    files.sort();
    files
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_and_unsafe_files_are_found() {
        assert_eq!(check_source("yw-task", "fn f() {}\n"), None);
        assert_eq!(check_source("yw-task", &"\n".repeat(1001)), Some("1001 lines; over 1000, split it".to_owned()));
        let code = "fn f() { unsafe { g() } }\n";
        assert_eq!(check_source("yw-task", code), Some("unsafe code lives in yw-kernels only".to_owned()));
        assert_eq!(check_source("yw-kernels", code), None);
        assert_eq!(check_source("yw-task", "// unsafe { is a word }\n"), None);
    }
}
