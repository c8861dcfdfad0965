//! What answers cost.

use toml::de::DeValue;
use yw_task::AnswerKind;

use crate::grammar::BOOLEAN_COSTS;
use crate::project::{BooleanCosts, CostsSpec, LabelCost};
use crate::raw::{At, Entry, Report, View, entries};
use crate::syntax;

pub(super) fn costs(task: &View<'_>, answer: Option<AnswerKind>, report: &mut Report<'_>) -> Option<CostsSpec> {
    let (kind, at) = (answer?, task.get("costs")?);
    match kind {
        AnswerKind::Boolean => boolean(task, at, report).map(CostsSpec::Boolean),
        AnswerKind::Label => labels(task, at, report).map(CostsSpec::Label),
        AnswerKind::Number | AnswerKind::Text | AnswerKind::Json => {
            let message = format!("{kind} answers have no `costs`");
            report.error(&at.place, message).hint("costs are for label and boolean answers");
            None
        }
    }
}

/// What `costs` may look like for answers of a kind.
pub(super) fn example(kind: AnswerKind) -> &'static str {
    match kind {
        AnswerKind::Boolean => "costs = { false_positive = 1, false_negative = 25 }",
        _ => "costs = { billing = { technical = 5 } }",
    }
}

fn boolean<'v>(task: &View<'v>, at: At<&'v DeValue<'v>>, report: &mut Report<'_>) -> Option<BooleanCosts> {
    let view = task.view(at, &BOOLEAN_COSTS)?;
    if view.table.values().any(|value| value.get_ref().is_table()) {
        let hint = format!("for booleans, for example, `{}`", example(AnswerKind::Boolean));
        report.error(&view.place, "costs by right and given label are for labels").hint(hint);
        return None;
    }
    let cost = |key| view.number(key).map(|n| n.value);
    let costs = BooleanCosts {
        true_positive: cost("true_positive")?,
        false_positive: cost("false_positive")?,
        true_negative: cost("true_negative")?,
        false_negative: cost("false_negative")?,
    };
    let (of_true, of_false) = (costs.false_negative - costs.true_positive, costs.false_positive - costs.true_negative);
    let misspelt = view.table.keys().any(|key| view.grammar.key(key.get_ref()).is_none());
    if of_true == 0.0 && of_false == 0.0 && !misspelt {
        let message = "right and wrong answers cost the same";
        report.error(&view.place, message).hint("say what one of the mistakes costs more than the right answer");
    } else if of_true < 0.0 || of_false < 0.0 {
        let mistake = if of_true < 0.0 { "false_negative" } else { "false_positive" };
        let message = format!("a `{mistake}` costs less than the right answer");
        report.warning(&view.place, message).hint("costs are positive, gains are negative");
    }
    Some(costs)
}

/// The pairs that are named; nothing if one was reported.
fn labels(task: &View<'_>, at: At<&DeValue<'_>>, report: &mut Report<'_>) -> Option<Vec<LabelCost>> {
    let mut costs = Vec::new();
    for truth in entries(at.value.as_table()?, &at.place.path) {
        if let Some(of_truth) = truth.value.value.as_table() {
            for answer in entries(of_truth, &truth.value.place.path) {
                let cost = syntax::number(answer.value.value)?;
                costs.push(LabelCost { truth: truth.key.to_owned(), answer: answer.key.to_owned(), cost });
            }
        } else {
            refuse_number(task, &truth, report);
            return None;
        }
    }
    Some(costs)
}

/// Reports a cost that is not of a pair of labels, unless its shape was.
fn refuse_number(task: &View<'_>, entry: &Entry<'_>, report: &mut Report<'_>) {
    if !task.unsound.contains(&entry.value.place.span.start) {
        let message = format!("`{}` is a cost of boolean answers", entry.key);
        let hint = format!("for labels, for example, `{}`: truth, answer, cost", example(AnswerKind::Label));
        report.error(&entry.key_place(), message).hint(hint);
    }
}
