//! The nodes of a tree that grows: leaves that may be split, and how one is split.

use std::sync::Arc;

use yw_kernels::GradientRow;

use super::histogram::{Histogram, Histograms};
use super::partition::partition;
use super::penalty::Bounds;
use super::split::{Choice, Cut, Leaf, SplitRules};
use crate::Monotone;
use crate::bins::BinColumn;
use crate::random::{Random, Use};

/// A node that is a leaf so far.
pub(super) struct Node<'a> {
    pub(super) depth: usize,
    /// The sum of its rows' gradients.
    pub(super) total: i64,
    pub(super) n_rows: usize,
    /// Between which values its value must stay.
    pub(super) bounds: Bounds,
    /// When its turn comes: the gain of its split. A split that was chosen anew, because the first one left too few rows on
    /// a side, waits at least as long as the first, so that it does not matter when that was noticed.
    pub(super) priority: f64,
    pub(super) state: State<'a>,
}

pub(super) enum State<'a> {
    /// It can be split.
    Open(Open<'a>),
    /// It was split ahead of its turn.
    Ahead { choice: Choice, left: Box<Node<'a>>, right: Box<Node<'a>> },
    /// It cannot be split.
    Ended(&'a [GradientRow]),
}

pub(super) struct Open<'a> {
    rows: &'a mut [GradientRow],
    scratch: &'a mut [GradientRow],
    histogram: Histogram,
    pub(super) choice: Choice,
    /// Whether the choice leaves either side enough rows for certain: their numbers were counted, not estimated.
    counted: bool,
    features: Features,
    /// Says where in the tree the node is, for what is drawn for it alone.
    path: u64,
}

/// Splits nodes of one tree.
pub(super) struct Splitter<'t> {
    pub(super) rules: SplitRules<'t>,
    pub(super) histograms: Histograms<'t>,
    /// The features that the tree may use.
    pub(super) features: Arc<[u32]>,
    pub(super) seed: u64,
}

impl State<'_> {
    /// The gain of the split; zero if there is none.
    fn gain(&self) -> f64 {
        match self {
            State::Open(open) => open.choice.gain,
            State::Ahead { choice, .. } => choice.gain,
            State::Ended(_) => 0.0,
        }
    }
}

impl<'a> Node<'a> {
    /// Its rows in one or more pieces, and its histograms back to where they came from.
    pub(super) fn end(self, histograms: &Histograms<'_>, pieces: &mut Vec<&'a [GradientRow]>) {
        match self.state {
            State::Open(open) => {
                histograms.give_back(open.histogram);
                pieces.push(open.rows);
            }
            State::Ahead { left, right, .. } => {
                left.end(histograms, pieces);
                right.end(histograms, pieces);
            }
            State::Ended(rows) => pieces.push(rows),
        }
    }
}

