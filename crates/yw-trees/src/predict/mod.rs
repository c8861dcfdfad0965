//! Answers for many rows at once, and for single ones quickly.
//!
//! An ensemble is compiled: the thresholds that its trees use are numbered, each row's values are turned into such numbers
//! once, and trees compare small integers. Missing values, and the levels of categories, become numbers that fall on the
//! right side of each threshold, so that every node is one comparison.
//!
//! Blocks of rows ask all nodes of a small tree at once ([`yw_kernels::leaves_of_block`]); single rows, and rows in front of
//! large trees, are walked through it, eight side by side ([`yw_kernels::WalkNodes`]).

mod block;
mod compile;

use std::ops::Range;

use rayon::prelude::*;
use yw_kernels::{WALK_LANES, WalkNodes};

use self::block::BlockTrees;

use crate::search::Thresholds;
use crate::{Columns, Ensemble, Feature, LevelSet, Link};

/// Rows that see all trees before the next rows do: their numbers stay in the first level of the cache.
const BLOCK_ROWS: usize = yw_kernels::MASK_ROWS;

/// An ensemble that is ready to answer.
#[derive(Debug, Clone)]
pub struct CompiledEnsemble {
    n_features: usize,
    link: Link,
    base: Vec<f64>,
    columns: Vec<WalkColumn>,
    nodes: WalkNodes,
    /// What ending at a node adds; zero for inner ones.
    values: Vec<f64>,
    trees: Vec<WalkTree>,
    /// For whole blocks; none where trees or numbers are too large.
    block_trees: Option<BlockTrees>,
    /// What could not be compiled answers itself.
    uncompiled: Option<Ensemble>,
}

#[derive(Debug, Clone, Copy)]
struct WalkTree {
    root: u32,
    depth: u32,
}

/// How the values of a feature become numbers.
#[derive(Debug, Clone, PartialEq)]
struct WalkColumn {
    feature: usize,
    missing_left: bool,
    kind: ColumnKind,
}

#[derive(Debug, Clone, PartialEq)]
enum ColumnKind {
    /// One more than the thresholds below a value.
    Number { thresholds: Thresholds, zero_is_missing: bool },
    /// 1 for levels of the set, 2 for all others.
    Levels(LevelSet),
}

/// The number of a missing value where it goes left; it is below every other.
const LEFTMOST: u16 = 0;
/// The number of a missing value where it goes right.
const RIGHTMOST: u16 = u16::MAX;

impl CompiledEnsemble {
    /// The margins of rows, row by row: `n_rows × n_outputs`. Bit for bit those of [`Ensemble::margins`].
    ///
    /// Panics if the rows do not have the ensemble's columns.
    pub fn margins(&self, rows: &Columns<'_>) -> Vec<f64> {
        assert_eq!(rows.n_features(), self.n_features, "rows must have the columns of the training rows");
        let n_outputs = self.base.len();
        let mut margins = vec![0.0; rows.n_rows() * n_outputs];
        let block = |(block_idx, margins): (usize, &mut [f64])| {
            let first = block_idx * BLOCK_ROWS;
            margins.chunks_mut(n_outputs).for_each(|row| row.copy_from_slice(&self.base));
            if let Some(ensemble) = &self.uncompiled {
                let each = margins.chunks_mut(n_outputs).enumerate();
                return each.for_each(|(row, margins)| {
                    margins.copy_from_slice(&ensemble.margins(|f| rows.value(first + row, f as usize)));
                });
            }
            match &self.block_trees {
                Some(trees) if margins.len() >= WALK_LANES * n_outputs => {
                    trees.add_to(&self.columns, rows, first, margins, n_outputs);
                }
                _ => self.walk(rows, first, margins),
            }
        };
        if rows.n_rows() <= BLOCK_ROWS {
            block((0, &mut margins));
        } else {
            margins.par_chunks_mut(BLOCK_ROWS * n_outputs).enumerate().for_each(block);
        }
        margins
    }

