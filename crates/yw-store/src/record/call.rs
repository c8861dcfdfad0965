//! The record of one call of the gateway.

use std::collections::BTreeMap;
use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use yw_task::Usd;

use super::is_unknown;
use crate::LogError;

/// One call of the gateway: who asked, who answered, what it took and what it cost. Unknown keys are ignored when it is
/// read; what is absent, empty or zero is left out when it is written.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CallRecord {
    /// The id that the client got, from [`new_id`](crate::new_id). It can be used once.
    pub id: String,
    /// When the request came.
    pub at: Timestamp,
    /// The id of the client's key, if it had one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// The name of that key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key_name: Option<String>,
    /// The dialect in which the client asked, in the word of the project file.
    pub client: String,
    /// What was asked for.
    pub operation: CallOperation,
    /// The model, route or task, as the client wrote it.
    pub requested: String,
    /// The route that the call took.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub route: Option<String>,
    /// The provider that answered, or was asked last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provider: Option<String>,
    /// Its model, without the provider's name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// The id under which the provider knows the call.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provider_request_id: Option<String>,
    /// Every request to a provider, in order; the last one answered, if any did.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub attempts: Vec<CallAttempt>,
    /// What the provider counted.
    #[serde(default, skip_serializing_if = "CallTokens::is_zero")]
    pub tokens: CallTokens,
    /// What it cost: exact dollars, a decimal in text.
    #[serde(with = "exact_dollars")]
    pub usd: Usd,
    /// Whether the price of the model was known. If not, `usd` says nothing.
    #[serde(default, skip_serializing_if = "is_false")]
    pub priced: bool,
    /// Whether tokens were counted here, because the provider did not come to say how many.
    #[serde(default, skip_serializing_if = "is_false")]
    pub estimated: bool,
    /// Whether the answer came out of our own cache.
    #[serde(default, skip_serializing_if = "is_false")]
    pub cached: bool,
    /// The HTTP status that the client got.
    pub status: u16,
    /// Why there is no answer, or only the beginning of one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<LogError>,
    /// Whether the client asked for a stream.
    #[serde(default, skip_serializing_if = "is_false")]
    pub stream: bool,
    /// From the request to the first token of the answer, in milliseconds.
    #[serde(default, skip_serializing_if = "is_unknown")]
    pub first_token_ms: Option<f64>,
    /// From the request to the end of the answer, in milliseconds.
    #[serde(default, serialize_with = "finite")]
    pub latency_ms: f64,
    /// The part of it that was not spent waiting for providers, in milliseconds.
    #[serde(default, serialize_with = "finite")]
    pub overhead_ms: f64,
    /// The W3C trace that the call belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trace_id: Option<String>,
    /// What the client wants the call to be found by.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub tags: BTreeMap<String, String>,
    /// What was asked, if the project keeps content.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request: Option<String>,
    /// What was answered, if the project keeps content.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub response: Option<String>,
}

/// What a client can ask the gateway for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CallOperation {
    /// An answer of a language model, in whatever dialect.
    Chat,
    /// Vectors of texts.
    Embeddings,
    /// How many tokens a request has.
    CountTokens,
    /// An answer of a task's champion.
    Task,
}

impl CallOperation {
    /// The word for it in records.
    pub fn name(self) -> &'static str {
        match self {
            CallOperation::Chat => "chat",
            CallOperation::Embeddings => "embeddings",
            CallOperation::CountTokens => "count_tokens",
            CallOperation::Task => "task",
        }
    }
}

/// One request to a provider.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CallAttempt {
    /// The model that was asked, with its provider: `provider/model`.
    pub model: String,
    /// The HTTP status, if the provider gave one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// What went wrong.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// How long it took, in milliseconds.
    #[serde(default, serialize_with = "finite")]
    pub latency_ms: f64,
}

