//! Finding the training rows that are most similar to a row.

use yw_kernels::axpy;
use yw_task::Rows;

use super::params::Distance;
use crate::bytes::{Reader, Writer};
use crate::featurize::{FeatureMatrix, FeatureRow, Featurizer, SparseColumns};
use crate::parallel::map_chunks;
use crate::{FeaturizerParams, FitError, FormatError};

/// Rows that one thread looks up at a time.
const CHUNK_ROWS: usize = 32;

/// Training rows that can be searched for those most similar to another row.
#[derive(Debug, Clone, PartialEq)]
pub struct NearestRows {
    pub(super) featurizer: Featurizer,
    features: FeatureMatrix,
    /// The sparse features, so that a row is only compared with those it shares something with.
    columns: SparseColumns,
    /// The dense features column by column.
    dense_columns: Vec<f32>,
    squared_norms: Vec<f32>,
}

/// A training row near some row.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Neighbour {
    pub(super) row_idx: usize,
    /// Squared, for the Euclidean distance.
    pub(super) distance: f32,
}

impl NearestRows {
    /// Learns the features of training rows and indexes the rows. If there are texts, they alone say what is similar.
    ///
    /// *Errors*: [`FitError::NoRows`], [`FitError::Parameter`].
    pub fn fit(rows: &Rows, params: &FeaturizerParams) -> Result<Self, FitError> {
        if rows.n_rows() == 0 {
            return Err(FitError::NoRows);
        }
        let featurizer = Featurizer::fit(rows, params)?;
        // Without answers to learn from, nobody can say how much a column counts beside a text, and the text is what people
        // mean by similar.
        let scale = if featurizer.mixes_texts_and_columns() { 0.0 } else { 1.0 };
        Ok(NearestRows::of(featurizer.with_column_scale(scale), rows))
    }

    /// An index of `rows` by features that were learned from them.
    pub(super) fn of(featurizer: Featurizer, rows: &Rows) -> Self {
        let features = featurizer.transform(rows);
        NearestRows::new(featurizer, features)
    }

    fn new(featurizer: Featurizer, features: FeatureMatrix) -> Self {
        let (n_rows, n_dense) = (features.n_rows(), features.n_dense());
        let mut dense_columns = vec![0.0; n_rows * n_dense];
        let mut squared_norms = Vec::with_capacity(n_rows);
        for row_idx in 0..n_rows {
            let row = features.row(row_idx);
            row.dense.iter().enumerate().for_each(|(i, value)| dense_columns[i * n_rows + row_idx] = *value);
            squared_norms.push(squared_norm(row));
        }
        let columns = SparseColumns::new(&features);
        NearestRows { featurizer, features, columns, dense_columns, squared_norms }
    }

    /// For each row the indices of the `k` training rows with the smallest Euclidean distance between features, nearest
    /// first; of equally near ones the earlier first. Fewer than `k` if there are fewer training rows.
    ///
    /// Panics if the rows do not have the fields of the training rows.
    pub fn nearest(&self, rows: &Rows, k: usize) -> Vec<Vec<usize>> {
        let neighbours = self.neighbours(rows, k, Distance::Euclidean);
        neighbours.into_iter().map(|near| near.into_iter().map(|n| n.row_idx).collect()).collect()
    }

    /// How many training rows there are.
    pub fn n_rows(&self) -> usize {
        self.features.n_rows()
    }

    /// The same with distances.
    pub(super) fn neighbours(&self, rows: &Rows, k: usize, distance: Distance) -> Vec<Vec<Neighbour>> {
        self.featurizer.check_fields(rows);
        let chunks = map_chunks(rows.n_rows(), CHUNK_ROWS, |range| {
            let queries = self.featurizer.transform_range(rows, range);
            let mut products = vec![0.0; self.n_rows()];
            (0..queries.n_rows())
                .map(|i| self.neighbours_of(queries.row(i), k, distance, &mut products))
                .collect::<Vec<_>>()
        });
        chunks.into_iter().flatten().collect()
    }

    fn neighbours_of(
        &self,
        query: FeatureRow<'_>,
        k: usize,
        distance: Distance,
        products: &mut [f32],
    ) -> Vec<Neighbour> {
        let (n_rows, n_dense) = (self.n_rows(), self.features.n_dense());
        products.fill(0.0);
        for (&value, column) in query.dense.iter().zip(self.dense_columns.chunks_exact(n_rows)) {
            axpy(value, column, products);
        }
        for (&idx, &value) in query.idxs.iter().zip(query.values) {
            let (row_idxs, values) = self.columns.column(idx as usize - n_dense);
            for (&row_idx, entry) in row_idxs.iter().zip(values) {
                products[row_idx as usize] += value * entry;
            }
        }
        let query_square = squared_norm(query);
        let mut nearest = Nearest::new(k);
        for (row_idx, (&product, &square)) in products.iter().zip(&self.squared_norms).enumerate() {
            let distance = match distance {
                Distance::Euclidean => (query_square + square - 2.0 * product).max(0.0),
                Distance::Cosine => {
                    let norms = (query_square * square).sqrt();
                    if norms > 0.0 { (1.0 - product / norms).max(0.0) } else { 1.0 }
                }
            };
            nearest.offer(Neighbour { row_idx, distance });
        }
        nearest.found
    }

    pub(super) fn write(&self, out: &mut Writer) {
        self.featurizer.write(out);
        self.features.write(out);
    }

    pub(super) fn read(from: &mut Reader<'_>, featurizer: Featurizer) -> Result<Self, FormatError> {
        let features = FeatureMatrix::read(from, featurizer.n_dense(), featurizer.n_features())?;
        if features.n_rows() == 0 {
            return Err(FormatError::Damaged { what: "there are no rows to be near to" });
        }
        Ok(NearestRows::new(featurizer, features))
    }
}

fn squared_norm(row: FeatureRow<'_>) -> f32 {
    row.dense.iter().chain(row.values).map(|v| v * v).sum()
}

/// The nearest rows seen so far, nearest first.
struct Nearest {
    k: usize,
    found: Vec<Neighbour>,
}

impl Nearest {
    fn new(k: usize) -> Self {
        Nearest { k, found: Vec::new() }
    }

    /// Rows must come in ascending order, so that of equally near ones the first stays first.
    fn offer(&mut self, candidate: Neighbour) {
        if self.found.len() == self.k {
            match self.found.last() {
                Some(last) if candidate.distance.total_cmp(&last.distance).is_lt() => self.found.pop(),
                _ => return,
            };
        }
        let place = self.found.partition_point(|n| n.distance.total_cmp(&candidate.distance).is_le());
        self.found.insert(place, candidate);
    }
}
