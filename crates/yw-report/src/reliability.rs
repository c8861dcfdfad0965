//! The reliability curve: stated probability against observed frequency.

use maud::{Markup, html};
use yw_arena::report::Calibration;

use crate::format::percent;

const SIZE: f64 = 300.0;
const LEFT: f64 = 44.0;
const BOTTOM: f64 = 44.0;
const MARGIN: f64 = 12.0;

pub(crate) fn curve(calibration: &Calibration) -> Markup {
    let x_at = |p: f64| LEFT + p * (SIZE - LEFT - MARGIN);
    let y_at = |p: f64| SIZE - BOTTOM - p * (SIZE - BOTTOM - MARGIN);
    let most = calibration.bins.iter().map(|b| b.rows).max().unwrap_or(1) as f64;
    let line: Vec<String> =
        calibration.bins.iter().map(|b| format!("{:.1},{:.1}", x_at(b.stated), y_at(b.observed))).collect();
    html! {
        figure.small {
            svg viewBox={ "0 0 " (SIZE) " " (SIZE) } role="img" aria-label="stated probability against observed frequency" {
                @for value in [0.0, 0.25, 0.5, 0.75, 1.0] {
                    line.grid x1=(x_at(0.0)) x2=(x_at(1.0)) y1=(y_at(value)) y2=(y_at(value)) {}
                    line.grid y1=(y_at(0.0)) y2=(y_at(1.0)) x1=(x_at(value)) x2=(x_at(value)) {}
                    text.tick x=(x_at(0.0) - 6.0) y=(y_at(value) + 4.0) text-anchor="end" { (value) }
                    text.tick x=(x_at(value)) y=(y_at(0.0) + 16.0) text-anchor="middle" { (value) }
                }
                line.ideal x1=(x_at(0.0)) y1=(y_at(0.0)) x2=(x_at(1.0)) y2=(y_at(1.0)) {}
                polyline.curve points=(line.join(" ")) {}
                @for bin in &calibration.bins {
                    circle.point.marked cx=(x_at(bin.stated)) cy=(y_at(bin.observed))
                        r=(format!("{:.1}", 2.5 + 5.0 * (bin.rows as f64 / most).sqrt())) {
                        title { (bin.rows) " rows: stated " (percent(bin.stated)) ", observed " (percent(bin.observed)) }
                    }
                }
                text.name x=((x_at(0.0) + x_at(1.0)) / 2.0) y=(SIZE - 8.0) text-anchor="middle" { "stated probability" }
                text.name transform={ "translate(11 " ((y_at(0.0) + y_at(1.0)) / 2.0) ") rotate(-90)" } text-anchor="middle" { "observed frequency" }
            }
            figcaption { "Expected calibration error " b { (format!("{:.3}", calibration.ece)) } "; a larger dot stands for more rows" }
        }
    }
}