impl Splitter<'_> {
    /// The root of a tree on these rows.
    pub(super) fn root<'a>(&self, rows: &'a mut [GradientRow], scratch: &'a mut [GradientRow]) -> Node<'a> {
        let total = rows.iter().fold(0i64, |sum, row| sum.wrapping_add(row.wide()));
        let histogram = (!self.is_final(rows.len(), 0)).then(|| self.histograms.build(rows));
        self.node(
            Part {
                rows,
                scratch,
                total,
                bounds: Bounds::NONE,
                features: Features { some: self.features.clone(), groups: None },
                path: 1,
                depth: 0,
            },
            histogram,
        )
    }

    /// Splits an open node; others stay what they are.
    pub(super) fn split(&self, node: &mut Node<'_>) {
        take(&mut node.state, |state| match state {
            State::Open(open) => self.split_open(open, node.total, node.bounds, node.depth),
            other => other,
        });
        node.priority = node.priority.min(node.state.gain());
    }

    fn split_open<'a>(&self, open: Open<'a>, total: i64, bounds: Bounds, depth: usize) -> State<'a> {
        let Open { rows, scratch, histogram, choice, counted, features, path } = open;
        let (feature, n_bins) = (choice.feature as usize, self.rules.binned.features[choice.feature as usize].n_bins());
        let n_left = partition(rows, scratch, &self.rules.binned.columns[feature], &self.left_bins(&choice, n_bins));
        let min_rows = self.rules.params.min_rows_per_leaf.max(1);
        if !counted && n_left.min(rows.len() - n_left) < min_rows {
            // What was estimated from the hessians does not hold. Count, and choose again.
            rows.sort_unstable_by_key(|row| row.row());
            let part = Part { rows, scratch, total, bounds, features, path, depth };
            return self.choose(part, histogram, true);
        }
        let (left_bounds, right_bounds) = self.child_bounds(&choice, total, bounds);
        let features = self.features_below(&features, choice.feature);
        let (left_rows, right_rows) = rows.split_at_mut(n_left);
        let (left_scratch, right_scratch) = scratch.split_at_mut(n_left);
        let right_total = total.wrapping_sub(choice.left);
        let child = |rows, scratch, total, bounds, is_right: u64| {
            let path = path.wrapping_mul(2).wrapping_add(is_right);
            Part { rows, scratch, total, bounds, features: features.clone(), path, depth: depth + 1 }
        };
        let left = child(left_rows, left_scratch, choice.left, left_bounds, 0);
        let right = child(right_rows, right_scratch, right_total, right_bounds, 1);
        let (left, right) = self.children(left, right, histogram);
        State::Ahead { choice, left: Box::new(left), right: Box::new(right) }
    }

    /// The two children of a node, given its histogram: that of the smaller is built, that of the larger is the rest.
    fn children<'a>(&self, left: Part<'a>, right: Part<'a>, parent: Histogram) -> (Node<'a>, Node<'a>) {
        let is_final = |part: &Part<'_>| self.is_final(part.rows.len(), part.depth);
        if is_final(&left) && is_final(&right) {
            self.histograms.give_back(parent);
            return (self.node(left, None), self.node(right, None));
        }
        let left_is_smaller = left.rows.len() <= right.rows.len();
        let small = self.histograms.build(if left_is_smaller { left.rows } else { right.rows });
        let mut large = parent;
        Histograms::subtract(&mut large, &small);
        let (of_left, of_right) = if left_is_smaller { (small, large) } else { (large, small) };
        (self.node(left, Some(of_left)), self.node(right, Some(of_right)))
    }

    /// Whether a node cannot be split for its size or depth.
    fn is_final(&self, n_rows: usize, depth: usize) -> bool {
        let params = self.rules.params;
        n_rows / 2 < params.min_rows_per_leaf.max(1) || (params.max_depth > 0 && depth >= params.max_depth)
    }

    fn node<'a>(&self, part: Part<'a>, histogram: Option<Histogram>) -> Node<'a> {
        let (depth, total, n_rows, bounds) = (part.depth, part.total, part.rows.len(), part.bounds);
        let state = match histogram {
            Some(histogram) if !self.is_final(n_rows, depth) => self.choose(part, histogram, false),
            Some(histogram) => {
                self.histograms.give_back(histogram);
                State::Ended(part.rows)
            }
            None => State::Ended(part.rows),
        };
        Node { depth, total, n_rows, bounds, priority: state.gain(), state }
    }

    /// Finds the best split of a node, with its rows counted or estimated.
    fn choose<'a>(&self, part: Part<'a>, histogram: Histogram, counted: bool) -> State<'a> {
        let counts = counted.then(|| self.count(part.rows, &part.features.some));
        let leaf = Leaf {
            histogram: &histogram,
            counts: counts.as_deref(),
            total: part.total,
            n_rows: part.rows.len(),
            bounds: part.bounds,
            seed: self.seed ^ part.path,
        };
        let some = self.split_features(&part.features.some, part.path);
        match self.rules.best(&leaf, some.as_deref().unwrap_or(&part.features.some)) {
            Some(choice) => {
                let Part { rows, scratch, features, path, .. } = part;
                State::Open(Open { rows, scratch, histogram, choice, counted, features, path })
            }
            None => {
                self.histograms.give_back(histogram);
                State::Ended(part.rows)
            }
        }
    }

    /// How many rows are in each bin.
    fn count(&self, rows: &[GradientRow], features: &[u32]) -> Vec<u32> {
        let binned = self.rules.binned;
        let mut counts = vec![0; binned.n_bins];
        for &feature in features {
            let (column, offset) = (&binned.columns[feature as usize], binned.offsets[feature as usize]);
            if !matches!(column, BinColumn::Constant) {
                rows.iter().for_each(|row| counts[offset + column.bin(row.row())] += 1);
            }
        }
        counts
    }

    /// An entry for every bin of a feature: 1 for those that go left.
    fn left_bins(&self, choice: &Choice, n_bins: usize) -> Vec<u8> {
        // Narrow columns are looked up with any byte.
        let mut left = vec![0; n_bins.max(256)];
        match &choice.cut {
            Cut::AtMost(bin) => left[..=*bin as usize].fill(1),
            Cut::OneOf(bins) => bins.iter().for_each(|&bin| left[bin as usize] = 1),
        }
        if let Some(missing) = self.rules.binned.features[choice.feature as usize].missing_bin() {
            left[missing] = u8::from(choice.missing_left);
        }
        left
    }

    /// The bounds of the children of a monotone split: what lies between their values parts them.
    fn child_bounds(&self, choice: &Choice, total: i64, bounds: Bounds) -> (Bounds, Bounds) {
        let monotone = self.rules.params.monotone.get(choice.feature as usize).copied().unwrap_or_default();
        if monotone == Monotone::Free {
            return (bounds, bounds);
        }
        let value = |sums| bounds.clamp(self.rules.penalty.value(self.rules.sums(sums)));
        let middle = (value(choice.left) + value(total.wrapping_sub(choice.left))) / 2.0;
        let (below, above) = (Bounds { high: middle, ..bounds }, Bounds { low: middle, ..bounds });
        if monotone == Monotone::Increasing { (below, above) } else { (above, below) }
    }

    /// The features that may still be used below a split by `feature`: those of the groups that all features of the path
    /// are in; of no group, that feature alone.
    fn features_below(&self, features: &Features, feature: u32) -> Features {
        let all = &self.rules.params.interactions;
        if all.is_empty() {
            return features.clone();
        }
        let has = |group: &usize, feature: u32| all[*group].contains(&(feature as usize));
        let groups: Arc<[usize]> = match &features.groups {
            Some(groups) => groups.iter().copied().filter(|group| has(group, feature)).collect(),
            None => (0..all.len()).filter(|group| has(group, feature)).collect(),
        };
        let allowed = |other: &u32| *other == feature || groups.iter().any(|group| has(group, *other));
        Features { some: features.some.iter().copied().filter(allowed).collect(), groups: Some(groups) }
    }

    /// The features that this node's split may use, if not all of them.
    fn split_features(&self, features: &[u32], path: u64) -> Option<Vec<u32>> {
        let fraction = self.rules.params.column_fraction_per_split;
        if fraction >= 1.0 {
            return None;
        }
        let mut random = Random::new(self.seed ^ path, Use::SplitColumns, 0);
        let chosen = random.choose(features.len(), fraction_of(features.len(), fraction));
        Some(chosen.into_iter().map(|i| features[i as usize]).collect())
    }
}

/// The rows that a node has, before it is known what becomes of it.
struct Part<'a> {
    rows: &'a mut [GradientRow],
    scratch: &'a mut [GradientRow],
    total: i64,
    bounds: Bounds,
    features: Features,
    path: u64,
    depth: usize,
}

/// The features that a node may be split by.
#[derive(Clone)]
pub(super) struct Features {
    some: Arc<[u32]>,
    /// The groups that all features on the way to the node are in; none before the first split.
    groups: Option<Arc<[usize]>>,
}

/// A fraction of `n`, at least one.
pub(crate) fn fraction_of(n: usize, fraction: f64) -> usize {
    ((n as f64 * fraction).round() as usize).clamp(n.min(1), n)
}

/// Replaces a state by what it turns into.
fn take<'a>(state: &mut State<'a>, turn: impl FnOnce(State<'a>) -> State<'a>) {
    *state = turn(std::mem::replace(state, State::Ended(&[])));
}
