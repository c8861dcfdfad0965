//! The names of category levels, which XGBoost keeps since version 3.1 for models of data frames.

use crate::format::value::{Entry, whole};

/// The names of each feature's levels, where the model has them.
///
/// They are for people: a file that has them in a shape of its own is a model all the same.
pub(super) fn level_names(model: &Entry<'_>, n_features: usize) -> Vec<Option<Vec<String>>> {
    let encodings = model.find("cats").and_then(|cats| cats.find("enc")).and_then(|encodings| encodings.list().ok());
    let encodings = encodings.filter(|encodings| encodings.len() == n_features).unwrap_or_default();
    let mut names: Vec<_> = encodings.iter().map(names_of).collect();
    names.resize(n_features.min(crate::format::check::MAX_UNNAMED_FEATURES), None);
    names
}

/// Texts come as bytes and the ends of each, numbers as they are. A feature that is no category has neither.
fn names_of(encoding: &Entry<'_>) -> Option<Vec<String>> {
    let values = encoding.find("values")?;
    let Some(offsets) = encoding.find("offsets") else {
        return values.labels().filter(|labels| !labels.is_empty());
    };
    let bytes: Vec<u8> = values.numbers().ok()?.iter().map(|byte| *byte as i64 as u8).collect();
    let offsets = offsets.numbers().ok()?;
    let offsets: Vec<usize> = offsets.iter().map(|at| whole(*at, bytes.len())).collect::<Option<_>>()?;
    let name = |ends: &[usize]| Some(String::from_utf8_lossy(bytes.get(ends[0]..ends[1])?).into_owned());
    offsets.windows(2).map(name).collect::<Option<Vec<_>>>().filter(|names| !names.is_empty())
}
