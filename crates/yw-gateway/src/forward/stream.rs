//! Answers that come in pieces.

use std::time::Duration;

use bytes::Bytes;
use tokio::time::Instant;
use yw_llm::{
    ClientError, Price, ProviderErrorKind, StreamDecoder, StreamEncoder, StreamError, StreamEvent, UsageChunkFilter,
    encode_error_event,
};
use yw_task::Dialect;

use super::ClientCall;
use super::attempt::Failed;
use super::prepare::Prepared;
use super::report::Report;
use super::whole::{self, Facts};
use crate::auth::Credentials;
use crate::provider::Provider;
use crate::wire::Incoming;

/// A stream whose first content has come.
#[derive(Debug)]
pub(super) struct Opening {
    response: Incoming,
    path: Path,
    /// What is ready for the client.
    ready: Vec<u8>,
    pub(super) first_token: Instant,
    /// Whether all of it has come.
    is_whole: bool,
}

/// Reads a stream until its first content. Nothing of it has reached the client if this fails.
pub(super) async fn open(
    provider: &Provider,
    call: &ClientCall,
    prepared: &Prepared,
    mut response: Incoming,
) -> Result<Opening, Failed> {
    let mut path = Path::new(call, prepared)?;
    let mut ready = Vec::new();
    let server = |message: String| Failed::broken(ProviderErrorKind::Server, message);
    loop {
        let chunk = response.chunk().await.map_err(|e| server(e.to_string()))?;
        let read = match &chunk {
            Some(chunk) => path.push(chunk, &mut ready),
            None => path.finish(&mut ready),
        };
        match read {
            Ok(()) if path.seen.has_content || chunk.is_none() => {
                return Ok(Opening { response, path, ready, first_token: Instant::now(), is_whole: chunk.is_none() });
            }
            Ok(()) => {}
            Err(StreamError::Provider(error)) => {
                let message = provider.credentials().redact(error.message);
                let may_pass = error.kind.is_transient() || error.kind == ProviderErrorKind::Other;
                return Err(Failed {
                    may_pass,
                    code: error.code.map(String::into_boxed_str),
                    ..Failed::broken(error.kind, message)
                });
            }
            Err(error) => return Err(server(error.to_string())),
        }
    }
}

/// The most that is held back of a stream: of an event whose end has not come, or before the first content.
const MAX_HELD_BYTES: usize = 16 << 20;

/// What was seen of a stream.
#[derive(Debug, Default)]
struct Seen {
    facts: Facts,
    has_content: bool,
    /// What the model wrote so far, in tokens by our count.
    output_tokens: u64,
}

impl Seen {
    fn take(&mut self, steps: &[StreamEvent]) {
        for step in steps {
            match step {
                StreamEvent::Start { id, model } => {
                    self.facts.id = Some(id.clone()).filter(|id| !id.is_empty());
                    self.facts.model = Some(model.clone()).filter(|model| !model.is_empty());
                }
                StreamEvent::Text(piece) | StreamEvent::Reasoning(piece) | StreamEvent::Arguments { piece, .. } => {
                    self.has_content = true;
                    self.output_tokens += yw_llm::estimate_tokens(piece);
                }
                StreamEvent::ToolCall { name, .. } => {
                    self.has_content = true;
                    self.output_tokens += yw_llm::estimate_tokens(name);
                }
                StreamEvent::ReasoningEnd(_) => self.has_content = true,
                StreamEvent::Usage(usage) => self.facts.usage = Some(*usage),
                StreamEvent::StopSequence(_) => {}
                StreamEvent::Finish(finish) => {
                    self.has_content = true;
                    self.facts.finish = Some(finish.clone());
                }
            }
        }
    }
}

/// From the provider's bytes to the client's.
#[derive(Debug)]
struct Path {
    way: Way,
    seen: Seen,
}

#[derive(Debug)]
enum Way {
    /// The bytes as they are, event by event: of one that breaks off, nothing may stand before the error's.
    Pass(Box<StreamDecoder>, Vec<u8>),
    /// The bytes as they are, but for a usage that only we asked for.
    PassWithoutUsage(Box<UsageChunkFilter>),
    /// The same steps in another dialect.
    Translate(Box<(StreamDecoder, StreamEncoder)>),
}

impl Path {
    fn new(call: &ClientCall, prepared: &Prepared) -> Result<Self, Failed> {
        let refuse =
            |message: String| Failed { may_pass: false, ..Failed::broken(ProviderErrorKind::InvalidRequest, message) };
        let way = if prepared.hides_usage {
            Way::PassWithoutUsage(Box::new(UsageChunkFilter::new()))
        } else if prepared.passes {
            Way::Pass(Box::new(StreamDecoder::new(prepared.dialect)), Vec::new())
        } else {
            let client = call.decoded().map_err(|e| refuse(e.message.clone()))?;
            let encoder = StreamEncoder::new(call.client, client, whole::head(call, ""));
            let encoder = encoder.ok_or_else(|| refuse("this dialect has no streams here".to_owned()))?;
            Way::Translate(Box::new((StreamDecoder::new(prepared.dialect), encoder)))
        };
        Ok(Path { way, seen: Seen::default() })
    }

