//! From a [`Location`] to decoded bytes and the format they are in.

use std::io::{self, Cursor, Read};

use bytes::Bytes;
use flate2::read::MultiGzDecoder;
use futures::StreamExt;
use object_store::{GetResultPayload, ObjectStoreExt};
use tokio::runtime::Handle;
use tokio::sync::mpsc;

use crate::address::Location;
use crate::error::Near;
use crate::{FileFormat, TableError};

/// So many decoded bytes of a file are looked at before it is read: to know its format, delimiter and keys.
const HEAD_BYTES: usize = 256 * 1024;

/// Chunks of a download that may wait for the parser.
const CHUNKS_AHEAD: usize = 16;

/// A file, open, decompressed, with its first bytes known.
pub(crate) struct OpenFile {
    pub(crate) format: FileFormat,
    /// Size as stored.
    pub(crate) n_bytes: u64,
    /// The first bytes, decoded, without byte order mark. The whole file if it is shorter than [`HEAD_BYTES`].
    pub(crate) head: Vec<u8>,
    rest: Box<dyn Read + Send>,
}

impl OpenFile {
    /// All decoded bytes, and the first of them once more.
    pub(crate) fn into_reader(self) -> (Vec<u8>, impl Read + Send) {
        (self.head.clone(), Cursor::new(self.head).chain(self.rest))
    }
}

/// Opens a file and finds out its format. Blocks.
pub(crate) fn open(location: &Location, runtime: &Handle) -> Result<OpenFile, TableError> {
    let name = &*location.name;
    let (n_bytes, mut rest) = open_bytes(location, runtime)?;
    let mut head = read_head(&mut rest).map_err(|e| TableError::read(name, e))?;
    let mut plain_name = name;
    if let Some(compression) = Compression::of(&head) {
        let compressed = Cursor::new(head).chain(rest);
        rest = compression.decode(compressed).map_err(|e| TableError::read(name, e))?;
        head = read_head(&mut rest).map_err(|e| TableError::read(name, e))?;
        plain_name = name.rsplit_once('.').map_or(name, |(stem, _)| stem);
    }
    let format = detect(name, plain_name, &head)?;
    if head.starts_with(b"\xEF\xBB\xBF") {
        head.drain(..3);
    }
    Ok(OpenFile { format, n_bytes, head, rest })
}

/// The stored bytes of a file. Those of a local file are read directly; a download runs ahead of the reader.
fn open_bytes(location: &Location, runtime: &Handle) -> Result<(u64, Box<dyn Read + Send>), TableError> {
    let got = runtime.block_on(location.store.get(&location.path)).map_err(|error| match error {
        object_store::Error::NotFound { .. } => {
            TableError::NoSuchFile { address: location.name.to_string(), near: Near::default() }
        }
        error => TableError::read(&location.name, error),
    })?;
    let n_bytes = got.meta.size;
    let reader: Box<dyn Read + Send> = match got.payload {
        GetResultPayload::File(file, _) => Box::new(file),
        GetResultPayload::Stream(mut stream) => {
            let (sender, receiver) = mpsc::channel(CHUNKS_AHEAD);
            runtime.spawn(async move {
                while let Some(chunk) = stream.next().await {
                    let failed = chunk.is_err();
                    if sender.send(Some(chunk)).await.is_err() || failed {
                        return;
                    }
                }
                // Without this last word the reader knows that the download was cut.
                let _ = sender.send(None).await;
            });
            Box::new(Download { receiver, chunk: Bytes::new(), ended: false })
        }
    };
    Ok((n_bytes, reader))
}

/// The blocking end of a download.
struct Download {
    receiver: mpsc::Receiver<Option<object_store::Result<Bytes>>>,
    chunk: Bytes,
    ended: bool,
}

impl Read for Download {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.chunk.is_empty() && !self.ended {
            match self.receiver.blocking_recv() {
                Some(Some(chunk)) => self.chunk = chunk.map_err(io::Error::other)?,
                Some(None) => self.ended = true,
                None => return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the download was cut")),
            }
        }
        let n = buffer.len().min(self.chunk.len());
        buffer[..n].copy_from_slice(&self.chunk.split_to(n));
        Ok(n)
    }
}

#[derive(Clone, Copy)]
enum Compression {
    Gzip,
    Zstd,
}

impl Compression {
    fn of(head: &[u8]) -> Option<Self> {
        if head.starts_with(&[0x1F, 0x8B]) {
            Some(Compression::Gzip)
        } else if head.starts_with(&[0x28, 0xB5, 0x2F, 0xFD]) {
            Some(Compression::Zstd)
        } else {
            None
        }
    }

    fn decode(self, compressed: impl Read + Send + 'static) -> io::Result<Box<dyn Read + Send>> {
        Ok(match self {
            Compression::Gzip => Box::new(MultiGzDecoder::new(io::BufReader::new(compressed))),
            Compression::Zstd => Box::new(zstd::stream::read::Decoder::new(compressed)?),
        })
    }
}

fn read_head(reader: &mut impl Read) -> io::Result<Vec<u8>> {
    let mut head = Vec::new();
    reader.take(HEAD_BYTES as u64).read_to_end(&mut head)?;
    Ok(head)
}

/// First bytes win over the name; a name that says nothing leaves it to the first character.
fn detect(name: &str, plain_name: &str, head: &[u8]) -> Result<FileFormat, TableError> {
    let extension = plain_name.rsplit_once('.').map_or("", |(_, extension)| extension).to_ascii_lowercase();
    let promised = match extension.as_str() {
        "csv" | "tsv" | "tab" | "psv" | "txt" => Some(FileFormat::Csv),
        "jsonl" | "ndjson" | "json" => Some(FileFormat::JsonLines),
        "parquet" | "pq" => Some(FileFormat::Parquet),
        _ => None,
    };
    if head.is_empty() {
        return Err(TableError::Empty { name: name.to_owned() });
    }
    if head.starts_with(b"PAR1") {
        return Ok(FileFormat::Parquet);
    }
    let reason = if promised == Some(FileFormat::Parquet) {
        "is not a Parquet file: it does not begin with PAR1"
    } else if head.starts_with(&[0xFF, 0xFE]) || head.starts_with(&[0xFE, 0xFF]) {
        "is UTF-16; save it as UTF-8"
    } else if head.starts_with(b"PK\x03\x04") {
        "is a spreadsheet or zip archive; export it as CSV"
    } else {
        let first = head.trim_ascii_start().first();
        return match (promised, first) {
            (Some(FileFormat::JsonLines), Some(b'[')) => {
                Err(TableError::format(name, "is one JSON array; write one object a line (jq -c '.[]' does it)"))
            }
            (Some(format), _) => Ok(format),
            (None, Some(b'{')) => Ok(FileFormat::JsonLines),
            (None, _) => Ok(FileFormat::Csv),
        };
    };
    Err(TableError::format(name, reason))
}
