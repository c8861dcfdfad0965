//! Every environment variable that the program reads, in one place.
//!
//! The project file never takes values from the environment: what it says is what was run. What belongs to a person or
//! a machine and not to the project (keys, colours, logs) comes from here and nowhere else.

/// Which log lines are printed, as a filter of `tracing`.
pub const LOG: &str = "YW_LOG";
/// Switches colours off when it is set and not empty.
pub const NO_COLOR: &str = "NO_COLOR";
/// Which names of metrics the collector is sent, in OpenTelemetry's own words.
pub const SEMCONV_OPT_IN: &str = "OTEL_SEMCONV_STABILITY_OPT_IN";

/// An environment variable, or a family of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Variable {
    /// Its name; `PROVIDER` stands for a provider's name in capitals, `*` for any ending.
    pub name: &'static str,
    /// What it does.
    pub meaning: &'static str,
    /// A setting, as a shell takes it.
    pub example: &'static str,
}

/// All of them, in the order of the reference page.
pub const VARIABLES: &[Variable] = &[
    Variable {
        name: "PROVIDER_API_KEY",
        meaning: "The key of a provider: its name in capitals, with `_` for all that is no letter or digit. \
                  The provider's `key` may name another variable or a file; keys are read from nowhere else.",
        example: "ANTHROPIC_API_KEY=…",
    },
    Variable {
        name: LOG,
        meaning: "Which log lines go to standard error: a level, or levels by module.",
        example: "YW_LOG=info,yw_gateway=debug",
    },
    Variable { name: NO_COLOR, meaning: "No colours when set and not empty.", example: "NO_COLOR=1" },
    Variable {
        name: "HTTPS_PROXY",
        meaning: "A proxy for calls to providers and object stores; `NO_PROXY` lists hosts that are called without it.",
        example: "HTTPS_PROXY=http://proxy.acme.example:3128",
    },
    Variable {
        name: "AWS_*",
        meaning: "Credentials, region and endpoint for `s3://` addresses; credentials for Bedrock, or its key in \
                  `AWS_BEARER_TOKEN_BEDROCK`.",
        example: "AWS_REGION=eu-central-1",
    },
    Variable {
        name: "GOOGLE_*",
        meaning: "Credentials for `gs://` addresses; for Vertex, `GOOGLE_APPLICATION_CREDENTIALS` names their file.",
        example: "GOOGLE_SERVICE_ACCOUNT=account.json",
    },
    Variable {
        name: "AZURE_*",
        meaning: "Credentials for `az://` addresses.",
        example: "AZURE_STORAGE_ACCOUNT_NAME=acme",
    },
    Variable {
        name: "OTEL_*",
        meaning: "What goes to the collector of `otlp` besides: `OTEL_EXPORTER_OTLP_HEADERS` (its key), \
                  `OTEL_SERVICE_NAME`, `OTEL_RESOURCE_ATTRIBUTES`; and which names of metrics, \
                  `OTEL_SEMCONV_STABILITY_OPT_IN`.",
        example: "OTEL_EXPORTER_OTLP_HEADERS=api-key=…",
    },
];
