//! The rounds of boosting, and of bagging.

use std::sync::Arc;

use rayon::prelude::*;
use yw_kernels::GradientRow;

use crate::bins::BinnedRows;
use crate::fit::LabelledColumns;
use crate::grow::{Grower, GrownLeaf, Histogram, Levels, MIN_COARSE_ROWS, Penalty, Sums, fraction_of, quantize};
use crate::objective::{Gradient, Loss, loss_of, shares_of, weighted_quantile};
use crate::random::{Random, Use};
use crate::sample::sample;
use crate::{Columns, Ensemble, Feature, FeatureInfo, FitError, Mode, Monotone, Target, Tree, TreesParams};

/// Bins of values that leave room for rare levels and missing values in two bytes.
const MAX_BINS: usize = u16::MAX as usize - 1;

/// Rows that one task updates.
const CHUNK_ROWS: usize = 16_384;

/// An ensemble that grows.
pub(crate) struct Boosting<'a> {
    params: &'a TreesParams,
    loss: Box<dyn Loss>,
    columns: &'a Columns<'a>,
    target: Target<'a>,
    binned: BinnedRows,
    /// The rows with a weight, if some have none.
    weighted_rows: Option<Arc<[u32]>>,
    /// Output-major.
    margins: Vec<f64>,
    gradients: Vec<Gradient>,
    shared: Vec<f64>,
    levels: Levels,
    ensemble: Ensemble,
    /// The rounds that were there before the first one here.
    n_start_rounds: usize,
    pool: Vec<Histogram>,
}

impl<'a> Boosting<'a> {
    pub(crate) fn new(
        train: &'a LabelledColumns<'a>,
        start: Option<&Ensemble>,
        params: &'a TreesParams,
    ) -> Result<Self, FitError> {
        let (columns, target) = (&train.columns, train.target);
        let loss =
            if params.mode == Mode::Boosting { loss_of(&params.objective)? } else { shares_of(&params.objective)? };
        let n_rows = columns.n_rows();
        check_labels(train, &*loss)?;
        let features = columns.features().iter().enumerate().map(info).collect::<Result<Vec<_>, _>>()?;
        let ensemble = match start {
            Some(start) => continued(start, features, &*loss, params.mode)?,
            None => Ensemble { features, base: loss.base(&target), trees: Vec::new(), link: loss.link() },
        };
        check_monotone(params, columns)?;
        let margins = margins_of(&ensemble, columns);
        let coarse = params.quantized && n_rows >= MIN_COARSE_ROWS;
        let weightless = target.weights.is_some_and(|w| w.contains(&0.0));
        Ok(Boosting {
            params,
            binned: BinnedRows::learn(columns, params.max_bins.min(MAX_BINS)),
            weighted_rows: weightless
                .then(|| (0..n_rows as u32).filter(|&i| target.weight(i as usize) > 0.0).collect()),
            levels: Levels::new(coarse, n_rows)?,
            gradients: vec![Gradient::default(); n_rows],
            shared: Vec::new(),
            margins,
            n_start_rounds: ensemble.n_rounds(),
            ensemble,
            loss,
            columns,
            target,
            pool: Vec::new(),
        })
    }

    pub(crate) fn loss(&self) -> &dyn Loss {
        &*self.loss
    }

    pub(crate) fn ensemble(&self) -> &Ensemble {
        &self.ensemble
    }

    /// Grows one tree per output.
    pub(crate) fn round(&mut self) -> Result<(), FitError> {
        self.loss.start_round(&self.margins, &mut self.shared);
        let round = self.ensemble.n_rounds();
        for output in 0..self.loss.n_outputs() {
            self.loss.gradients(&self.target, &self.margins, &self.shared, output, &mut self.gradients);
            let tree_idx = self.ensemble.trees.len();
            let sample = sample(self.params, &mut self.gradients, self.weighted_rows.as_ref(), (round, tree_idx));
            self.grow_tree(output, sample.as_deref(), tree_idx);
        }
        Ok(())
    }

