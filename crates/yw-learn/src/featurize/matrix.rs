//! Features of rows: a dense block and a sparse one.

use crate::FormatError;
use crate::bytes::{Reader, Writer};

/// The features of a batch of rows.
///
/// *Shape*: `n_rows` × `n_features`. The first `n_dense` features (numbers and the like) have a value in every row; of
/// the others (levels, n-grams) a row lists those that are not zero. All values are finite.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct FeatureMatrix {
    n_rows: usize,
    n_dense: usize,
    n_features: usize,
    /// Row-major, `n_rows` × `n_dense`.
    dense: Vec<f32>,
    /// Where each row's sparse entries end; `n_rows` entries.
    ends: Vec<usize>,
    /// Feature numbers, at least `n_dense`, ascending within a row.
    idxs: Vec<u32>,
    values: Vec<f32>,
}

/// The features of one row.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct FeatureRow<'a> {
    /// The values of the first features.
    pub dense: &'a [f32],
    /// The numbers of the other features that are not zero, ascending.
    pub idxs: &'a [u32],
    /// Their values.
    pub values: &'a [f32],
}

impl FeatureRow<'_> {
    /// Every feature that may be non-zero, by number.
    pub fn iter(&self) -> impl Iterator<Item = (usize, f32)> + '_ {
        let sparse = self.idxs.iter().map(|&i| i as usize).zip(self.values.iter().copied());
        self.dense.iter().copied().enumerate().chain(sparse)
    }
}

impl FeatureMatrix {
    /// A matrix without rows.
    pub(crate) fn new(n_dense: usize, n_features: usize) -> Self {
        FeatureMatrix { n_dense, n_features, ..FeatureMatrix::default() }
    }

    /// Adds a row whose features `fill` sets: the dense values, all zero at first, and the sparse entries.
    pub(crate) fn push_row(&mut self, fill: impl FnOnce(&mut [f32], &mut SparseEntries)) {
        let dense_len = self.dense.len();
        self.dense.resize(dense_len + self.n_dense, 0.0);
        let mut entries =
            SparseEntries { idxs: std::mem::take(&mut self.idxs), values: std::mem::take(&mut self.values) };
        fill(&mut self.dense[dense_len..], &mut entries);
        (self.idxs, self.values) = (entries.idxs, entries.values);
        self.ends.push(self.idxs.len());
        self.n_rows += 1;
    }

    /// The rows of `parts`, one after the other.
    pub(crate) fn concat(n_dense: usize, n_features: usize, parts: Vec<FeatureMatrix>) -> Self {
        let mut whole = FeatureMatrix::new(n_dense, n_features);
        whole.idxs.reserve_exact(parts.iter().map(|p| p.idxs.len()).sum());
        whole.values.reserve_exact(parts.iter().map(|p| p.values.len()).sum());
        for part in parts {
            let offset = whole.idxs.len();
            whole.n_rows += part.n_rows;
            whole.dense.extend_from_slice(&part.dense);
            whole.ends.extend(part.ends.iter().map(|end| offset + end));
            whole.idxs.extend_from_slice(&part.idxs);
            whole.values.extend_from_slice(&part.values);
        }
        whole
    }

    /// How many rows there are.
    pub fn n_rows(&self) -> usize {
        self.n_rows
    }

    /// How many features have a value in every row.
    pub fn n_dense(&self) -> usize {
        self.n_dense
    }

    /// How many features there are.
    pub fn n_features(&self) -> usize {
        self.n_features
    }

    /// How many entries the sparse block has.
    pub(crate) fn n_entries(&self) -> usize {
        self.idxs.len()
    }

