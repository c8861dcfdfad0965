//! Candidates that ask a model.

use std::time::Duration;

use super::file::file;
use super::model::model;
use super::task::Surroundings;
use crate::grammar::EXAMPLES;
use crate::project::{AskSpec, Examples};
use crate::raw::{Report, View};

pub(super) fn ask(view: &View<'_>, surroundings: &mut Surroundings<'_>, report: &mut Report<'_>) -> Option<AskSpec> {
    let model = view.text("ask").and_then(|text| model(&text, surroundings.providers, report));
    let prompt = view.text("prompt").map(|path| file(path, surroundings.dir, report));
    let system = view.text("system").map(|path| file(path, surroundings.dir, report));
    let examples = examples(view, surroundings, report);
    Some(AskSpec {
        model: model?,
        prompt,
        system,
        examples,
        temperature: view.number("temperature").map(|n| n.value),
        max_tokens: view.integer("max_tokens").map(|n| n.value),
        timeout: view.integer("timeout_ms").map(|ms| Duration::from_millis(ms.value)),
    })
}

fn examples(view: &View<'_>, surroundings: &Surroundings<'_>, report: &mut Report<'_>) -> Examples {
    let Some(view) = view.get("examples").and_then(|at| view.variant(at, &EXAMPLES)) else { return Examples::None };
    let only = |key| view.grammar.key(key).is_some();
    if only("nearest") {
        view.integer("nearest").map_or(Examples::None, |n| Examples::Nearest(n.value))
    } else if only("random") {
        view.integer("random").map_or(Examples::None, |n| Examples::Random(n.value))
    } else {
        view.text("fixed").map_or(Examples::None, |path| Examples::Fixed(file(path, surroundings.dir, report)))
    }
}
