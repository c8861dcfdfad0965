//! Trying the models of a route until one answers.

use std::time::Duration;

use bytes::Bytes;
use futures::future::BoxFuture;
use futures::stream::FuturesUnordered;
use futures::{FutureExt, StreamExt};
use tokio::time::Instant;
use yw_llm::{ClientError, encode_error};
use yw_task::ModelRef;

use super::ClientCall;
use super::attempt::{Failed, Opened, Patience, attempt};
use super::report::{AttemptReport, Report};
use super::stream::AnswerStream;
use crate::Gateway;
use crate::route::{AttemptOutcome, Deadlines, Dice, Plan, Router, Step};

/// A model's answer, on its way to the client.
#[derive(Debug)]
pub struct Forwarded {
    /// The status for the client.
    pub status: u16,
    /// The answer.
    pub answer: Answer,
}

/// An answer, in the client's dialect.
#[derive(Debug)]
pub enum Answer {
    /// All of it.
    Whole {
        /// The body.
        body: Bytes,
        /// Whether the body is a stream, because the client asked for one.
        is_stream: bool,
        /// What it took.
        report: Box<Report>,
    },
    /// In pieces.
    Stream(Box<AnswerStream>),
}

/// No model answered.
#[derive(Debug)]
pub struct Refused {
    /// The status for the client.
    pub status: u16,
    /// What went wrong, in the common words.
    pub error: ClientError,
    /// The body for the client: the provider's own where it spoke the client's dialect.
    pub body: Bytes,
    /// When to come again, where the provider says so.
    pub retry_after: Option<Duration>,
    /// What it took.
    pub report: Box<Report>,
}

impl Gateway {
    /// Asks the models of `router` until one answers; `sticky` is the text that keeps a client's requests together.
    ///
    /// *Cancellation*: dropping the future, or the stream that it gives, closes the connection to the provider, which
    /// then stops.
    pub async fn forward(
        &self,
        call: &ClientCall,
        router: &Router,
        sticky: Option<&str>,
    ) -> Result<Forwarded, Box<Refused>> {
        let started = Instant::now();
        let mut dice = Dice::new();
        let plan = router.plan(started.into_std(), sticky, &mut dice);
        let deadlines = Deadlines::new(router.spec(), started.into_std());
        let course = Course { gateway: self, call, router, started, deadlines };
        let mut trail = Trail { plan, dice, report: Report::default(), under_way: Vec::new() };
        let result = course.run(&mut trail).await;
        course.give_up_on_others(&mut trail, if result.is_ok() { "another was faster" } else { "its time was over" });
        match result {
            Ok(done) => Ok(course.forwarded(done, trail.report)),
            Err(failed) => Err(Box::new(course.refused(failed, trail.report))),
        }
    }
}

/// One request on its way.
#[derive(Clone, Copy)]
struct Course<'a> {
    gateway: &'a Gateway,
    call: &'a ClientCall,
    router: &'a Router,
    started: Instant,
    deadlines: Deadlines,
}

/// How far it has come.
struct Trail {
    plan: Plan,
    dice: Dice,
    report: Report,
    /// Attempts that were begun and have not ended.
    under_way: Vec<(usize, Instant)>,
}

/// An attempt that has ended.
struct Done {
    target: usize,
    took: Duration,
    result: Result<Opened, Failed>,
}

/// What to wait for next.
enum Event {
    Ended(Box<Done>),
    Hedge,
    Deadline,
}

impl<'a> Course<'a> {
    async fn run(self, trail: &mut Trail) -> Result<(ModelRef, Opened), Failed> {
        let spec = self.router.spec();
        let deadline = Instant::from_std(self.deadlines.ends_at());
        let mut under_way = FuturesUnordered::new();
        under_way.extend(self.next(trail));
        let mut hedge_at = spec.hedge_after.map(|after| self.started + after);
        loop {
            let event = tokio::select! {
                biased;
                Some(done) = under_way.next() => Event::Ended(Box::new(done)),
                () = sleep_until(hedge_at) => Event::Hedge,
                () = tokio::time::sleep_until(deadline) => Event::Deadline,
            };
            match event {
                Event::Ended(done) => match self.ended(trail, *done) {
                    Ok(opened) => return Ok(opened),
                    Err(failed) if !failed.may_pass => return Err(failed),
                    Err(failed) => {
                        under_way.extend(self.next(trail));
                        if under_way.is_empty() {
                            return Err(failed);
                        }
                    }
                },
                Event::Hedge => {
                    hedge_at = None;
                    let step = trail.plan.hedge(Instant::now().into_std());
                    under_way.extend(step.map(|step| self.begin(trail, step, Duration::ZERO)));
                }
                Event::Deadline => return Err(Failed::late("an answer", spec.total_timeout)),
            }
        }
    }

