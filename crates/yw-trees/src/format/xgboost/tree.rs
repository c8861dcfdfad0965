//! One tree of XGBoost: nodes in parallel arrays, leaves among them.

use crate::format::check::statistic;
use crate::format::single::last_below;
use crate::format::value::{Entry, whole};
use crate::format::{FormatError, SetBudget};
use crate::{Child, Leaf, LevelSet, Rule, Split, Tree};

/// Categories from this one on are no categories to XGBoost (`common::InvalidCat`).
pub(super) const MAX_LEVELS: usize = 1 << 24;

/// Reads a tree. Nodes that pruning has cut off are left out.
pub(super) fn read_tree(entry: &Entry<'_>, n_features: usize, budget: &mut SetBudget) -> Result<Tree, FormatError> {
    let nodes = Nodes::read(entry)?;
    let mut sets = nodes.read_sets(entry, budget)?;
    let order = nodes.reachable(entry)?;
    let children = nodes.number(&order);
    let mut tree = Tree { splits: Vec::new(), leaves: Vec::new() };
    for &node in &order {
        if nodes.is_leaf(node) {
            let value = f64::from(nodes.conditions[node] as f32);
            tree.leaves.push(Leaf { value, cover: statistic(nodes.covers[node]), n_rows: 0 });
        } else {
            let [left, right] = nodes.children(node).map(|child| children[child]);
            tree.splits.push(nodes.split(entry, node, n_features, sets[node].take(), [left, right])?);
        }
    }
    Ok(tree)
}

/// The arrays of a tree, one item per node.
struct Nodes {
    lefts: Vec<usize>,
    rights: Vec<usize>,
    features: Vec<f64>,
    conditions: Vec<f64>,
    default_left: Vec<bool>,
    by_level: Vec<bool>,
    gains: Vec<f64>,
    covers: Vec<f64>,
}

/// What XGBoost has for the children of a leaf.
const NO_CHILD: usize = usize::MAX;

impl Nodes {
    fn read(entry: &Entry<'_>) -> Result<Self, FormatError> {
        if let Some(size) = entry.get("tree_param")?.find("size_leaf_vector")
            && size.number()? > 1.0
        {
            return Err(FormatError::Unsupported {
                place: size.place(),
                feature: "a tree whose leaves hold a value for each output".to_owned(),
                remedy: "train with `multi_strategy=\"one_output_per_tree\"`",
            });
        }
        let lefts = entry.get("left_children")?;
        let n_nodes = lefts.numbers()?.len();
        if n_nodes == 0 {
            return Err(lefts.damaged("has no nodes"));
        }
        let numbers = |key: &str| {
            let entry = entry.get(key)?;
            let numbers = entry.numbers()?.into_owned();
            match numbers.len() == n_nodes {
                true => Ok(numbers),
                false => Err(entry.damaged(format!("has {} items for {n_nodes} nodes", numbers.len()))),
            }
        };
        let children = |key: &str| {
            let child = |child: &f64| if *child == -1.0 { Some(NO_CHILD) } else { whole(*child, n_nodes - 1) };
            let children: Option<Vec<usize>> = numbers(key)?.iter().map(child).collect();
            children.ok_or_else(|| entry.damaged(format!("`{key}` has a child that does not exist")))
        };
        let flags = |key: &str| Ok::<_, FormatError>(numbers(key)?.iter().map(|flag| *flag != 0.0).collect());
        Ok(Nodes {
            lefts: children("left_children")?,
            rights: children("right_children")?,
            features: numbers("split_indices")?,
            conditions: numbers("split_conditions")?,
            default_left: flags("default_left")?,
            by_level: if entry.find("split_type").is_some() { flags("split_type")? } else { vec![false; n_nodes] },
            gains: numbers("loss_changes")?,
            covers: numbers("sum_hessian")?,
        })
    }

    fn is_leaf(&self, node: usize) -> bool {
        self.lefts[node] == NO_CHILD
    }

    fn children(&self, node: usize) -> [usize; 2] {
        [self.lefts[node], self.rights[node]]
    }

