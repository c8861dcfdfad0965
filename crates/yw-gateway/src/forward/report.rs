use std::time::Duration;

use yw_llm::{Finish, TokenUsage};
use yw_task::{ModelRef, Usd};

/// What forwarding one request took.
#[derive(Debug, Clone, Default)]
pub struct Report {
    /// Every attempt, in the order in which they ended.
    pub attempts: Vec<AttemptReport>,
    /// The model that answered, or was asked last.
    pub model: Option<ModelRef>,
    /// The provider's id of the request, from its headers.
    pub provider_request_id: Option<String>,
    /// The provider's id of the answer.
    pub response_id: Option<String>,
    /// The model as the provider names it.
    pub response_model: Option<String>,
    /// Why the answer ended.
    pub finish: Option<Finish>,
    /// The tokens that were used; none if nothing is known.
    pub usage: Option<TokenUsage>,
    /// What they cost; none if the price is not known.
    pub usd: Option<Usd>,
    /// Whether the tokens are our own count, because the provider's did not come.
    pub estimated: bool,
    /// From the beginning to the first content of a stream.
    pub first_token: Option<Duration>,
    /// How long a provider was waited for, connecting included.
    pub upstream: Duration,
    /// What went wrong after the answer had begun.
    pub broken: Option<String>,
}

/// One attempt.
#[derive(Debug, Clone)]
pub struct AttemptReport {
    /// Who was asked.
    pub model: ModelRef,
    /// The status of the reply, if one came.
    pub status: Option<u16>,
    /// What went wrong; none of an attempt that answered.
    pub error: Option<String>,
    /// How long it took, for a stream to its first content.
    pub latency: Duration,
}
