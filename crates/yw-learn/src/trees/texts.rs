//! The terms of texts that trees see: the few that tell most about the answers.

use std::sync::Arc;

use arrow_array::ArrayRef;
use yw_task::{Field, FieldType, Rows, Truth};

use crate::bytes::{Reader, Writer};
use crate::featurize::{FeatureMatrix, Featurizer};
use crate::{FeaturizerParams, FitError, FormatError};

/// Chosen terms of the text fields.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct TextTerms {
    featurizer: Featurizer,
    /// The features that were chosen, ascending.
    chosen: Vec<u32>,
}

impl TextTerms {
    /// Chooses at most `max_terms`. None if there is no text.
    pub(super) fn fit(
        rows: &Rows,
        truth: &Truth,
        params: &FeaturizerParams,
        max_terms: usize,
    ) -> Result<Option<Self>, FitError> {
        let Some(texts) = texts_of(rows) else { return Ok(None) };
        let featurizer = Featurizer::fit(&texts, params)?;
        let matrix = featurizer.transform(&texts);
        let mut scores: Vec<(f64, u32)> = relevance(&matrix, truth).into_iter().zip(0..).collect();
        scores.sort_unstable_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
        let mut chosen: Vec<u32> = scores.into_iter().take(max_terms).map(|(_, term)| term).collect();
        chosen.sort_unstable();
        Ok(Some(TextTerms { featurizer, chosen }))
    }

    pub(super) fn len(&self) -> usize {
        self.chosen.len()
    }

    /// What each term is, for people.
    pub(super) fn names(&self) -> Vec<String> {
        let names = self.featurizer.feature_names();
        self.chosen.iter().map(|&term| names[term as usize].clone()).collect()
    }

    /// The weight of each chosen term in each row, term by term.
    pub(super) fn encode(&self, rows: &Rows) -> Vec<Vec<f32>> {
        let n_rows = rows.n_rows();
        let mut columns = vec![vec![0.0; n_rows]; self.chosen.len()];
        let Some(texts) = texts_of(rows) else { return columns };
        let matrix = self.featurizer.transform(&texts);
        for (row_idx, row) in (0..n_rows).map(|i| (i, matrix.row(i))) {
            // Both are ascending: one pass over the two.
            let mut places = self.chosen.iter().enumerate().peekable();
            for (&term, &value) in row.idxs.iter().zip(row.values) {
                while places.next_if(|(_, chosen)| **chosen < term).is_some() {}
                if let Some((place, _)) = places.next_if(|(_, chosen)| **chosen == term) {
                    columns[place][row_idx] = value;
                }
            }
        }
        columns
    }

    pub(super) fn write(&self, out: &mut Writer) {
        self.featurizer.write(out);
        out.u32s(&self.chosen);
    }

    pub(super) fn read(from: &mut Reader<'_>, fields: &[Field]) -> Result<Self, FormatError> {
        let featurizer = Featurizer::read(from, text_fields(fields))?;
        let chosen = from.u32s()?;
        let inside = |&term: &u32| (term as usize) < featurizer.n_features();
        if !chosen.iter().all(inside) || !chosen.is_sorted_by(|a, b| a < b) {
            return Err(FormatError::Damaged { what: "a chosen term is none of the terms" });
        }
        Ok(TextTerms { featurizer, chosen })
    }
}

fn text_fields(fields: &[Field]) -> Arc<[Field]> {
    fields.iter().filter(|f| f.field_type == FieldType::Text).cloned().collect()
}

/// The text columns alone.
fn texts_of(rows: &Rows) -> Option<Rows> {
    let is_text = |i: &usize| rows.fields()[*i].field_type == FieldType::Text;
    let columns: Vec<ArrayRef> = (0..rows.fields().len()).filter(is_text).map(|i| rows.arrow(i).clone()).collect();
    if columns.is_empty() {
        return None;
    }
    Rows::new(text_fields(rows.fields()), columns).ok()
}

/// How much each term by itself explains: over all classes (or for the number), the squared projection of the centred
/// truth on the term's weights.
fn relevance(matrix: &FeatureMatrix, truth: &Truth) -> Vec<f64> {
    let (classes, n_outputs): (Vec<usize>, usize) = match truth {
        Truth::Label { ids, labels } => (ids.iter().map(|&id| id as usize).collect(), labels.len()),
        Truth::Boolean(truths) => (truths.iter().map(|&t| usize::from(t)).collect(), 2),
        _ => (Vec::new(), 1),
    };
    let numbers: &[f64] = if let Truth::Number(numbers) = truth { numbers } else { &[] };
    let n = matrix.n_rows().max(1) as f64;
    let mean = numbers.iter().sum::<f64>() / n;
    let mut shares = vec![0.0; n_outputs];
    classes.iter().for_each(|&class| shares[class] += 1.0 / n);
    let mut products = vec![0.0; matrix.n_features() * n_outputs];
    let (mut sums, mut squares) = (vec![0.0; matrix.n_features()], vec![0.0; matrix.n_features()]);
    for (row_idx, row) in (0..matrix.n_rows()).map(|i| (i, matrix.row(i))) {
        for (term, value) in row.iter() {
            let value = f64::from(value);
            sums[term] += value;
            squares[term] += value * value;
            match classes.get(row_idx) {
                Some(class) => products[term * n_outputs + class] += value,
                None => products[term] += value * (numbers[row_idx] - mean),
            }
        }
    }
    let of_term = |term: usize| {
        let centred = |k: usize| products[term * n_outputs + k] - shares[k] * sums[term];
        let explained: f64 = (0..n_outputs).map(|k| centred(k).powi(2)).sum();
        if squares[term] > 0.0 { explained / squares[term] } else { 0.0 }
    };
    (0..matrix.n_features()).map(of_term).collect()
}
