//! Where bytes go: a stream, or a file that appears only when it is whole.

use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

/// A place for bytes.
pub(super) enum Output {
    File {
        writer: BufWriter<NamedTempFile>,
        path: PathBuf,
    },
    Stream(BufWriter<Box<dyn Write + Send>>),
    /// Was taken.
    Nothing,
}

impl Output {
    pub(super) fn file(path: &Path) -> io::Result<Self> {
        let folder = match path.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => folder,
            _ => Path::new("."),
        };
        let prefix = format!(".{}.", path.file_name().unwrap_or_default().to_string_lossy());
        let mut builder = tempfile::Builder::new();
        builder.prefix(&prefix).suffix(".part");
        #[cfg(unix)]
        {
            // As any new file: the user's umask decides who may read it.
            use std::os::unix::fs::PermissionsExt;
            builder.permissions(std::fs::Permissions::from_mode(0o666));
        }
        Ok(Output::File { writer: BufWriter::new(builder.tempfile_in(folder)?), path: path.to_owned() })
    }

    pub(super) fn stream(stream: Box<dyn Write + Send>) -> Self {
        Output::Stream(BufWriter::new(stream))
    }

    pub(super) fn take(&mut self) -> Self {
        std::mem::replace(self, Output::Nothing)
    }

    /// Makes all that was written last; a file gets its name.
    pub(super) fn commit(self) -> io::Result<()> {
        match self {
            Output::File { writer, path } => {
                let file = writer.into_inner().map_err(io::IntoInnerError::into_error)?;
                file.as_file().sync_all()?;
                file.persist(path).map_err(|e| e.error)?;
                Ok(())
            }
            Output::Stream(mut writer) => writer.flush(),
            Output::Nothing => Ok(()),
        }
    }
}

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Output::File { writer, .. } => writer.write(bytes),
            Output::Stream(writer) => writer.write(bytes),
            Output::Nothing => Ok(bytes.len()),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Output::File { writer, .. } => writer.flush(),
            Output::Stream(writer) => writer.flush(),
            Output::Nothing => Ok(()),
        }
    }
}
