//! Products of the feature matrix, with an intercept, and of its transpose.

use std::ops::Range;

use yw_kernels::{add_weighted_rows, padded_lanes};

use super::weights::Weights;
use crate::featurize::{FeatureMatrix, SparseColumns};
use crate::parallel::{few_chunks, map_chunks};

/// Fewest rows that one thread takes at a time.
const CHUNK_ROWS: usize = 1024;

/// Entries of the sparse block that one thread takes at a time, about.
const CHUNK_ENTRIES: usize = 1 << 15;

/// A feature matrix, row by row and column by column.
///
/// Parameters are `n_features + 1` rows, the intercept's last, of `n_outputs` values. With one output everything is
/// computed in double precision; with more, the wide products are in single precision and vectorised.
pub(super) struct Design<'a> {
    features: &'a FeatureMatrix,
    columns: SparseColumns,
    /// Consecutive ranges of columns of about [`CHUNK_ENTRIES`] entries.
    column_ranges: Vec<Range<usize>>,
}

impl<'a> Design<'a> {
    pub(super) fn new(features: &'a FeatureMatrix) -> Self {
        let columns = SparseColumns::new(features);
        let column_ranges = ranges(&columns);
        Design { features, columns, column_ranges }
    }

    /// `X · parameters`: `n_rows` × `n_outputs`.
    pub(super) fn times(&self, parameters: &[f64], n_outputs: usize) -> Vec<f64> {
        let n_rows = self.features.n_rows();
        let chunk_len = few_chunks(n_rows, CHUNK_ROWS);
        if n_outputs == 1 {
            let intercept = parameters[self.features.n_features()];
            let score = |row_idx| {
                let row = self.features.row(row_idx);
                row.iter().map(|(idx, value)| f64::from(value) * parameters[idx]).sum::<f64>() + intercept
            };
            return map_chunks(n_rows, chunk_len, |rows| rows.map(score).collect::<Vec<f64>>()).concat();
        }
        let weights = Weights::new(parameters.iter().map(|&p| p as f32), n_outputs, self.features.n_dense());
        let chunks = map_chunks(n_rows, chunk_len, |rows| {
            let mut lanes = Vec::new();
            let mut scores = Vec::with_capacity(rows.len() * n_outputs);
            for row_idx in rows {
                scores.extend(weights.scores(self.features.row(row_idx), &mut lanes).iter().map(|&s| f64::from(s)));
            }
            scores
        });
        chunks.concat()
    }

    /// `Xᵀ · residuals`: `n_features + 1` × `n_outputs`.
    pub(super) fn transposed_times(&self, residuals: &[f64], n_outputs: usize) -> Vec<f64> {
        self.transposed_times_of(residuals, n_outputs, |entry| entry)
    }

    /// The same with every entry of `X` squared.
    pub(super) fn transposed_squares_times(&self, residuals: &[f64], n_outputs: usize) -> Vec<f64> {
        self.transposed_times_of(residuals, n_outputs, |entry| entry * entry)
    }

    fn transposed_times_of(&self, residuals: &[f64], n_outputs: usize, entry: fn(f32) -> f32) -> Vec<f64> {
        let (mut products, intercepts) = self.dense_products(residuals, n_outputs, entry);
        if n_outputs == 1 {
            let of_column = |column_idx| {
                let (row_idxs, values) = self.columns.column(column_idx);
                let pairs = row_idxs.iter().zip(values);
                pairs.map(|(&i, &value)| f64::from(entry(value)) * residuals[i as usize]).sum::<f64>()
            };
            let work =
                |range: Range<usize>| self.column_ranges[range.start].clone().map(of_column).collect::<Vec<f64>>();
            products.extend(map_chunks(self.column_ranges.len(), 1, work).concat());
        } else {
            products.extend(self.sparse_products(residuals, n_outputs, entry));
        }
        products.extend(intercepts);
        products
    }

    /// Those of the dense features, and those of the intercept: sums over chunks of rows, added in order.
    fn dense_products(&self, residuals: &[f64], n_outputs: usize, entry: fn(f32) -> f32) -> (Vec<f64>, Vec<f64>) {
        let (n_rows, n_dense) = (self.features.n_rows(), self.features.n_dense());
        let partial_sums = map_chunks(n_rows, few_chunks(n_rows, CHUNK_ROWS), |rows| {
            let mut sums = vec![0.0; (n_dense + 1) * n_outputs];
            for row_idx in rows {
                let residual = &residuals[row_idx * n_outputs..][..n_outputs];
                let dense = self.features.row(row_idx).dense.iter().copied();
                for (value, sum) in dense.map(entry).chain([1.0]).zip(sums.chunks_exact_mut(n_outputs)) {
                    add_scaled(f64::from(value), residual, sum);
                }
            }
            sums
        });
        let mut sums = vec![0.0; (n_dense + 1) * n_outputs];
        partial_sums.iter().for_each(|part| add_scaled(1.0, part, &mut sums));
        let intercepts = sums.split_off(n_dense * n_outputs);
        (sums, intercepts)
    }

    /// Those of the sparse features: each sums the residuals of the rows that have it.
    fn sparse_products(&self, residuals: &[f64], n_outputs: usize, entry: fn(f32) -> f32) -> Vec<f64> {
        let n_lanes = padded_lanes(n_outputs);
        let mut padded = vec![0.0f32; self.features.n_rows() * n_lanes];
        for (lanes, residual) in padded.chunks_exact_mut(n_lanes).zip(residuals.chunks_exact(n_outputs)) {
            lanes.iter_mut().zip(residual).for_each(|(lane, r)| *lane = *r as f32);
        }
        let chunks = map_chunks(self.column_ranges.len(), 1, |range| {
            let columns = self.column_ranges[range.start].clone();
            let mut products = Vec::with_capacity(columns.len() * n_outputs);
            for column_idx in columns {
                let (row_idxs, values) = self.columns.column(column_idx);
                let values: Vec<f32> = values.iter().copied().map(entry).collect();
                let mut lanes = vec![0.0; n_lanes];
                add_weighted_rows(row_idxs, &values, &padded, &mut lanes);
                products.extend(lanes[..n_outputs].iter().map(|&lane| f64::from(lane)));
            }
            products
        });
        chunks.concat()
    }
}

/// Consecutive ranges of columns with about [`CHUNK_ENTRIES`] entries each.
fn ranges(columns: &SparseColumns) -> Vec<Range<usize>> {
    let mut ranges = Vec::new();
    let (mut first, mut first_entry) = (0, 0);
    for column_idx in 0..columns.n_columns() {
        let end = columns.end(column_idx);
        if end - first_entry >= CHUNK_ENTRIES || column_idx + 1 == columns.n_columns() {
            ranges.push(first..column_idx + 1);
            (first, first_entry) = (column_idx + 1, end);
        }
    }
    ranges
}

fn add_scaled(factor: f64, x: &[f64], y: &mut [f64]) {
    for (y, x) in y.iter_mut().zip(x) {
        *y += factor * x;
    }
}
