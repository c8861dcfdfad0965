//! Writes the data of `examples/wine`: the red wines of the UCI Wine Quality data set.
//!
//! The data set is published under CC BY 4.0 (P. Cortez, A. Cerdeira, F. Almeida, T. Matos and J. Reis, 2009,
//! doi:10.24432/C56S3T). It is taken out of the crate `linfa-datasets`, which carries the file of the archive
//! unchanged. The crate is not a dependency (it would bring a linear algebra stack for one file); it is read where cargo
//! keeps the sources of packages.

use std::fmt::Write as _;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use flate2::read::GzDecoder;

/// Where the crate has the file.
const FILE: &str = "linfa-datasets-0.8.1/data/winequality-red.csv.gz";

/// The columns as the archive names them; the last one is the answer.
const COLUMNS: [&str; 12] = [
    "fixed acidity",
    "volatile acidity",
    "citric acid",
    "residual sugar",
    "chlorides",
    "free sulfur dioxide",
    "total sulfur dioxide",
    "density",
    "pH",
    "sulphates",
    "alcohol",
    "quality",
];

/// Writes `wine.csv` into `dir`, which must exist.
pub(crate) fn write(dir: &Path) -> io::Result<()> {
    let source = find()?;
    let mut archive = String::new();
    GzDecoder::new(std::fs::File::open(&source)?).read_to_string(&mut archive)?;
    let csv = convert(&archive).map_err(|problem| invalid(format!("{}: {problem}", source.display())))?;
    std::fs::write(dir.join("wine.csv"), csv)
}

/// The file among the sources that cargo has unpacked.
fn find() -> io::Result<PathBuf> {
    let home = std::env::var_os("CARGO_HOME").map(PathBuf::from);
    let home = home.or_else(|| std::env::home_dir().map(|home| home.join(".cargo")));
    let sources = home.unwrap_or_default().join("registry").join("src");
    let registries = std::fs::read_dir(&sources).into_iter().flatten().flatten();
    let mut files = registries.map(|registry| registry.path().join(FILE)).filter(|file| file.is_file());
    files.next().ok_or_else(|| {
        invalid(format!(
            "{FILE} is not in {}; fetch it with\n  cargo new /tmp/fetch && cd /tmp/fetch && cargo add linfa-datasets@=0.8.1 && cargo fetch",
            sources.display()
        ))
    })
}

/// The archive's rows under names that need no quotes.
fn convert(archive: &str) -> Result<String, String> {
    let mut lines = archive.lines();
    let header: Vec<&str> = lines.next().unwrap_or_default().split(',').map(|name| name.trim_matches('"')).collect();
    if header != COLUMNS {
        return Err(format!("expected the columns {COLUMNS:?}, found {header:?}"));
    }
    let mut csv = COLUMNS.map(|name| name.to_lowercase().replace(' ', "_")).join(",") + "\n";
    for (row_idx, line) in lines.enumerate() {
        let n_numbers = line.split(',').filter(|cell| cell.parse::<f64>().is_ok_and(f64::is_finite)).count();
        if n_numbers != COLUMNS.len() {
            return Err(format!("row {}: expected {} numbers, found {line:?}", row_idx + 1, COLUMNS.len()));
        }
        let _ = writeln!(csv, "{line}");
    }
    Ok(csv)
}

fn invalid(message: String) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header() -> String {
        COLUMNS.map(|name| format!("\"{name}\"")).join(",") + "\n"
    }

    #[test]
    fn names_lose_their_quotes_and_spaces() {
        let row = "7.4,0.7,0,1.9,0.076,11,34,0.9978,3.51,0.56,9.4,5\n";
        let csv = convert(&(header() + row)).unwrap();
        assert!(csv.starts_with("fixed_acidity,volatile_acidity,"));
        assert!(csv.ends_with(&format!(",ph,sulphates,alcohol,quality\n{row}")));
    }

    #[test]
    fn another_file_is_refused() {
        assert!(convert("a;b\n1;2\n").unwrap_err().contains("columns"));
        assert!(convert(&(header() + "7.4,0.7\n")).unwrap_err().contains("row 1"));
        assert!(convert(&(header() + "7.4,0.7,0,1.9,0.076,11,34,0.9978,3.51,0.56,n/a,5\n")).is_err());
    }

    #[test]
    fn the_file_in_the_repository_is_the_whole_data_set() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/wine/data/wine.csv");
        let csv = std::fs::read_to_string(path).unwrap();
        let of = |line: &str| line.rsplit(',').next().and_then(|cell| cell.parse::<u32>().ok()).unwrap();
        let qualities: Vec<u32> = csv.lines().skip(1).map(of).collect();
        // How many wines got each grade from 3 to 8, as published with the data set.
        let counts = [3, 4, 5, 6, 7, 8].map(|grade| qualities.iter().filter(|q| **q == grade).count());
        assert_eq!((qualities.len(), counts), (1599, [10, 53, 681, 638, 199, 18]));
    }
}
