//! Why a row got its margin: exact Shapley values of trees, in polynomial time, and importances.
//!
//! Both kinds of [`Explainer`] rest on one observation. A leaf's path asks about a few features; whether a row keeps to
//! the path can be said with one bit per feature, and what the leaf contributes to each of them is a function of these
//! bits alone. So for many rows every leaf becomes a small table, and explaining a row is looking up its bits; for few
//! rows, or paths of many features, the same function is evaluated for each row. The numbers are the same either way.

mod bits;
mod game;
mod importance;
mod paths;
mod quadrature;
#[cfg(test)]
mod tests;

use rayon::prelude::*;

use crate::{Columns, Ensemble, Feature};
use bits::Decisions;
use game::{CoverGame, LeafGame, SampleGame, table};
pub use importance::Importance;
use paths::{LeafPath, TreePaths};
use quadrature::Quadratures;

/// Attributes margins to features by exact Shapley values (Lundberg et al. 2020, "From local explanations to global
/// understanding with explainable AI for trees").
///
/// The two kinds differ in what a tree answers when some features are unknown:
///
/// - [path-dependent](Self::path_dependent): each branch in proportion to the training rows that took it;
/// - [interventional](Self::interventional): the mean over background rows, each with the known features put in.
///
/// An explainer keeps what it needs of the model, so that one serves for many calls.
///
/// ```
/// use yw_trees::{Child, Columns, Ensemble, Explainer, Feature, FeatureInfo, Leaf, Link, Rule, Split, Tree};
///
/// let split = Split {
///     feature: 0,
///     rule: Rule::AtMost { threshold: 0.5, zero_is_missing: false },
///     missing_left: false,
///     left: Child::Leaf(0),
///     right: Child::Leaf(1),
///     gain: 1.0,
///     cover: 4.0,
///     n_rows: 4,
/// };
/// let leaves = vec![Leaf { value: 0.0, cover: 3.0, n_rows: 3 }, Leaf { value: 8.0, cover: 1.0, n_rows: 1 }];
/// let model = Ensemble {
///     features: vec![FeatureInfo { name: "x".into(), n_levels: None }],
///     base: vec![10.0],
///     trees: vec![Tree { splits: vec![split], leaves }],
///     link: Link::Identity,
/// };
/// let rows = Columns::new(1, vec![Feature::F64(&[1.0], None)]);
/// let why = Explainer::path_dependent(&model).explain(&rows)?;
/// assert_eq!(why.expected, [12.0]); // one row in four has 18, the others 10
/// assert!((why.row(0, 0)[0] - 6.0).abs() < 1e-12);
/// # Ok::<(), yw_trees::ExplainError>(())
/// ```
#[derive(Debug)]
pub struct Explainer {
    trees: Vec<TreePaths>,
    background: Background,
    n_features: usize,
    expected: Vec<f64>,
}

/// What each feature did to each margin.
#[derive(Debug, Clone, PartialEq)]
pub struct Contributions {
    /// How many rows there are.
    pub n_rows: usize,
    /// How many features there are.
    pub n_features: usize,
    /// How many margins a row has.
    pub n_outputs: usize,
    /// What the features add to the expected margin, in its units. Shape: `[n_rows][n_outputs][n_features]`.
    pub values: Vec<f64>,
    /// The margins of a row nothing is known about, one per output. With the contributions of a row they add up to its
    /// margins.
    pub expected: Vec<f64>,
}

/// Why rows cannot be explained.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ExplainError {
    /// Interventional explanations compare with background rows.
    #[error("there are no background rows to compare with")]
    NoBackground,
    /// Rows of another model.
    #[error("the rows have {found} features, and the model has {expected}")]
    Features {
        /// How many the model has.
        expected: usize,
        /// How many the rows have.
        found: usize,
    },
}

