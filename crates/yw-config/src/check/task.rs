//! Tasks.

use std::path::Path;
use std::time::Duration;

use toml::de::DeValue;
use yw_task::{AnswerKind, Field, FieldType, Metric};

use super::provider::Providers;
use super::{candidate, costs, data};
use crate::grammar::LIMITS;
use crate::project::{AnswerColumn, DataSpec, Limits, TaskSpec, TestSpec};
use crate::raw::{At, Entry, Report, View, entries};
use crate::suggest::listed;

/// What a task may refer to.
pub(super) struct Surroundings<'a> {
    pub(super) dir: &'a Path,
    pub(super) providers: &'a mut Providers,
}

pub(super) fn task(
    name: &str,
    view: &View<'_>,
    surroundings: Surroundings<'_>,
    report: &mut Report<'_>,
) -> Option<TaskSpec> {
    let fields = fields(view.map("input"));
    let answer = answer(view, &fields, report);
    let group = group(view, answer.as_ref(), report);
    let columns = data::Columns {
        fields: &fields,
        answer: answer.as_ref().map_or("", |a| a.name.as_str()),
        group: group.as_deref(),
    };
    let train = view.get("train").and_then(|at| data::data(at, view, report));
    let test = data::test(view, &columns, report);
    warn_of_same_rows(view, train.as_ref(), test.as_ref(), report);
    let kind = answer.as_ref().map(|a| a.kind);
    let metric = metric(view, kind, report);
    let limits = limits(view, metric, report);
    let costs = costs::costs(view, kind, report);
    let is_whole = fields.len() == view.map("input").len();
    let question = candidate::Question { answer: kind, fields: is_whole.then_some(fields.as_slice()) };
    let candidates = candidate::candidates(view, question, surroundings, report);
    Some(TaskSpec {
        name: name.to_owned(),
        question: view.text("question")?.value,
        fields: fields.into(),
        answer: answer?,
        train: train?,
        test: test?,
        group,
        metric: metric?,
        limits,
        costs,
        seed: view.integer::<i64>("seed")?.value.unsigned_abs(),
        candidates: candidates?,
    })
}

/// The fields of a map from names to types, without those that were reported.
fn fields(entries: Vec<Entry<'_>>) -> Vec<Field> {
    let field = |entry: Entry<'_>| {
        let field_type = FieldType::from_name(entry.value.value.as_str()?)?;
        Some(Field::new(entry.key, field_type))
    };
    entries.into_iter().filter_map(field).collect()
}

fn answer(view: &View<'_>, inputs: &[Field], report: &mut Report<'_>) -> Option<AnswerColumn> {
    let entry = view.map("answer").into_iter().next()?;
    let name = entry.key.to_owned();
    if inputs.iter().any(|f| f.name == name) {
        let message = format!("`{name}` is both the answer and an input field");
        report.error(&entry.key_place(), message).hint("remove it from `input`: a model must not see what it is asked");
    }
    match entry.value {
        At { value: DeValue::Table(table), place } => {
            Some(AnswerColumn { name, kind: AnswerKind::Json, fields: fields(entries(table, &place.path)) })
        }
        At { value, .. } => Some(AnswerColumn { name, kind: AnswerKind::from_name(value.as_str()?)?, fields: vec![] }),
    }
}

fn group(view: &View<'_>, answer: Option<&AnswerColumn>, report: &mut Report<'_>) -> Option<String> {
    let group = view.text("group")?;
    if answer.is_some_and(|a| a.name == group.value) {
        let message = format!("rows cannot be grouped by the answer `{}`", group.value);
        report.error(&group.place, message).hint("name the column that says which rows belong together");
    }
    Some(group.value)
}

fn warn_of_same_rows(view: &View<'_>, train: Option<&DataSpec>, test: Option<&TestSpec>, report: &mut Report<'_>) {
    let (Some(train), Some(TestSpec::Data(test)), Some(at)) = (train, test, view.get("test")) else { return };
    if let Some(shared) = test.addresses.iter().find(|a| train.addresses.contains(a)) {
        let message = format!("`{shared}` is trained on and tested on, so scores will flatter");
        report.warning(&at.place, message).hint("hold rows out instead: test = { fraction = 0.2 }");
    }
}

fn metric(view: &View<'_>, kind: Option<AnswerKind>, report: &mut Report<'_>) -> Option<Metric> {
    let kind = kind?;
    let fitting = Metric::of_kind(kind);
    if !view.table.contains_key("metric") {
        return fitting.first().copied();
    }
    let word = view.text("metric")?;
    let metric = Metric::from_name(&word.value)?;
    if !fitting.contains(&metric) {
        let message = format!("`{metric}` is no metric for {kind} answers");
        let names = listed(fitting.iter().map(|m| m.name()), "and");
        report.error(&word.place, message).hint(format!("those for {kind} answers are {names}"));
        return None;
    }
    if metric == Metric::Cost && !view.table.contains_key("costs") {
        let example = costs::example(kind);
        report
            .error(&word.place, "the task does not say what mistakes cost")
            .hint(format!("add, for example, `{example}`"));
    }
    Some(metric)
}

fn limits(view: &View<'_>, metric: Option<Metric>, report: &mut Report<'_>) -> Limits {
    let Some(view) = view.table("limits", &LIMITS) else { return Limits::default() };
    let min_score = view.number("min_score");
    let max_score = view.number("max_score");
    if let Some(metric) = metric {
        let (wrong, right, better) = match metric.higher_is_better() {
            true => (&max_score, "min_score", "higher"),
            false => (&min_score, "max_score", "lower"),
        };
        if let Some(wrong) = wrong {
            let message = format!("of `{metric}`, {better} is better");
            report.error(&wrong.place, message).hint(format!("use `{right}`"));
        }
        // Every metric of which higher is better ends at 1.
        if let Some(beyond) = min_score.as_ref().filter(|s| metric.higher_is_better() && s.value > 1.0) {
            let message = format!("no score reaches {}: `{metric}` is at most 1", beyond.value);
            let percent = (beyond.value <= 100.0).then(|| format!("did you mean {}?", beyond.value / 100.0));
            report.error(&beyond.place, message).hint_if(percent);
        }
    }
    Limits {
        p95: view.number("p95_ms").and_then(|ms| Duration::try_from_secs_f64(ms.value / 1000.0).ok()),
        usd_per_1000: view.number("usd_per_1000").map(|n| n.value),
        min_score: min_score.map(|n| n.value),
        max_score: max_score.map(|n| n.value),
    }
}