/// Tokens by their price. The first two are totals, the others parts of them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct CallTokens {
    /// Tokens read, those from and to the provider's cache included.
    #[serde(skip_serializing_if = "is_zero")]
    pub input: u64,
    /// Tokens written, reasoning included.
    #[serde(skip_serializing_if = "is_zero")]
    pub output: u64,
    /// Of the input, those the provider read from its cache.
    #[serde(skip_serializing_if = "is_zero")]
    pub cached: u64,
    /// Of the input, those the provider put into its cache for the usual time.
    #[serde(skip_serializing_if = "is_zero")]
    pub cache_write: u64,
    /// Of the input, those the provider put into its cache for an hour.
    #[serde(skip_serializing_if = "is_zero")]
    pub cache_write_hour: u64,
    /// Of the output, those spent on hidden reasoning.
    #[serde(skip_serializing_if = "is_zero")]
    pub reasoning: u64,
    /// Of the input, those of sound.
    #[serde(skip_serializing_if = "is_zero")]
    pub input_audio: u64,
    /// Of the output, those of sound.
    #[serde(skip_serializing_if = "is_zero")]
    pub output_audio: u64,
    /// Of the input, those of pictures.
    #[serde(skip_serializing_if = "is_zero")]
    pub input_image: u64,
}

impl CallTokens {
    /// The names of the counts, in the order of [`CallTokens::counts`].
    pub const NAMES: [&str; 9] = [
        "input",
        "output",
        "cached",
        "cache_write",
        "cache_write_hour",
        "reasoning",
        "input_audio",
        "output_audio",
        "input_image",
    ];

    /// All counts, in the order of [`CallTokens::NAMES`].
    pub fn counts(&self) -> [u64; 9] {
        [
            self.input,
            self.output,
            self.cached,
            self.cache_write,
            self.cache_write_hour,
            self.reasoning,
            self.input_audio,
            self.output_audio,
            self.input_image,
        ]
    }

    /// From all counts, in the order of [`CallTokens::NAMES`].
    pub fn from_counts(counts: [u64; 9]) -> Self {
        let [input, output, cached, cache_write, cache_write_hour, reasoning, input_audio, output_audio, input_image] =
            counts;
        CallTokens {
            input,
            output,
            cached,
            cache_write,
            cache_write_hour,
            reasoning,
            input_audio,
            output_audio,
            input_image,
        }
    }

    fn is_zero(&self) -> bool {
        *self == CallTokens::default()
    }
}

impl CallRecord {
    /// Whether the client did not get what it asked for, or only the beginning.
    pub fn is_failure(&self) -> bool {
        is_failure(self.status, self.error.is_some())
    }

    /// Whether the call took nothing, because it was turned away or answered from the cache: it counts against no limit.
    pub fn is_refused(&self) -> bool {
        is_refused(self.operation.name(), self.attempts.is_empty())
    }
}

/// See [`CallRecord::is_failure`].
pub(crate) fn is_failure(status: u16, has_error: bool) -> bool {
    status >= 400 || has_error
}

/// See [`CallRecord::is_refused`].
pub(crate) fn is_refused(operation: &str, has_no_attempt: bool) -> bool {
    // Tasks are answered here, without an attempt to ask somebody else.
    has_no_attempt && operation != CallOperation::Task.name()
}

/// Exact dollars as decimal text, without a sign for the currency: `0.000075`.
pub(crate) struct Decimal(pub(crate) Usd);

/// The decimals of a dollar.
const PICOS: u128 = 1_000_000_000_000;

impl fmt::Display for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let picos = self.0.picos();
        let sign = if picos < 0 { "-" } else { "" };
        let (whole, mut fraction) = (picos.unsigned_abs() / PICOS, picos.unsigned_abs() % PICOS);
        write!(f, "{sign}{whole}")?;
        if fraction == 0 {
            return Ok(());
        }
        let mut n_digits = 12;
        while fraction.is_multiple_of(10) {
            fraction /= 10;
            n_digits -= 1;
        }
        write!(f, ".{fraction:0n_digits$}")
    }
}