    /// Takes bytes of the provider and appends those for the client.
    fn push(&mut self, bytes: &[u8], ready: &mut Vec<u8>) -> Result<(), StreamError> {
        let mut steps = Vec::new();
        let start = ready.len();
        let result = match &mut self.way {
            Way::Pass(decoder, held) => {
                let result = decoder.push_into(bytes, &mut steps);
                if result.is_ok() {
                    pass_events(bytes, held, ready);
                }
                result
            }
            Way::PassWithoutUsage(filter) => filter.push(bytes, ready, &mut steps),
            Way::Translate(pair) => {
                let (decoder, encoder) = &mut **pair;
                let result = decoder.push_into(bytes, &mut steps);
                steps.iter().for_each(|step| encoder.push(step, ready));
                result
            }
        };
        make_text(ready, start);
        self.seen.take(&steps);
        let n_held = match &self.way {
            Way::Pass(_, held) => held.len(),
            Way::PassWithoutUsage(filter) => filter.n_held(),
            Way::Translate(_) => 0,
        };
        // Comments too, which no decoder holds back.
        let is_too_long = n_held > MAX_HELD_BYTES || (!self.seen.has_content && ready.len() > MAX_HELD_BYTES);
        if is_too_long { Err(StreamError::TooLong { limit: MAX_HELD_BYTES }) } else { result }
    }

    /// Whether the provider has said that its answer is at its end, and nothing more is to come.
    fn has_ended(&self) -> bool {
        match &self.way {
            Way::Pass(decoder, _) => decoder.has_ended(),
            Way::PassWithoutUsage(filter) => filter.has_ended(),
            Way::Translate(pair) => pair.0.has_ended(),
        }
    }

    /// Takes the end of the provider's bytes.
    fn finish(&mut self, ready: &mut Vec<u8>) -> Result<(), StreamError> {
        let steps = match &mut self.way {
            Way::Pass(decoder, held) => {
                let steps = decoder.finish()?;
                ready.append(held);
                steps
            }
            Way::PassWithoutUsage(filter) => filter.finish(ready)?,
            Way::Translate(pair) => {
                let (decoder, encoder) = &mut **pair;
                let steps = decoder.finish()?;
                steps.iter().for_each(|step| encoder.push(step, ready));
                encoder.finish(ready);
                steps
            }
        };
        self.seen.take(&steps);
        Ok(())
    }

    /// Ends the client's stream with an error.
    fn fail(&mut self, dialect: Dialect, error: &ClientError, ready: &mut Vec<u8>) {
        match &mut self.way {
            Way::Pass(..) | Way::PassWithoutUsage(_) => encode_error_event(dialect, error, ready),
            Way::Translate(pair) => pair.1.fail(error, ready),
        }
    }
}

/// Moves the events that `bytes` complete to `ready`, and holds the beginning of the next one back.
fn pass_events(bytes: &[u8], held: &mut Vec<u8>, ready: &mut Vec<u8>) {
    if held.is_empty() {
        let (whole, rest) = bytes.split_at(end_of_events(bytes));
        ready.extend_from_slice(whole);
        held.extend_from_slice(rest);
    } else {
        held.extend_from_slice(bytes);
        let end = end_of_events(held);
        ready.extend(held.drain(..end));
    }
}

/// Replaces what is no UTF-8 in the events from `start` on, as decoders do. Events are whole, and so are their characters.
fn make_text(ready: &mut Vec<u8>, start: usize) {
    let events = ready.get(start..).unwrap_or_default();
    if std::str::from_utf8(events).is_err() {
        let text = String::from_utf8_lossy(events).into_owned();
        ready.truncate(start);
        ready.extend_from_slice(text.as_bytes());
    }
}

/// Where the last event that is whole ends: after an empty line, whichever way lines end.
fn end_of_events(bytes: &[u8]) -> usize {
    let ends_line = |byte: &u8| matches!(byte, b'\n' | b'\r');
    let mut rest = bytes;
    while let Some(at) = rest.iter().rposition(ends_line) {
        let before = &rest[..at];
        let line = if rest[at] == b'\n' { before.strip_suffix(b"\r").unwrap_or(before) } else { before };
        if line.last().is_some_and(ends_line) {
            return at + 1;
        }
        rest = before;
    }
    0
}

/// An answer in pieces. Dropping it tells the provider to stop.
#[derive(Debug)]
pub struct AnswerStream {
    client: Dialect,
    response: Incoming,
    path: Path,
    ready: Vec<u8>,
    /// How long the next piece may take.
    idle: Duration,
    report: Report,
    has_ended: bool,
    price: Option<Price>,
    credentials: Credentials,
    since: Instant,
}