    fn grow_tree(&mut self, output: usize, sample: Option<&[u32]>, tree_idx: usize) {
        let seed = Random::new(self.params.seed, Use::Rounding, tree_idx).next_u64();
        let (mut rows, steps) = quantize(&self.gradients, sample, self.levels, seed);
        let mut scratch = vec![GradientRow::default(); rows.len()];
        let grower = Grower {
            params: self.params,
            binned: &self.binned,
            steps,
            features: self.tree_features(tree_idx),
            random_thresholds: self.params.mode == Mode::ExtraTrees,
            seed: seed ^ 1,
        };
        let grown = grower.grow(&mut rows, &mut scratch, &mut self.pool);
        let mut tree = grown.tree;
        let n_rows = self.target.values.len();
        let margins = &mut self.margins[output * n_rows..(output + 1) * n_rows];
        let values = LeafValues {
            penalty: Penalty::new(self.params),
            gradients: &self.gradients,
            margins,
            target: &self.target,
            quantile: self.loss.leaf_quantile().filter(|_| self.params.mode == Mode::Boosting),
        };
        let scale = if self.params.mode == Mode::Boosting { self.params.learning_rate } else { 1.0 };
        let exact: Vec<f64> = grown.leaves.par_iter().map(|leaf| scale * values.value(leaf)).collect();
        tree.leaves.iter_mut().zip(exact).for_each(|(leaf, value)| leaf.value = value);
        if self.params.mode == Mode::Boosting {
            match sample {
                None => add_leaf_values(margins, &tree, &grown.leaves),
                // Rows that the tree was not grown on move as well.
                Some(_) => add_tree(margins, &tree, self.columns),
            }
        }
        self.ensemble.trees.push(tree);
    }

    /// The features that a tree may use.
    fn tree_features(&self, tree_idx: usize) -> Arc<[u32]> {
        let usable: Vec<u32> = (0..self.binned.features.len() as u32)
            .filter(|&f| !self.binned.features[f as usize].is_constant())
            .collect();
        if usable.is_empty() {
            return usable.into();
        }
        if self.params.additive {
            let round = tree_idx / self.loss.n_outputs();
            return [usable[round % usable.len()]].into();
        }
        if self.params.column_fraction >= 1.0 {
            return usable.into();
        }
        let n_chosen = fraction_of(usable.len(), self.params.column_fraction);
        let chosen = Random::new(self.params.seed, Use::Columns, tree_idx).choose(usable.len(), n_chosen);
        chosen.into_iter().map(|i| usable[i as usize]).collect()
    }

    /// The ensemble, cut to so many trees if a number is given.
    pub(crate) fn finish(self, n_trees: Option<usize>) -> Ensemble {
        let mut ensemble = self.ensemble;
        if let Some(n_trees) = n_trees {
            ensemble.trees.truncate(n_trees);
        }
        if self.params.mode != Mode::Boosting {
            // Trees that were there have been divided by the number of their rounds.
            let n_start_trees = self.n_start_rounds * ensemble.n_outputs();
            let n_rounds = ensemble.n_rounds().max(1) as f64;
            for (i, tree) in ensemble.trees.iter_mut().enumerate() {
                let counted = if i < n_start_trees { self.n_start_rounds as f64 } else { 1.0 };
                tree.leaves.iter_mut().for_each(|leaf| leaf.value *= counted / n_rounds);
            }
        }
        ensemble
    }
}

/// Whether each row has a target, and one that can be learned.
fn check_labels(rows: &LabelledColumns<'_>, loss: &dyn Loss) -> Result<(), FitError> {
    let (expected, found) = (rows.columns.n_rows(), rows.target.values.len());
    if expected != found {
        return Err(FitError::Shape { what: "targets", expected, found });
    }
    loss.check(&rows.target)
}

/// Levels have no order that predictions could follow.
fn check_monotone(params: &TreesParams, columns: &Columns<'_>) -> Result<(), FitError> {
    let is_category = |&feature: &usize| matches!(columns.features()[feature], Feature::Levels(_));
    let constrained = (0..params.monotone.len()).filter(|&f| params.monotone[f] != Monotone::Free);
    match constrained.into_iter().find(is_category) {
        None => Ok(()),
        Some(feature) => Err(FitError::Constraint {
            feature,
            constraint: "monotone",
            reason: "the levels of a category have no order",
        }),
    }
}

