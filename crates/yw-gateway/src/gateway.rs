use std::collections::HashMap;
use std::fmt;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use reqwest::Url;
use tokio::sync::SemaphorePermit;
use tokio::time::Instant;
use yw_llm::{Price, PriceTable, Request, Response, decode_response, encode_request, max_input_tokens};
use yw_task::{ModelRef, Usage, Usd, key_variable};

use crate::attempt::{Answered, Failure, attempt};
use crate::budget::{Budget, Reservation};
use crate::cassette::{Cassette, Player, Recorder, RecorderOptions};
use crate::client::Clients;
use crate::flight::Flights;
use crate::key::ReplyKey;
use crate::provider::Provider;
use crate::retry::{Advice, backoff};
use crate::store::{ReplyStore, StoredReply};
use crate::wire::Tape;
use crate::{CallError, GatewayConfig, GatewayError, Secret};

/// Calls the models of all providers. Share one by reference or `Arc`; see the crate's documentation for what it promises.
pub struct Gateway {
    pub(crate) providers: HashMap<String, Provider>,
    prices: PriceTable,
    store: Option<Arc<dyn ReplyStore>>,
    flights: Flights,
    /// Paid replies that the store refused. Nothing more is paid for until it has taken them.
    unsaved: tokio::sync::Mutex<Vec<(ReplyKey, Vec<u8>)>>,
}

/// How to make one call.
#[derive(Debug, Clone, Copy)]
pub struct CallOptions<'a> {
    /// Tells calls apart that ask the same and want answers of their own, such as the second try after a bad answer.
    pub salt: u32,
    /// What the call may spend, together with others; none is without limit.
    pub budget: Option<&'a Budget>,
    /// Whether a reply from the store will do. If not, the provider is asked in any case, and the new reply takes the place
    /// of the old one. (A provider that honours `Idempotency-Key` may repeat itself; another salt asks afresh.)
    pub reuse: bool,
    /// How long one attempt may take; none is the provider's own limit.
    pub timeout: Option<Duration>,
}

impl Default for CallOptions<'_> {
    fn default() -> Self {
        CallOptions { salt: 0, budget: None, reuse: true, timeout: None }
    }
}

/// An answer, and what it took.
#[derive(Debug, Clone, PartialEq)]
pub struct Reply {
    /// The answer.
    pub response: Response,
    /// Tokens and money. Where the provider named no usage, or the price is not known, there are zeros.
    pub usage: Usage,
    /// How long the attempt took that brought the answer, without waiting before it; for a reused reply, when it was made.
    pub latency: Duration,
    /// Whether the reply was there already.
    pub reused: bool,
}

impl Gateway {
    /// A gateway to these providers that keeps its replies in `store`; without one, every run pays anew.
    pub fn new(config: GatewayConfig, store: Option<Arc<dyn ReplyStore>>) -> Result<Self, GatewayError> {
        let mut clients = Clients::default();
        let mut providers = HashMap::new();
        for provider in config.providers {
            let name = provider.name.clone();
            if providers.insert(name.clone(), Provider::new(provider, &mut clients)?).is_some() {
                return Err(GatewayError::Duplicate { provider: name });
            }
        }
        Ok(Gateway {
            providers,
            prices: config.prices,
            store,
            flights: Flights::default(),
            unsaved: Default::default(),
        })
    }

    /// Records every exchange with a provider from now on into `folder`, without the providers' secrets.
    ///
    /// # Errors
    ///
    /// The folder cannot be made or written.
    pub fn record(&mut self, folder: &Path) -> io::Result<Arc<Recorder>> {
        let options = RecorderOptions { secrets: self.secrets(), ..RecorderOptions::default() };
        let recorder = Arc::new(Recorder::start(folder, options)?);
        self.set_tape(&Tape::Record(recorder.clone()));
        Ok(recorder)
    }

    /// Answers from `cassette` from now on: nothing is sent, and no key is needed. What the cassette does not have is
    /// refused with 404.
    pub fn replay(&mut self, cassette: Cassette) {
        let player = Arc::new(Player::new(cassette, &self.secrets()));
        self.set_tape(&Tape::Play(player));
        self.providers.values_mut().for_each(|provider| provider.config.needs_key = false);
    }

    fn set_tape(&mut self, tape: &Tape) {
        self.providers.values_mut().for_each(|provider| provider.tape = tape.clone());
    }

    /// Every secret of a provider that is known at this moment.
    fn secrets(&self) -> Vec<Secret> {
        self.providers.values().flat_map(|provider| provider.credentials().secrets()).collect()
    }

    /// Whether there is a provider of this name.
    pub fn has_provider(&self, name: &str) -> bool {
        self.providers.contains_key(name)
    }

