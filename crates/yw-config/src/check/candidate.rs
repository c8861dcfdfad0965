//! Candidates.

use std::collections::{HashMap, HashSet};

use yw_task::{AnswerKind, Field};

use super::task::Surroundings;
use super::{ask, did_you_mean, fitted, trees};
use crate::BASELINE_NAME;
use crate::grammar::{ASK, AUTO, BASELINE, CANDIDATE, CASCADE, LINEAR, LOAD, NEAREST, TREES};
use crate::project::{CandidateKind, CandidateSpec, CascadeSpec};
use crate::raw::{At, Place, Report, View};
use crate::suggest::listed;

/// What candidates must fit; what was reported is not known.
#[derive(Clone, Copy)]
pub(super) struct Question<'a> {
    pub(super) answer: Option<AnswerKind>,
    /// None if the type of one of them was reported.
    pub(super) fields: Option<&'a [Field]>,
}

pub(super) fn candidates(
    task: &View<'_>,
    question: Question<'_>,
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
        specs.push(view.as_ref().and_then(|view| candidate(name, view, question, &mut surroundings, report)));
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

fn candidate(
    name: &str,
    view: &View<'_>,
    question: Question<'_>,
    surroundings: &mut Surroundings<'_>,
    report: &mut Report<'_>,
) -> Option<CandidateSpec> {
    Some(CandidateSpec {
        name: name.to_owned(),
        tune: fitted::tune(view, report),
        calibrate: fitted::calibrate(view, question.answer, report),
        decide: fitted::decide(view, question.answer, report),
        kind: kind(view, question, surroundings, report)?,
    })
}

fn kind(
    view: &View<'_>,
    question: Question<'_>,
    surroundings: &mut Surroundings<'_>,
    report: &mut Report<'_>,
) -> Option<CandidateKind> {
    let answer = question.answer;
    if view.is(&LINEAR) {
        Some(CandidateKind::Linear(fitted::linear(view, answer, report)))
    } else if view.is(&NEAREST) {
        fitted::nearest(view, report).map(CandidateKind::Nearest)
    } else if view.is(&TREES) {
        Some(CandidateKind::Trees(trees::trees(view, question, report)))
    } else if view.is(&AUTO) {
        Some(CandidateKind::Auto(fitted::auto(view, answer, report)))
    } else if view.is(&LOAD) {
        fitted::load(view, answer, surroundings.dir, report).map(CandidateKind::Load)
    } else if view.is(&BASELINE) {
        Some(CandidateKind::Baseline(fitted::baseline(view, answer, report)))
    } else if view.is(&ASK) {
        ask::ask(view, surroundings, report).map(CandidateKind::Ask)
    } else if view.is(&CASCADE) {
        cascade(view, answer, report).map(CandidateKind::Cascade)
    } else {
        None
    }
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
