//! The W3C trace context, level 2.

use std::sync::Arc;

use opentelemetry::trace::{SpanContext, SpanId, TraceFlags, TraceId, TraceState};
use opentelemetry_sdk::trace::{IdGenerator, RandomIdGenerator};
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};

const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");
const TRACESTATE: HeaderName = HeaderName::from_static("tracestate");

/// `00-` + 32 digits + `-` + 16 digits + `-` + 2 digits.
const PARENT_LENGTH: usize = 55;

const MAX_STATE_MEMBERS: usize = 32;

/// More than the 512 bytes that everyone must hand on, and few enough to keep with every call.
const MAX_STATE_BYTES: usize = 4096;

const SAMPLED: u8 = 1;
/// The trace id is random in its lower seven bytes, as ours are.
const RANDOM: u8 = 2;

/// The place of a request in its trace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TraceContext {
    trace_id: TraceId,
    span_id: SpanId,
    flags: u8,
    state: Option<Arc<str>>,
}

impl TraceContext {
    /// What the headers of a request say; none if they say nothing, or nothing that the standard allows.
    pub fn from_headers(headers: &HeaderMap) -> Option<Self> {
        let mut parents = headers.get_all(TRACEPARENT).iter();
        let parent = parents.next().filter(|_| parents.next().is_none())?;
        let mut context = Self::parse(parent.as_bytes())?;
        context.state = state(headers);
        Some(context)
    }

    fn parse(parent: &[u8]) -> Option<Self> {
        let (known, rest) = parent.split_at_checked(PARENT_LENGTH)?;
        let [version, trace_id, span_id, flags] = [0..2, 3..35, 36..52, 53..55].map(|range| known.get(range));
        let are_dashes = [2, 35, 52].iter().all(|at| known.get(*at) == Some(&b'-'));
        let [version] = hex::<1>(version?)?;
        // A later version may have more after another dash.
        let is_version_fit = match version {
            0 => rest.is_empty(),
            0xff => false,
            _ => rest.is_empty() || rest.starts_with(b"-"),
        };
        let (trace_id, span_id) = (TraceId::from_bytes(hex(trace_id?)?), SpanId::from_bytes(hex(span_id?)?));
        let [flags] = hex::<1>(flags?)?;
        let is_fit = are_dashes && is_version_fit && trace_id != TraceId::INVALID && span_id != SpanId::INVALID;
        is_fit.then_some(TraceContext { trace_id, span_id, flags: flags & (SAMPLED | RANDOM), state: None })
    }

    /// The first span of a new trace.
    pub fn root(is_sampled: bool) -> Self {
        let ids = RandomIdGenerator::default();
        let flags = RANDOM | if is_sampled { SAMPLED } else { 0 };
        TraceContext { trace_id: ids.new_trace_id(), span_id: ids.new_span_id(), flags, state: None }
    }

    /// The same, not to be recorded.
    pub(super) fn unsampled(self) -> Self {
        TraceContext { flags: self.flags & !SAMPLED, ..self }
    }

    /// A new span below this one, in the same trace.
    pub fn child(&self) -> Self {
        TraceContext { span_id: RandomIdGenerator::default().new_span_id(), ..self.clone() }
    }

    /// Puts the context into headers, in place of what they have.
    pub fn write(&self, headers: &mut HeaderMap) {
        let parent = format!("00-{}-{}-{:02x}", self.trace_id, self.span_id, self.flags);
        // Neither can fail: hexadecimal digits, and a state that came in a header.
        if let Ok(parent) = HeaderValue::try_from(parent) {
            headers.insert(TRACEPARENT, parent);
        }
        match self.state.as_deref().map(HeaderValue::from_str) {
            Some(Ok(state)) => headers.insert(TRACESTATE, state),
            _ => headers.remove(TRACESTATE),
        };
    }

    /// Whether whoever began the trace records it.
    pub fn is_sampled(&self) -> bool {
        self.flags & SAMPLED != 0
    }

    /// 32 hexadecimal digits.
    pub fn trace_id(&self) -> String {
        self.trace_id.to_string()
    }

    /// 16 hexadecimal digits.
    pub fn span_id(&self) -> String {
        self.span_id.to_string()
    }

    /// A number in [0, 1) made of the trace id alone, so that everyone takes the same decision about a trace.
    pub(super) fn fraction(&self) -> f64 {
        let [.., a, b, c, d, e, f, g] = self.trace_id.to_bytes();
        // 2^56, the values of seven bytes.
        u64::from_be_bytes([0, a, b, c, d, e, f, g]) as f64 / 72_057_594_037_927_936.0
    }

    pub(super) fn raw_span_id(&self) -> SpanId {
        self.span_id
    }

    pub(super) fn to_span_context(&self) -> SpanContext {
        let state = self.state.as_deref().and_then(|state| state.parse::<TraceState>().ok()).unwrap_or_default();
        SpanContext::new(self.trace_id, self.span_id, TraceFlags::new(self.flags), false, state)
    }
}

/// The vendors' part: all headers of the name together, if every member is as the standard has it.
fn state(headers: &HeaderMap) -> Option<Arc<str>> {
    let mut values = headers.get_all(TRACESTATE).iter().map(|value| value.to_str().ok());
    let first = values.next()??;
    let rest = values.collect::<Option<Vec<&str>>>()?;
    let joined = if rest.is_empty() { first.to_owned() } else { format!("{first},{}", rest.join(",")) };
    let members: Vec<&str> = joined.split(',').map(|m| m.trim_matches([' ', '\t'])).filter(|m| !m.is_empty()).collect();
    let is_fit = !members.is_empty()
        && members.len() <= MAX_STATE_MEMBERS
        && joined.len() <= MAX_STATE_BYTES
        && members
            .iter()
            .all(|member| member.split_once('=').is_some_and(|(key, value)| is_key(key) && is_value(value)));
    is_fit.then(|| members.join(",").into())
}

fn is_key(key: &str) -> bool {
    let is_begun = key.starts_with(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit());
    let is_of_key = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b"_-*/@".contains(&b);
    is_begun && key.len() <= 256 && key.bytes().all(is_of_key)
}

fn is_value(value: &str) -> bool {
    let is_of_value = |b: u8| (b' '..=b'~').contains(&b) && b != b'=' && b != b',';
    !value.is_empty() && value.len() <= 256 && value.bytes().all(is_of_value)
}

/// Lower-case digits alone, as the standard demands.
fn hex<const N: usize>(digits: &[u8]) -> Option<[u8; N]> {
    let nibble = |digit: u8| match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        _ => None,
    };
    let mut bytes = [0; N];
    for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
        let [high, low] = pair else { return None };
        *byte = nibble(*high)? << 4 | nibble(*low)?;
    }
    Some(bytes)
}