/// What unknown features are replaced by.
#[derive(Debug)]
enum Background {
    /// Each branch in proportion to its cover.
    Covers(Quadratures),
    /// These rows, each with the same probability: values by feature, as [`Columns::value`] has them.
    Rows(Vec<Vec<f64>>),
}

/// What a leaf contributes, for rows to come.
enum PreparedLeaf<G> {
    /// Looked up: as [`table`] makes it.
    Table(Vec<f64>),
    /// Worked out for each row.
    Game(G),
}

/// Rows that are explained together: as many as amortise reading a tree's tables, few enough for the sums of a tree to
/// stay in the cache.
const MAX_ROWS_PER_BLOCK: usize = 1024;

/// Paths of more features get no table: it would outgrow the cache.
const MAX_TABLE_FEATURES: usize = 12;

/// How many table entries are made before the next rows are explained with them: 8 MB, well in the last-level cache.
const MAX_TABLE_ENTRIES: usize = 1 << 20;

/// Trees without tables are made ready in batches too, so that memory does not grow with the model.
const MAX_TREES_PER_BATCH: usize = 64;

impl Explainer {
    /// Explains by the covers of the model's own nodes, as LightGBM's `pred_contrib` and `shap`'s `tree_path_dependent`.
    ///
    /// The cover of a node is its number of training rows (LightGBM's choice); in trees that do not know it, as those
    /// read from XGBoost, its sum of hessians. A split whose children both have no cover takes each for equally likely.
    pub fn path_dependent(ensemble: &Ensemble) -> Self {
        let trees = tree_paths(ensemble);
        let mut expected = ensemble.base.clone();
        for tree in &trees {
            expected[tree.output] += tree.leaves.iter().map(LeafPath::expected).sum::<f64>();
        }
        let longest = trees.iter().flat_map(|tree| &tree.leaves).map(|leaf| leaf.elements.len()).max();
        let background = Background::Covers(Quadratures::up_to(longest.unwrap_or(0)));
        Explainer { trees, background, n_features: ensemble.features.len(), expected }
    }

    /// Explains against background rows, as `shap`'s `interventional`: time grows with their number only for few rows
    /// at once or for paths of many features. A hundred to a thousand rows are usual.
    ///
    /// # Errors
    ///
    /// If there are no background rows, or they have not the model's features.
    pub fn interventional(ensemble: &Ensemble, background: &Columns<'_>) -> Result<Self, ExplainError> {
        let n_features = ensemble.features.len();
        check_features(n_features, background)?;
        let n_rows = background.n_rows();
        if n_rows == 0 {
            return Err(ExplainError::NoBackground);
        }
        let mut expected = vec![0.0; ensemble.n_outputs()];
        for row_idx in 0..n_rows {
            let margins = ensemble.margins(|feature| background.value(row_idx, feature as usize));
            expected.iter_mut().zip(margins).for_each(|(sum, margin)| *sum += margin / n_rows as f64);
        }
        let values = background.features().iter().map(|f| (0..n_rows).map(|row_idx| f.value(row_idx)).collect());
        let background = Background::Rows(values.collect());
        Ok(Explainer { trees: tree_paths(ensemble), background, n_features, expected })
    }

    /// What each feature did to the margins of each row. The same row has the same explanation to the last bit in every
    /// batch and with any number of threads.
    ///
    /// # Errors
    ///
    /// If the rows have not the model's features.
    pub fn explain(&self, rows: &Columns<'_>) -> Result<Contributions, ExplainError> {
        check_features(self.n_features, rows)?;
        let values = match &self.background {
            Background::Covers(quadratures) => self
                .contributions(rows, |tree| tree.leaves.iter().map(|leaf| CoverGame::new(leaf, quadratures)).collect()),
            Background::Rows(values) => {
                let n_rows = values.first().map_or(0, Vec::len);
                let background = Columns::new(n_rows, values.iter().map(|v| Feature::F64(v, None)).collect());
                self.contributions(rows, |tree| {
                    let mut decisions = Decisions::default();
                    decisions.decide(tree, &background, 0..n_rows);
                    tree.leaves.iter().map(|leaf| SampleGame::new(leaf, decisions.masks(leaf), n_rows)).collect()
                })
            }
        };
        let (n_rows, n_features, n_outputs) = (rows.n_rows(), self.n_features, self.expected.len());
        Ok(Contributions { n_rows, n_features, n_outputs, values, expected: self.expected.clone() })
    }

