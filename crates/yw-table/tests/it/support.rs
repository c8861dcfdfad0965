//! Folders with files, and tables out of them.

use std::io::Write;

use tempfile::TempDir;
use tokio::runtime::Runtime;
use yw_table::{AnswerColumn, Source, Table, TableError, TableSpec};
use yw_task::{AnswerKind, Field, FieldType};

/// A folder with files of the given names and contents.
pub(crate) fn folder(files: &[(&str, &[u8])]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, content) in files {
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, content).unwrap();
    }
    folder
}

/// `seats:number plan:category` as fields.
pub(crate) fn fields(text: &str) -> std::sync::Arc<[Field]> {
    text.split_whitespace()
        .map(|field| {
            let (name, field_type) = field.split_once(':').unwrap();
            Field::new(name, FieldType::from_name(field_type).unwrap())
        })
        .collect()
}

/// Fields, and the answer column if there is one: `team:label`.
pub(crate) fn spec(field_text: &str, answer: &str) -> TableSpec {
    let answer =
        answer.split_once(':').map(|(name, kind)| AnswerColumn::new(name, AnswerKind::from_name(kind).unwrap()));
    TableSpec { fields: fields(field_text), answer, extra: Vec::new() }
}

pub(crate) fn block_on<T>(future: impl Future<Output = T>) -> T {
    Runtime::new().unwrap().block_on(future)
}

/// Reads an address in a folder.
pub(crate) fn read(folder: &TempDir, address: &str, spec: &TableSpec) -> Result<Table, TableError> {
    block_on(yw_table::read(&Source::new(folder.path(), address), spec))
}

/// The table of one CSV text.
pub(crate) fn table(csv: &str, field_text: &str, answer: &str) -> Table {
    read(&folder(&[("t.csv", csv.as_bytes())]), "t.csv", &spec(field_text, answer)).unwrap()
}

/// The table of one CSV text with extra columns.
pub(crate) fn table_with(csv: &str, field_text: &str, answer: &str, extra: &[&str]) -> Table {
    let spec = TableSpec { extra: extra.iter().map(|e| (*e).to_owned()).collect(), ..spec(field_text, answer) };
    read(&folder(&[("t.csv", csv.as_bytes())]), "t.csv", &spec).unwrap()
}

/// The error with all its causes.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    match error.source() {
        Some(cause) => format!("{error}: {}", chain(cause)),
        None => error.to_string(),
    }
}

/// Runs an ignored test of this binary in a process of its own, with these environment variables.
pub(crate) fn run_alone(test: &str, variables: &[(&str, &str)]) {
    let child = std::process::Command::new(std::env::current_exe().unwrap())
        .args([test, "--exact", "--ignored", "--nocapture"])
        .envs(variables.iter().copied())
        .output()
        .unwrap();
    let output = String::from_utf8_lossy(&child.stdout) + String::from_utf8_lossy(&child.stderr);
    assert!(child.status.success() && output.contains("1 passed"), "{output}");
}

pub(crate) fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// A generator of numbers, for tests that want the same ones every time.
pub(crate) struct Numbers(pub(crate) u64);

impl Numbers {
    pub(crate) fn below(&mut self, n: u64) -> u64 {
        // splitmix64
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (z ^ (z >> 31)) % n
    }
}
