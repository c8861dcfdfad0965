use std::fmt;

use jiff::Timestamp;
use jiff::tz::TimeZone;

const MINUTE: i64 = 60;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;

/// A span of the calendar in UTC in which use is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Window {
    /// A minute of the clock.
    Minute,
    /// An hour of the clock.
    Hour,
    /// A day, from midnight.
    Day,
    /// A month of the calendar.
    Month,
    /// All time.
    Total,
}

impl Window {
    /// All windows, the shortest first. Each starts and ends together with one of the window before it.
    pub const ALL: [Window; 5] = [Window::Minute, Window::Hour, Window::Day, Window::Month, Window::Total];

    /// Its name in the words of a limit: `minute`, `hour`, `day`, `month`, `total`.
    pub fn name(self) -> &'static str {
        match self {
            Window::Minute => "minute",
            Window::Hour => "hour",
            Window::Day => "day",
            Window::Month => "month",
            Window::Total => "total",
        }
    }

    /// The first instant of the window around `at`; none for [`Window::Total`].
    pub fn starts(self, at: Timestamp) -> Option<Timestamp> {
        self.timestamp(self.span(at.as_second()).start)
    }

    /// The first instant after the window around `at`; none for [`Window::Total`].
    pub fn ends(self, at: Timestamp) -> Option<Timestamp> {
        self.timestamp(self.span(at.as_second()).end)
    }

    /// Whether something holds for all windows. Written out, so that the compiler knows each of them: twice as
    /// fast as a loop, and this is done under a lock.
    #[inline(always)]
    pub(super) fn all(mut holds: impl FnMut(Window) -> bool) -> bool {
        holds(Window::Minute)
            && holds(Window::Hour)
            && holds(Window::Day)
            && holds(Window::Month)
            && holds(Window::Total)
    }

    /// The window around a second since 1970.
    pub(super) fn span(self, second: i64) -> Span {
        let even = |length: i64| {
            let start = second - second.rem_euclid(length);
            Span { start, end: start + length }
        };
        match self {
            Window::Minute => even(MINUTE),
            Window::Hour => even(HOUR),
            Window::Day => even(DAY),
            Window::Month => month(second),
            Window::Total => Span::ALL,
        }
    }

    fn timestamp(self, second: i64) -> Option<Timestamp> {
        Timestamp::from_second(second).ok().filter(|_| self != Window::Total)
    }
}

impl fmt::Display for Window {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Seconds since 1970, without the end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Span {
    pub(super) start: i64,
    pub(super) end: i64,
}

impl Span {
    const ALL: Span = Span { start: i64::MIN, end: i64::MAX };

    pub(super) fn contains(self, second: i64) -> bool {
        self.start <= second && second < self.end
    }
}

fn month(second: i64) -> Span {
    // Out of the calendar, where no clock goes, there is one endless month.
    let Ok(at) = Timestamp::from_second(second) else { return Span::ALL };
    let date = TimeZone::UTC.to_datetime(at).date();
    let first_day = second.div_euclid(DAY) - i64::from(date.day() - 1);
    Span { start: first_day * DAY, end: (first_day + i64::from(date.days_in_month())) * DAY }
}

/// One value for each window.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct PerWindow<T> {
    /// For the minute.
    pub minute: T,
    /// For the hour.
    pub hour: T,
    /// For the day.
    pub day: T,
    /// For the month.
    pub month: T,
    /// For all time.
    pub total: T,
}

impl<T> PerWindow<T> {
    /// The value for one window.
    #[inline(always)]
    pub fn get(&self, window: Window) -> &T {
        match window {
            Window::Minute => &self.minute,
            Window::Hour => &self.hour,
            Window::Day => &self.day,
            Window::Month => &self.month,
            Window::Total => &self.total,
        }
    }

    /// The value for one window, to change it.
    #[inline(always)]
    pub fn get_mut(&mut self, window: Window) -> &mut T {
        match window {
            Window::Minute => &mut self.minute,
            Window::Hour => &mut self.hour,
            Window::Day => &mut self.day,
            Window::Month => &mut self.month,
            Window::Total => &mut self.total,
        }
    }

    /// Makes each value from its window.
    pub fn from_fn(mut make: impl FnMut(Window) -> T) -> Self {
        PerWindow {
            minute: make(Window::Minute),
            hour: make(Window::Hour),
            day: make(Window::Day),
            month: make(Window::Month),
            total: make(Window::Total),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(window: Window, at: &str, start: &str, end: &str) {
        let at: Timestamp = at.parse().unwrap();
        let spoken = |time: Option<Timestamp>| time.unwrap().to_string();
        assert_eq!((spoken(window.starts(at)), spoken(window.ends(at))), (start.to_owned(), end.to_owned()), "{at}");
    }

    #[test]
    fn windows_are_the_calendars() {
        check(Window::Minute, "2026-02-28T23:59:59.999Z", "2026-02-28T23:59:00Z", "2026-03-01T00:00:00Z");
        check(Window::Hour, "2026-11-22T17:00:00Z", "2026-11-22T17:00:00Z", "2026-11-22T18:00:00Z");
        check(Window::Day, "2026-12-31T12:00:00+13:00", "2026-12-30T00:00:00Z", "2026-12-31T00:00:00Z");
        check(Window::Month, "2026-02-28T23:59:59Z", "2026-02-01T00:00:00Z", "2026-03-01T00:00:00Z");
        check(Window::Month, "2028-02-29T00:00:00Z", "2028-02-01T00:00:00Z", "2028-03-01T00:00:00Z");
        check(Window::Month, "2100-02-28T23:59:59Z", "2100-02-01T00:00:00Z", "2100-03-01T00:00:00Z");
        check(Window::Month, "2026-12-31T23:59:59Z", "2026-12-01T00:00:00Z", "2027-01-01T00:00:00Z");
        check(Window::Day, "1969-12-31T23:00:00Z", "1969-12-31T00:00:00Z", "1970-01-01T00:00:00Z");
    }

    #[test]
    fn all_time_has_no_ends() {
        assert_eq!((Window::Total.starts(Timestamp::MAX), Window::Total.ends(Timestamp::MIN)), (None, None));
        assert!(Window::Total.span(0).contains(i64::MIN));
    }

    #[test]
    fn the_last_month_of_the_calendar_has_a_start() {
        assert_eq!(Window::Month.starts(Timestamp::MAX).unwrap().to_string(), "9999-12-01T00:00:00Z");
    }
}