    /// [`Contributions::values`], with the games of a tree's leaves.
    fn contributions<'a, G: LeafGame>(
        &'a self,
        rows: &Columns<'_>,
        games: impl Fn(&'a TreePaths) -> Vec<G> + Sync,
    ) -> Vec<f64> {
        let n_rows = rows.n_rows();
        let row_width = self.expected.len() * self.n_features;
        let mut values = vec![0.0; n_rows * row_width];
        let n_blocks = n_rows.div_ceil(MAX_ROWS_PER_BLOCK).max(2 * rayon::current_num_threads());
        let rows_per_block = n_rows.div_ceil(n_blocks).max(1);

        let mut later = self.trees.as_slice();
        while !later.is_empty() && !values.is_empty() {
            let (batch, rest) = later.split_at(batch_len(later, n_rows));
            later = rest;
            let prepared: Vec<_> = batch.par_iter().map(|tree| prepare(tree, games(tree), n_rows)).collect();
            values.par_chunks_mut(rows_per_block * row_width).enumerate().for_each(|(block_idx, values)| {
                let mut block = Block::new(rows, block_idx * rows_per_block, values, row_width);
                for (tree, leaves) in batch.iter().zip(&prepared) {
                    block.add(tree, leaves, tree.output * self.n_features);
                }
            });
        }
        values
    }
}

/// Makes the leaves of a tree ready for so many rows.
fn prepare<G: LeafGame>(tree: &TreePaths, games: Vec<G>, n_rows: usize) -> Vec<PreparedLeaf<G>> {
    let mut entries_left = MAX_TABLE_ENTRIES;
    let prepare = |(leaf, game): (&LeafPath, G)| match table_entries(leaf, n_rows) {
        Some(n_entries) if n_entries <= entries_left => {
            entries_left -= n_entries;
            PreparedLeaf::Table(table(&game, leaf.elements.len()))
        }
        _ => PreparedLeaf::Game(game),
    };
    tree.leaves.iter().zip(games).map(prepare).collect()
}

impl Contributions {
    /// What the features did to one margin of a row, by feature. Panics if row or output do not exist.
    pub fn row(&self, row_idx: usize, output: usize) -> &[f64] {
        assert!(row_idx < self.n_rows && output < self.n_outputs, "row {row_idx} and output {output} exist");
        &self.values[(row_idx * self.n_outputs + output) * self.n_features..][..self.n_features]
    }

    /// How much each feature moves the margins of an output on average, up or down: the usual global importance. Panics
    /// if the output does not exist.
    pub fn mean_absolute(&self, output: usize) -> Vec<f64> {
        let mut means = vec![0.0; self.n_features];
        for row_idx in 0..self.n_rows {
            for (mean, value) in means.iter_mut().zip(self.row(row_idx, output)) {
                *mean += value.abs() / self.n_rows as f64;
            }
        }
        means
    }
}

/// Rows that are explained together, tree by tree.
struct Block<'a> {
    rows: &'a Columns<'a>,
    first_row: usize,
    n_rows: usize,
    row_width: usize,
    /// The contributions of these rows: their part of [`Contributions::values`].
    values: &'a mut [f64],
    decisions: Decisions,
    /// The contributions of one tree. Shape: `[feature of the tree][row]`.
    sums: Vec<f64>,
    /// The bits of one row for one leaf.
    mask: Vec<u16>,
    /// What follows from them.
    contributions: Vec<f64>,
}

