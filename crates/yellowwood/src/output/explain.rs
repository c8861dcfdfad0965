//! What answers rest on, as tables for the terminal and as the JSON of docs/explain-json.md.

use serde_json::{Map, Value, json};
use yw_arena::report::{Dependence, DependenceCurve};
use yw_arena::{Contributions, FieldImportance, ModelExplanation};
use yw_server::ExplanationBody;
use yw_task::{Answer, Metric, RowError};

use super::{number, table, trimmed};
use crate::version::Version;

/// The version of the JSON contract.
const VERSION: u32 = 1;

/// Fields whose values the table follows; the JSON has all.
const TABLE_FIELDS: usize = 3;

/// What is explained.
pub(crate) struct Subject<'a> {
    pub(crate) task: &'a str,
    pub(crate) metric: Metric,
    pub(crate) version: &'a Version,
}

/// A row with its answer and what speaks for it.
pub(crate) struct ExplainedRow {
    /// From 1 on.
    pub(crate) number: usize,
    pub(crate) result: Result<Answer, RowError>,
    pub(crate) explanation: Option<ExplanationBody>,
}

/// What a candidate's answers rest on, the `top` fields and features.
pub(crate) fn explanation_table(subject: &Subject<'_>, found: &ModelExplanation, top: usize) -> String {
    let Subject { task, metric, version } = subject;
    let mut text = format!("{task}: what `{}` of run {} rests on", version.candidate, version.run);
    if found.is_in_sample {
        text += "; it has learned from these rows, so that it looks surer than it is";
    }
    let rows = found.importance_rows;
    text += &format!("\n\n{metric} {} on {rows} rows; what it loses without a field:\n\n", number(found.score));
    let mut fields = table(&["field", "loss", "95 % interval"], &[1]);
    for field in found.importance.iter().take(top) {
        let FieldImportance { field, drop, .. } = field;
        fields.add_row([field.clone(), signed(drop.value), interval(drop.low, drop.high)]);
    }
    text += &trimmed(&fields);
    match &found.contributions {
        Some(contributions) => text += &contributions_table(contributions, top),
        None => text += "\n\nIt does not tell what single answers are made of.",
    }
    // The effects of an additive model say more than means of its answers.
    let (followed, heading) = match found.effects.is_empty() {
        true => (&found.dependence, "the mean answer if all rows had the same value"),
        false => (&found.effects, "what each value contributes, whatever the rest of the row"),
    };
    for field in followed.iter().take(TABLE_FIELDS.min(top)) {
        text += &format!("\n\n{}: {heading}\n\n", field.field);
        text += &dependence_table(field);
    }
    text
}

fn contributions_table(found: &Contributions, top: usize) -> String {
    let unit = found.unit.words();
    let mut features = table(&["feature", "contribution"], &[1]);
    for feature in found.features.iter().take(top) {
        features.add_row([feature.feature.name.clone(), number(feature.mean_absolute)]);
    }
    let rest = found.features.len().saturating_sub(top);
    let others =
        if rest > 0 { format!("\n{rest} more features: {}", number(rest_of(found, top))) } else { String::new() };
    format!(
        "\n\nmean magnitude of contributions over {} rows, in {unit}:\n\n{}{others}",
        found.n_rows,
        trimmed(&features)
    )
}

fn rest_of(found: &Contributions, top: usize) -> f64 {
    found.features.iter().skip(top).map(|feature| feature.mean_absolute).sum()
}

fn dependence_table(dependence: &Dependence) -> String {
    let heading = |curve: &DependenceCurve| curve.class.clone().unwrap_or_default();
    let mut header = vec![dependence.field.clone()];
    header.extend(dependence.curves.iter().map(heading));
    let header: Vec<&str> = header.iter().map(String::as_str).collect();
    let right: Vec<usize> = (1..header.len()).collect();
    let mut rows = table(&header, &right);
    for (i, value) in dependence.values.iter().enumerate() {
        let means = dependence.curves.iter().map(|curve| number(curve.means[i]));
        rows.add_row(std::iter::once(plain(value)).chain(means));
    }
    trimmed(&rows)
}

