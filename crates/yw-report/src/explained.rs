//! What a model's scores are made of: contributions as bars, fields as small curves.

use maud::{Markup, html};
use serde_json::Value;
use yw_arena::report::{CandidateReport, Dependence, DependenceCurve, Explained};

use crate::format::number;
use crate::scale::{Scale, tick};

const WIDTH: f64 = 250.0;
const HEIGHT: f64 = 170.0;
const LEFT: f64 = 42.0;
const RIGHT: f64 = 10.0;
const TOP: f64 = 10.0;
const BOTTOM: f64 = 26.0;

/// Levels that are named under a picture; the others have room for a dot only.
const NAMED_LEVELS: usize = 8;

/// Lines that an axis is read by.
const TICKS: usize = 5;

/// What `candidate`'s scores are made of; `answers` says what it predicts.
pub(crate) fn section(candidate: &CandidateReport, explained: &Explained, answers: &str) -> Markup {
    // What a linear model does between two values lies on the line between them.
    let shape = if candidate.kind == "linear" { Shape::Line } else { Shape::Steps };
    let unit = explained.unit.words();
    html! {
        @if !explained.importance.is_empty() {
            h3 { "What moves the score" }
            (bars(&explained.importance))
            p.facts { "Mean magnitude of Shapley values over " (explained.n_rows) " test rows, in " (unit) "." }
        }
        @if !explained.effects.is_empty() {
            h3 { "What each value contributes, in " (unit) }
            (multiples(&explained.effects, shape))
            p.facts { "No feature's contribution depends on another: these curves are all that the model knows of these fields." }
        }
        @if !explained.dependence.is_empty() {
            h3 { "Partial dependence: " (answers) " if all rows had the same value" }
            (multiples(&explained.dependence, Shape::Line))
        }
    }
}

fn bars(features: &[(String, f64)]) -> Markup {
    let largest = features.iter().map(|(_, value)| *value).fold(f64::MIN_POSITIVE, f64::max);
    html! {
        div.intervals {
            @for (name, value) in features {
                div.label { (name) }
                div.bars { span.bar style={ "width:" (format!("{:.2}%", value / largest * 100.0)) } {} }
                div.value { (number(*value)) }
            }
        }
    }
}

/// How values in between are to be read.
#[derive(Clone, Copy, PartialEq)]
enum Shape {
    Line,
    Steps,
}

fn multiples(fields: &[Dependence], shape: Shape) -> Markup {
    let classes: Vec<&str> = fields
        .first()
        .map_or_else(Vec::new, |field| field.curves.iter().filter_map(|curve| curve.class.as_deref()).collect());
    // One axis for all: what matters more is steeper.
    let means = fields.iter().flat_map(|field| &field.curves).flat_map(|curve| curve.means.iter().copied());
    let y_scale = Scale::linear(means);
    html! {
        @if !classes.is_empty() {
            p.legend { @for (i, class) in classes.iter().enumerate() { span class={ "key key-" (i) } { (class) } " " } }
        }
        div.multiples {
            @for field in fields {
                figure { figcaption { (field.field) } (picture(field, &y_scale, shape)) }
            }
        }
    }
}

