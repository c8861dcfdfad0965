//! The stored models.

use std::path::{Path, PathBuf};

/// A stored model and what it predicts.
pub(crate) struct Fixture {
    pub(crate) name: String,
    pub(crate) bytes: Vec<u8>,
    pub(crate) rows: Vec<Vec<f64>>,
    pub(crate) margins: Vec<Vec<f64>>,
    pub(crate) predictions: Vec<Vec<f64>>,
}

/// All of them, in the order of their names.
pub(crate) fn fixtures() -> Vec<Fixture> {
    let mut paths: Vec<PathBuf> = std::fs::read_dir(folder()).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    let is_model =
        |path: &PathBuf| path.extension().is_some_and(|e| e != "csv") && !name_of(path).starts_with("refused");
    paths.into_iter().filter(is_model).map(|path| read(&path)).collect()
}

/// The bytes of a file.
pub(crate) fn bytes_of(file: &str) -> Vec<u8> {
    std::fs::read(folder().join(file)).unwrap()
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/models")
}

fn name_of(path: &Path) -> String {
    path.file_stem().unwrap().to_string_lossy().into_owned()
}

fn read(path: &Path) -> Fixture {
    let table = std::fs::read_to_string(path.with_extension("csv")).unwrap();
    let mut lines = table.lines();
    let head: Vec<&str> = lines.next().unwrap().split(',').collect();
    let (mut rows, mut margins, mut predictions) = (Vec::new(), Vec::new(), Vec::new());
    for line in lines {
        let cells: Vec<f64> = line.split(',').map(|cell| cell.parse().unwrap_or(f64::NAN)).collect();
        let part = |prefix: &str| -> Vec<f64> {
            head.iter().zip(&cells).filter(|(name, _)| name.starts_with(prefix)).map(|(_, cell)| *cell).collect()
        };
        rows.push(part("x"));
        margins.push(part("margin"));
        predictions.push(part("prediction"));
    }
    Fixture { name: name_of(path), bytes: std::fs::read(path).unwrap(), rows, margins, predictions }
}