    /// The environment variable to set before this provider can be called; none if it can be called already, or does not
    /// exist.
    pub fn key_missing(&self, provider: &str) -> Option<String> {
        let provider = self.providers.get(provider)?;
        provider.config.lacks_key().then(|| key_variable(&provider.config.name))
    }

    /// The models with a known price of all providers that can be called, by name.
    pub fn models(&self) -> Vec<ModelRef> {
        let callable = self.providers.values().filter(|provider| !provider.config.lacks_key());
        let mut models: Vec<ModelRef> = callable.flat_map(|p| self.prices.models(&p.config.name)).collect();
        models.sort_unstable();
        models
    }

    /// What a model costs, if that is known.
    pub fn price(&self, model: &ModelRef) -> Option<Price> {
        self.prices.find(model).or_else(|| {
            let like = &self.providers.get(&model.provider)?.config.like;
            self.prices.find(&ModelRef { provider: like.clone(), model: model.model.clone() })
        })
    }

    /// Asks `model`, or finds the reply to the same call in the store.
    ///
    /// *Durability*: the reply is in the store before this returns. *Concurrency*: any number of calls; identical ones are
    /// made once. *Cancellation*: dropping the future abandons the call; if its request was sent, its reservation stays
    /// used up.
    pub async fn complete(
        &self,
        model: &ModelRef,
        request: &Request,
        options: &CallOptions<'_>,
    ) -> Result<Reply, CallError> {
        let provider = self.providers.get(&model.provider).ok_or_else(|| self.unknown_provider(model))?;
        let config = &provider.config;
        let body = Bytes::from(encode_request(config.dialect, &model.model, request, &config.encoding));
        let url = provider.chat_url(config.dialect, &model.model, false);
        let call = Call {
            gateway: self,
            provider,
            model,
            key: ReplyKey::new(config.dialect, url.as_str(), &body, options.salt),
            url,
            max_tokens: request.max_tokens.unwrap_or(config.encoding.default_max_tokens),
            price: self.price(model),
            budget: options.budget,
            timeout: options.timeout.unwrap_or(config.timeout),
            body,
        };
        call.save_unsaved().await?;
        if !options.reuse {
            return call.make().await.map(|(reply, _)| reply);
        }
        let flight = self.flights.join(call.key);
        let mut turn = flight.turn().await;
        let known = match turn.take() {
            Some(left_by_another) => Some(left_by_another),
            None => call.find().await?,
        };
        let (reply, stored) = match known {
            Some(stored) => (call.reuse(&stored)?, stored),
            None => call.make().await?,
        };
        *turn = Some(stored);
        Ok(reply)
    }

    fn unknown_provider(&self, model: &ModelRef) -> CallError {
        let mut known: Vec<&str> = self.providers.keys().map(String::as_str).collect();
        known.sort_unstable();
        CallError::UnknownProvider { model: model.clone(), known: known.join(", ") }
    }
}

impl fmt::Debug for Gateway {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Gateway").field("providers", &self.providers.keys()).finish_non_exhaustive()
    }
}

/// One call under way.
struct Call<'a> {
    gateway: &'a Gateway,
    provider: &'a Provider,
    model: &'a ModelRef,
    url: Url,
    key: ReplyKey,
    body: Bytes,
    max_tokens: u32,
    price: Option<Price>,
    budget: Option<&'a Budget>,
    timeout: Duration,
}