    /// Predictions of rows, in the shape of [`margins`](Self::margins): numbers, or probabilities.
    pub fn predict(&self, rows: &Columns<'_>) -> Vec<f64> {
        let mut margins = self.margins(rows);
        margins.chunks_mut(self.base.len()).for_each(|row| self.link.apply(row));
        margins
    }

    /// How many outputs a row has.
    pub fn n_outputs(&self) -> usize {
        self.base.len()
    }

    /// Walks the rows from `first` on through all trees, in the order of the trees.
    fn walk(&self, rows: &Columns<'_>, first: usize, margins: &mut [f64]) {
        let (n_outputs, n_columns) = (self.base.len(), self.columns.len());
        let n_rows = margins.len() / n_outputs;
        let mut bins = vec![0; n_rows * n_columns];
        for (place, column) in self.columns.iter().enumerate() {
            column.number(rows, first..first + n_rows, |row, number| bins[row * n_columns + place] = number);
        }
        if n_rows < WALK_LANES {
            let each = margins.chunks_mut(n_outputs).enumerate();
            return each.for_each(|(row, margins)| self.walk_one(row, &bins, margins));
        }
        for (i, tree) in self.trees.iter().enumerate() {
            let output = i % n_outputs;
            // The last lanes overlap those before them, and are counted once.
            for start in (0..n_rows).step_by(WALK_LANES) {
                let first = start.min(n_rows - WALK_LANES);
                let rows = std::array::from_fn(|lane| first + lane);
                let ends = self.nodes.walk([tree.root; WALK_LANES], &bins, rows, tree.depth as usize);
                for (row, end) in rows.iter().zip(ends).skip(start - first) {
                    margins[row * n_outputs + output] += self.values[end as usize];
                }
            }
        }
    }

    /// Walks one row through several trees at a time.
    fn walk_one(&self, row: usize, bins: &[u16], margins: &mut [f64]) {
        let n_outputs = margins.len();
        for (chunk_idx, chunk) in self.trees.chunks(WALK_LANES).enumerate() {
            let roots = std::array::from_fn(|lane| chunk.get(lane).map_or(chunk[0].root, |tree| tree.root));
            let depth = chunk.iter().map(|tree| tree.depth).max().unwrap_or(0);
            let ends = self.nodes.walk(roots, bins, [row; WALK_LANES], depth as usize);
            for (lane, &end) in ends[..chunk.len()].iter().enumerate() {
                margins[(chunk_idx * WALK_LANES + lane) % n_outputs] += self.values[end as usize];
            }
        }
    }
}

impl WalkColumn {
    /// Calls `put` with the number of each row's value.
    fn number(&self, rows: &Columns<'_>, range: Range<usize>, mut put: impl FnMut(usize, u16)) {
        let feature = &rows.features()[self.feature];
        let missing = if self.missing_left { LEFTMOST } else { RIGHTMOST };
        match &self.kind {
            ColumnKind::Number { thresholds, zero_is_missing } => {
                let put = |row: usize, below: Option<u32>| put(row, below.map_or(missing, |below| below as u16 + 1));
                match feature {
                    _ if *zero_is_missing => {
                        let value = |row| Some(feature.value(row)).filter(|v| v.abs() > crate::tree::ZERO_THRESHOLD);
                        thresholds.place(range.map(|row| value(row).unwrap_or(f64::NAN)), put);
                    }
                    Feature::F64(values, None) => thresholds.place(values[range].iter().copied(), put),
                    Feature::F32(values, None) => thresholds.place(values[range].iter().map(|&v| f64::from(v)), put),
                    _ => thresholds.place(range.map(|row| feature.value(row)), put),
                }
            }
            ColumnKind::Levels(set) => {
                for (i, row) in range.enumerate() {
                    let value = feature.value(row);
                    put(i, if value.is_nan() { missing } else { 2 - u16::from(set.contains_value(value)) });
                }
            }
        }
    }
}

impl Ensemble {
    /// The predictions of rows, row by row: `n_rows × n_outputs`. Who predicts often compiles once: [`CompiledEnsemble`].
    pub fn predict(&self, rows: &Columns<'_>) -> Vec<f64> {
        CompiledEnsemble::new(self).predict(rows)
    }
}
