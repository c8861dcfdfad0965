//! From values to places on an axis.

/// A linear or logarithmic axis.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Scale {
    low: f64,
    high: f64,
    is_log: bool,
}

impl Scale {
    /// An axis over all finite `values` with a little room at both ends; from 0 to 1 if there are none.
    pub(crate) fn linear(values: impl IntoIterator<Item = f64>) -> Self {
        let (low, high) = bounds(values).unwrap_or((0.0, 1.0));
        let room = if high > low { (high - low) * 0.06 } else { low.abs().max(1.0) * 0.05 };
        Scale { low: low - room, high: high + room, is_log: false }
    }

    /// A logarithmic axis over all positive `values`, in whole powers of ten.
    pub(crate) fn log(values: impl IntoIterator<Item = f64>) -> Self {
        let (low, high) = bounds(values.into_iter().filter(|&v| v > 0.0)).unwrap_or((1.0, 10.0));
        let (low, mut high) = (low.log10().floor(), high.log10().ceil());
        if high <= low {
            high = low + 1.0;
        }
        Scale { low, high, is_log: true }
    }

    /// Where `value` lies, from 0 at the low end to 1 at the high one.
    pub(crate) fn place(&self, value: f64) -> f64 {
        let value = if self.is_log { value.log10() } else { value };
        ((value - self.low) / (self.high - self.low)).clamp(0.0, 1.0)
    }

    /// Round values to label the axis with.
    pub(crate) fn ticks(&self) -> Vec<f64> {
        if self.is_log {
            let step = (((self.high - self.low) / 6.0).ceil() as usize).max(1);
            return (self.low as i32..=self.high as i32).step_by(step).map(|e| 10f64.powi(e)).collect();
        }
        let rough = (self.high - self.low) / 6.0;
        let magnitude = 10f64.powf(rough.log10().floor());
        let step = [1.0, 2.0, 5.0, 10.0].into_iter().find(|m| m * magnitude >= rough).unwrap_or(10.0) * magnitude;
        let first = (self.low / step).ceil() as i64;
        (first..).map(|i| i as f64 * step).take_while(|&t| t <= self.high).take(12).collect()
    }
}

fn bounds(values: impl IntoIterator<Item = f64>) -> Option<(f64, f64)> {
    values.into_iter().filter(|v| v.is_finite()).fold(None, |bounds, v| match bounds {
        None => Some((v, v)),
        Some((low, high)) => Some((v.min(low), v.max(high))),
    })
}

/// A tick without needless digits.
pub(crate) fn tick(value: f64) -> String {
    if value.abs() >= 1e6 || (value != 0.0 && value.abs() < 1e-4) {
        return format!("{value:.0e}");
    }
    let text = format!("{value:.4}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_round_and_inside() {
        let scale = Scale::linear([0.81, 0.93]);
        let ticks: Vec<String> = scale.ticks().into_iter().map(tick).collect();
        assert_eq!(ticks, ["0.85", "0.9"]);
        let log = Scale::log([0.3, 40.0, 0.0, f64::NAN]);
        assert_eq!(log.ticks(), [0.1, 1.0, 10.0, 100.0]);
        assert_eq!(log.place(0.1), 0.0);
        assert!((log.place(1.0) - 1.0 / 3.0).abs() < 1e-12);
    }

    #[test]
    fn odd_values_do_not_break_an_axis() {
        for scale in [Scale::linear([]), Scale::linear([5.0]), Scale::linear([0.0]), Scale::log([]), Scale::log([1.0])]
        {
            assert!(scale.ticks().len() < 13);
            assert!((0.0..=1.0).contains(&scale.place(5.0)));
        }
    }
}
