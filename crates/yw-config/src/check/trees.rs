//! Candidates of trees.

use toml::de::DeValue;
use yw_task::{AnswerKind, Field, FieldType};

use super::candidate::Question;
use super::{did_you_mean, fitted, named};
use crate::grammar::GOSS;
use crate::project::{GossSpec, Monotone, TreesGrowth, TreesMode, TreesObjective, TreesSpec};
use crate::raw::{Place, Report, View};

pub(super) fn trees(view: &View<'_>, question: Question<'_>, report: &mut Report<'_>) -> TreesSpec {
    const MODES: &[(&str, TreesMode)] =
        &[("boosting", TreesMode::Boosting), ("forest", TreesMode::Forest), ("extra_trees", TreesMode::ExtraTrees)];
    const GROWTHS: &[(&str, TreesGrowth)] = &[("leaf", TreesGrowth::Leaf), ("depth", TreesGrowth::Depth)];
    fitted::refuse_texts("a model of trees", view, question.answer, report);
    let mode = view.text("mode").and_then(|word| named(word, MODES));
    check_mode(view, mode, report);
    let number = |key| view.number(key).map(|n| n.value);
    let count = |key| view.integer(key).map(|n| n.value);
    let boolean = |key| view.boolean(key).map(|b| b.value);
    TreesSpec {
        mode,
        trees: count("trees"),
        learning_rate: number("learning_rate"),
        max_leaves: max_leaves(view, report),
        max_depth: count("max_depth"),
        growth: view.text("growth").and_then(|word| named(word, GROWTHS)),
        max_bins: view.integer("max_bins").map(|n| n.value),
        min_rows_per_leaf: count("min_rows_per_leaf"),
        min_child_weight: number("min_child_weight"),
        min_split_gain: number("min_split_gain"),
        l1: number("l1"),
        l2: number("l2"),
        row_fraction: number("row_fraction"),
        column_fraction: number("column_fraction"),
        column_fraction_per_split: number("column_fraction_per_split"),
        goss: goss(view, report),
        quantized: boolean("quantized"),
        class_weight: fitted::class_weight(view, question.answer, report),
        objective: objective(view, question.answer, report),
        monotone: monotone(view, question.fields, report),
        interactions: interactions(view, question.fields, report),
        additive: boolean("additive"),
        early_stopping_rounds: count("early_stopping_rounds"),
        max_text_features: count("max_text_features"),
    }
}

/// Reports keys that the mode has no use for.
fn check_mode(view: &View<'_>, mode: Option<TreesMode>, report: &mut Report<'_>) {
    let useless: &[&str] = match mode {
        None | Some(TreesMode::Boosting) => &[],
        Some(TreesMode::Forest) => &["learning_rate", "goss", "early_stopping_rounds", "row_fraction"],
        Some(TreesMode::ExtraTrees) => &["learning_rate", "goss", "early_stopping_rounds"],
    };
    for key in useless {
        if let Some(at) = view.get(key) {
            let message =
                format!("`{key}` is not for the mode `{}`", view.text("mode").map_or_else(String::new, |m| m.value));
            report.error(&at.place, message).hint(format!("remove `{key}`, or say `mode = \"boosting\"`"));
        }
    }
}

fn max_leaves(view: &View<'_>, report: &mut Report<'_>) -> Option<u32> {
    let leaves = view.integer::<u32>("max_leaves")?;
    if leaves.value == 1 {
        let message = "a tree of one leaf tells no rows apart";
        report.error(&leaves.place, message).hint("say 2 or more, or 0 for no limit");
    }
    Some(leaves.value)
}

fn goss(view: &View<'_>, report: &mut Report<'_>) -> Option<GossSpec> {
    if let (Some(_), Some(rows)) = (view.get("goss"), view.get("row_fraction")) {
        let message = "`goss` and `row_fraction` both say which rows a tree sees";
        report.error(&rows.place, message).hint("remove one of the two");
    }
    let view = view.table("goss", &GOSS)?;
    let (top_fraction, other_fraction) = (view.number("top_fraction")?.value, view.number("other_fraction")?.value);
    if top_fraction + other_fraction > 1.0 {
        let message = format!("{top_fraction} and {other_fraction} are more than all rows");
        report.error(&view.place, message).hint("together they are at most 1");
    }
    Some(GossSpec { top_fraction, other_fraction })
}