    /// The nodes that can be reached from the root, breadth first: parents before children.
    fn reachable(&self, entry: &Entry<'_>) -> Result<Vec<usize>, FormatError> {
        let mut seen = vec![false; self.lefts.len()];
        seen[0] = true;
        let mut order = vec![0];
        let mut next = 0;
        while let Some(&node) = order.get(next) {
            next += 1;
            if self.is_leaf(node) {
                continue;
            }
            for child in self.children(node) {
                match seen.get_mut(child) {
                    None => return Err(entry.damaged(format!("node {node} has only one child"))),
                    Some(true) => return Err(entry.damaged(format!("node {child} has more than one parent"))),
                    Some(seen) => *seen = true,
                }
                order.push(child);
            }
        }
        Ok(order)
    }

    /// Our numbers of the nodes: splits and leaves are counted separately.
    fn number(&self, order: &[usize]) -> Vec<Child> {
        let (mut n_splits, mut n_leaves) = (0, 0);
        let mut children = vec![Child::Leaf(0); self.lefts.len()];
        for &node in order {
            if self.is_leaf(node) {
                children[node] = Child::Leaf(n_leaves);
                n_leaves += 1;
            } else {
                children[node] = Child::Split(n_splits);
                n_splits += 1;
            }
        }
        children
    }

    /// A split. XGBoost sends the levels of a set to the right and everything else to the left, and so do we the other
    /// way round.
    fn split(
        &self,
        entry: &Entry<'_>,
        node: usize,
        n_features: usize,
        set: Option<LevelSet>,
        [left, right]: [Child; 2],
    ) -> Result<Split, FormatError> {
        let feature = n_features.checked_sub(1).and_then(|last| whole(self.features[node], last));
        let feature = feature.ok_or_else(|| entry.damaged(format!("`split_indices[{node}]` is no feature")))?;
        let default_left = self.default_left[node];
        let (rule, missing_left, left, right) = if self.by_level[node] {
            let set =
                set.ok_or_else(|| entry.damaged(format!("node {node} splits by level and has no set of them")))?;
            (Rule::OneOf(set), !default_left, right, left)
        } else {
            let threshold = self.conditions[node] as f32;
            if threshold.is_nan() {
                return Err(entry.damaged(format!("`split_conditions[{node}]` is no number")));
            }
            let rule = Rule::AtMost { threshold: last_below(threshold), zero_is_missing: false };
            (rule, default_left, left, right)
        };
        let (gain, cover) = (statistic(self.gains[node]), statistic(self.covers[node]));
        Ok(Split { feature: feature as u32, rule, missing_left, left, right, gain, cover, n_rows: 0 })
    }

    /// The sets of levels by node.
    fn read_sets(&self, entry: &Entry<'_>, budget: &mut SetBudget) -> Result<Vec<Option<LevelSet>>, FormatError> {
        let mut sets = vec![None; self.lefts.len()];
        if !self.by_level.contains(&true) {
            return Ok(sets);
        }
        let (nodes, starts) = (entry.get("categories_nodes")?, entry.get("categories_segments")?);
        let (sizes, levels) = (entry.get("categories_sizes")?, entry.get("categories")?);
        let (node_numbers, start_numbers) = (nodes.numbers()?, starts.numbers()?);
        let (size_numbers, level_numbers) = (sizes.numbers()?, levels.numbers()?);
        if start_numbers.len() != node_numbers.len() || size_numbers.len() != node_numbers.len() {
            return Err(nodes.damaged("does not have as many items as `categories_segments` and `categories_sizes`"));
        }
        for (idx, node) in node_numbers.iter().enumerate() {
            let node = whole(*node, sets.len() - 1).filter(|node| sets[*node].is_none());
            let node = node.ok_or_else(|| nodes.damaged("has a node that does not exist, or twice"))?;
            let start = whole(start_numbers[idx], level_numbers.len());
            let size = whole(size_numbers[idx], level_numbers.len());
            let segment = start.zip(size).and_then(|(start, size)| level_numbers.get(start..start + size));
            let segment = segment.ok_or_else(|| starts.damaged("has a segment that is not in `categories`"))?;
            let set: Option<Vec<usize>> = segment.iter().map(|level| whole(*level, MAX_LEVELS - 1)).collect();
            let set = set.ok_or_else(|| levels.damaged("has a level that is no whole number below 2^24"))?;
            let n_words = set.iter().max().map_or(0, |level| level / 64 + 1);
            budget.take(n_words + set.len()).ok_or_else(|| levels.damaged(SetBudget::PROBLEM))?;
            sets[node] = Some(set.into_iter().map(|level| level as u32).collect());
        }
        Ok(sets)
    }
}
