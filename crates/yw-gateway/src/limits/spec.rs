use std::fmt;

use serde::{Deserialize, Serialize};
use yw_task::Usd;

use super::error::Amount;
use super::window::{PerWindow, Window};
use super::words::{self, LimitError};

/// How much may be used in each window. None is no limit.
///
/// As JSON it is written in the words of the command line, which keep money exact:
/// `{"requests": ["60/minute"], "dollars": ["20/month", "100 total"]}`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Words", into = "Words")]
pub struct LimitSpec {
    /// Calls.
    pub requests: PerWindow<Option<u64>>,
    /// Tokens, read and written together.
    pub tokens: PerWindow<Option<u64>>,
    /// Money.
    pub dollars: PerWindow<Option<Usd>>,
}

/// What is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Measure {
    /// Calls.
    Requests,
    /// Tokens, read and written together.
    Tokens,
    /// Money.
    Dollars,
}

impl Measure {
    /// All measures.
    pub const ALL: [Measure; 3] = [Measure::Requests, Measure::Tokens, Measure::Dollars];

    /// Its name: `requests`, `tokens`, `dollars`.
    pub fn name(self) -> &'static str {
        match self {
            Measure::Requests => "requests",
            Measure::Tokens => "tokens",
            Measure::Dollars => "dollars",
        }
    }
}

impl LimitSpec {
    /// Adds limits in words: `60/min`, `100k/day`, `1.50 total`, or several with commas between them.
    ///
    /// # Errors
    /// If the words are no limit of this measure, or if a window has a limit already.
    pub fn add(&mut self, measure: Measure, words: &str) -> Result<(), LimitError> {
        for word in words.split(',') {
            let (amount, window) = words::parse(measure, word.trim())?;
            let taken = match amount {
                Amount::Dollars(usd) => self.dollars.get_mut(window).replace(usd).is_some(),
                Amount::Count(n) if measure == Measure::Requests => self.requests.get_mut(window).replace(n).is_some(),
                Amount::Count(n) => self.tokens.get_mut(window).replace(n).is_some(),
            };
            if taken {
                return Err(LimitError::Twice { measure: measure.name(), window: window.name() });
            }
        }
        Ok(())
    }

    /// The same limits and those in `words`; see [`LimitSpec::add`].
    ///
    /// # Errors
    /// As [`LimitSpec::add`].
    pub fn with(mut self, measure: Measure, words: &str) -> Result<Self, LimitError> {
        self.add(measure, words)?;
        Ok(self)
    }

    /// The limit of one measure in one window.
    pub fn get(&self, measure: Measure, window: Window) -> Option<Amount> {
        match measure {
            Measure::Requests => self.requests.get(window).map(Amount::Count),
            Measure::Tokens => self.tokens.get(window).map(Amount::Count),
            Measure::Dollars => self.dollars.get(window).map(Amount::Dollars),
        }
    }

    /// All limits there are, with the shortest windows first.
    pub fn iter(&self) -> impl Iterator<Item = (Measure, Window, Amount)> + '_ {
        let pairs = Measure::ALL.into_iter().flat_map(|measure| Window::ALL.map(|window| (measure, window)));
        pairs.filter_map(|(measure, window)| Some((measure, window, self.get(measure, window)?)))
    }

    /// Whether nothing is limited.
    pub fn is_empty(&self) -> bool {
        self.iter().next().is_none()
    }

    /// Whether money is limited in any window. A model without a known price cannot be held to such a limit.
    pub fn limits_dollars(&self) -> bool {
        Window::ALL.iter().any(|window| self.dollars.get(*window).is_some())
    }

    fn words(&self, measure: Measure) -> Vec<String> {
        self.iter().filter(|(of, ..)| *of == measure).map(|(_, window, amount)| words::spell(amount, window)).collect()
    }
}

/// `60 requests/minute, $20.00/month`, or `no limits`.
impl fmt::Display for LimitSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_empty() {
            return f.write_str("no limits");
        }
        for (i, (measure, window, amount)) in self.iter().enumerate() {
            let comma = if i == 0 { "" } else { ", " };
            let between = if window == Window::Total { " in " } else { "/" };
            match measure {
                Measure::Dollars => write!(f, "{comma}{amount}{between}{window}")?,
                _ => write!(f, "{comma}{amount} {}{between}{window}", measure.name())?,
            }
        }
        Ok(())
    }
}

/// Limits as they are stored.
#[derive(Serialize, Deserialize)]
// A limit that an older program does not know must not go unheeded.
#[serde(deny_unknown_fields)]
struct Words {
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    requests: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    tokens: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    dollars: Vec<String>,
}

impl From<LimitSpec> for Words {
    fn from(spec: LimitSpec) -> Words {
        let [requests, tokens, dollars] = Measure::ALL.map(|measure| spec.words(measure));
        Words { requests, tokens, dollars }
    }
}

impl TryFrom<Words> for LimitSpec {
    type Error = LimitError;

    fn try_from(words: Words) -> Result<LimitSpec, LimitError> {
        let mut spec = LimitSpec::default();
        for (measure, list) in Measure::ALL.into_iter().zip([words.requests, words.tokens, words.dollars]) {
            list.iter().try_for_each(|word| spec.add(measure, word))?;
        }
        Ok(spec)
    }
}