/// Levels are numbered from 0, so that arrays over them are not much longer than there are different ones.
const MAX_LEVEL: u32 = (1 << 24) - 1;

fn info((feature_idx, feature): (usize, &Feature<'_>)) -> Result<FeatureInfo, FitError> {
    let n_levels = match feature {
        Feature::Levels(levels) => {
            let largest = levels.iter().copied().filter(|&level| level != crate::MISSING_LEVEL).max();
            if let Some(level) = largest.filter(|&level| level > MAX_LEVEL) {
                return Err(FitError::Level { feature_idx, level, limit: MAX_LEVEL });
            }
            Some(largest.map_or(0, |largest| largest + 1))
        }
        _ => None,
    };
    Ok(FeatureInfo { name: format!("f{feature_idx}"), n_levels })
}

/// The ensemble to continue with, if it is one for rows of these features.
fn continued(start: &Ensemble, features: Vec<FeatureInfo>, loss: &dyn Loss, mode: Mode) -> Result<Ensemble, FitError> {
    let check = |what, expected: usize, found: usize| {
        if expected == found { Ok(()) } else { Err(FitError::Shape { what, expected, found }) }
    };
    check("columns to continue with", start.features.len(), features.len())?;
    check("outputs to continue with", start.n_outputs(), loss.n_outputs())?;
    let same_kinds = start.features.iter().zip(&features).all(|(a, b)| a.n_levels.is_some() == b.n_levels.is_some());
    // Averages start from zero; boosting can correct whatever it gets.
    let is_sum = start.base.iter().any(|&base| base != 0.0);
    if start.link != loss.link() || !same_kinds || (mode != Mode::Boosting && is_sum) {
        return Err(FitError::Start);
    }
    let mut ensemble = start.clone();
    for (info, now) in ensemble.features.iter_mut().zip(features) {
        info.n_levels = info.n_levels.max(now.n_levels);
    }
    Ok(ensemble)
}

/// The margins of all rows, output-major.
fn margins_of(ensemble: &Ensemble, columns: &Columns<'_>) -> Vec<f64> {
    let (n_rows, n_outputs) = (columns.n_rows(), ensemble.n_outputs());
    let mut margins: Vec<f64> = ensemble.base.iter().flat_map(|&base| std::iter::repeat_n(base, n_rows)).collect();
    for (i, tree) in ensemble.trees.iter().enumerate() {
        let output = i % n_outputs;
        add_tree(&mut margins[output * n_rows..(output + 1) * n_rows], tree, columns);
    }
    margins
}

/// Adds what a tree says of each row.
fn add_tree(margins: &mut [f64], tree: &Tree, columns: &Columns<'_>) {
    margins.par_chunks_mut(CHUNK_ROWS).enumerate().for_each(|(chunk_idx, chunk)| {
        for (i, margin) in chunk.iter_mut().enumerate() {
            let row_idx = chunk_idx * CHUNK_ROWS + i;
            *margin += tree.leaves[tree.leaf_of(|f| columns.value(row_idx, f as usize)) as usize].value;
        }
    });
}

/// The same, for rows of which it is known where they ended.
fn add_leaf_values(margins: &mut [f64], tree: &Tree, leaves: &[GrownLeaf<'_>]) {
    margins.par_chunks_mut(CHUNK_ROWS).enumerate().for_each(|(chunk_idx, chunk)| {
        let (first, end) = (chunk_idx * CHUNK_ROWS, chunk_idx * CHUNK_ROWS + chunk.len());
        for (leaf, grown) in tree.leaves.iter().zip(leaves) {
            for piece in &grown.pieces {
                // Rows are ascending, so those of this chunk are next to each other.
                let start = piece.partition_point(|row| row.row() < first);
                for row in piece[start..].iter().take_while(|row| row.row() < end) {
                    chunk[row.row() - first] += leaf.value;
                }
            }
        }
    });
}

/// Leaf values from exact gradients.
struct LeafValues<'a> {
    penalty: Penalty,
    gradients: &'a [Gradient],
    margins: &'a [f64],
    target: &'a Target<'a>,
    quantile: Option<f64>,
}

impl LeafValues<'_> {
    fn value(&self, leaf: &GrownLeaf<'_>) -> f64 {
        let value = match self.quantile {
            Some(alpha) => self.residual_quantile(leaf, alpha),
            None => {
                let [g, h] = yw_kernels::sum_gradients(&leaf.rows(), self.gradients);
                self.penalty.value(Sums { g, h })
            }
        };
        leaf.bounds.clamp(value)
    }

    fn residual_quantile(&self, leaf: &GrownLeaf<'_>, alpha: f64) -> f64 {
        let rows = leaf.pieces.iter().flat_map(|piece| piece.iter()).map(|row| row.row());
        let residual = |row: usize| (self.target.values[row] - self.margins[row], self.target.weight(row));
        weighted_quantile(&mut rows.map(residual).collect::<Vec<_>>(), alpha)
    }
}