/// One row with what speaks for its answer, and an empty line.
pub(crate) fn row_table(row: &ExplainedRow) -> String {
    let answer = match &row.result {
        Ok(answer) => answer,
        Err(error) => return format!("row {}: no answer: {error}\n", row.number),
    };
    let confidence = answer.confidence().map_or_else(String::new, |c| format!(" (confidence {})", number(c)));
    let mut text = format!("row {}: {}{confidence}\n", row.number, answer.value);
    if let Some(explanation) = &row.explanation {
        let ExplanationBody { unit, expected, score, contributions, rest } = explanation;
        text +=
            &format!("score {} in {}, {} on average\n\n", signed(*score), unit.replace('_', " "), signed(*expected));
        let mut features = table(&["feature", "value", "contribution"], &[2]);
        for of_feature in contributions {
            let value = of_feature.value.as_ref().map_or_else(String::new, plain);
            features.add_row([of_feature.feature.clone(), value, signed(of_feature.contribution)]);
        }
        if *rest != 0.0 {
            features.add_row(["(all others)".to_owned(), String::new(), signed(*rest)]);
        }
        text += &trimmed(&features);
        text.push('\n');
    }
    text
}

/// One row as a line of JSON.
pub(crate) fn row_json(row: &ExplainedRow) -> String {
    let mut object = json!({ "version": VERSION, "row": row.number });
    match &row.result {
        Ok(answer) => {
            object["answer"] = answer.value.to_json();
            if let Some(confidence) = answer.confidence() {
                object["confidence"] = confidence.into();
            }
            if let Some(explanation) = &row.explanation {
                object["explanation"] = json!(explanation);
            }
        }
        Err(error) => object["error"] = json!({ "kind": error.kind.name(), "message": error.message }),
    }
    object.to_string()
}

/// What a candidate's answers rest on, as one JSON object. Numbers that do not exist are null.
pub(crate) fn explanation_json(subject: &Subject<'_>, found: &ModelExplanation, top: usize) -> String {
    let field = |field: &FieldImportance| json!({ "field": field.field, "loss": field.drop.value, "low": field.drop.low, "high": field.drop.high });
    let fields: Vec<Value> = found.importance.iter().map(field).collect();
    let mut object = json!({
        "version": VERSION,
        "task": subject.task,
        "candidate": subject.version.candidate,
        "run": subject.version.run,
        "artifact": subject.version.artifact.as_str(),
        "metric": subject.metric.name(),
        "score": found.score,
        "in_sample": found.is_in_sample,
        "importance": { "rows": found.importance_rows, "fields": fields },
        "dependence": found.dependence.iter().map(dependence_json).collect::<Vec<_>>(),
        "effects": found.effects.iter().map(dependence_json).collect::<Vec<_>>(),
    });
    if let Some(contributions) = &found.contributions {
        object["contributions"] = contributions_json(contributions, top);
    }
    object.to_string()
}

fn contributions_json(found: &Contributions, top: usize) -> Value {
    let class = |(class, expected): (&std::sync::Arc<str>, &f64)| json!({ "class": &**class, "expected": expected });
    let feature = |feature: &yw_arena::FeatureContribution| {
        let by_class: Map<String, Value> = found
            .classes
            .iter()
            .zip(&feature.by_class)
            .map(|(class, &mean)| (class.to_string(), mean.into()))
            .collect();
        json!({
            "feature": feature.feature.name,
            "mean_absolute": feature.mean_absolute,
            "by_class": by_class,
        })
    };
    json!({
        "rows": found.n_rows,
        "unit": found.unit.name(),
        "additive": found.is_additive,
        "classes": found.classes.iter().zip(&found.expected).map(class).collect::<Vec<_>>(),
        "features": found.features.iter().take(top).map(feature).collect::<Vec<_>>(),
        "rest": rest_of(found, top),
    })
}

fn dependence_json(dependence: &Dependence) -> Value {
    let curve = |curve: &DependenceCurve| {
        let mut object = json!({ "means": curve.means });
        if let Some(class) = &curve.class {
            object["class"] = class.as_str().into();
        }
        if !curve.rows.is_empty() {
            object["rows"] = json!(curve.rows);
        }
        object
    };
    json!({
        "field": dependence.field,
        "values": dependence.values,
        "curves": dependence.curves.iter().map(curve).collect::<Vec<_>>(),
    })
}

fn interval(low: f64, high: f64) -> String {
    if low.is_nan() || high.is_nan() { "–".to_owned() } else { format!("{} … {}", signed(low), signed(high)) }
}

/// A number with its sign; zero has none.
fn signed(n: f64) -> String {
    let text = number(n);
    if n > 0.0 { format!("+{text}") } else { text }
}

fn plain(value: &Value) -> String {
    match value {
        Value::Null => "(missing)".to_owned(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}