/// What is minimised, with the parameter that belongs to it.
fn objective(view: &View<'_>, answer: Option<AnswerKind>, report: &mut Report<'_>) -> Option<TreesObjective> {
    const PARAMETERS: [(&str, &str); 3] = [("alpha", "quantile"), ("delta", "huber"), ("power", "tweedie")];
    let word = view.text("objective");
    if let (Some(AnswerKind::Label | AnswerKind::Boolean), Some(word)) = (answer, &word) {
        let message = format!("the objective `{}` is for numbers", word.value);
        report.error(&word.place, message).hint("remove it: labels and booleans always minimise the log loss");
    }
    let chosen = word.as_ref().map_or("", |w| w.value.as_str());
    // Of an objective that was reported, nobody knows the parameters.
    let is_known = word.is_some() || !view.table.contains_key("objective");
    for (key, owner) in PARAMETERS {
        if is_known
            && owner != chosen
            && view.table.contains_key(key)
            && let Some(at) = view.get(key)
        {
            let message = format!("`{key}` belongs to the objective `{owner}`");
            report.error(&at.place, message).hint(format!("remove `{key}`, or say `objective = \"{owner}\"`"));
        }
    }
    let parameter = |key| view.number(key).map(|n| n.value);
    Some(match chosen {
        "squared" => TreesObjective::Squared,
        "absolute" => TreesObjective::Absolute,
        "quantile" => TreesObjective::Quantile { alpha: parameter("alpha")? },
        "huber" => TreesObjective::Huber { delta: parameter("delta")? },
        "poisson" => TreesObjective::Poisson,
        "gamma" => TreesObjective::Gamma,
        "tweedie" => TreesObjective::Tweedie { power: parameter("power")? },
        _ => return None,
    })
}

fn monotone(view: &View<'_>, fields: Option<&[Field]>, report: &mut Report<'_>) -> Vec<(String, Monotone)> {
    const DIRECTIONS: &[(&str, Monotone)] =
        &[("increasing", Monotone::Increasing), ("decreasing", Monotone::Decreasing)];
    let mut directions = Vec::new();
    for entry in view.map("monotone") {
        let field = fields.and_then(|fields| known_field(entry.key, &entry.key_place(), fields, report));
        if let Some(field) = field.filter(|f| matches!(f.field_type, FieldType::Text | FieldType::Category)) {
            let message = format!("`{}` is declared as {}, and does not grow", field.name, field.field_type);
            report.error(&entry.key_place(), message).hint("name a number, a boolean or a time");
        }
        let word = entry.value.value.as_str();
        let direction = DIRECTIONS.iter().find(|(name, _)| word == Some(*name));
        directions.extend(direction.map(|(_, direction)| (entry.key.to_owned(), *direction)));
    }
    directions
}

fn interactions(view: &View<'_>, fields: Option<&[Field]>, report: &mut Report<'_>) -> Vec<Vec<String>> {
    let Some(at) = view.get("interactions") else { return Vec::new() };
    if view.boolean("additive").is_some_and(|b| b.value) {
        let message = "with `additive` no fields act together";
        report.error(&at.place, message).hint("remove `interactions` or `additive`");
    }
    let DeValue::Array(groups) = at.value else { return Vec::new() };
    let mut named = Vec::new();
    for group in groups.iter().filter_map(|g| g.get_ref().as_array()) {
        let mut names = Vec::new();
        for name in group.iter() {
            let Some(text) = name.get_ref().as_str() else { continue };
            let place = Place { path: at.place.path.clone(), span: name.span() };
            if let Some(fields) = fields {
                known_field(text, &place, fields, report);
            }
            names.push(text.to_owned());
        }
        named.push(names);
    }
    named
}

/// The input field of this name; reported if there is none.
fn known_field<'f>(name: &str, place: &Place, fields: &'f [Field], report: &mut Report<'_>) -> Option<&'f Field> {
    let field = fields.iter().find(|f| f.name == name);
    if field.is_none() && !report.is_full() {
        let hint = did_you_mean(name, fields.iter().map(|f| f.name.as_str()));
        report.error(place, format!("there is no field `{name}` in `input`")).hint_if(hint);
    }
    field
}
