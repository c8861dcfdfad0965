//! Asking a model about rows.

use std::error::Error;
use std::path::Path;
use std::time::Duration;

use futures::StreamExt;
use yw_gateway::{CallError, CallOptions, Reply};
use yw_llm::{Finish, Message, Output, Request, Response, Sampling};
use yw_task::{Answer, BoxFuture, ModelRef, Outcome, PredictContext, Predictor, RowErrorKind, Rows, SaveError, Usage};

use super::prompt::{Prompt, PromptError, PromptInput};
use super::{AnswerSchema, Asking, ExamplePicker, PromptTemplate, files};

/// Rows whose prompts are being rendered or awaited at a time. The provider's own concurrency limit is the gateway's;
/// this only keeps the prompts of a long table out of memory.
const ROWS_IN_FLIGHT: usize = 256;

/// How often a row is asked: once more after a reply that is not an answer of the task's type.
const ATTEMPTS: u32 = 2;

/// A prompted model.
pub(crate) struct AskPredictor {
    pub(crate) question: String,
    pub(crate) schema: AnswerSchema,
    pub(crate) template: PromptTemplate,
    pub(crate) examples: ExamplePicker,
    pub(crate) model: ModelRef,
    pub(crate) temperature: Option<f64>,
    pub(crate) max_tokens: u32,
    /// How long one try may take; none is the provider's limit.
    pub(crate) timeout: Option<Duration>,
    pub(crate) asking: Asking,
}

impl Predictor for AskPredictor {
    fn predict<'a>(&'a self, rows: &'a Rows, context: &'a PredictContext) -> BoxFuture<'a, Vec<Outcome>> {
        Box::pin(async move {
            futures::stream::iter(0..rows.n_rows())
                .map(async |row_idx| {
                    let outcome = self.ask(&rows.slice(row_idx, 1)).await;
                    context.progress.advance(1);
                    outcome
                })
                .buffered(ROWS_IN_FLIGHT)
                .collect()
                .await
        })
    }

    fn asks(&self) -> bool {
        true
    }

    fn save(&self, dir: &Path) -> Result<(), SaveError> {
        files::save(self, dir)
    }
}

impl AskPredictor {
    /// The request for a batch of one row.
    pub(crate) fn request(&self, row: &Rows) -> Result<Request, PromptError> {
        let input = PromptInput {
            question: &self.question,
            schema: &self.schema,
            row: row.row_json(0),
            examples: self.examples.pick(row, &self.schema),
        };
        let Prompt { system, messages } = self.template.render(&input)?;
        let output = match self.schema.json_schema() {
            Some(schema) => Output::Json { name: "answer".to_owned(), schema },
            None => Output::Text,
        };
        Ok(Request {
            messages,
            sampling: Sampling { temperature: self.temperature, ..Sampling::default() },
            ..Request::new("", self.max_tokens).with_system(system).with_output(output)
        })
    }

    async fn ask(&self, row: &Rows) -> Outcome {
        let mut request = match self.request(row) {
            Ok(request) => request,
            Err(e) => return Outcome::failed(RowErrorKind::Input, e.to_string()),
        };
        let (mut usage, mut latency) = (Usage::default(), None);
        let mut complaint = String::new();
        for attempt in 0..ATTEMPTS {
            let reply = match self.call(&request, attempt).await {
                Ok(reply) => reply,
                Err(e) => return Outcome { usage, latency, ..Outcome::failed(kind_of(&e), chain(&e)) },
            };
            usage += reply.usage;
            latency = Some(latency.unwrap_or_default() + reply.latency);
            match self.answer_in(&reply.response) {
                Ok(answer) => return Outcome { result: Ok(answer), usage, latency },
                Err(wrong) => complaint = wrong,
            }
            // Asked again, the model is told what was wrong with its reply.
            request.messages.push(Message::assistant(non_empty(&reply.response.text)));
            request.messages.push(Message::user(format!(
                "That reply cannot be used: {complaint}. Reply again with the JSON object only."
            )));
        }
        let message = format!("{} gave no usable answer when asked twice: {complaint}", self.model);
        Outcome { usage, latency, ..Outcome::failed(RowErrorKind::Violation, message) }
    }

    /// The typed answer, or what is wrong with the reply.
    fn answer_in(&self, response: &Response) -> Result<Answer, String> {
        if response.finish == Finish::Refused {
            return Err("the model declined to answer".to_owned());
        }
        self.schema.parse(&response.text).map_err(|wrong| match response.finish {
            Finish::Length => format!("{wrong} (it was cut off at max_tokens = {})", self.max_tokens),
            _ => wrong,
        })
    }

    async fn call(&self, request: &Request, attempt: u32) -> Result<Reply, CallError> {
        let options =
            CallOptions { salt: attempt, budget: self.asking.budget.as_deref(), reuse: true, timeout: self.timeout };
        self.asking.gateway.complete(&self.model, request, &options).await
    }
}

/// Providers refuse an empty assistant turn.
fn non_empty(text: &str) -> String {
    if text.trim().is_empty() { "(no reply)".to_owned() } else { text.to_owned() }
}

fn kind_of(error: &CallError) -> RowErrorKind {
    match error {
        CallError::Budget { .. } | CallError::NoPrice { .. } => RowErrorKind::Budget,
        CallError::Store { .. } => RowErrorKind::Internal,
        _ => RowErrorKind::Provider,
    }
}

/// An error with its causes: a row's message is all that its reader sees.
fn chain(error: &CallError) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}
