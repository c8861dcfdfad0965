use std::time::Duration;

use thiserror::Error;
use yw_task::ModelRef;

/// A way to reach models.
#[derive(Debug, Clone, PartialEq)]
pub struct RouteSpec {
    /// Its name.
    pub name: String,
    /// The models, each once.
    pub targets: Vec<Target>,
    /// How a call chooses among them.
    pub strategy: Strategy,
    /// How many attempts a call may make beyond one for each target.
    pub retries: u32,
    /// How long one attempt may take, to the last byte.
    pub attempt_timeout: Duration,
    /// How long the first token of a stream may take.
    pub first_token_timeout: Duration,
    /// How long all attempts and the pauses between them may take together.
    pub total_timeout: Duration,
    /// After how long without a first token the next target is asked as well; none never does.
    pub hedge_after: Option<Duration>,
    /// The request header whose value keeps calls with the same value at the same target. Without effect on
    /// [`Strategy::Order`], where all calls start at the same target.
    pub sticky_header: Option<String>,
    /// When a target is left alone.
    pub breaker: BreakerSpec,
}

/// One model of a route.
#[derive(Debug, Clone, PartialEq)]
pub struct Target {
    /// The model.
    pub model: ModelRef,
    /// Its share of the calls, relative to the other weights: at least 0. A target of weight 0 only gets what no other
    /// target answers.
    pub weight: f64,
}

/// How a call chooses among the targets of a route.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Strategy {
    /// The first that works, as listed.
    #[default]
    Order,
    /// At random by weight.
    Weight,
    /// The faster of two at random: by the peak of the recent latencies, times the calls under way, over the weight.
    Latency,
}

/// When a target is left alone, and for how long.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BreakerSpec {
    /// How many failures in a row are too many; none never are.
    pub consecutive_failures: Option<u32>,
    /// Which share of failures over the window is too much, in (0, 1]; none never is.
    pub failure_share: Option<f64>,
    /// Of how few calls in the window no share is taken.
    pub min_calls: u32,
    /// Over how long the share is taken.
    pub window: Duration,
    /// How long the target is left alone at first; doubles with each probe that fails.
    pub cool_down: Duration,
    /// The longest that it is left alone, unless its provider asks for longer.
    pub max_cool_down: Duration,
}

/// A route that cannot be.
#[derive(Debug, Clone, PartialEq, Error)]
pub enum RouteError {
    /// It leads nowhere.
    #[error("route `{route}` has no models")]
    NoTargets {
        /// Its name.
        route: String,
    },
    /// A weight is negative, infinite or not a number.
    #[error("route `{route}`: the weight of {model} is {weight}; expected a number of at least 0")]
    Weight {
        /// Its name.
        route: String,
        /// The target.
        model: ModelRef,
        /// Its weight.
        weight: f64,
    },
    /// A model is listed twice.
    #[error("route `{route}` lists {model} twice")]
    Twice {
        /// Its name.
        route: String,
        /// The target.
        model: ModelRef,
    },
    /// A time leaves no room for any call.
    #[error("route `{route}`: `{field}` is zero; expected a duration such as 30 s")]
    ZeroTime {
        /// Its name.
        route: String,
        /// The field.
        field: &'static str,
    },
    /// A breaker that opens without a failure.
    #[error("route `{route}`: `{field}` of its breaker is {value}; expected {expected}")]
    Breaker {
        /// Its name.
        route: String,
        /// The field.
        field: &'static str,
        /// What it says.
        value: f64,
        /// What it should say.
        expected: &'static str,
    },
}

impl RouteSpec {
    /// A route in order, with two retries and the times of the providers' own clients.
    pub fn new(name: impl Into<String>, targets: Vec<Target>) -> Self {
        RouteSpec {
            name: name.into(),
            targets,
            strategy: Strategy::Order,
            retries: 2,
            attempt_timeout: Duration::from_secs(600),
            first_token_timeout: Duration::from_secs(120),
            total_timeout: Duration::from_secs(600),
            hedge_after: None,
            sticky_header: None,
            breaker: BreakerSpec::default(),
        }
    }

    /// The first thing that is wrong with the route.
    pub(super) fn check(&self) -> Result<(), RouteError> {
        let route = || self.name.clone();
        if self.targets.is_empty() {
            return Err(RouteError::NoTargets { route: route() });
        }
        for (i, Target { model, weight }) in self.targets.iter().enumerate() {
            if !(weight.is_finite() && *weight >= 0.0) {
                return Err(RouteError::Weight { route: route(), model: model.clone(), weight: *weight });
            }
            if self.targets.iter().take(i).any(|other| other.model == *model) {
                return Err(RouteError::Twice { route: route(), model: model.clone() });
            }
        }
        let times = [
            ("attempt_timeout", self.attempt_timeout),
            ("first_token_timeout", self.first_token_timeout),
            ("total_timeout", self.total_timeout),
            ("breaker.window", self.breaker.window),
            ("breaker.cool_down", self.breaker.cool_down),
        ];
        if let Some((field, _)) = times.into_iter().find(|(_, time)| time.is_zero()) {
            return Err(RouteError::ZeroTime { route: route(), field });
        }
        self.breaker.check().map_err(|(field, value, expected)| RouteError::Breaker {
            route: route(),
            field,
            value,
            expected,
        })
    }
}

impl Target {
    /// A model written `provider/model`, of weight 1; none if it is not.
    pub fn parse(model: &str) -> Option<Self> {
        Some(Target { model: ModelRef::parse(model)?, weight: 1.0 })
    }

    /// The same target with another weight.
    pub fn with_weight(mut self, weight: f64) -> Self {
        self.weight = weight;
        self
    }
}

impl BreakerSpec {
    /// A breaker that opens at the first sign that either of two would, and stays open for the longer of their times:
    /// for a model of two routes.
    pub(super) fn stricter(&self, other: &BreakerSpec) -> BreakerSpec {
        let least = |a: Option<u32>, b: Option<u32>| a.into_iter().chain(b).min();
        let smallest = |a: Option<f64>, b: Option<f64>| a.into_iter().chain(b).reduce(f64::min);
        BreakerSpec {
            consecutive_failures: least(self.consecutive_failures, other.consecutive_failures),
            failure_share: smallest(self.failure_share, other.failure_share),
            min_calls: self.min_calls.min(other.min_calls),
            window: self.window.max(other.window),
            cool_down: self.cool_down.max(other.cool_down),
            max_cool_down: self.max_cool_down.max(other.max_cool_down),
        }
    }

    fn check(&self) -> Result<(), (&'static str, f64, &'static str)> {
        if self.consecutive_failures == Some(0) {
            return Err(("consecutive_failures", 0.0, "at least 1"));
        }
        match self.failure_share {
            Some(share) if !(share > 0.0 && share <= 1.0) => Err(("failure_share", share, "more than 0 and at most 1")),
            _ => Ok(()),
        }
    }
}

/// Five failures in a row, or half of at least 20 calls in 30 s; 5 s at first, a minute at most.
impl Default for BreakerSpec {
    fn default() -> Self {
        BreakerSpec {
            consecutive_failures: Some(5),
            failure_share: Some(0.5),
            min_calls: 20,
            window: Duration::from_secs(30),
            cool_down: Duration::from_secs(5),
            max_cool_down: Duration::from_secs(60),
        }
    }
}
