//! The bins of all training rows, twice: by column, for partitioning, and by row, for histograms.

use rayon::prelude::*;

use super::FeatureBins;
use crate::Columns;

/// How many features a group of rows has: their bins take half a cache line.
pub(crate) const GROUP_WIDTH: usize = 32;

/// Rows that one task transposes.
const CHUNK_ROWS: usize = 4096;

/// The training rows as bins.
#[derive(Debug)]
pub(crate) struct BinnedRows {
    pub(crate) features: Vec<FeatureBins>,
    /// One per feature.
    pub(crate) columns: Vec<BinColumn>,
    /// The features that are not constant and have at most 256 bins, by row.
    pub(crate) groups: Vec<RowGroup>,
    /// The features with more.
    pub(crate) wide: Vec<u32>,
    /// Where the bins of each feature begin in a histogram of all: the groups' features first, then the wide ones.
    pub(crate) offsets: Vec<usize>,
    /// The bins of all features together; constant ones have none.
    pub(crate) n_bins: usize,
}

/// The bins of one feature.
#[derive(Debug)]
pub(crate) enum BinColumn {
    /// All rows are in one bin.
    Constant,
    Narrow(Vec<u8>),
    Wide(Vec<u16>),
}

/// The bins of up to [`GROUP_WIDTH`] features, row by row.
#[derive(Debug)]
pub(crate) struct RowGroup {
    pub(crate) features: Vec<u32>,
    /// `n_rows × GROUP_WIDTH`.
    pub(crate) bins: Vec<u8>,
}

impl BinnedRows {
    /// Learns the bins of each column and sorts all rows into them.
    pub(crate) fn learn(columns: &Columns<'_>, max_bins: usize) -> Self {
        let binned = |feature| {
            let bins = FeatureBins::learn(feature, max_bins);
            let column = BinColumn::assign(feature, &bins);
            (bins, column)
        };
        let (features, bin_columns): (Vec<_>, Vec<_>) = columns.features().par_iter().map(binned).unzip();
        let of_kind = |narrow: bool| {
            let is = move |column: &BinColumn| {
                matches!((column, narrow), (BinColumn::Narrow(_), true) | (BinColumn::Wide(_), false))
            };
            bin_columns.iter().enumerate().filter(move |(_, c)| is(c)).map(|(i, _)| i as u32).collect::<Vec<_>>()
        };
        let (narrow, wide) = (of_kind(true), of_kind(false));
        let groups =
            narrow.chunks(GROUP_WIDTH).map(|ids| RowGroup::transpose(ids, &bin_columns, columns.n_rows())).collect();
        let (mut offsets, mut n_bins) = (vec![0; features.len()], 0);
        for &feature in narrow.iter().chain(&wide) {
            offsets[feature as usize] = n_bins;
            n_bins += features[feature as usize].n_bins();
        }
        BinnedRows { features, columns: bin_columns, groups, wide, offsets, n_bins }
    }
}

impl BinColumn {
    fn assign(feature: &crate::Feature<'_>, bins: &FeatureBins) -> Self {
        let n_rows = feature.n_rows();
        if bins.is_constant() {
            return BinColumn::Constant;
        }
        if bins.n_bins() <= 256 {
            let mut column = vec![0u8; n_rows];
            bins.assign(feature, |i, bin| column[i] = bin as u8);
            BinColumn::Narrow(column)
        } else {
            let mut column = vec![0u16; n_rows];
            bins.assign(feature, |i, bin| column[i] = bin as u16);
            BinColumn::Wide(column)
        }
    }

    /// The bin of a row.
    #[inline]
    pub(crate) fn bin(&self, row_idx: usize) -> usize {
        match self {
            BinColumn::Constant => 0,
            BinColumn::Narrow(bins) => usize::from(bins[row_idx]),
            BinColumn::Wide(bins) => usize::from(bins[row_idx]),
        }
    }
}

impl RowGroup {
    fn transpose(features: &[u32], columns: &[BinColumn], n_rows: usize) -> Self {
        let mut bins = vec![0u8; n_rows * GROUP_WIDTH];
        bins.par_chunks_mut(CHUNK_ROWS * GROUP_WIDTH).enumerate().for_each(|(chunk_idx, chunk)| {
            let first = chunk_idx * CHUNK_ROWS;
            for (place, &feature) in features.iter().enumerate() {
                let BinColumn::Narrow(column) = &columns[feature as usize] else {
                    unreachable!("groups are of narrow columns")
                };
                for (row, &bin) in chunk.chunks_exact_mut(GROUP_WIDTH).zip(&column[first..]) {
                    row[place] = bin;
                }
            }
        });
        RowGroup { features: features.to_vec(), bins }
    }
}
