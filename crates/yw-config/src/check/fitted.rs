//! Candidates that are fitted; trees are in [`trees`](super::trees).

use std::path::{Path, PathBuf};

use toml::de::DeValue;
use yw_task::AnswerKind;

use super::file::file;
use super::named;
use crate::grammar::{Default, LOADED, TUNE};
use crate::project::{
    AutoSpec, BaselineSpec, Calibrate, ClassWeight, Decide, LinearSpec, Loss, NGrams, NearestSpec, Statistic, TextSpec,
    TuneSpec, Weights,
};
use crate::raw::{At, Report, View};
use crate::syntax;

pub(super) fn linear(view: &View<'_>, answer: Option<AnswerKind>, report: &mut Report<'_>) -> LinearSpec {
    const LOSSES: &[(&str, Loss)] =
        &[("logistic", Loss::Logistic), ("squared_hinge", Loss::SquaredHinge), ("squared", Loss::Squared)];
    let loss = view.text("loss");
    refuse_texts("a linear model", view, answer, report);
    match (answer, &loss) {
        (Some(AnswerKind::Number), Some(loss)) if loss.value != "squared" => {
            let message = format!("the loss `{}` is for labels and booleans", loss.value);
            report.error(&loss.place, message).hint("for numbers it is `squared`");
        }
        (Some(AnswerKind::Label | AnswerKind::Boolean), Some(loss)) if loss.value == "squared" => {
            let hint = "for labels and booleans it is `logistic` or `squared_hinge`";
            report.error(&loss.place, "the loss `squared` is for numbers").hint(hint);
        }
        _ => {}
    }
    LinearSpec {
        loss: loss.and_then(|l| named(l, LOSSES)),
        l2: view.number("l2").map(|n| n.value),
        class_weight: class_weight(view, answer, report),
        max_iterations: view.integer("max_iterations").map(|n| n.value),
        tolerance: view.number("tolerance").map(|n| n.value),
        text: text(view, report),
    }
}

/// Reports a kind of model that is asked for an answer it cannot give.
pub(super) fn refuse_texts(model: &str, view: &View<'_>, answer: Option<AnswerKind>, report: &mut Report<'_>) {
    if let (Some(kind @ (AnswerKind::Text | AnswerKind::Json)), Some(fit)) = (answer, view.get("fit")) {
        let message = format!("{model} has no {kind} answers");
        report.error(&fit.place, message).hint("use `fit = \"nearest\"`, which repeats an answer, or `ask`");
    }
}

pub(super) fn class_weight(
    view: &View<'_>,
    answer: Option<AnswerKind>,
    report: &mut Report<'_>,
) -> Option<ClassWeight> {
    let weight = view.text("class_weight")?;
    if answer == Some(AnswerKind::Number) {
        report.error(&weight.place, "numbers have no classes to weigh").hint("remove `class_weight`");
    }
    named(weight, &[("balanced", ClassWeight::Balanced)])
}

pub(super) fn nearest(view: &View<'_>, report: &mut Report<'_>) -> Option<NearestSpec> {
    const WEIGHTS: &[(&str, Weights)] = &[("uniform", Weights::Uniform), ("distance", Weights::Distance)];
    let text = text(view, report);
    Some(NearestSpec {
        neighbors: view.integer("neighbors")?.value,
        weights: named(view.text("weights")?, WEIGHTS)?,
        text,
    })
}

pub(super) fn auto(view: &View<'_>, answer: Option<AnswerKind>, report: &mut Report<'_>) -> AutoSpec {
    refuse_texts("`auto`", view, answer, report);
    AutoSpec { text: text(view, report) }
}

/// The file of a model that is not fitted here.
pub(super) fn load(
    view: &View<'_>,
    answer: Option<AnswerKind>,
    dir: &Path,
    report: &mut Report<'_>,
) -> Option<PathBuf> {
    refuse_texts("a model of trees", view, answer, report);
    let path = view.table("fit", &LOADED)?.text("load")?;
    Some(file(path, dir, report))
}

fn text(view: &View<'_>, report: &mut Report<'_>) -> TextSpec {
    TextSpec {
        words: n_grams(view, "words", report),
        characters: n_grams(view, "characters", report),
        lowercase: view.boolean("lowercase").map(|b| b.value),
        sublinear: view.boolean("sublinear").map(|b| b.value),
        min_rows: view.integer("min_rows").map(|n| n.value),
        max_features: view.integer("max_features").map(|n| n.value),
        max_levels: view.integer("max_levels").map(|n| n.value),
    }
}

