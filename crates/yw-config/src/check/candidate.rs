//! Candidates.

use std::collections::{HashMap, HashSet};

use toml::de::DeValue;
use yw_task::AnswerKind;

use super::task::Surroundings;
use super::{ask, did_you_mean, named};
use crate::BASELINE_NAME;
use crate::grammar::{ASK, BASELINE, CANDIDATE, CASCADE, LINEAR, NEAREST};
use crate::project::{
    BaselineSpec, CandidateKind, CandidateSpec, CascadeSpec, ClassWeight, LinearSpec, Loss, NGrams, NearestSpec,
    Statistic, TextSpec, Weights,
};
use crate::raw::{At, Place, Report, View};
use crate::suggest::listed;

pub(super) fn candidates(
    task: &View<'_>,
    answer: Option<AnswerKind>,
    mut surroundings: Surroundings<'_>,
    report: &mut Report<'_>,
) -> Option<Vec<CandidateSpec>> {
    let entries = task.map("candidate");
    if entries.is_empty() {
        let message = format!("`{}` has no candidate besides the baseline", task.place.path);
        report
            .warning(&task.place, message)
            .hint(format!("add [{}.candidate.words] with fit = \"linear\"", task.place.path));
    }
    let mut names = HashMap::new();
    let mut views = Vec::new();
    for entry in entries {
        check_name(entry.key, &entry.key_place(), &mut names, report);
        views.push((entry.key, task.variant(entry.value, &CANDIDATE)));
    }
    check_cascades(&views, report);
    let mut specs = Vec::new();
    for (name, view) in &views {
        let kind = view.as_ref().and_then(|view| kind(view, answer, &mut surroundings, report));
        specs.push(kind.map(|kind| CandidateSpec { name: (*name).to_owned(), kind }));
    }
    specs.into_iter().collect()
}

fn check_name<'a>(name: &'a str, place: &Place, seen: &mut HashMap<String, &'a str>, report: &mut Report<'_>) {
    let lower = name.to_lowercase();
    if lower == BASELINE_NAME {
        let message = format!("`{name}` is the name of the candidate that is always added");
        report.error(place, message).hint("remove it, or give it another name");
    } else if let Some(other) = seen.insert(lower, name) {
        let message = format!("`{name}` and `{other}` differ only in case");
        report.error(place, message).hint("give one of them another name");
    }
}

fn kind(
    view: &View<'_>,
    answer: Option<AnswerKind>,
    surroundings: &mut Surroundings<'_>,
    report: &mut Report<'_>,
) -> Option<CandidateKind> {
    if view.is(&LINEAR) {
        linear(view, answer, report).map(CandidateKind::Linear)
    } else if view.is(&NEAREST) {
        nearest(view, report).map(CandidateKind::Nearest)
    } else if view.is(&BASELINE) {
        Some(CandidateKind::Baseline(baseline(view, answer, report)))
    } else if view.is(&ASK) {
        ask::ask(view, surroundings, report).map(CandidateKind::Ask)
    } else if view.is(&CASCADE) {
        cascade(view, answer, report).map(CandidateKind::Cascade)
    } else {
        None
    }
}

fn linear(view: &View<'_>, answer: Option<AnswerKind>, report: &mut Report<'_>) -> Option<LinearSpec> {
    const LOSSES: &[(&str, Loss)] =
        &[("logistic", Loss::Logistic), ("squared_hinge", Loss::SquaredHinge), ("squared", Loss::Squared)];
    let fit = view.text("fit");
    let loss = view.text("loss");
    let class_weight = view.text("class_weight");
    match (answer, &fit) {
        (Some(kind @ (AnswerKind::Text | AnswerKind::Json)), Some(fit)) => {
            let message = format!("a linear model has no {kind} answers");
            report.error(&fit.place, message).hint("use `fit = \"nearest\"`, which repeats an answer, or `ask`");
        }
        (Some(AnswerKind::Number), _) => {
            if let Some(loss) = loss.as_ref().filter(|l| l.value != "squared") {
                let message = format!("the loss `{}` is for labels and booleans", loss.value);
                report.error(&loss.place, message).hint("for numbers it is `squared`");
            }
            if let Some(weight) = &class_weight {
                report.error(&weight.place, "numbers have no classes to weigh").hint("remove `class_weight`");
            }
        }
        (Some(_), _) => {
            if let Some(loss) = loss.as_ref().filter(|l| l.value == "squared") {
                let hint = "for labels and booleans it is `logistic` or `squared_hinge`";
                report.error(&loss.place, "the loss `squared` is for numbers").hint(hint);
            }
        }
        (None, _) => {}
    }
    Some(LinearSpec {
        loss: loss.and_then(|l| named(l, LOSSES)),
        l2: view.number("l2").map(|n| n.value),
        class_weight: class_weight.and_then(|w| named(w, &[("balanced", ClassWeight::Balanced)])),
        max_iterations: view.integer("max_iterations").map(|n| n.value),
        tolerance: view.number("tolerance").map(|n| n.value),
        text: text(view, report),
    })
}

