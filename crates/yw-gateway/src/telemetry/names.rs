//! Every name that is emitted: OpenTelemetry's semantic conventions for generative AI, as of October 2026.
//!
//! The conventions are still "development", and renamed most of their metrics in September and October 2026. The earlier
//! names at the end of the metrics are what dashboards of before then read.

/// The instrumentation scope.
pub const SCOPE: &str = "yellowwood.gateway";

// -- attributes of spans and metrics

/// What was done: see [`Operation`](super::Operation).
pub const OPERATION_NAME: &str = "gen_ai.operation.name";
/// Who did it: see [`provider_name`].
pub const PROVIDER_NAME: &str = "gen_ai.provider.name";
/// The model that was asked.
pub const REQUEST_MODEL: &str = "gen_ai.request.model";
/// Whether a stream was asked for.
pub const REQUEST_STREAM: &str = "gen_ai.request.stream";
/// The provider's id of the answer.
pub const RESPONSE_ID: &str = "gen_ai.response.id";
/// The model that answered.
pub const RESPONSE_MODEL: &str = "gen_ai.response.model";
/// Why each choice ends; `error` for one that was cut off.
pub const RESPONSE_FINISH_REASONS: &str = "gen_ai.response.finish_reasons";
/// Seconds to the first piece of a stream.
pub const RESPONSE_TIME_TO_FIRST_CHUNK: &str = "gen_ai.response.time_to_first_chunk";
/// Tokens read, from the cache too.
pub const USAGE_INPUT_TOKENS: &str = "gen_ai.usage.input_tokens";
/// Tokens written, reasoning too.
pub const USAGE_OUTPUT_TOKENS: &str = "gen_ai.usage.output_tokens";
/// Of the input, tokens read from the cache.
pub const USAGE_CACHE_READ_INPUT_TOKENS: &str = "gen_ai.usage.cache_read.input_tokens";
/// Of the input, tokens written to the cache.
pub const USAGE_CACHE_WRITE_INPUT_TOKENS: &str = "gen_ai.usage.cache_write.input_tokens";
/// Of the output, tokens of reasoning.
pub const USAGE_REASONING_OUTPUT_TOKENS: &str = "gen_ai.usage.reasoning.output_tokens";
/// Of the input, tokens of sound.
pub const USAGE_AUDIO_INPUT_TOKENS: &str = "gen_ai.usage.audio.input_tokens";
/// Of the output, tokens of sound.
pub const USAGE_AUDIO_OUTPUT_TOKENS: &str = "gen_ai.usage.audio.output_tokens";
/// Of the input, tokens of pictures.
pub const USAGE_IMAGE_INPUT_TOKENS: &str = "gen_ai.usage.image.input_tokens";
/// The kind of failure, such as an HTTP status; absent on success.
pub const ERROR_TYPE: &str = "error.type";
/// The provider's host.
pub const SERVER_ADDRESS: &str = "server.address";
/// The provider's port.
pub const SERVER_PORT: &str = "server.port";
/// Of the counters of tokens: `text`, `audio`, `image`, or `unknown` where the provider does not tell.
pub const TOKEN_MODALITY: &str = "gen_ai.token.modality";
/// Of the earlier histogram of tokens: `input` or `output`.
pub const TOKEN_TYPE: &str = "gen_ai.token.type";

// -- attributes that the conventions do not have, on spans alone

/// The route that was taken.
pub const YW_ROUTE: &str = "yw.route";
/// The name of the key that was used.
pub const YW_KEY: &str = "yw.key";
/// How many times a model was asked.
pub const YW_ATTEMPTS: &str = "yw.attempts";
/// What the call cost, in dollars. The records of calls have it exactly.
pub const YW_USD: &str = "yw.usd";
/// Whether the answer is from the gateway's own cache.
pub const YW_CACHED: &str = "yw.cached";

// -- metrics

/// Histogram, seconds: an inference from the request to the last byte.
pub const INFERENCE_DURATION: &str = "gen_ai.client.inference.duration";
/// Histogram, seconds: a streamed inference from the request to its first piece.
pub const INFERENCE_TIME_TO_FIRST_CHUNK: &str = "gen_ai.client.inference.time_to_first_chunk";
/// Counter: tokens read.
pub const INFERENCE_INPUT_TOKENS: &str = "gen_ai.client.inference.usage.input_tokens";
/// Counter: tokens written.
pub const INFERENCE_OUTPUT_TOKENS: &str = "gen_ai.client.inference.usage.output_tokens";
/// Counter: of the input, tokens read from the cache.
pub const INFERENCE_CACHE_READ_TOKENS: &str = "gen_ai.client.inference.usage.cache_read.input_tokens";
/// Counter: of the input, tokens written to the cache.
pub const INFERENCE_CACHE_WRITE_TOKENS: &str = "gen_ai.client.inference.usage.cache_write.input_tokens";
/// Counter: of the output, tokens of reasoning.
pub const INFERENCE_REASONING_TOKENS: &str = "gen_ai.client.inference.usage.reasoning.output_tokens";
/// Histogram: tokens read by one inference.
pub const INFERENCE_OPERATION_INPUT_TOKENS: &str = "gen_ai.client.inference.operation.input_tokens";
/// Histogram: tokens written by one inference.
pub const INFERENCE_OPERATION_OUTPUT_TOKENS: &str = "gen_ai.client.inference.operation.output_tokens";
/// Histogram, seconds: an operation that is no inference, such as embeddings; earlier, every operation.
pub const OPERATION_DURATION: &str = "gen_ai.client.operation.duration";
/// Histogram: tokens of one operation. An earlier name.
pub const TOKEN_USAGE: &str = "gen_ai.client.token.usage";

/// The boundaries that the conventions give for durations, in seconds.
pub const DURATION_BOUNDARIES: [f64; 14] =
    [0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92];

/// The boundaries that the conventions give for the time to the first chunk, in seconds.
pub const FIRST_CHUNK_BOUNDARIES: [f64; 16] =
    [0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0];

/// The boundaries that the conventions give for tokens: the powers of four.
pub const TOKEN_BOUNDARIES: [f64; 14] = [
    1.0, 4.0, 16.0, 64.0, 256.0, 1024.0, 4096.0, 16384.0, 65536.0, 262144.0, 1048576.0, 4194304.0, 16777216.0,
    67108864.0,
];

/// The conventions' word for a provider of the project file; others keep their own.
pub fn provider_name(provider: &str) -> &str {
    match provider {
        "azure" => "azure.ai.openai",
        "bedrock" => "aws.bedrock",
        "gemini" => "gcp.gemini",
        "mistral" => "mistral_ai",
        "moonshot" => "moonshot_ai",
        "vertex" => "gcp.vertex_ai",
        "watsonx" => "ibm.watsonx.ai",
        "xai" => "x_ai",
        other => other,
    }
}