fn n_grams(view: &View<'_>, key: &str, report: &mut Report<'_>) -> Option<NGrams> {
    let at = view.get(key)?;
    let DeValue::Array(list) = at.value else { return Some(NGrams::Off) };
    let length = |i: usize| syntax::integer(list.get(i)?.get_ref()).and_then(|n| u8::try_from(n).ok());
    let (min, max) = (length(0)?, length(1)?);
    if min > max {
        let message = format!("`{key}` goes from {min} down to {max}");
        report.error(&at.place, message).hint(format!("the shortest comes first: {key} = [{max}, {min}]"));
    }
    Some(NGrams::Lengths { min, max })
}

pub(super) fn baseline(view: &View<'_>, answer: Option<AnswerKind>, report: &mut Report<'_>) -> BaselineSpec {
    const STATISTICS: &[(&str, Statistic)] =
        &[("most_frequent", Statistic::MostFrequent), ("mean", Statistic::Mean), ("median", Statistic::Median)];
    let word = view.text("statistic");
    let statistic = word.clone().and_then(|w| named(w, STATISTICS));
    if let (Some(word), Some(statistic), Some(kind)) = (word, statistic, answer)
        && (statistic == Statistic::MostFrequent) == (kind == AnswerKind::Number)
    {
        let fitting = if kind == AnswerKind::Number { "`mean` or `median`" } else { "`most_frequent`" };
        let message = format!("`{}` is no statistic for {kind} answers", word.value);
        report.error(&word.place, message).hint(format!("for them it is {fitting}"));
    }
    BaselineSpec { statistic }
}

/// When the search for better settings ends; what the grammar says for a candidate that does not say it.
pub(super) fn tune(view: &View<'_>, report: &mut Report<'_>) -> Option<TuneSpec> {
    let key = view.grammar.key("tune")?;
    if view.table.contains_key(key.name) {
        return tune_of(view.get(key.name)?, view, report);
    }
    let Default::Value(default) = key.default else { return None };
    let default = DeValue::parse(default).ok()?;
    tune_of(At { value: default.get_ref(), place: view.place.clone() }, view, report)
}

fn tune_of<'v>(at: At<&'v DeValue<'v>>, candidate: &View<'v>, report: &mut Report<'_>) -> Option<TuneSpec> {
    let view = candidate.view(at, &TUNE)?;
    if view.table.is_empty() {
        let message = format!("`{}` does not say when to end", view.place.path);
        report.error(&view.place, message).hint("write `{ minutes = 5 }`, `{ trials = 50 }` or both");
    }
    Some(TuneSpec { minutes: view.number("minutes").map(|n| n.value), trials: view.integer("trials").map(|n| n.value) })
}

pub(super) fn calibrate(view: &View<'_>, answer: Option<AnswerKind>, report: &mut Report<'_>) -> Option<Calibrate> {
    const METHODS: &[(&str, Calibrate)] =
        &[("isotonic", Calibrate::Isotonic), ("platt", Calibrate::Platt), ("temperature", Calibrate::Temperature)];
    let at = decision(view, "calibrate", answer, report)?;
    match at.value.as_bool() {
        Some(true) => Some(Calibrate::Best),
        Some(false) => Some(Calibrate::Off),
        None => named(view.text("calibrate")?, METHODS),
    }
}

pub(super) fn decide(view: &View<'_>, answer: Option<AnswerKind>, report: &mut Report<'_>) -> Option<Decide> {
    let at = decision(view, "decide", answer, report)?;
    let Some(threshold) = syntax::number(at.value) else {
        return named(view.text("decide")?, &[("largest", Decide::Largest), ("tuned", Decide::Tuned)]);
    };
    if answer == Some(AnswerKind::Label) {
        let hint = "for labels say `\"largest\"` or `\"tuned\"`";
        report.error(&at.place, "labels have no one threshold").hint(hint);
    }
    Some(Decide::Threshold(threshold))
}

/// The value of a key that is about probabilities, if the candidate may have it; reported where answers have none.
fn decision<'v>(
    view: &View<'v>,
    key: &str,
    answer: Option<AnswerKind>,
    report: &mut Report<'_>,
) -> Option<At<&'v DeValue<'v>>> {
    let at = view.grammar.key(key).and_then(|key| view.get(key.name))?;
    if let Some(kind @ (AnswerKind::Number | AnswerKind::Text | AnswerKind::Json)) = answer {
        let message = format!("{kind} answers come without probabilities, so there is nothing to `{key}`");
        report.error(&at.place, message).hint(format!("remove `{key}`; it is for labels and booleans"));
    }
    Some(at)
}
