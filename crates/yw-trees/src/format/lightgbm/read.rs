//! From LightGBM's model to ours.

use super::text::{Field, ModelText};
use super::tree::read_tree;
use crate::format::check::{MAX_OUTPUTS, checked};
use crate::format::value::{Entry, parse_json};
use crate::format::{FormatError, ModelFile, ModelFormat};
use crate::{Ensemble, FeatureInfo, Link, Rule, Tree};

/// Reads a model file.
pub(in crate::format) fn read(bytes: &[u8]) -> Result<ModelFile, FormatError> {
    let text = ModelText::parse(bytes)?;
    let n_outputs = read_n_outputs(&text)?;
    let objective = text.header.find("objective").map_or(Ok(Objective::PLAIN), Objective::read)?;
    let mut features = read_features(&text)?;
    let mut trees: Vec<Tree> =
        text.trees.iter().map(|block| read_tree(block, features.len())).collect::<Result<_, _>>()?;
    let mut scale = objective.scale;
    if text.header.find("average_output").is_some() && !trees.is_empty() {
        scale /= (trees.len() / n_outputs).max(1) as f64;
    }
    if scale != 1.0 {
        trees.iter_mut().flat_map(|tree| &mut tree.leaves).for_each(|leaf| leaf.value *= scale);
    }
    count_levels(&mut features, &trees);
    let level_names = text.pandas_categorical.and_then(|json| level_names(json, &features));
    let level_names = level_names.unwrap_or_else(|| vec![None; features.len()]);
    let ensemble = checked(Ensemble { features, base: vec![0.0; n_outputs], trees, link: objective.link })?;
    Ok(ModelFile { format: ModelFormat::LightGbm, ensemble, level_names })
}

/// How an objective's margins are read.
struct Objective {
    link: Link,
    /// What raw scores are multiplied by before the link.
    scale: f64,
}

impl Objective {
    /// A model without an objective, of which only raw scores are known.
    const PLAIN: Objective = Objective { link: Link::Identity, scale: 1.0 };

    fn read(field: &Field<'_>) -> Result<Self, FormatError> {
        let mut words = field.value.split_ascii_whitespace();
        let name = words.next().unwrap_or_default();
        let options: Vec<&str> = words.collect();
        let unsupported = |feature: String| {
            let remedy = "regression, counts and amounts, classes and ranking can be";
            Err(FormatError::Unsupported { place: field.place(), feature, remedy })
        };
        if options.contains(&"sqrt") {
            return unsupported(format!("the objective `{name}` on square roots (`reg_sqrt`)"));
        }
        let plain = |link| Ok(Objective { link, scale: 1.0 });
        match name {
            "binary" | "multiclassova" => {
                let scale = match options.iter().find_map(|option| option.strip_prefix("sigmoid:")) {
                    None => 1.0,
                    Some(sigmoid) => sigmoid.parse().map_err(|_| field.damaged("`sigmoid` is no number"))?,
                };
                Ok(Objective { link: Link::Logistic, scale })
            }
            "cross_entropy" | "xentropy" => plain(Link::Logistic),
            "multiclass" => plain(Link::Softmax),
            "poisson" | "gamma" | "tweedie" => plain(Link::Exp),
            "regression" | "regression_l1" | "huber" | "fair" | "quantile" | "mape" | "lambdarank" | "rank_xendcg"
            | "custom" | "" => plain(Link::Identity),
            _ => unsupported(format!("the objective `{name}`")),
        }
    }
}

fn read_n_outputs(text: &ModelText<'_>) -> Result<usize, FormatError> {
    let field = text.header.find("num_tree_per_iteration").map_or_else(|| text.header.get("num_class"), Ok)?;
    match field.item::<usize>()? {
        n_outputs @ 1..=MAX_OUTPUTS => Ok(n_outputs),
        n_outputs => Err(field.damaged(format!("{n_outputs} is no number of outputs"))),
    }
}

/// Names, and how many levels categories have: LightGBM lists the levels of a category (`0:1:2`) and gives the range of a
/// number (`[0:2]`).
fn read_features(text: &ModelText<'_>) -> Result<Vec<FeatureInfo>, FormatError> {
    let largest: usize = text.header.get("max_feature_idx")?.item()?;
    let names = text.header.get("feature_names")?;
    let n_names = names.value.split_ascii_whitespace().count();
    if n_names.checked_sub(1) != Some(largest) {
        return Err(names.damaged(format!("there are {n_names} names for features 0 to {largest}")));
    }
    let infos: Vec<&str> = text.header.find("feature_infos").map_or("", |field| field.value).split(' ').collect();
    let feature = |(idx, name): (usize, &str)| {
        let info = infos.get(idx).filter(|info| info.starts_with(|c: char| c.is_ascii_digit() || c == '-'));
        let largest = |info: &&str| info.split(':').filter_map(|level| level.parse::<i32>().ok()).max();
        let n_levels = info.and_then(largest).map(|level| level.saturating_add(1).max(0) as u32);
        FeatureInfo { name: name.to_owned(), n_levels }
    };
    Ok(names.value.split_ascii_whitespace().enumerate().map(feature).collect())
}

/// Makes sure that whatever is asked for its level is a category.
fn count_levels(features: &mut [FeatureInfo], trees: &[Tree]) {
    for split in trees.iter().flat_map(|tree| &tree.splits) {
        if let (Rule::OneOf(set), Some(feature)) = (&split.rule, features.get_mut(split.feature as usize)) {
            let n_levels = set.largest().map_or(0, |level| level.saturating_add(1));
            feature.n_levels = feature.n_levels.max(Some(n_levels));
        }
    }
}

/// The names of levels that the Python package keeps for data frames: one list for each category in column order, if
/// there are as many as the model has.
fn level_names(json: &str, features: &[FeatureInfo]) -> Option<Vec<Option<Vec<String>>>> {
    let value = parse_json(json.as_bytes()).ok()?;
    let lists: Vec<Vec<String>> = Entry::root(&value).list().ok()?.iter().map(Entry::labels).collect::<Option<_>>()?;
    if lists.len() != features.iter().filter(|feature| feature.n_levels.is_some()).count() {
        return None;
    }
    let mut lists = lists.into_iter();
    Some(features.iter().map(|feature| feature.n_levels.and_then(|_| lists.next())).collect())
}
