//! From our model to XGBoost's `.json`, in the layout of XGBoost 2, which later versions read too.

use std::collections::VecDeque;
use std::fmt::Write;

use super::tree::MAX_LEVELS;
use crate::format::ExportError;
use crate::format::check::statistic;
use crate::format::export::{
    check_exportable, clean_names, complete_trees, plain_threshold, single_value, split_means,
};
use crate::format::single::round_down;
use crate::format::value::write_json_text;
use crate::{Child, Ensemble, Leaf, Link, Rule, Split, Tree};

const FORMAT: &str = "XGBoost JSON";

/// What XGBoost has for the parent of a root.
const NO_PARENT: u32 = i32::MAX as u32;

impl Ensemble {
    /// The ensemble as an XGBoost model in JSON.
    ///
    /// Leaf values become single precision, thresholds such that every `f32` stays on its side. The base is in the first
    /// trees. Characters that XGBoost does not accept in feature names become `_`.
    ///
    /// *Errors*: what XGBoost cannot express; see the crate's README.
    pub fn to_xgboost_json(&self) -> Result<String, ExportError> {
        check_exportable(self, FORMAT)?;
        let trees = complete_trees(self);
        let mut out = String::from(r#"{"learner":{"attributes":{},"feature_names":"#);
        let names = clean_names(self, |c| !matches!(c, '[' | ']' | '<'));
        list(&mut out, &names, |name, out| write_json_text(name, out));
        out.push_str(r#","feature_types":"#);
        list(&mut out, &self.features, |feature, out| {
            out.push_str(if feature.n_levels.is_some() { r#""c""# } else { r#""float""# });
        });
        out.push_str(r#","gradient_booster":{"model":{"#);
        out.push_str(r#""cats":{"enc":[],"feature_segments":[],"sorted_idx":[]},"gbtree_model_param":"#);
        push(&mut out, format_args!(r#"{{"num_parallel_tree":"1","num_trees":"{}"}}"#, trees.len()));
        out.push_str(r#","iteration_indptr":"#);
        let rounds: Vec<usize> = (0..=trees.len()).step_by(self.n_outputs()).collect();
        list(&mut out, &rounds, |start, out| push(out, format_args!("{start}")));
        out.push_str(r#","tree_info":"#);
        let outputs: Vec<usize> = (0..trees.len()).map(|idx| idx % self.n_outputs()).collect();
        list(&mut out, &outputs, |output, out| push(out, format_args!("{output}")));
        out.push_str(r#","trees":["#);
        for (idx, tree) in trees.iter().enumerate() {
            out.push_str(if idx == 0 { "" } else { "," });
            write_tree(tree, idx, self.features.len(), &mut out)?;
        }
        out.push_str(r#"]},"name":"gbtree"},"#);
        self.write_params(&mut out);
        out.push_str(r#"},"version":[2,0,0]}"#);
        Ok(out)
    }

    /// The objective and a `base_score` whose margin is zero.
    fn write_params(&self, out: &mut String) {
        let (n_outputs, n_features) = (self.n_outputs(), self.features.len());
        let (objective, param, base_score) = match self.link {
            Link::Identity => ("reg:squarederror", r#""reg_loss_param":{"scale_pos_weight":"1"}"#.to_owned(), "0E0"),
            Link::Logistic => ("binary:logistic", r#""reg_loss_param":{"scale_pos_weight":"1"}"#.to_owned(), "5E-1"),
            Link::Exp => ("count:poisson", r#""poisson_regression_param":{"max_delta_step":"0.7"}"#.to_owned(), "1E0"),
            Link::Softmax => {
                let param = format!(r#""softmax_multiclass_param":{{"num_class":"{n_outputs}"}}"#);
                ("multi:softprob", param, "0E0")
            }
        };
        let (n_classes, n_targets) = if self.link == Link::Softmax { (n_outputs, 1) } else { (0, n_outputs) };
        push(
            out,
            format_args!(
                r#""learner_model_param":{{"base_score":"{base_score}","boost_from_average":"0","num_class":"{n_classes}","num_feature":"{n_features}","num_target":"{n_targets}"}},"objective":{{"name":"{objective}",{param}}}"#
            ),
        );
    }
}

/// A node as XGBoost has it.
struct Node {
    parent: u32,
    left: i64,
    right: i64,
    feature: u32,
    condition: f32,
    default_left: bool,
    weight: f32,
    gain: f64,
    cover: f64,
    levels: Option<Vec<u32>>,
}

fn write_tree(tree: &Tree, id: usize, n_features: usize, out: &mut String) -> Result<(), ExportError> {
    let nodes = nodes_of(tree)?;
    let by_level: Vec<(usize, &Vec<u32>)> =
        nodes.iter().enumerate().filter_map(|(idx, node)| Some((idx, node.levels.as_ref()?))).collect();
    let starts = by_level.iter().scan(0, |start, (_, levels)| Some(std::mem::replace(start, *start + levels.len())));
    let starts: Vec<usize> = starts.collect();
    let levels: Vec<u32> = by_level.iter().flat_map(|(_, levels)| levels.iter().copied()).collect();

    field(out, '{', "base_weights", &nodes, |node, out| float(node.weight, out));
    field(out, ',', "categories", &levels, |level, out| push(out, format_args!("{level}")));
    field(out, ',', "categories_nodes", &by_level, |(node, _), out| push(out, format_args!("{node}")));
    field(out, ',', "categories_segments", &starts, |start, out| push(out, format_args!("{start}")));
    field(out, ',', "categories_sizes", &by_level, |(_, levels), out| push(out, format_args!("{}", levels.len())));
    field(out, ',', "default_left", &nodes, |node, out| push(out, format_args!("{}", u8::from(node.default_left))));
    push(out, format_args!(r#","id":{id}"#));
    field(out, ',', "left_children", &nodes, |node, out| push(out, format_args!("{}", node.left)));
    field(out, ',', "loss_changes", &nodes, |node, out| float(statistic(node.gain) as f32, out));
    field(out, ',', "parents", &nodes, |node, out| push(out, format_args!("{}", node.parent)));
    field(out, ',', "right_children", &nodes, |node, out| push(out, format_args!("{}", node.right)));
    field(out, ',', "split_conditions", &nodes, |node, out| float(node.condition, out));
    field(out, ',', "split_indices", &nodes, |node, out| push(out, format_args!("{}", node.feature)));
    field(out, ',', "split_type", &nodes, |node, out| {
        push(out, format_args!("{}", u8::from(node.levels.is_some())));
    });
    field(out, ',', "sum_hessian", &nodes, |node, out| float(node.cover as f32, out));
    push(
        out,
        format_args!(
            r#","tree_param":{{"num_deleted":"0","num_feature":"{n_features}","num_nodes":"{}","size_leaf_vector":"1"}}}}"#,
            nodes.len()
        ),
    );
    Ok(())
}

/// The nodes breadth first, so that a right child has the number after its sibling's: XGBoost computes it so.
fn nodes_of(tree: &Tree) -> Result<Vec<Node>, ExportError> {
    let means = split_means(tree);
    let mut nodes: Vec<Node> = Vec::with_capacity(tree.splits.len() + tree.leaves.len());
    let mut queue = VecDeque::from([(tree.root(), NO_PARENT)]);
    while let Some((child, parent)) = queue.pop_front() {
        let idx = match child {
            Child::Leaf(idx) => {
                nodes.push(leaf_node(&tree.leaves[idx as usize], parent)?);
                continue;
            }
            Child::Split(idx) => idx as usize,
        };
        let split = &tree.splits[idx];
        // The root and all nodes that wait come before the children.
        let left = nodes.len() + queue.len() + 1;
        let node = split_node(split, parent, left, means[idx])?;
        // XGBoost's sets go right.
        let (first, second) = if node.levels.is_some() { (split.right, split.left) } else { (split.left, split.right) };
        queue.extend([(first, nodes.len() as u32), (second, nodes.len() as u32)]);
        nodes.push(node);
    }
    Ok(nodes)
}

fn split_node(split: &Split, parent: u32, left: usize, mean: f64) -> Result<Node, ExportError> {
    let mut node = Node {
        parent,
        left: left as i64,
        right: left as i64 + 1,
        feature: split.feature,
        condition: 0.0,
        default_left: split.missing_left,
        weight: mean as f32,
        gain: split.gain,
        cover: split.cover,
        levels: None,
    };
    match &split.rule {
        Rule::AtMost { threshold, zero_is_missing } => {
            let threshold = plain_threshold(split, *threshold, *zero_is_missing, FORMAT)?;
            node.condition = round_down(threshold).next_up();
        }
        // No level is below the least number, so that all go right, as to an empty set.
        Rule::OneOf(set) if set.is_empty() => node.condition = f32::MIN,
        Rule::OneOf(set) if set.largest().is_some_and(|level| level as usize >= MAX_LEVELS) => {
            return Err(ExportError::NotExpressible {
                format: FORMAT,
                feature: format!("a level of feature {} from 2^24 on", split.feature),
                remedy: "number the levels from zero without gaps",
            });
        }
        Rule::OneOf(set) => {
            node.default_left = !split.missing_left;
            node.levels = Some(set.iter().collect());
        }
    }
    Ok(node)
}

fn leaf_node(leaf: &Leaf, parent: u32) -> Result<Node, ExportError> {
    let value = single_value(leaf.value, FORMAT)?;
    Ok(Node {
        parent,
        left: -1,
        right: -1,
        feature: 0,
        condition: value,
        default_left: false,
        weight: value,
        gain: 0.0,
        cover: leaf.cover,
        levels: None,
    })
}

fn field<T>(out: &mut String, before: char, key: &str, items: &[T], write: impl FnMut(&T, &mut String)) {
    push(out, format_args!("{before}\"{key}\":"));
    list(out, items, write);
}

fn list<T>(out: &mut String, items: &[T], mut write: impl FnMut(&T, &mut String)) {
    out.push('[');
    for (idx, item) in items.iter().enumerate() {
        if idx > 0 {
            out.push(',');
        }
        write(item, out);
    }
    out.push(']');
}

/// A number as XGBoost writes and reads it.
fn float(value: f32, out: &mut String) {
    match value {
        value if value == f32::INFINITY => out.push_str("Infinity"),
        value if value == f32::NEG_INFINITY => out.push_str("-Infinity"),
        value => push(out, format_args!("{value:?}")),
    }
}

fn push(out: &mut String, text: std::fmt::Arguments<'_>) {
    // Writing to a string cannot fail.
    let _ = out.write_fmt(text);
}
