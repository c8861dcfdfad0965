//! Sums of gradients by feature and bin.

use std::sync::Mutex;

use rayon::prelude::*;
use yw_kernels::{GROUP_WIDTH, GradientRow, NARROW_BINS};

use crate::bins::{BinColumn, BinnedRows, RowGroup};

/// Leaves with more rows are worked on by several threads.
const PARALLEL_ROWS: usize = 32_768;

/// One sum per bin of every feature, at the [offsets](BinnedRows::offsets) of the binned rows; see [`yw_kernels::unpack`].
pub(crate) type Histogram = Vec<i64>;

/// Makes histograms for the leaves of one tree.
pub(crate) struct Histograms<'a> {
    binned: &'a BinnedRows,
    /// Which features the tree may use.
    used: &'a [bool],
    narrow_rows: Option<usize>,
    /// Those that were given back; allocating and clearing pages costs more than filling them.
    pool: Mutex<Vec<Histogram>>,
}

impl<'a> Histograms<'a> {
    pub(crate) fn new(
        binned: &'a BinnedRows,
        used: &'a [bool],
        narrow_rows: Option<usize>,
        pool: Vec<Histogram>,
    ) -> Self {
        Histograms { binned, used, narrow_rows, pool: Mutex::new(pool) }
    }

    /// The histogram of some rows.
    pub(crate) fn build(&self, rows: &[GradientRow]) -> Histogram {
        let mut histogram = self.take();
        histogram.fill(0);
        let mut rest = &mut histogram[..];
        let mut tasks = Vec::with_capacity(self.binned.groups.len());
        for group in &self.binned.groups {
            let n_bins = group.features.iter().map(|&f| self.n_bins(f)).sum();
            let (own, after) = rest.split_at_mut(n_bins);
            tasks.push((group, own));
            rest = after;
        }
        let n_updates = rows.len() * self.binned.groups.len();
        if tasks.len() > 1 && n_updates > PARALLEL_ROWS {
            tasks.into_par_iter().for_each(|(group, own)| self.add_group(group, rows, own));
        } else {
            tasks.into_iter().for_each(|(group, own)| self.add_group(group, rows, own));
        }
        for &feature in &self.binned.wide {
            let (own, after) = rest.split_at_mut(self.n_bins(feature));
            self.add_feature(feature, rows, own);
            rest = after;
        }
        histogram
    }

    /// Turns the histogram of a leaf into that of one of its children, given that of the other.
    pub(crate) fn subtract(parent: &mut Histogram, child: &Histogram) {
        for (sum, part) in parent.iter_mut().zip(child) {
            *sum = sum.wrapping_sub(*part);
        }
    }

    /// Takes back a histogram that is no longer needed.
    pub(crate) fn give_back(&self, histogram: Histogram) {
        self.pool.lock().unwrap_or_else(|e| e.into_inner()).push(histogram);
    }

    /// The histograms that were given back, for the next tree.
    pub(crate) fn into_pool(self) -> Vec<Histogram> {
        self.pool.into_inner().unwrap_or_else(|e| e.into_inner())
    }

    fn take(&self) -> Histogram {
        let pooled = self.pool.lock().unwrap_or_else(|e| e.into_inner()).pop();
        pooled.unwrap_or_else(|| vec![0; self.binned.n_bins])
    }

    fn n_bins(&self, feature: u32) -> usize {
        self.binned.features[feature as usize].n_bins()
    }

    fn add_group(&self, group: &RowGroup, rows: &[GradientRow], out: &mut [i64]) {
        let n_used = group.features.iter().filter(|&&f| self.used[f as usize]).count();
        if n_used * 2 < group.features.len() {
            let mut rest = out;
            for &feature in &group.features {
                let (own, after) = rest.split_at_mut(self.n_bins(feature));
                self.add_feature(feature, rows, own);
                rest = after;
            }
        } else if rows.len() <= PARALLEL_ROWS {
            self.add_rows(group, rows, out);
        } else {
            let n_bins = out.len();
            let part = |rows: &[GradientRow]| {
                let mut part = vec![0; n_bins];
                self.add_rows(group, rows, &mut part);
                part
            };
            let add = |mut a: Histogram, b: Histogram| {
                a.iter_mut().zip(&b).for_each(|(a, b)| *a = a.wrapping_add(*b));
                a
            };
            let sum = rows.par_chunks(PARALLEL_ROWS / 2).map(part).reduce(|| vec![0; n_bins], add);
            out.copy_from_slice(&sum);
        }
    }

    /// Adds rows to the bins of all features of a group, row by row.
    fn add_rows(&self, group: &RowGroup, rows: &[GradientRow], out: &mut [i64]) {
        let n_features = group.features.len();
        match self.narrow_rows {
            Some(block_rows) => {
                let mut narrow = vec![0u32; n_features.next_multiple_of(4) * NARROW_BINS];
                for block in rows.chunks(block_rows) {
                    yw_kernels::add_narrow(block, &group.bins, n_features, &mut narrow);
                    self.each_feature(group, out, |place, own| {
                        yw_kernels::flush(&mut narrow[place * NARROW_BINS..], own)
                    });
                }
            }
            None => {
                let mut wide = vec![0i64; n_features.next_multiple_of(4) * NARROW_BINS];
                yw_kernels::add_wide(rows, &group.bins, n_features, &mut wide);
                self.each_feature(group, out, |place, own| {
                    for (sum, &part) in own.iter_mut().zip(&wide[place * NARROW_BINS..]) {
                        *sum = sum.wrapping_add(part);
                    }
                });
            }
        }
    }

    /// Calls `add` with each feature's place in the group and its bins.
    fn each_feature(&self, group: &RowGroup, out: &mut [i64], mut add: impl FnMut(usize, &mut [i64])) {
        let mut rest = out;
        for (place, &feature) in group.features.iter().enumerate() {
            let (own, after) = rest.split_at_mut(self.n_bins(feature));
            add(place, own);
            rest = after;
        }
    }

    /// Adds rows to the bins of one feature, by its column.
    fn add_feature(&self, feature: u32, rows: &[GradientRow], out: &mut [i64]) {
        if !self.used[feature as usize] {
            return;
        }
        match &self.binned.columns[feature as usize] {
            BinColumn::Constant => {}
            BinColumn::Narrow(column) => yw_kernels::add_column(rows, column, out),
            BinColumn::Wide(column) => yw_kernels::add_column(rows, column, out),
        }
    }
}

const _: () = assert!(GROUP_WIDTH == crate::bins::GROUP_WIDTH);