    /// One row. Panics if it does not exist.
    pub fn row(&self, row_idx: usize) -> FeatureRow<'_> {
        let start = if row_idx == 0 { 0 } else { self.ends[row_idx - 1] };
        let end = self.ends[row_idx];
        FeatureRow {
            dense: &self.dense[row_idx * self.n_dense..][..self.n_dense],
            idxs: &self.idxs[start..end],
            values: &self.values[start..end],
        }
    }

    /// The mean of each feature; zeros without rows.
    pub(crate) fn means(&self) -> Vec<f32> {
        let mut sums = vec![0.0; self.n_features];
        (0..self.n_rows).for_each(|i| self.row(i).iter().for_each(|(feature, v)| sums[feature] += f64::from(v)));
        sums.into_iter().map(|sum| (sum / self.n_rows.max(1) as f64) as f32).collect()
    }

    /// Replaces some dense features, from the one at `first` on. *Shape*: rows × features that are replaced.
    pub(crate) fn set_dense(&mut self, first: usize, values: &[f32]) {
        let width = values.len() / self.n_rows.max(1);
        for (row, values) in self.dense.chunks_exact_mut(self.n_dense).zip(values.chunks_exact(width)) {
            row[first..first + width].copy_from_slice(values);
        }
    }

    /// The rows at `row_idxs`, in that order. Panics if one does not exist.
    pub(crate) fn take(&self, row_idxs: &[usize]) -> FeatureMatrix {
        let mut taken = FeatureMatrix::new(self.n_dense, self.n_features);
        for &row_idx in row_idxs {
            let row = self.row(row_idx);
            taken.push_row(|dense, entries| {
                dense.copy_from_slice(row.dense);
                entries.idxs.extend_from_slice(row.idxs);
                entries.values.extend_from_slice(row.values);
            });
        }
        taken
    }

    pub(crate) fn write(&self, out: &mut Writer) {
        out.f32s(&self.dense);
        out.u32s(&self.row_lengths());
        out.u32s(&self.idxs);
        out.f32s(&self.values);
    }

    fn row_lengths(&self) -> Vec<u32> {
        (0..self.n_rows).map(|i| self.row(i).idxs.len() as u32).collect()
    }

    /// Reads a matrix of the given width and checks all that the rest of the crate relies on.
    pub(crate) fn read(from: &mut Reader<'_>, n_dense: usize, n_features: usize) -> Result<Self, FormatError> {
        let damaged = Err(FormatError::Damaged { what: "the stored rows contradict each other" });
        let dense = from.f32s()?;
        let lengths = from.u32s()?;
        let (idxs, values) = (from.u32s()?, from.f32s()?);
        let n_rows = lengths.len();
        let mut n_entries = 0usize;
        let ends: Vec<usize> = lengths
            .iter()
            .map(|&len| {
                n_entries = n_entries.saturating_add(len as usize);
                n_entries
            })
            .collect();
        if Some(dense.len()) != n_rows.checked_mul(n_dense) || n_entries != idxs.len() || values.len() != idxs.len() {
            return damaged;
        }
        let matrix = FeatureMatrix { n_rows, n_dense, n_features, dense, ends, idxs, values };
        let ascending = |i: usize| matrix.row(i).idxs.is_sorted_by(|a, b| a < b);
        let inside = |&idx: &u32| (n_dense..n_features).contains(&(idx as usize));
        if !matrix.idxs.iter().all(inside) || !(0..n_rows).all(ascending) {
            return damaged;
        }
        Ok(matrix)
    }
}

/// The sparse entries of the row that is being added.
pub(crate) struct SparseEntries {
    idxs: Vec<u32>,
    values: Vec<f32>,
}

impl SparseEntries {
    /// Adds an entry; its feature number must be above those of the row's other entries.
    pub(crate) fn push(&mut self, feature_idx: usize, value: f32) {
        self.idxs.push(feature_idx as u32);
        self.values.push(value);
    }

    /// How many entries there are, those of earlier rows included.
    pub(crate) fn len(&self) -> usize {
        self.values.len()
    }

    /// Multiplies the entries from `start` on.
    pub(crate) fn scale(&mut self, start: usize, factor: f32) {
        self.values[start..].iter_mut().for_each(|v| *v *= factor);
    }

    /// Scales the entries from `start` on to length one, if they have a length.
    pub(crate) fn normalise(&mut self, start: usize) {
        let squares: f64 = self.values[start..].iter().map(|&v| f64::from(v) * f64::from(v)).sum();
        if squares > 0.0 {
            let factor = (1.0 / squares.sqrt()) as f32;
            self.values[start..].iter_mut().for_each(|v| *v *= factor);
        }
    }
}
