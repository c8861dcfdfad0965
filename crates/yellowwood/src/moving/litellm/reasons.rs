//! Why settings have no translation.

/// Settings by the end of their path, and what stands in their place here.
const REASONS: &[(&str, &str)] = &[
    ("success_callback", "every call is recorded: `yw calls`; `otlp` in [serve] sends traces and metrics"),
    ("failure_callback", "failures are recorded as calls are: `yw calls`; `otlp` in [serve] sends traces and metrics"),
    ("callbacks", "every call is recorded: `yw calls`; `otlp` in [serve] sends traces and metrics"),
    ("service_callbacks", "there are no services to report on"),
    ("callback_settings", "calls are recorded here, and sent by `otlp` in [serve]"),
    ("context_window_fallbacks", "a route falls back when a model fails, not when a request is too long for it"),
    ("content_policy_fallbacks", "a refusal is an answer here, and no reason to fall back"),
    ("retry_policy", "retries do not depend on the kind of error: those that may pass are tried again"),
    ("allowed_fails_policy", "the breaker does not depend on the kind of error"),
    ("model_group_retry_policy", "retries do not depend on the kind of error"),
    ("mcp_servers", "there is no MCP gateway"),
    ("mcp_aliases", "there is no MCP gateway"),
    ("vector_store_registry", "there are no vector stores yet"),
    ("search_tools", "there are no tools on the server's side"),
    ("prompts", "prompts belong to the candidates of a task"),
    ("include", "other files are not followed; translate each by itself"),
    ("drop_params", "what a provider does not know is left out or refused by its dialect, without a switch"),
    ("modify_params", "requests are translated, never changed otherwise"),
    ("set_verbose", "set YW_LOG=debug"),
    ("json_logs", "logs are text; calls are records"),
    ("debug_level", "set YW_LOG=debug"),
    ("telemetry", "nothing is sent to anyone"),
    ("turn_off_message_logging", "content is kept only if [serve] says `calls = { content = true }`"),
    ("redis_host", "state is local to the project; there is no Redis"),
    ("redis_port", "state is local to the project; there is no Redis"),
    ("redis_password", "state is local to the project; there is no Redis"),
    ("redis_url", "state is local to the project; there is no Redis"),
    ("enable_pre_call_checks", "requests that are too long are refused by the model"),
    ("store_model_in_db", "models stand in the project file alone"),
    ("max_parallel_requests", "a provider's `concurrency` limits calls under way"),
    ("global_max_parallel_requests", "a provider's `concurrency` limits calls under way"),
    ("alerting", "there are no alerts; metrics are at /metrics"),
    ("alerting_threshold", "there are no alerts; metrics are at /metrics"),
    ("health_check_interval", "models are known by the calls that they answer"),
    ("background_health_checks", "models are known by the calls that they answer"),
    ("custom_auth", "callers are known by keys: `yw key create`"),
    ("enable_jwt_auth", "callers are known by keys: `yw key create`"),
    ("litellm_jwtauth", "callers are known by keys: `yw key create`"),
    ("ui_access_mode", "there is no web interface"),
    ("tags", "routes do not choose by tags"),
    ("enable_tag_filtering", "routes do not choose by tags"),
    ("routing_groups", "every route says by itself how it chooses"),
    ("mode", "what a model can do is told by the calls that it answers"),
    ("base_model", "prices are found by the model's name; write [price.\"provider/model\"] where they are not"),
    ("temperature", "parameters are the client's to send"),
    ("max_tokens", "parameters are the client's to send"),
    ("top_p", "parameters are the client's to send"),
    ("extra_body", "requests are not added to"),
    ("model_info", "models are described by their providers"),
    ("finetune_settings", "there is no address for fine-tuning"),
    ("files_settings", "there is no address for files"),
    ("aws_access_key_id", "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or a profile"),
    ("aws_secret_access_key", "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or a profile"),
    ("aws_session_token", "set AWS_SESSION_TOKEN"),
    ("aws_profile_name", "set AWS_PROFILE"),
    ("aws_role_name", "let the environment take on the role"),
    ("aws_session_name", "let the environment take on the role"),
    ("vertex_credentials", "set GOOGLE_APPLICATION_CREDENTIALS to the file"),
    ("cache_creation_input_token_cost", "tokens that a cache is written with cost what the price table says"),
];

/// Settings by what their path goes through.
const SECTIONS: &[(&str, &str)] = &[
    ("cache_params.", "answers are remembered in the project's own store"),
    ("environment_variables", "set it in the environment; values are never copied from there"),
    ("guardrail", "there are no guards yet"),
    ("pass_through_endpoints", "only the addresses of the dialects are served"),
];

/// Why the setting at a path has no translation.
pub(super) fn reason(path: &str) -> &'static str {
    let last = path.rsplit('.').next().unwrap_or(path);
    let last = last.split('[').next().unwrap_or(last);
    let section = SECTIONS.iter().find(|(section, _)| path.contains(section));
    let known = section.or_else(|| REASONS.iter().find(|(name, _)| *name == last));
    known.map_or("there is nothing like it here", |(_, why)| why)
}
