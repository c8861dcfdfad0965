//! Models as bytes: our own format, those of XGBoost and LightGBM, and ONNX.
//!
//! [`read_model`] looks at the first bytes and reads whatever it finds; each format has its folder. What they all must
//! agree on, the soundness of the finished ensemble, is in `check`. What each format can and cannot say is in the crate's
//! README.

mod check;
mod error;
mod export;
mod lightgbm;
mod native;
mod onnx;
mod single;
mod value;
mod xgboost;

#[cfg(test)]
mod random;
#[cfg(test)]
mod tests;

pub use error::{ExportError, FormatError, Place};

use crate::Ensemble;

/// A model file that has been read.
#[derive(Debug, Clone, PartialEq)]
pub struct ModelFile {
    /// Who wrote it.
    pub format: ModelFormat,
    /// The model.
    pub ensemble: Ensemble,
    /// For each feature the names of its levels, by number, where the file has them.
    pub level_names: Vec<Option<Vec<String>>>,
}

/// The formats that can be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ModelFormat {
    /// Our own.
    Yellowwood,
    /// XGBoost's `.json` or `.ubj`.
    XgBoost,
    /// LightGBM's `.txt`.
    LightGbm,
}

/// Reads a model in our own format, in XGBoost's (`.json`, `.ubj`) or in LightGBM's (`.txt`), whichever the bytes are.
///
/// The model's margins are the original's: of XGBoost and dart all trees count, and of a random forest their mean.
///
/// *Errors*: bytes of no such format, cut off or damaged; models that cannot be imported, with what to do instead.
/// Memory is only taken in proportion to the bytes.
pub fn read_model(bytes: &[u8]) -> Result<Ensemble, FormatError> {
    ModelFile::read(bytes).map(|file| file.ensemble)
}

impl ModelFile {
    /// As [`read_model`], with what the file has beside the model.
    pub fn read(bytes: &[u8]) -> Result<ModelFile, FormatError> {
        if bytes.starts_with(&native::MAGIC) {
            let ensemble = Ensemble::from_bytes(bytes)?;
            let level_names = vec![None; ensemble.features.len()];
            return Ok(ModelFile { format: ModelFormat::Yellowwood, ensemble, level_names });
        }
        let start = bytes.trim_ascii_start();
        match start {
            // A key of UBJSON begins with the type of its length, one of JSON with a quote.
            [b'{', b'i' | b'U' | b'I' | b'l' | b'L' | b'$' | b'#' | b'N', ..] => {
                xgboost::read(value::Entry::root(&value::parse_ubjson(start)?), bytes.len())
            }
            [b'{', ..] => xgboost::read(value::Entry::root(&value::parse_json(bytes)?), bytes.len()),
            _ if start.starts_with(b"tree\n") || start.starts_with(b"tree\r\n") => lightgbm::read(bytes),
            _ => Err(FormatError::Unknown { hint: unknown_hint(start) }),
        }
    }
}

fn unknown_hint(start: &[u8]) -> &'static str {
    match start {
        [] => "there is nothing in it",
        [b'[', ..] => "it looks like the output of `dump_model`; save the model with `save_model`",
        [b'b', b'i', b'n', b'f', ..] => "it looks like XGBoost's old binary format; save the model as `.ubj`",
        [0x80, ..] => "it looks like a Python pickle; save the model itself with `save_model`",
        _ => "supported are Yellowwood's own format, XGBoost's `.json` and `.ubj`, and LightGBM's `.txt`",
    }
}

/// How much work and memory the sets of levels in a file may take: a set of one high level is a few bytes in a file and
/// megabytes as bits.
struct SetBudget {
    n_words_left: usize,
}

impl SetBudget {
    /// What to say when it is used up.
    const PROBLEM: &str = "the sets of levels take too much memory for a file of this size";

    /// 64 MiB, and eight bytes for each of the file's.
    fn new(file_len: usize) -> Self {
        SetBudget { n_words_left: (8 << 20) + file_len }
    }

    /// Takes so many words, if they are there.
    fn take(&mut self, n_words: usize) -> Option<()> {
        self.n_words_left = self.n_words_left.checked_sub(n_words)?;
        Some(())
    }
}
