//! Why settings have no translation.

/// Settings by the beginning of their path, and what stands in their place here.
const SECTIONS: &[(&str, &str)] = &[
    ("clickhouse", "state is in .yellowwood beside the project file"),
    ("postgres", "state is in .yellowwood beside the project file"),
    ("object_storage", "files in requests are not kept"),
    ("tools", "tools are the client's to send"),
    ("metrics", "a task's `metric` is computed from labelled rows; feedback is sent to /v1/tasks/NAME/feedback"),
    ("evaluations", "candidates are evaluated by `yw run` on labelled rows"),
    ("optimizers", "candidates are tuned by `yw run`"),
    ("autopilot", "candidates are tuned by `yw run`"),
    ("gateway.observability", "every call is recorded; there is nothing to switch on"),
    ("gateway.export", "write the collector's address: otlp = \"http://…\" in [serve]"),
    ("gateway.metrics", "the buckets of metrics are fixed"),
    ("gateway.cache", "how long answers are good is said by routes: cache_minutes = …"),
    ("gateway.auth", "keys are looked up in memory"),
    ("gateway.relay", "add the other gateway as a provider: base_url = \"http://…/v1\""),
    ("gateway.debug", "set YW_LOG=debug"),
    ("gateway.global_outbound_http_timeout_ms", "routes and providers have time-outs of their own"),
    ("gateway.disable_pseudonymous_usage_analytics", "nothing is sent to anyone"),
    ("gateway.template_filesystem_access", "prompts include files of the project's folder"),
    ("gateway.base_path", "addresses begin at the root"),
    ("rate_limiting", "limits are of all callers, in [serve], or of a key: `yw key create`"),
];

/// Settings by the end of their path.
const KEYS: &[(&str, &str)] = &[
    ("extra_body", "requests are not added to"),
    ("extra_headers", "a provider's `headers` go with every request"),
    ("json_mode", "how answers are constrained follows from what the model offers"),
    ("batch_cost", "there are no batches"),
    ("skip_relay", "there is no relay"),
    ("max_delay_s", "pauses between tries grow by themselves, and follow `retry-after`"),
    ("tool_choice", "tools are the client's to send"),
    ("tools", "tools are the client's to send"),
    ("parallel_tool_calls", "tools are the client's to send"),
    ("discard_unknown_chunks", "what is not known is passed on to clients that speak the same dialect"),
    ("thinking_budget_tokens", "parameters are the client's to send"),
    ("top_p", "parameters are the client's to send"),
    ("seed", "parameters are the client's to send"),
    ("presence_penalty", "parameters are the client's to send"),
    ("frequency_penalty", "parameters are the client's to send"),
    ("stop_sequences", "parameters are the client's to send"),
    ("reasoning_effort", "parameters are the client's to send"),
    ("service_tier", "parameters are the client's to send"),
    ("verbosity", "parameters are the client's to send"),
];

/// Why the setting at a path has no translation.
pub(super) fn reason(path: &str) -> &'static str {
    let last = path.rsplit('.').next().unwrap_or(path);
    let last = last.split('[').next().unwrap_or(last);
    let begins =
        |section: &str| path.strip_prefix(section).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']));
    let section = SECTIONS.iter().find(|(section, _)| begins(section));
    let known = section.or_else(|| KEYS.iter().find(|(name, _)| *name == last));
    known.map_or("there is nothing like it here", |(_, why)| why)
}