impl<'a> Block<'a> {
    fn new(rows: &'a Columns<'a>, first_row: usize, values: &'a mut [f64], row_width: usize) -> Self {
        let n_rows = values.len() / row_width;
        let (decisions, sums, mask, contributions) = Default::default();
        Block { rows, first_row, n_rows, row_width, values, decisions, sums, mask, contributions }
    }

    /// Adds what a tree contributes to the output whose features start so far into a row.
    fn add(&mut self, tree: &TreePaths, leaves: &[PreparedLeaf<impl LeafGame>], output_start: usize) {
        let n_rows = self.n_rows;
        self.decisions.decide(tree, self.rows, self.first_row..self.first_row + n_rows);
        self.sums.clear();
        self.sums.resize(tree.features.len() * n_rows, 0.0);
        for (leaf, prepared) in tree.leaves.iter().zip(leaves) {
            match prepared {
                PreparedLeaf::Table(table) => self.look_up(leaf, table),
                PreparedLeaf::Game(game) => self.play(leaf, game),
            }
        }
        for (row_idx, row) in self.values.chunks_exact_mut(self.row_width).enumerate() {
            for (slot, &feature) in tree.features.iter().enumerate() {
                row[output_start + feature as usize] += self.sums[slot * n_rows + row_idx];
            }
        }
    }

    fn look_up(&mut self, leaf: &LeafPath, table: &[f64]) {
        let masks = self.decisions.masks(leaf);
        for (element, column) in leaf.elements.iter().zip(table.chunks_exact(1 << leaf.elements.len())) {
            let sums = &mut self.sums[element.slot * self.n_rows..][..self.n_rows];
            for (sum, &mask) in sums.iter_mut().zip(masks) {
                *sum += column[usize::from(mask) & (column.len() - 1)];
            }
        }
    }

    fn play(&mut self, leaf: &LeafPath, game: &impl LeafGame) {
        let masks = self.decisions.masks(leaf);
        self.mask.resize(leaf.n_mask_words(), 0);
        self.contributions.resize(leaf.elements.len(), 0.0);
        for row_idx in 0..self.n_rows {
            self.mask.iter_mut().enumerate().for_each(|(idx, word)| *word = masks[idx * self.n_rows + row_idx]);
            game.contributions(&self.mask, &mut self.contributions);
            for (element, contribution) in leaf.elements.iter().zip(&self.contributions) {
                self.sums[element.slot * self.n_rows + row_idx] += contribution;
            }
        }
    }
}

fn tree_paths(ensemble: &Ensemble) -> Vec<TreePaths> {
    let n_outputs = ensemble.n_outputs();
    ensemble.trees.par_iter().enumerate().map(|(idx, tree)| TreePaths::new(tree, idx % n_outputs)).collect()
}

fn check_features(expected: usize, rows: &Columns<'_>) -> Result<(), ExplainError> {
    let found = rows.n_features();
    if found == expected { Ok(()) } else { Err(ExplainError::Features { expected, found }) }
}

/// How many entries the table of a leaf has; none if making it costs more than it saves.
fn table_entries(leaf: &LeafPath, n_rows: usize) -> Option<usize> {
    let n_elements = leaf.elements.len();
    (n_elements <= MAX_TABLE_FEATURES && n_rows >= 2 << n_elements).then(|| n_elements << n_elements)
}

/// How many of the trees, at least one, have tables that fit into the cache together.
fn batch_len(trees: &[TreePaths], n_rows: usize) -> usize {
    let mut n_entries = 0;
    let fits = |tree: &&TreePaths| {
        n_entries += tree.leaves.iter().filter_map(|leaf| table_entries(leaf, n_rows)).sum::<usize>();
        n_entries <= MAX_TABLE_ENTRIES
    };
    trees.iter().take(MAX_TREES_PER_BATCH).take_while(fits).count().max(1)
}
