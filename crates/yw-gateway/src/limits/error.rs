use std::fmt;
use std::time::Duration;

use jiff::Timestamp;
use thiserror::Error;
use yw_task::Usd;

use super::spec::Measure;
use super::window::Window;

/// When only calls under way stand in the way, asking again soon is worth it: they settle for less than their bounds.
const SOON: Duration = Duration::from_secs(1);

/// A call that is over a limit.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{}", self.sentence())]
pub struct Exceeded {
    /// The limit. Where a call is over several, the one that stands in its way the longest.
    pub limit: LimitState,
    /// The most that the call may use of it.
    pub asked: Amount,
}

/// A limit and what is used of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LimitState {
    /// Whom it limits.
    pub scope: Scope,
    /// What it limits.
    pub measure: Measure,
    /// In which window.
    pub window: Window,
    /// The most that may be used.
    pub allowed: Amount,
    /// What calls that ended have used.
    pub used: Amount,
    /// What is set aside for calls under way.
    pub held: Amount,
    /// When the next window begins; none for [`Window::Total`].
    pub resets_at: Option<Timestamp>,
}

/// Whom a limit limits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Scope {
    /// The key with this id.
    Key(String),
    /// All calls together.
    All,
}

/// A number of requests or tokens, or an amount of money.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd)]
pub enum Amount {
    /// Requests or tokens.
    Count(u64),
    /// Money.
    Dollars(Usd),
}

impl Exceeded {
    /// How long to wait before the call may fit; none if it never will, because the limit is in total or is less than
    /// one such call may use.
    pub fn retry_after(&self, now: Timestamp) -> Option<Duration> {
        if !self.can_ever_fit() {
            return None;
        }
        let left = self.limit.resets_at.map(|at| Duration::try_from(at.duration_since(now)).unwrap_or_default());
        if self.waits_for_calls_under_way() { Some(left.unwrap_or(SOON).min(SOON)) } else { left }
    }

    /// Whether the call would fit if nothing else were used.
    pub fn can_ever_fit(&self) -> bool {
        self.asked.number() <= self.limit.allowed.number()
    }

    /// Whether the call would fit if the calls under way were to use nothing.
    pub fn waits_for_calls_under_way(&self) -> bool {
        self.limit.used.number().saturating_add(self.asked.number()) <= self.limit.allowed.number()
    }

    /// Whether the limit is passed at all.
    pub(super) fn is_passed(&self) -> bool {
        let taken = self.limit.used.number().saturating_add(self.limit.held.number());
        taken.saturating_add(self.asked.number()) > self.limit.allowed.number()
    }

    fn sentence(&self) -> String {
        let LimitState { measure, window, allowed, used, held, resets_at, .. } = &self.limit;
        let whose = match &self.limit.scope {
            Scope::Key(id) => format!("key {id}"),
            Scope::All => "all keys together".to_owned(),
        };
        let span = if *window == Window::Total { "in total".to_owned() } else { format!("per {window}") };
        let what = |amount: &Amount| match measure {
            Measure::Dollars => amount.to_string(),
            _ => format!("{amount} {}", measure.name()),
        };
        let mut text = format!("the limit of {whose} is {} {span}: {used} used", what(allowed));
        if held.number() > 0 {
            text += &format!(", {held} set aside for calls under way");
        }
        if *measure != Measure::Requests {
            text += &format!(", and this call may use {}", self.asked);
        }
        match resets_at.filter(|_| self.can_ever_fit()) {
            Some(at) => text + &format!("; it resets at {at}"),
            None => text,
        }
    }
}

impl Amount {
    /// Requests, tokens or picodollars.
    fn number(self) -> i128 {
        match self {
            Amount::Count(n) => i128::from(n),
            Amount::Dollars(usd) => usd.picos(),
        }
    }
}

impl fmt::Display for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Amount::Count(n) => n.fmt(f),
            Amount::Dollars(usd) => usd.fmt(f),
        }
    }
}