/// How held-out rows fare round by round.
pub(crate) struct Progress<'a> {
    rows: &'a LabelledColumns<'a>,
    /// Of forests, the sums of what their trees say.
    margins: Vec<f64>,
    is_average: bool,
    n_trees: usize,
    losses: Vec<f64>,
    best: Option<(f64, usize)>,
    stop_after: Option<usize>,
}

impl<'a> Progress<'a> {
    pub(crate) fn new(rows: &'a LabelledColumns<'a>, boosting: &Boosting<'_>) -> Result<Self, FitError> {
        check_labels(rows, boosting.loss())?;
        let ensemble = boosting.ensemble();
        let mut margins = margins_of(ensemble, &rows.columns);
        let is_average = boosting.params.mode != Mode::Boosting;
        if is_average {
            margins.iter_mut().for_each(|margin| *margin *= boosting.n_start_rounds as f64);
        }
        Ok(Progress {
            rows,
            margins,
            is_average,
            n_trees: ensemble.trees.len(),
            losses: Vec::new(),
            best: None,
            stop_after: boosting.params.early_stopping_rounds,
        })
    }

    /// Takes note of a round; says whether there have been enough without an improvement.
    pub(crate) fn is_over(&mut self, boosting: &Boosting<'_>) -> bool {
        let (n_rows, n_outputs) = (self.rows.columns.n_rows(), boosting.ensemble().n_outputs());
        for (i, tree) in boosting.ensemble().trees.iter().enumerate().skip(self.n_trees) {
            let output = i % n_outputs;
            add_tree(&mut self.margins[output * n_rows..(output + 1) * n_rows], tree, &self.rows.columns);
        }
        self.n_trees = boosting.ensemble().trees.len();
        let loss = if self.is_average {
            let n_rounds = boosting.ensemble().n_rounds() as f64;
            let averages: Vec<f64> = self.margins.iter().map(|sum| sum / n_rounds).collect();
            boosting.loss().loss(&self.rows.target, &averages)
        } else {
            boosting.loss().loss(&self.rows.target, &self.margins)
        };
        self.losses.push(loss);
        if self.best.is_none_or(|(best, _)| loss < best) {
            self.best = Some((loss, self.losses.len()));
        }
        let since_best = self.best.map_or(0, |(_, round)| self.losses.len() - round);
        self.stop_after.is_some_and(|rounds| since_best >= rounds)
    }

    /// How many trees the ensemble had after the best round; none without early stopping.
    pub(crate) fn best_n_trees(&self) -> Option<usize> {
        let (_, best_round) = self.best.filter(|_| self.stop_after.is_some())?;
        let per_round = self.margins.len() / self.rows.columns.n_rows().max(1);
        Some(self.n_trees - (self.losses.len() - best_round) * per_round)
    }

    pub(crate) fn into_losses(self) -> Vec<f64> {
        self.losses
    }
}