fn picture(field: &Dependence, y_scale: &Scale, shape: Shape) -> Markup {
    let xs = places(&field.values);
    let x_scale = Scale::linear(xs.iter().copied());
    let x_at = |value: f64| LEFT + x_scale.place(value) * (WIDTH - LEFT - RIGHT);
    let y_at = |value: f64| HEIGHT - BOTTOM - y_scale.place(value) * (HEIGHT - TOP - BOTTOM);
    let is_ordered = is_ordered(&field.values);
    html! {
        svg viewBox={ "0 0 " (WIDTH) " " (HEIGHT) } role="img" aria-label={ "by " (field.field) } {
            @for value in few(y_scale.ticks()) {
                line.grid x1=(LEFT) x2=(WIDTH - RIGHT) y1=(y_at(value)) y2=(y_at(value)) {}
                text.tick x=(LEFT - 5.0) y=(y_at(value) + 4.0) text-anchor="end" { (tick(value)) }
            }
            @for (value, label) in x_labels(&field.values, &x_scale, &xs) {
                text.tick x=(x_at(value)) y=(HEIGHT - BOTTOM + 16.0) text-anchor="middle" { (label) }
            }
            @for (i, curve) in field.curves.iter().enumerate() {
                @if is_ordered {
                    polyline class={ "effect key-" (i) } points=(points(&xs, curve, shape, &x_at, &y_at)) {}
                }
                @for ((x, mean), value) in xs.iter().zip(&curve.means).zip(&field.values) {
                    @if mean.is_finite() {
                        circle class={ "effect-point key-" (i) } cx=(place(x_at(*x))) cy=(place(y_at(*mean)))
                            r=(if is_ordered { "1.8" } else { "4" }) {
                            title { @if let Some(class) = &curve.class { (class) ", " } (plain(value)) ": " (number(*mean)) }
                        }
                    }
                }
            }
        }
    }
}

/// A place in a picture, without needless digits.
fn place(at: f64) -> String {
    format!("{at:.1}")
}

/// The corners of a curve. A step holds from its value to the next.
fn points(
    xs: &[f64],
    curve: &DependenceCurve,
    shape: Shape,
    x_at: &dyn Fn(f64) -> f64,
    y_at: &dyn Fn(f64) -> f64,
) -> String {
    let mut corners: Vec<(f64, f64)> = Vec::new();
    for (&x, &mean) in xs.iter().zip(&curve.means).filter(|(_, mean)| mean.is_finite()) {
        if let (Shape::Steps, Some(&(_, before))) = (shape, corners.last()) {
            corners.push((x_at(x), before));
        }
        corners.push((x_at(x), y_at(mean)));
    }
    corners.iter().map(|(x, y)| format!("{x:.1},{y:.1}")).collect::<Vec<_>>().join(" ")
}

/// Numbers and times, which have an order and distances.
fn is_ordered(values: &[Value]) -> bool {
    values.iter().all(Value::is_number) || times(values).is_some()
}

/// Seconds since 1970.
fn times(values: &[Value]) -> Option<Vec<f64>> {
    let micros = |value: &Value| Some(yw_task::parse_time(value.as_str()?)? as f64 / 1e6);
    values.iter().map(micros).collect()
}

/// Where each value lies on its axis; levels side by side.
fn places(values: &[Value]) -> Vec<f64> {
    let numbers: Option<Vec<f64>> = values.iter().map(Value::as_f64).collect();
    numbers.or_else(|| times(values)).unwrap_or_else(|| (0..values.len()).map(|i| i as f64).collect())
}

fn x_labels(values: &[Value], scale: &Scale, xs: &[f64]) -> Vec<(f64, String)> {
    if values.iter().all(Value::is_number) {
        return few(scale.ticks()).map(|value| (value, tick(value))).collect();
    }
    if is_ordered(values) {
        // The first and the last day.
        let day = |i: usize| (xs[i], plain(&values[i]).chars().take(10).collect());
        return [0, values.len() - 1].into_iter().map(day).collect();
    }
    if values.len() > NAMED_LEVELS {
        return Vec::new();
    }
    let room = (WIDTH - LEFT - RIGHT) / values.len() as f64 / 8.0 - 1.0;
    xs.iter().zip(values).map(|(&x, value)| (x, shortened(&plain(value), room as usize))).collect()
}

/// Every so many ticks, so that there are not too many for a small picture.
fn few(ticks: Vec<f64>) -> impl Iterator<Item = f64> {
    let step = ticks.len().div_ceil(TICKS).max(1);
    ticks.into_iter().step_by(step)
}

fn shortened(text: &str, room: usize) -> String {
    match text.char_indices().nth(room.max(2)) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}