fn nearest(view: &View<'_>, report: &mut Report<'_>) -> Option<NearestSpec> {
    const WEIGHTS: &[(&str, Weights)] = &[("uniform", Weights::Uniform), ("distance", Weights::Distance)];
    let text = text(view, report);
    Some(NearestSpec {
        neighbors: view.integer("neighbors")?.value,
        weights: named(view.text("weights")?, WEIGHTS)?,
        text,
    })
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
    let length = |i: usize| crate::syntax::integer(list.get(i)?.get_ref()).and_then(|n| u8::try_from(n).ok());
    let (min, max) = (length(0)?, length(1)?);
    if min > max {
        let message = format!("`{key}` goes from {min} down to {max}");
        report.error(&at.place, message).hint(format!("the shortest comes first: {key} = [{max}, {min}]"));
    }
    Some(NGrams::Lengths { min, max })
}

fn baseline(view: &View<'_>, answer: Option<AnswerKind>, report: &mut Report<'_>) -> BaselineSpec {
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

fn cascade(view: &View<'_>, answer: Option<AnswerKind>, report: &mut Report<'_>) -> Option<CascadeSpec> {
    if let Some(kind @ (AnswerKind::Number | AnswerKind::Text | AnswerKind::Json)) = answer {
        let place = view.get("first").map_or_else(|| view.place.clone(), |at| at.place);
        let message = format!("{kind} answers come without a confidence, so a cascade cannot tell when to go on");
        report.error(&place, message).hint("cascades are for label and boolean answers");
    }
    Some(CascadeSpec {
        first: view.text("first")?.value,
        then: view.text("then")?.value,
        threshold: view.number("threshold").map(|n| n.value),
    })
}

/// Whether every cascade refers to other candidates that exist, and nothing refers in a circle.
fn check_cascades(views: &[(&str, Option<View<'_>>)], report: &mut Report<'_>) {
    let names: HashSet<&str> = views.iter().map(|(name, _)| *name).chain([BASELINE_NAME]).collect();
    let mut references: HashMap<&str, Vec<At<String>>> = HashMap::new();
    for (name, view) in views {
        let Some(view) = view.as_ref().filter(|v| v.is(&CASCADE)) else { continue };
        let named: Vec<At<String>> = ["first", "then"].into_iter().filter_map(|key| view.text(key)).collect();
        for reference in named.iter().filter(|r| !names.contains(r.value.as_str())) {
            if report.is_full() {
                return;
            }
            let others = views.iter().map(|(other, _)| *other).filter(|other| other != name).chain([BASELINE_NAME]);
            let message = format!("there is no candidate `{}` in this task", reference.value);
            report.error(&reference.place, message).hint_if(did_you_mean(&reference.value, others));
        }
        if let [first, then] = named.as_slice()
            && first.value == then.value
        {
            report.error(&then.place, "`first` and `then` are the same candidate").hint("name two different ones");
        }
        references.insert(name, named);
    }
    let mut walked = HashSet::new();
    for (name, _) in views {
        if let Some((circle, place)) = circle(name, &references, &mut walked) {
            let message = match circle.as_slice() {
                [one] => format!("the cascade `{one}` refers to itself"),
                several => {
                    let names = listed(several.iter().copied(), "and");
                    format!("the cascades {names} refer to each other in a circle")
                }
            };
            report.error(&place, message).hint("a cascade ends in candidates that answer by themselves");
        }
    }
}

/// The first circle on a way from `start`, with the reference that closes it. Ways are not `walked` twice.
fn circle<'a>(
    start: &'a str,
    references: &'a HashMap<&str, Vec<At<String>>>,
    walked: &mut HashSet<&'a str>,
) -> Option<(Vec<&'a str>, Place)> {
    // The way so far, each name with how many of its references were followed, and the same names to look up.
    let (mut way, mut on_way) = (Vec::new(), HashSet::new());
    if walked.insert(start) {
        way.push((start, 0));
        on_way.insert(start);
    }
    while let Some((name, n_followed)) = way.last_mut() {
        let Some(reference) = references.get(*name).and_then(|named| named.get(*n_followed)) else {
            on_way.remove(*name);
            way.pop();
            continue;
        };
        *n_followed += 1;
        let next = reference.value.as_str();
        if on_way.contains(next) {
            let circle = way.iter().map(|(name, _)| *name).skip_while(|name| *name != next);
            return Some((circle.collect(), reference.place.clone()));
        }
        if walked.insert(next) {
            way.push((next, 0));
            on_way.insert(next);
        }
    }
    None
}
