//! Finding and reading the file.

use std::io::Read;
use std::path::{Path, PathBuf};

use crate::problem::Problems;
use crate::project::Project;
use crate::raw::{Place, Report};
use crate::{FILE_NAME, check, shape, syntax};

/// The largest project file that is read: one that is larger is something else under its name.
pub const MAX_FILE_BYTES: u64 = 1 << 20;

/// No project in a folder or above it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("there is no {FILE_NAME} in {} or above it", start.display())]
pub struct NotFound {
    /// The folder where the search began.
    pub start: PathBuf,
}

/// Why there is no project.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// The file cannot be read.
    #[error("cannot read {}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system says.
        #[source]
        source: std::io::Error,
    },
    /// The file was read, and it is no valid project. Displays every problem with its excerpt.
    #[error(transparent)]
    Problems(Problems),
}

/// The project file in `start` or the nearest folder above it.
pub fn find(start: &Path) -> Result<PathBuf, NotFound> {
    let start = std::path::absolute(start).unwrap_or_else(|_| start.to_owned());
    let file = start.ancestors().map(|folder| folder.join(FILE_NAME)).find(|file| file.is_file());
    file.ok_or(NotFound { start })
}

/// Reads and checks a project file, or the one directly in a folder.
///
/// Reads nothing else, except that it looks whether prompt files and models to load exist.
pub fn load(file_or_dir: &Path) -> Result<Project, LoadError> {
    let file = if file_or_dir.is_dir() { file_or_dir.join(FILE_NAME) } else { file_or_dir.to_owned() };
    let bytes = read(&file).map_err(|source| LoadError::Io { path: file.clone(), source })?;
    text_of(bytes, &file).and_then(|text| parse(&text, &file)).map_err(LoadError::Problems)
}

/// Checks the text of a project file that lies, or would lie, at `file`.
///
/// *Errors*: every problem that the text has, at least one of them an error.
pub fn parse(text: &str, file: &Path) -> Result<Project, Problems> {
    let mut report = Report::new(text);
    let syntax::Parsed { document, errors } = syntax::parse(text);
    if let Some(first) = syntax::report(&errors, text, &mut report) {
        // What comes before the first error was read as it was meant; what seems to be missing may come after it.
        let mut shapes = Report::new(text);
        shape::check(&document, false, &mut shapes);
        report.append_before(first, shapes);
        return Err(report.finish(file));
    }
    let unsound = shape::check(&document, true, &mut report);
    let project = check::project(&document, &unsound, file, &mut report);
    let failed = report.has_errors();
    let problems = report.finish(file);
    match project {
        Some(project) if !failed => Ok(Project { text: problems.text().clone(), warnings: problems, ..project }),
        _ => Err(problems),
    }
}

/// The bytes of a file; of one that is too large, only as many as show that it is.
fn read(file: &Path) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    std::fs::File::open(file)?.take(MAX_FILE_BYTES + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn text_of(bytes: Vec<u8>, file: &Path) -> Result<String, Problems> {
    if bytes.len() as u64 > MAX_FILE_BYTES {
        let mut report = Report::new("");
        let message = format!("the file has more than {MAX_FILE_BYTES} bytes");
        report.error(&Place::whole_file(), message).hint("data belongs into files of its own");
        return Err(report.finish(file));
    }
    String::from_utf8(bytes).map_err(|e| {
        let text = String::from_utf8_lossy(e.as_bytes());
        let start = e.utf8_error().valid_up_to();
        let mut report = Report::new(&text);
        let place = Place { path: String::new(), span: start..start + '\u{fffd}'.len_utf8() };
        report.error(&place, "the file is not UTF-8 text").hint("save it as UTF-8");
        report.finish(file)
    })
}