impl Call<'_> {
    /// The reply in the store.
    async fn find(&self) -> Result<Option<StoredReply>, CallError> {
        let Some(store) = &self.gateway.store else { return Ok(None) };
        let bytes = store.get(&self.key.0).await.map_err(|e| self.store_error(e))?;
        bytes.map(StoredReply::decode).transpose().map_err(|e| self.store_error(e.into()))
    }

    /// The reply that was kept as `stored`.
    fn reuse(&self, stored: &StoredReply) -> Result<Reply, CallError> {
        let response = decode_response(self.provider.config.dialect, &stored.body)
            .map_err(|source| CallError::Decode { model: self.model.clone(), source })?;
        // A reply made before the price was known costs what it would cost now.
        let usd = stored.usd.or_else(|| self.cost(&response)).unwrap_or(Usd::ZERO);
        let usage = usage(&response, usd, usd);
        Ok(Reply { response, usage, latency: stored.latency, reused: true })
    }

    /// Asks the provider until it answers, and keeps the answer.
    async fn make(&self) -> Result<(Reply, StoredReply), CallError> {
        if self.provider.config.lacks_key() {
            let variable = key_variable(&self.model.provider);
            return Err(CallError::NoKey { model: self.model.clone(), variable });
        }
        if self.budget.is_some() && self.price.is_none() {
            return Err(CallError::NoPrice { model: self.model.clone() });
        }
        // The slot is given up when the reply is kept, so that no more replies can be lost than requests are under way.
        let (Answered { body, response, latency }, _slot) = self.answer().await?;
        let usd = self.cost(&response);
        let stored = StoredReply { body, latency, usd };
        self.keep(&stored).await?;
        let usage = usage(&response, usd.unwrap_or(Usd::ZERO), Usd::ZERO);
        Ok((Reply { response, usage, latency, reused: false }, stored))
    }

    /// Asks the provider until it answers.
    async fn answer(&self) -> Result<(Answered, Option<SemaphorePermit<'_>>), CallError> {
        let mut n_attempts = 0;
        loop {
            n_attempts += 1;
            let slot = self.provider.slot().await;
            // Calls that waited for their turn while the store broke must not be paid for in vain either.
            self.save_unsaved().await?;
            let mut reservation = self.reserve().await?;
            reservation.iter_mut().for_each(Reservation::mark_sent);
            let failed = match attempt(self.provider, &self.url, &self.key, &self.body, self.timeout).await {
                Ok(answered) => {
                    reservation.into_iter().for_each(|r| r.settle(self.cost(&answered.response)));
                    return Ok((answered, slot));
                }
                Err(failed) => failed,
            };
            // Ended now, so that nobody waits for it while this call sleeps.
            match reservation {
                Some(not_billed) if !failed.may_be_billed => not_billed.release(),
                lost => drop(lost),
            }
            let delay = self.delay(failed.what, n_attempts)?;
            drop(slot);
            tokio::time::sleep(delay).await;
        }
    }

    /// How long to wait after the attempt `n_attempts` (from 1) failed, or the error to end with.
    fn delay(&self, failure: Failure, n_attempts: u32) -> Result<Duration, CallError> {
        let model = || self.model.clone();
        let (message, advice, is_rate_limit) = match failure {
            Failure::Transient { message, advice, is_rate_limit } => (message, advice, is_rate_limit),
            Failure::Refused { status, message } => return Err(CallError::Refused { model: model(), status, message }),
            Failure::Decode(source) => return Err(CallError::Decode { model: model(), source }),
        };
        tracing::debug!(model = %self.model, attempt = n_attempts, %message, "an attempt failed");
        let delay = match advice {
            Advice::None => backoff(self.provider.config.backoff, n_attempts, &self.key),
            Advice::After(delay) => {
                if is_rate_limit {
                    self.provider.pause_until(Instant::now() + delay);
                }
                delay
            }
            Advice::Never => {
                let last = format!("{message} (it asks not to be asked again soon)");
                return Err(CallError::Exhausted { model: model(), attempts: n_attempts, last });
            }
        };
        if n_attempts > self.provider.config.max_retries {
            return Err(CallError::Exhausted { model: model(), attempts: n_attempts, last: message });
        }
        Ok(delay)
    }

    /// Sets the most aside that one attempt can cost.
    async fn reserve(&self) -> Result<Option<Reservation<'_>>, CallError> {
        let (Some(budget), Some(price)) = (self.budget, self.price) else { return Ok(None) };
        let needed = price.bound(max_input_tokens(self.body.len()), self.max_tokens.into());
        let reservation = budget.reserve(needed).await.map_err(|left| CallError::Budget {
            model: self.model.clone(),
            needed,
            left,
            limit: budget.limit(),
        })?;
        Ok(Some(reservation))
    }

    fn cost(&self, response: &Response) -> Option<Usd> {
        Some(self.price?.cost(response.usage.as_ref()?))
    }

    /// Puts a reply into the store. One that cannot be put is kept in memory until it can.
    async fn keep(&self, stored: &StoredReply) -> Result<(), CallError> {
        let Some(store) = &self.gateway.store else { return Ok(()) };
        let bytes = stored.encode();
        if let Err(error) = store.put(&self.key.0, bytes.clone()).await {
            self.gateway.unsaved.lock().await.push((self.key, bytes));
            return Err(self.store_error(error));
        }
        Ok(())
    }

    /// Puts the replies into the store that it refused before, so that they are found and nothing more is paid in vain.
    async fn save_unsaved(&self) -> Result<(), CallError> {
        let Some(store) = &self.gateway.store else { return Ok(()) };
        let mut unsaved = self.gateway.unsaved.lock().await;
        while let Some((key, bytes)) = unsaved.last() {
            store.put(&key.0, bytes.clone()).await.map_err(|e| self.store_error(e))?;
            unsaved.pop();
        }
        Ok(())
    }

    fn store_error(&self, source: crate::StoreError) -> CallError {
        CallError::Store { model: self.model.clone(), source }
    }
}

fn usage(response: &Response, usd: Usd, usd_reused: Usd) -> Usage {
    let Some(tokens) = response.usage else { return Usage::default() };
    Usage {
        calls: 1,
        input_tokens: tokens.input_tokens,
        cached_tokens: tokens.cached_tokens,
        output_tokens: tokens.output_tokens,
        reasoning_tokens: tokens.reasoning_tokens,
        usd,
        usd_reused,
    }
}