    /// The next attempt of the plan; none if there is none, or no time for it.
    fn next(self, trail: &mut Trail) -> Option<BoxFuture<'a, Done>> {
        let now = Instant::now().into_std();
        let step = trail.plan.next_attempt(now)?;
        let pause = step.pause(&mut trail.dice);
        self.deadlines.allows_pause(now, pause).then(|| self.begin(trail, step, pause))
    }

    fn begin(self, trail: &mut Trail, step: Step, pause: Duration) -> BoxFuture<'a, Done> {
        trail.under_way.push((step.target, Instant::now()));
        self.attempt(step, pause).boxed()
    }

    /// Writes down the attempts that nobody waits for any more.
    fn give_up_on_others(self, trail: &mut Trail, why: &str) {
        for (target, began) in trail.under_way.drain(..) {
            let model = self.router.spec().targets[target].model.clone();
            let error = Some(format!("given up: {why}"));
            trail.report.attempts.push(AttemptReport { model, status: None, error, latency: began.elapsed() });
        }
    }

    /// Asks one model after a pause.
    async fn attempt(self, mut step: Step, pause: Duration) -> Done {
        if !pause.is_zero() {
            tokio::time::sleep(pause).await;
        }
        let began = Instant::now();
        step.attempt.sent_at(began.into_std());
        let model = &self.router.spec().targets[step.target].model;
        let result = match self.gateway.providers.get(&model.provider) {
            Some(provider) if provider.config.lacks_key() => Err(Failed::without_key(model)),
            Some(provider) => attempt(provider, self.call, model, Patience::of(self.router.spec())).await,
            None => Err(Failed::unknown(model)),
        };
        let now = Instant::now();
        step.attempt.finish(now.into_std(), result.as_ref().map_or_else(Failed::outcome, |_| AttemptOutcome::Answered));
        Done { target: step.target, took: now - began, result }
    }

    /// Writes down how an attempt ended.
    fn ended(self, trail: &mut Trail, done: Done) -> Result<(ModelRef, Opened), Failed> {
        let Done { target, took, result } = done;
        if let Some(at) = trail.under_way.iter().position(|(other, _)| *other == target) {
            trail.under_way.remove(at);
        }
        let model = self.router.spec().targets[target].model.clone();
        let (status, error) = match &result {
            Ok(Opened::Whole { status, .. } | Opened::Stream { status, .. }) => (Some(*status), None),
            Err(failed) => (failed.status, Some(failed.message.clone())),
        };
        if result.as_ref().is_err_and(Failed::is_lasting) {
            trail.plan.give_up_on(target);
        }
        trail.report.attempts.push(AttemptReport { model: model.clone(), status, error, latency: took });
        trail.report.model = Some(model.clone());
        result.map(|opened| (model, opened))
    }

    fn forwarded(self, (model, opened): (ModelRef, Opened), mut report: Report) -> Forwarded {
        report.upstream = self.started.elapsed();
        match opened {
            Opened::Whole { body, is_stream, facts, request_id, status } => {
                report.provider_request_id = request_id;
                (report.response_id, report.response_model, report.finish) = (facts.id, facts.model, facts.finish);
                report.usd = facts.usage.and_then(|usage| Some(self.gateway.price(&model)?.cost(&usage)));
                report.usage = facts.usage;
                report.model = Some(model);
                Forwarded { status, answer: Answer::Whole { body, is_stream, report: Box::new(report) } }
            }
            Opened::Stream { opening, request_id, status } => {
                report.provider_request_id = request_id;
                report.first_token = Some(opening.first_token - self.started);
                let price = self.gateway.price(&model);
                let provider = self.gateway.providers.get(&model.provider);
                let credentials = provider.map(|p| p.credentials().clone()).unwrap_or_default();
                report.model = Some(model);
                let idle = self.router.spec().attempt_timeout;
                let stream = AnswerStream::new(self.call.client, *opening, idle, report, price, credentials);
                Forwarded { status, answer: Answer::Stream(Box::new(stream)) }
            }
        }
    }

    fn refused(self, failed: Failed, mut report: Report) -> Refused {
        report.upstream = self.started.elapsed();
        let retry_after = failed.retry_after();
        let status = failed.status.unwrap_or_else(|| failed.kind.status(self.call.client));
        let error = ClientError {
            kind: failed.kind,
            message: failed.message,
            param: failed.param.map(String::from),
            code: failed.code.map(String::from),
        };
        let body = failed.body.unwrap_or_else(|| encode_error(self.call.client, &error, &self.call.id).into());
        Refused { status, error, body, retry_after, report: Box::new(report) }
    }
}

async fn sleep_until(at: Option<Instant>) {
    match at {
        Some(at) => tokio::time::sleep_until(at).await,
        None => std::future::pending().await,
    }
}
