//! Numbers and booleans: filled in, standardised, with an indicator of what was missing.

use super::params::Impute;
use crate::FormatError;
use crate::bytes::{Reader, Writer};

/// Standardised values are cut off here, so that no input overflows single precision later on.
const LIMIT: f64 = 1e6;

/// Below this spread, relative to the largest value, a column is constant but for rounding.
const CONSTANT: f64 = 1e-12;

/// Learned from one column of numbers: feature 0 is the standardised value, feature 1, if some training rows lack the
/// number, whether it is missing.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct NumberEncoder {
    /// Stands in for a missing number.
    fill: f64,
    /// The largest absolute value; the moments are those of the values divided by it, which cannot overflow.
    scale: f64,
    mean: f64,
    /// Standard deviation, with n in the denominator; 0 for a constant column, which gives no information.
    deviation: f64,
    indicator: bool,
}

impl NumberEncoder {
    pub(super) fn fit(values: impl Iterator<Item = Option<f64>> + Clone, impute: Impute) -> Self {
        let mut present: Vec<f64> = values.clone().flatten().collect();
        let n_rows = values.clone().count();
        let scale = present.iter().fold(0.0f64, |max, v| max.max(v.abs()));
        let scale = if scale > 0.0 { scale } else { 1.0 };
        let fill = match impute {
            Impute::Median => median(&mut present, scale),
            Impute::Mean => mean(present.iter().map(|v| v / scale), present.len()) * scale,
        };
        let filled = values.map(|v| v.unwrap_or(fill) / scale);
        let mean_value = mean(filled.clone(), n_rows);
        let variance = mean(filled.map(|v| (v - mean_value) * (v - mean_value)), n_rows);
        let deviation = if variance.sqrt() > CONSTANT { variance.sqrt() } else { 0.0 };
        let indicator = !present.is_empty() && present.len() < n_rows;
        NumberEncoder { fill, scale, mean: mean_value, deviation, indicator }
    }

    pub(super) fn n_features(&self) -> usize {
        1 + usize::from(self.indicator)
    }

    pub(super) fn encode(&self, value: Option<f64>, features: &mut [f32]) {
        if self.deviation > 0.0 {
            let scaled = value.unwrap_or(self.fill) / self.scale;
            features[0] = ((scaled - self.mean) / self.deviation).clamp(-LIMIT, LIMIT) as f32;
        }
        if self.indicator && value.is_none() {
            features[1] = 1.0;
        }
    }

    pub(super) fn names(&self, field: &str) -> Vec<String> {
        let mut names = vec![field.to_owned()];
        if self.indicator {
            names.push(format!("{field} (missing)"));
        }
        names
    }

    pub(super) fn write(&self, out: &mut Writer) {
        [self.fill, self.scale, self.mean, self.deviation].into_iter().for_each(|v| out.f64(v));
        out.bool(self.indicator);
    }

    pub(super) fn read(from: &mut Reader<'_>) -> Result<Self, FormatError> {
        let (fill, scale, mean, deviation) = (from.f64()?, from.f64()?, from.f64()?, from.f64()?);
        if scale <= 0.0 || deviation < 0.0 {
            return Err(FormatError::Damaged { what: "a number's scale is not positive" });
        }
        Ok(NumberEncoder { fill, scale, mean, deviation, indicator: from.bool()? })
    }
}

fn mean(values: impl Iterator<Item = f64>, n: usize) -> f64 {
    values.sum::<f64>() / n.max(1) as f64
}

/// The middle value, or half-way between the two middle ones; 0 of nothing.
fn median(values: &mut [f64], scale: f64) -> f64 {
    if values.is_empty() {
        return 0.0;
    }
    let middle = values.len() / 2;
    let is_even = values.len().is_multiple_of(2);
    let (below, &mut upper, _) = values.select_nth_unstable_by(middle, f64::total_cmp);
    if !is_even {
        return upper;
    }
    let lower = below.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    (lower / scale + upper / scale) / 2.0 * scale
}

/// Learned from one column of booleans: feature 0 is 1 for true and 0 for false, feature 1 the indicator of missing ones.
/// A missing value counts as the share of true ones.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct BooleanEncoder {
    share_true: f64,
    indicator: bool,
}

impl BooleanEncoder {
    pub(super) fn fit(values: impl Iterator<Item = Option<bool>> + Clone) -> Self {
        let n_present = values.clone().flatten().count();
        let n_true = values.clone().flatten().filter(|v| *v).count();
        BooleanEncoder {
            share_true: n_true as f64 / n_present.max(1) as f64,
            indicator: n_present > 0 && n_present < values.count(),
        }
    }

    pub(super) fn n_features(&self) -> usize {
        1 + usize::from(self.indicator)
    }

    pub(super) fn encode(&self, value: Option<bool>, features: &mut [f32]) {
        features[0] = value.map_or(self.share_true as f32, |v| f32::from(u8::from(v)));
        if self.indicator && value.is_none() {
            features[1] = 1.0;
        }
    }

    pub(super) fn names(&self, field: &str) -> Vec<String> {
        let mut names = vec![format!("{field} = true")];
        if self.indicator {
            names.push(format!("{field} (missing)"));
        }
        names
    }

    pub(super) fn write(&self, out: &mut Writer) {
        out.f64(self.share_true);
        out.bool(self.indicator);
    }

    pub(super) fn read(from: &mut Reader<'_>) -> Result<Self, FormatError> {
        let share_true = from.f64()?;
        if !(0.0..=1.0).contains(&share_true) {
            return Err(FormatError::Damaged { what: "a boolean's share of true is not a share" });
        }
        Ok(BooleanEncoder { share_true, indicator: from.bool()? })
    }
}
