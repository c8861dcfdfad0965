//! Measured figures beside the bars they are held to.

/// One measured figure.
#[derive(Debug)]
pub(crate) struct Figure {
    what: String,
    value: f64,
    unit: &'static str,
    bar: Option<Bar>,
}

/// What a figure should be.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Bar {
    /// Not more than this.
    AtMost(f64),
    /// Not less than this.
    AtLeast(f64),
}

impl Figure {
    pub(crate) fn new(what: impl Into<String>, value: f64, unit: &'static str) -> Self {
        Figure { what: what.into(), value, unit, bar: None }
    }

    pub(crate) fn with_bar(mut self, bar: Bar) -> Self {
        self.bar = Some(bar);
        self
    }
}

impl Bar {
    fn is_kept(self, value: f64) -> bool {
        match self {
            Bar::AtMost(limit) => value <= limit,
            Bar::AtLeast(limit) => value >= limit,
        }
    }
}

/// One line per figure: what, how much, the bar and whether it is kept.
pub(crate) fn table(title: &str, figures: &[Figure]) -> String {
    let cells = |figure: &Figure| {
        let bar = figure.bar.map(|bar| match bar {
            Bar::AtMost(limit) => format!("≤ {limit}"),
            Bar::AtLeast(limit) => format!("≥ {limit}"),
        });
        let verdict = figure.bar.map(|bar| if bar.is_kept(figure.value) { "kept" } else { "MISSED" });
        [
            figure.what.clone(),
            number(figure.value),
            figure.unit.to_owned(),
            bar.unwrap_or_default(),
            verdict.unwrap_or_default().to_owned(),
        ]
    };
    let lines: Vec<[String; 5]> = figures.iter().map(cells).collect();
    let width = |column: usize| lines.iter().map(|l| l[column].chars().count()).max().unwrap_or_default();
    let widths = [0, 1, 2, 3].map(width);
    let mut table = title.to_owned();
    for [what, value, unit, bar, verdict] in &lines {
        let [w0, w1, w2, w3] = widths;
        table.push_str(format!("\n  {what:w0$}  {value:>w1$} {unit:w2$}  {bar:w3$}  {verdict}").trim_end());
    }
    table
}

/// About four digits that count, as a benchmark has no more; whole numbers stay whole.
fn number(value: f64) -> String {
    let decimals = match value.abs() {
        v if v >= 1000.0 || value.fract() == 0.0 => 0,
        v if v >= 100.0 => 1,
        v if v >= 10.0 => 2,
        v if v >= 1.0 => 3,
        _ => 4,
    };
    format!("{value:.decimals$}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars_stand_beside_figures() {
        let figures = [
            Figure::new("p50", 0.25, "ms").with_bar(Bar::AtMost(0.5)),
            Figure::new("p99.9", 12.5, "ms").with_bar(Bar::AtMost(3.0)),
            Figure::new("accuracy", 0.9117, "").with_bar(Bar::AtLeast(0.911)),
            Figure::new("errors", 0.0, ""),
        ];
        let expect = "title
  p50       0.2500 ms  ≤ 0.5    kept
  p99.9      12.50 ms  ≤ 3      MISSED
  accuracy  0.9117     ≥ 0.911  kept
  errors         0";
        assert_eq!(table("title", &figures), expect);
    }

    #[test]
    fn numbers_have_four_digits() {
        for (value, expect) in
            [(1234.56, "1235"), (123.456, "123.5"), (12.3456, "12.35"), (0.04321, "0.0432"), (7.0, "7")]
        {
            assert_eq!(number(value), expect);
        }
    }
}
