//! From XGBoost's model to ours.

use super::categories::level_names;
use super::tree::read_tree;
use crate::format::check::{MAX_OUTPUTS, MAX_UNNAMED_FEATURES, checked};
use crate::format::value::Entry;
use crate::format::{FormatError, ModelFile, ModelFormat, SetBudget};
use crate::{Ensemble, FeatureInfo, Link, Rule, Tree};

/// How many trees missing from some outputs may be filled in, for each tree that is there: XGBoost's rounds are complete.
const MAX_PADDING: usize = 8;

/// Reads a decoded model.
pub(in crate::format) fn read(model: Entry<'_>, file_len: usize) -> Result<ModelFile, FormatError> {
    let Some(learner) = model.find("learner") else {
        let hint = "it is JSON without XGBoost's `learner`; save XGBoost models with `save_model`, not `dump_model`, \
                    and LightGBM models as text";
        return Err(FormatError::Unknown { hint });
    };
    let link = Objective::read(&learner)?;
    let param = learner.get("learner_model_param")?;
    let n_outputs = read_n_outputs(&param)?;
    let base = read_base(&param.get("base_score")?, n_outputs, link)?;
    let booster = Booster::read(&learner.get("gradient_booster")?)?;
    let n_features = param.get("num_feature")?.count(u32::MAX as usize)?;
    let mut features = read_features(&learner, n_features)?;
    let level_names = level_names(&booster.model, n_features);
    let trees = booster.read_trees(n_features, n_outputs, &mut SetBudget::new(file_len))?;
    count_levels(&mut features, &level_names, &trees);
    let ensemble = checked(Ensemble { features, base, trees, link: link.link })?;
    Ok(ModelFile { format: ModelFormat::XgBoost, ensemble, level_names })
}

/// How an objective's margins are read.
#[derive(Clone, Copy)]
struct Objective {
    /// From margins to predictions.
    link: Link,
    /// Whether `base_score` is a prediction that has to be turned into a margin.
    base_is_prediction: bool,
}

impl Objective {
    fn read(learner: &Entry<'_>) -> Result<Self, FormatError> {
        let entry = learner.get("objective")?.get("name")?;
        let (link, base_is_prediction) = match entry.text()? {
            "binary:logistic" | "reg:logistic" => (Link::Logistic, true),
            "binary:logitraw" => (Link::Logistic, false),
            "count:poisson" | "reg:gamma" | "reg:tweedie" => (Link::Exp, true),
            "multi:softmax" | "multi:softprob" => (Link::Softmax, false),
            "reg:squarederror"
            | "reg:linear"
            | "reg:absoluteerror"
            | "reg:quantileerror"
            | "reg:pseudohubererror"
            | "reg:squaredlogerror"
            | "rank:pairwise"
            | "rank:ndcg"
            | "rank:map" => (Link::Identity, false),
            name => {
                return Err(FormatError::Unsupported {
                    place: entry.place(),
                    feature: format!("the objective `{name}`"),
                    remedy: "logistic, softmax, ranking and plain regression objectives, counts and amounts can be",
                });
            }
        };
        Ok(Objective { link, base_is_prediction })
    }

    /// The margin of a `base_score`, if it has one.
    fn margin(self, base_score: f64) -> Option<f64> {
        let margin = match (self.base_is_prediction, self.link) {
            (true, Link::Logistic) => -(1.0 / base_score - 1.0).ln(),
            (true, Link::Exp) => base_score.ln(),
            _ => base_score,
        };
        margin.is_finite().then_some(margin)
    }
}

fn read_n_outputs(param: &Entry<'_>) -> Result<usize, FormatError> {
    let count = |key| param.find(key).map_or(Ok(1), |entry| entry.count(MAX_OUTPUTS));
    let (n_classes, n_targets) = (count("num_class")?.max(1), count("num_target")?.max(1));
    match n_classes > 1 && n_targets > 1 {
        true => Err(FormatError::Unsupported {
            place: param.place(),
            feature: "a model of several targets with several classes each".to_owned(),
            remedy: "train a model for each target",
        }),
        false => Ok(n_classes * n_targets),
    }
}

/// The margins of a row without trees. Up to XGBoost 3.0 `base_score` is one number, since then a list of one per output,
/// both as text.
fn read_base(entry: &Entry<'_>, n_outputs: usize, objective: Objective) -> Result<Vec<f64>, FormatError> {
    let scores = match entry.text() {
        Ok(text) if text.starts_with('[') => {
            let inner = text.trim_start_matches('[').trim_end_matches(']');
            let scores: Result<Vec<f64>, _> = inner.split(',').map(|score| score.trim().parse()).collect();
            scores.map_err(|_| entry.damaged("is no list of numbers"))?
        }
        _ => entry.number().map(|score| vec![score]).or_else(|_| entry.numbers().map(|scores| scores.into_owned()))?,
    };
    let margins: Option<Vec<f64>> = scores.iter().map(|score| objective.margin(f64::from(*score as f32))).collect();
    match margins.ok_or_else(|| entry.damaged("has a score that the objective cannot predict"))? {
        margins if margins.len() == n_outputs => Ok(margins),
        margins if margins.len() == 1 => Ok(vec![margins[0]; n_outputs]),
        margins => Err(entry.damaged(format!("has {} scores for {n_outputs} outputs", margins.len()))),
    }
}

