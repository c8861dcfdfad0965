//! The sparse block of a feature matrix, column by column.

use super::FeatureMatrix;

/// For each sparse feature the rows that have it.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct SparseColumns {
    /// Where each column's entries end.
    ends: Vec<usize>,
    row_idxs: Vec<u32>,
    values: Vec<f32>,
}

impl SparseColumns {
    pub(crate) fn new(features: &FeatureMatrix) -> Self {
        let n_dense = features.n_dense();
        let mut ends = vec![0usize; features.n_features() - n_dense];
        for row_idx in 0..features.n_rows() {
            features.row(row_idx).idxs.iter().for_each(|&idx| ends[idx as usize - n_dense] += 1);
        }
        // From counts to starts; filling moves each start to its end.
        let mut n_entries = 0;
        for end in &mut ends {
            n_entries += std::mem::replace(end, n_entries);
        }
        let (mut row_idxs, mut values) = (vec![0u32; n_entries], vec![0.0f32; n_entries]);
        for row_idx in 0..features.n_rows() {
            let row = features.row(row_idx);
            for (&idx, &value) in row.idxs.iter().zip(row.values) {
                let end = &mut ends[idx as usize - n_dense];
                row_idxs[*end] = row_idx as u32;
                values[*end] = value;
                *end += 1;
            }
        }
        SparseColumns { ends, row_idxs, values }
    }

    pub(crate) fn n_columns(&self) -> usize {
        self.ends.len()
    }

    /// How many entries the columns up to and including this one have.
    pub(crate) fn end(&self, column_idx: usize) -> usize {
        self.ends[column_idx]
    }

    /// The rows that have a feature, ascending, with their values; the first sparse feature is column 0.
    pub(crate) fn column(&self, column_idx: usize) -> (&[u32], &[f32]) {
        let start = if column_idx == 0 { 0 } else { self.ends[column_idx - 1] };
        let end = self.ends[column_idx];
        (&self.row_idxs[start..end], &self.values[start..end])
    }
}
