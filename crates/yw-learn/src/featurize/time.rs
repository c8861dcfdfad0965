//! Instants: a trend and the parts of the calendar, in UTC.

use std::f64::consts::TAU;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::matrix::SparseEntries;
use super::number::NumberEncoder;
use super::params::Impute;
use crate::FormatError;
use crate::bytes::{Reader, Writer};

/// Dense features after those of the trend: year as a circle, day as a circle, weekend.
const N_CIRCLES: usize = 5;
const N_MONTHS: usize = 12;
const N_WEEKDAYS: usize = 7;

const MONTHS: [&str; N_MONTHS] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];
const WEEKDAYS: [&str; N_WEEKDAYS] = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];

/// Learned from one column of instants.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct TimeEncoder {
    trend: NumberEncoder,
}

impl TimeEncoder {
    /// Learns the trend; the calendar needs no learning. *Units*: microseconds since the Unix epoch.
    pub(super) fn fit(micros: impl Iterator<Item = Option<i64>> + Clone) -> Self {
        TimeEncoder { trend: NumberEncoder::fit(micros.map(|v| v.map(|v| v as f64)), Impute::Median) }
    }

    pub(super) fn n_dense(&self) -> usize {
        self.trend.n_features() + N_CIRCLES
    }

    pub(super) fn n_sparse(&self) -> usize {
        N_MONTHS + N_WEEKDAYS
    }

    /// A missing instant, or one outside the years −9999 to 9999, has no parts.
    pub(super) fn encode(
        &self,
        micros: Option<i64>,
        dense: &mut [f32],
        first_sparse: usize,
        sparse: &mut SparseEntries,
    ) {
        let (trend, circles) = dense.split_at_mut(self.trend.n_features());
        self.trend.encode(micros.map(|v| v as f64), trend);
        let Some(time) = micros.and_then(|v| Timestamp::from_microsecond(v).ok()) else { return };
        let time = time.to_zoned(TimeZone::UTC).datetime();
        let weekday = time.weekday().to_monday_zero_offset() as usize;
        let hours = f64::from(time.hour()) + f64::from(time.minute()) / 60.0;
        let year = TAU * f64::from(time.day_of_year()) / 365.25;
        let day = TAU * hours / 24.0;
        let is_weekend = f64::from(u8::from(weekday >= 5));
        for (feature, value) in circles.iter_mut().zip([year.sin(), year.cos(), day.sin(), day.cos(), is_weekend]) {
            *feature = value as f32;
        }
        sparse.push(first_sparse + time.month() as usize - 1, 1.0);
        sparse.push(first_sparse + N_MONTHS + weekday, 1.0);
    }

    pub(super) fn dense_names(&self, field: &str) -> Vec<String> {
        let parts = ["time of year (sin)", "time of year (cos)", "time of day (sin)", "time of day (cos)", "weekend"];
        let circles = parts.iter().map(|part| format!("{field}: {part}"));
        self.trend.names(field).into_iter().chain(circles).collect()
    }

    pub(super) fn sparse_names(&self, field: &str) -> Vec<String> {
        MONTHS.iter().chain(&WEEKDAYS).map(|part| format!("{field}: {part}")).collect()
    }

    pub(super) fn write(&self, out: &mut Writer) {
        self.trend.write(out);
    }

    pub(super) fn read(from: &mut Reader<'_>) -> Result<Self, FormatError> {
        Ok(TimeEncoder { trend: NumberEncoder::read(from)? })
    }
}