/// Names and which features are categories. XGBoost numbers features without names `f0`, `f1`, ...
fn read_features(learner: &Entry<'_>, n_features: usize) -> Result<Vec<FeatureInfo>, FormatError> {
    let labels = |key| learner.find(key).and_then(|entry| entry.labels()).filter(|labels| labels.len() == n_features);
    let names = match labels("feature_names") {
        Some(names) => names,
        None if n_features > MAX_UNNAMED_FEATURES => {
            return Err(FormatError::Unsupported {
                place: learner.place(),
                feature: format!("a model of {n_features} features without names"),
                remedy: "set `feature_names` before saving it",
            });
        }
        None => (0..n_features).map(|idx| format!("f{idx}")).collect(),
    };
    let types = labels("feature_types");
    let is_category = |idx: usize| types.as_ref().is_some_and(|types| types[idx] == "c");
    let feature = |(idx, name)| FeatureInfo { name, n_levels: is_category(idx).then_some(0) };
    Ok(names.into_iter().enumerate().map(feature).collect())
}

/// Fills in how many levels categories have: as many as have names, and at least those that trees ask for.
fn count_levels(features: &mut [FeatureInfo], level_names: &[Option<Vec<String>>], trees: &[Tree]) {
    for (feature, names) in features.iter_mut().zip(level_names) {
        if let (Some(n_levels), Some(names)) = (&mut feature.n_levels, names) {
            *n_levels = names.len() as u32;
        }
    }
    for split in trees.iter().flat_map(|tree| &tree.splits) {
        let Rule::OneOf(set) = &split.rule else { continue };
        let Some(feature) = features.get_mut(split.feature as usize) else { continue };
        let n_levels = set.largest().map_or(0, |level| level + 1);
        feature.n_levels = feature.n_levels.max(Some(n_levels));
    }
}

/// The trees and how much each counts.
struct Booster<'a> {
    model: Entry<'a>,
    weights: Option<Vec<f64>>,
}

impl<'a> Booster<'a> {
    fn read(booster: &Entry<'a>) -> Result<Self, FormatError> {
        let name = booster.get("name")?;
        match name.text()? {
            "gbtree" => Ok(Booster { model: booster.get("model")?, weights: None }),
            "dart" => {
                let weights = booster.get("weight_drop")?.numbers()?.into_owned();
                Ok(Booster { model: booster.get("gbtree")?.get("model")?, weights: Some(weights) })
            }
            other => Err(FormatError::Unsupported {
                place: name.place(),
                feature: format!("the booster `{other}`"),
                remedy: "`gbtree` and `dart` can be",
            }),
        }
    }

    /// The trees in our order: those of each output in XGBoost's, the outputs taking turns.
    fn read_trees(
        &self,
        n_features: usize,
        n_outputs: usize,
        budget: &mut SetBudget,
    ) -> Result<Vec<Tree>, FormatError> {
        let entries = self.model.get("trees")?.list()?;
        let outputs = self.tree_outputs(entries.len(), n_outputs)?;
        if let Some(weights) = self.weights.as_ref().filter(|weights| weights.len() != entries.len()) {
            return Err(self.model.damaged(format!("has {} trees and {} weights", entries.len(), weights.len())));
        }
        let mut trees_of: Vec<Vec<Tree>> = vec![Vec::new(); n_outputs];
        for (idx, entry) in entries.iter().enumerate() {
            let mut tree = read_tree(entry, n_features, budget)?;
            if let Some(weights) = &self.weights {
                tree.leaves.iter_mut().for_each(|leaf| leaf.value *= weights[idx]);
            }
            trees_of[outputs[idx]].push(tree);
        }
        self.take_turns(trees_of, entries.len())
    }

    /// To which output each tree belongs.
    fn tree_outputs(&self, n_trees: usize, n_outputs: usize) -> Result<Vec<usize>, FormatError> {
        let entry = self.model.get("tree_info")?;
        let outputs = entry.numbers()?;
        if outputs.len() != n_trees {
            return Err(entry.damaged(format!("has {} items for {n_trees} trees", outputs.len())));
        }
        let output = |output: &f64| crate::format::value::whole(*output, n_outputs - 1);
        let outputs: Option<Vec<usize>> = outputs.iter().map(output).collect();
        outputs.ok_or_else(|| entry.damaged(format!("has an item that is none of the {n_outputs} outputs")))
    }

    /// Tree `i` of all outputs before tree `i + 1` of any; an output that has fewer trees than others gets empty ones.
    fn take_turns(&self, trees_of: Vec<Vec<Tree>>, n_trees: usize) -> Result<Vec<Tree>, FormatError> {
        let n_rounds = trees_of.iter().map(Vec::len).max().unwrap_or(0);
        let n_padded = n_rounds.saturating_mul(trees_of.len());
        if n_padded > n_trees.saturating_mul(MAX_PADDING) {
            return Err(self.model.damaged("has many trees for some outputs and few for others"));
        }
        let mut queues: Vec<_> = trees_of.into_iter().map(Vec::into_iter).collect();
        let mut trees = Vec::with_capacity(n_padded);
        for _ in 0..n_rounds {
            trees.extend(queues.iter_mut().map(|queue| queue.next().unwrap_or_else(|| Tree::constant(0.0))));
        }
        Ok(trees)
    }
}
