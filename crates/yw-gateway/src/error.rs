use yw_llm::DecodeError;
use yw_task::{ModelRef, Usd};

/// Why a call has no reply.
#[derive(Debug, thiserror::Error)]
pub enum CallError {
    /// Nobody of this name was configured.
    #[error("there is no provider `{}` for the model `{model}`; add [provider.{}] or use one of: {known}", model.provider, model.provider)]
    UnknownProvider {
        /// The model that was asked for.
        model: ModelRef,
        /// The providers there are.
        known: String,
    },
    /// The provider demands a key and there is none.
    #[error("`{model}` needs a key: set {variable}")]
    NoKey {
        /// The model that was asked for.
        model: ModelRef,
        /// The environment variable that holds the key.
        variable: String,
    },
    /// A budget cannot be kept without a price.
    #[error(
        "the price of `{model}` is not known, so the money limit cannot be kept; add [price.\"{model}\"] with input and \
         output in dollars per million tokens"
    )]
    NoPrice {
        /// The model that was asked for.
        model: ModelRef,
    },
    /// The call might cost more than is left.
    #[error("`{model}` was not asked: the call may cost {needed} and {left} of {limit} is left")]
    Budget {
        /// The model that was asked for.
        model: ModelRef,
        /// The most that the call can cost.
        needed: Usd,
        /// What is left.
        left: Usd,
        /// The budget.
        limit: Usd,
    },
    /// The provider will not answer this request, however often it is asked.
    #[error("`{model}` refused the request with status {status}: {message}")]
    Refused {
        /// The model that was asked for.
        model: ModelRef,
        /// The HTTP status.
        status: u16,
        /// The provider's message.
        message: String,
    },
    /// Every attempt failed.
    #[error("`{model}` gave no answer in {attempts} attempt{}: {last}", if *attempts == 1 { "" } else { "s" })]
    Exhausted {
        /// The model that was asked for.
        model: ModelRef,
        /// How often it was asked.
        attempts: u32,
        /// What the last attempt met.
        last: String,
    },
    /// The provider answered something that its dialect does not have.
    #[error("the answer of `{model}` cannot be read; check the dialect and base_url of [provider.{}]", model.provider)]
    Decode {
        /// The model that was asked for.
        model: ModelRef,
        /// What is wrong with it.
        #[source]
        source: DecodeError,
    },
    /// Replies cannot be kept, so nothing is asked that would be paid for in vain.
    #[error("the replies of `{model}` cannot be kept")]
    Store {
        /// The model that was asked for.
        model: ModelRef,
        /// What the store says.
        #[source]
        source: StoreError,
    },
}

/// What a [`ReplyStore`](crate::ReplyStore) says when it fails.
pub type StoreError = Box<dyn std::error::Error + Send + Sync>;

/// Why a gateway cannot be built.
#[derive(Debug, thiserror::Error)]
pub enum GatewayError {
    /// The address of a provider is not one.
    #[error("the base_url of the provider `{provider}` is not an http or https address: {base_url}")]
    BaseUrl {
        /// The provider.
        provider: String,
        /// Its address.
        base_url: String,
    },
    /// The key of a provider cannot be sent.
    #[error("the key of the provider `{provider}` has characters that no header can hold; look for a line break in it")]
    Key {
        /// The provider.
        provider: String,
    },
    /// Two providers have the same name.
    #[error("there are two providers `{provider}`")]
    Duplicate {
        /// The name.
        provider: String,
    },
    /// TLS cannot be set up.
    #[error("cannot prepare HTTP connections")]
    Client(#[source] Box<dyn std::error::Error + Send + Sync>),
}