impl Decimal {
    /// Reads what `Display` writes; nothing if it is no decimal, or has more than twelve digits after the point.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (is_negative, digits) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
        let is_decimal = |s: &str| s.bytes().all(|b| b.is_ascii_digit());
        if whole.is_empty() || !is_decimal(whole) || !is_decimal(fraction) || fraction.len() > 12 {
            return None;
        }
        let picos = format!("{whole}{fraction:0<12}").parse::<i128>().ok()?;
        Some(Decimal(Usd::from_picos(if is_negative { -picos } else { picos })))
    }
}

mod exact_dollars {
    use super::*;

    pub(super) fn serialize<S: Serializer>(usd: &Usd, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&Decimal(*usd))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Usd, D::Error> {
        let text = String::deserialize(deserializer)?;
        let Decimal(usd) = Decimal::parse(&text)
            .ok_or_else(|| serde::de::Error::custom(format!("`{text}` is not an exact amount of dollars")))?;
        Ok(usd)
    }
}

// These take references because serde does.

fn is_false(flag: &bool) -> bool {
    !flag
}

fn is_zero(count: &u64) -> bool {
    *count == 0
}

/// A number that is not finite cannot be written as JSON.
fn finite<S: Serializer>(number: &f64, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_f64(if number.is_finite() { *number } else { 0.0 })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dollars_are_exact_both_ways() {
        for (picos, text) in [
            (0, "0"),
            (1, "0.000000000001"),
            (75_000_000, "0.000075"),
            (-1_500_000_000_000, "-1.5"),
            (20_000_000_000_000, "20"),
            (10_000_000_000_000_000_000_000_000_001, "10000000000000000.000000000001"),
        ] {
            let usd = Usd::from_picos(picos);
            assert_eq!(Decimal(usd).to_string(), text);
            assert_eq!(Decimal::parse(text).unwrap().0, usd);
        }
        assert_eq!(Decimal::parse("1.50").unwrap().0, Usd::from_picos(1_500_000_000_000));
        for text in ["", ".5", "-", "1e3", "+1", "1.2.3", "0.0000000000001", "$1", " 1", "NaN"] {
            assert!(Decimal::parse(text).is_none(), "{text}");
        }
    }

    #[test]
    fn a_record_leaves_out_what_is_not_there() {
        let json = r#"{"id":"a","at":"2026-11-22T00:00:00Z","client":"openai","operation":"count_tokens","requested":"fast","usd":"0","status":200,"latency_ms":0.5,"overhead_ms":0.0}"#;
        let record: CallRecord = serde_json::from_str(json).unwrap();
        assert_eq!(serde_json::to_string(&record).unwrap(), json);
        let broken = CallRecord {
            latency_ms: f64::NAN,
            first_token_ms: Some(f64::INFINITY),
            tokens: CallTokens { input: 3, ..CallTokens::default() },
            usd: Usd::from_picos(12),
            ..record
        };
        let json = serde_json::to_string(&broken).unwrap();
        assert!(json.contains(r#""tokens":{"input":3},"usd":"0.000000000012""#), "{json}");
        let read: CallRecord = serde_json::from_str(&json).unwrap();
        assert_eq!((read.latency_ms, read.first_token_ms), (0.0, None));
    }

    #[test]
    fn operations_have_one_name() {
        use CallOperation::*;
        for operation in [Chat, Embeddings, CountTokens, Task] {
            assert_eq!(serde_json::to_value(operation).unwrap(), operation.name());
        }
    }

    #[test]
    fn counts_have_their_names() {
        let counts = std::array::from_fn(|n| n as u64 + 1);
        let tokens = CallTokens::from_counts(counts);
        assert_eq!(tokens.counts(), counts);
        let json = serde_json::to_value(tokens).unwrap();
        let names: Vec<_> = json.as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!(names, CallTokens::NAMES);
    }
}
