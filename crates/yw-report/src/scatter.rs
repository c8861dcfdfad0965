//! Score against cost, where anything costs, and against latency: what an improvement is paid with.

use maud::{Markup, html};
use yw_arena::Report;

use crate::scale::{Scale, tick};

const WIDTH: f64 = 460.0;
const HEIGHT: f64 = 300.0;
const LEFT: f64 = 58.0;
const RIGHT: f64 = 16.0;
const TOP: f64 = 14.0;
const BOTTOM: f64 = 46.0;

struct Point<'a> {
    name: &'a str,
    x: f64,
    y: f64,
    is_champion: bool,
}

pub(crate) fn pair(report: &Report) -> Markup {
    let points = |x: fn(&yw_arena::report::CandidateReport) -> Option<f64>| -> Vec<Point<'_>> {
        let point = |c| -> Option<Point<'_>> {
            let c: &yw_arena::report::CandidateReport = c;
            let is_champion = report.verdict.champion.as_deref() == Some(c.name.as_str());
            Some(Point { name: &c.name, x: x(c)?, y: c.score?.value, is_champion })
        };
        report.candidates.iter().filter_map(point).filter(|p| p.y.is_finite()).collect()
    };
    let cost = points(|c| c.usd.per_1000);
    let latency = points(|c| c.latency.map(|l| l.p95.as_secs_f64() * 1e3));
    let metric = report.metric.name();
    html! {
        div.pair {
            @if cost.iter().any(|p| p.x > 0.0) {
                figure { (chart(&cost, metric, "dollars per 1000 answers")) figcaption { "Cost" } }
            }
            figure { (chart(&latency, metric, "p95 latency of one row, ms (logarithmic)")) figcaption { "Latency" } }
        }
    }
}

fn chart(points: &[Point<'_>], y_name: &str, x_name: &str) -> Markup {
    let is_log = x_name.contains("logarithmic");
    let xs = points.iter().map(|p| p.x);
    let x_scale = if is_log { Scale::log(xs) } else { Scale::linear(xs.chain([0.0])) };
    let y_scale = Scale::linear(points.iter().map(|p| p.y));
    let x_at = |v: f64| LEFT + x_scale.place(v) * (WIDTH - LEFT - RIGHT);
    let y_at = |v: f64| HEIGHT - BOTTOM - y_scale.place(v) * (HEIGHT - TOP - BOTTOM);
    let labels = label_places(points, &x_at, &y_at);
    html! {
        svg viewBox={ "0 0 " (WIDTH) " " (HEIGHT) } role="img" aria-label={ (y_name) " against " (x_name) } {
            @for value in y_scale.ticks() {
                line.grid x1=(LEFT) x2=(WIDTH - RIGHT) y1=(y_at(value)) y2=(y_at(value)) {}
                text.tick x=(LEFT - 6.0) y=(y_at(value) + 4.0) text-anchor="end" { (tick(value)) }
            }
            @for value in x_scale.ticks() {
                line.grid x1=(x_at(value)) x2=(x_at(value)) y1=(TOP) y2=(HEIGHT - BOTTOM) {}
                text.tick x=(x_at(value)) y=(HEIGHT - BOTTOM + 16.0) text-anchor="middle" { (tick(value)) }
            }
            text.name x=((LEFT + WIDTH - RIGHT) / 2.0) y=(HEIGHT - 8.0) text-anchor="middle" { (x_name) }
            text.name transform={ "translate(13 " ((TOP + HEIGHT - BOTTOM) / 2.0) ") rotate(-90)" } text-anchor="middle" { (y_name) }
            @for (point, (anchor, dx, y)) in points.iter().zip(labels) {
                circle.point.marked[point.is_champion] cx=(x_at(point.x)) cy=(y_at(point.y)) r="5" {}
                text.point-name x=(x_at(point.x) + dx) y=(y) text-anchor=(anchor) { (point.name) }
            }
        }
    }
}

/// Anchor, horizontal offset and height of each point's name: beside the point, inside the picture, and a line below
/// the names that would be written over.
fn label_places(
    points: &[Point<'_>],
    x_at: &dyn Fn(f64) -> f64,
    y_at: &dyn Fn(f64) -> f64,
) -> Vec<(&'static str, f64, f64)> {
    const LINE: f64 = 13.0;
    let mut order: Vec<usize> = (0..points.len()).collect();
    order.sort_by(|&a, &b| y_at(points[a].y).total_cmp(&y_at(points[b].y)));
    let mut places = vec![("start", 9.0, 0.0); points.len()];
    let mut taken: Vec<(f64, f64, f64)> = Vec::new(); // left, right, height
    for i in order {
        let x = x_at(points[i].x);
        let length = points[i].name.chars().count() as f64 * 7.0;
        let fits_right = x + 9.0 + length <= WIDTH - 2.0;
        let (anchor, dx) = if fits_right { ("start", 9.0) } else { ("end", -9.0) };
        let (left, right) = if fits_right { (x + 9.0, x + 9.0 + length) } else { (x - 9.0 - length, x - 9.0) };
        let mut y = y_at(points[i].y) + 4.0;
        while taken.iter().any(|&(l, r, h)| left < r && l < right && (y - h).abs() < LINE) {
            y += 1.0;
        }
        taken.push((left, right, y));
        places[i] = (anchor, dx, y);
    }
    places
}
