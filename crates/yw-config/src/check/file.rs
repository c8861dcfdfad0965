//! Files that the project names.

use std::path::{Path, PathBuf};

use crate::raw::{At, Report};
use crate::suggest::closest;

/// A file of the project, absolute; reported if there is none.
pub(super) fn file(path: At<String>, dir: &Path, report: &mut Report<'_>) -> PathBuf {
    let absolute = dir.join(&path.value);
    if absolute.is_file() || report.is_full() {
        return absolute;
    }
    if absolute.is_dir() {
        report.error(&path.place, format!("`{}` is a folder", path.value)).hint("name a file in it");
        return absolute;
    }
    let folder = absolute.parent().unwrap_or(dir);
    let siblings = std::fs::read_dir(folder).into_iter().flatten();
    let names: Vec<String> = siblings.filter_map(|entry| entry.ok()?.file_name().into_string().ok()).collect();
    let wanted = absolute.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
    let hint = match closest(&wanted, names.iter().map(String::as_str)) {
        Some(name) => format!("did you mean `{name}` in {}?", folder.display()),
        None => format!("paths are relative to the project's folder, and there is no {}", absolute.display()),
    };
    report.error(&path.place, format!("there is no file `{}`", path.value)).hint(hint);
    absolute
}