impl AnswerStream {
    pub(super) fn new(
        client: Dialect,
        opening: Opening,
        idle: Duration,
        report: Report,
        price: Option<Price>,
        credentials: Credentials,
    ) -> Self {
        let Opening { response, path, ready, is_whole, .. } = opening;
        let mut stream = AnswerStream {
            client,
            response,
            path,
            ready,
            idle,
            report,
            has_ended: is_whole,
            price,
            credentials,
            since: Instant::now(),
        };
        stream.end_if_whole();
        stream
    }

    /// The next bytes for the client; none when the answer has ended. What goes wrong from here on is told in the stream,
    /// in the client's dialect. *Cancellation*: nothing is lost.
    pub async fn next(&mut self) -> Option<Bytes> {
        while self.ready.is_empty() {
            if self.has_ended {
                return None;
            }
            self.read().await;
        }
        Some(std::mem::take(&mut self.ready).into())
    }

    /// What was known when the first content came.
    pub fn progress(&self) -> &Report {
        &self.report
    }

    /// Whether the provider's answer has come to its end, or broken off.
    pub fn has_ended(&self) -> bool {
        self.has_ended
    }

    async fn read(&mut self) {
        match tokio::time::timeout(self.idle, self.response.chunk()).await {
            Ok(Ok(Some(chunk))) => match self.path.push(&chunk, &mut self.ready) {
                Ok(()) => self.end_if_whole(),
                Err(error) => self.lose(error),
            },
            Ok(Ok(None)) => self.end(),
            Ok(Err(error)) => self.break_off(ProviderErrorKind::Server, error.to_string()),
            Err(_) => {
                let message = format!("the next piece did not come within {} s", self.idle.as_secs_f64());
                self.break_off(ProviderErrorKind::Timeout, message);
            }
        }
    }

    /// Ends the answer when the provider says that it is whole, even if it keeps the connection open: the client has its
    /// last event then, and leaves.
    fn end_if_whole(&mut self) {
        if !self.has_ended && self.path.has_ended() {
            self.end();
        }
    }

    fn end(&mut self) {
        self.has_ended = true;
        self.response.finish();
        if let Err(error) = self.path.finish(&mut self.ready) {
            self.lose(error);
        }
    }

    fn lose(&mut self, error: StreamError) {
        match error {
            StreamError::Provider(error) => self.break_off(error.kind, error.message),
            error => self.break_off(ProviderErrorKind::Server, error.to_string()),
        }
    }

    fn break_off(&mut self, kind: ProviderErrorKind, message: String) {
        self.has_ended = true;
        let message = self.credentials.redact(message);
        let error = ClientError { kind, message: message.clone(), param: None, code: None };
        self.path.fail(self.client, &error, &mut self.ready);
        self.report.broken = Some(message);
    }

    /// What is known by now. Where the provider has not told the tokens, they are our count: those of the request as
    /// `input_tokens` gives them, and what was written so far.
    pub fn report(&self, input_tokens: impl FnOnce() -> u64) -> Report {
        let mut report = self.report.clone();
        let Facts { id, model, finish, usage } = self.path.seen.facts.clone();
        (report.response_id, report.response_model, report.finish) = (id, model, finish);
        report.upstream += self.since.elapsed();
        let is_whole = report.broken.is_none() && self.has_ended;
        let counted = self.path.seen.output_tokens;
        report.usage = match usage {
            // With the reason for its end comes all that was used.
            Some(usage) if is_whole || report.finish.is_some() => Some(usage),
            // A usage in the middle tells the input exactly, and of the output only the beginning.
            Some(mut usage) => {
                report.estimated = true;
                usage.output_tokens = usage.output_tokens.max(counted);
                Some(usage)
            }
            None => {
                report.estimated = true;
                Some(yw_llm::TokenUsage {
                    input_tokens: input_tokens(),
                    output_tokens: counted,
                    ..yw_llm::TokenUsage::default()
                })
            }
        };
        report.usd = report.usage.and_then(|usage| Some(self.price?.cost(&usage)));
        report
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_whole_events_are_passed_on() {
        let check = |text: &str, whole: &str| assert_eq!(end_of_events(text.as_bytes()), whole.len(), "{text:?}");
        check("", "");
        check("data: 1", "");
        check("data: 1\n", "");
        check("data: 1\n\n", "data: 1\n\n");
        check("data: 1\n\ndata: 2\n", "data: 1\n\n");
        check("data: 1\r\n\r\nda", "data: 1\r\n\r\n");
        check("data: 1\r\n", "");
        check("data: 1\r\rdata", "data: 1\r\r");
        let text = "event: a\r\ndata: 1\r\n\r\n: ping\n\ndata: 2\n\ndata: [DONE]\n\n";
        for size in 1..text.len() {
            let (mut held, mut ready) = (Vec::new(), Vec::new());
            for piece in text.as_bytes().chunks(size) {
                pass_events(piece, &mut held, &mut ready);
            }
            assert!(held.is_empty() && ready == text.as_bytes(), "pieces of {size}: {held:?}");
        }
    }
}
