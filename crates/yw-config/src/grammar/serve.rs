//! The keys of the server.

use super::{Key, Shape, Table, Text, one_or_more};

pub(crate) static SERVE: Table = Table {
    title: "[serve]",
    doc: "How `yw serve` listens, whom it lets in, and what it keeps.",
    keys: &[&[
        Key::new(
            "address",
            Shape::Text(Text::Socket),
            "Where, as address and port. Only this machine can reach a loopback address; any other needs `keys = true`.",
            "address = \"127.0.0.1:8080\"",
        )
        .or("\"127.0.0.1:7878\""),
        Key::new(
            "keys",
            Shape::Boolean,
            "Whether callers need a key, made by `yw key create`.",
            "keys = true",
        )
        .or("false"),
        Key::new(
            "limits",
            Shape::Table(&RATES),
            "What all callers together may use. Keys have limits of their own.",
            "limits = { dollars = \"100/day\", requests = \"6000/min\" }",
        ),
        Key::new(
            "default_output_tokens",
            Shape::Integer(1, 10_000_000),
            "What is set aside from limits for a request that does not say how much may be written. It is settled when the \
             answer is there.",
            "default_output_tokens = 16_000",
        )
        .or("4_096"),
        Key::new(
            "calls",
            Shape::Table(&CALLS),
            "What is kept of calls.",
            "calls = { keep_days = 30, content = true }",
        )
        .or("{ keep_days = 90, max_mb = 1024, content = false }"),
        Key::new(
            "cache",
            Shape::Table(&RESPONSES),
            "The memory of answers that routes with `cache_minutes` use.",
            "cache = { max_mb = 1024 }",
        )
        .or("{ max_mb = 256 }"),
        Key::new(
            "otlp",
            Shape::Text(Text::Url),
            "A collector of OpenTelemetry that is sent a trace and metrics of every call, over HTTP. `/v1/traces` and \
             `/v1/metrics` are appended.",
            "otlp = \"http://collector:4318\"",
        ),
        Key::new(
            "max_body_bytes",
            Shape::Integer(1, 1 << 30),
            "The largest request body. Of requests to models 64 MiB, or this if it is more.",
            "max_body_bytes = 1_000_000",
        )
        .or("10_000_000"),
        Key::new(
            "timeout_ms",
            Shape::Integer(1, 86_400_000),
            "Milliseconds that a request may take. Requests to models have the time-outs of their routes.",
            "timeout_ms = 10_000",
        )
        .or("120_000"),
    ]],
    later: &[],
    habits: &[&[
        ("port", "it is part of `address`: \"127.0.0.1:8080\""),
        ("host", "it is part of `address`: \"127.0.0.1:8080\""),
        ("listen", "it is called `address` here"),
        ("auth", "say `keys = true`"),
        ("master_key", "keys are made by `yw key create`, and the file never holds one"),
        ("database_url", "state lives in `.yellowwood` beside the file"),
        ("budget", "say `limits = { dollars = \"100/day\" }`"),
        ("max_budget", "say `limits = { dollars = \"100/month\" }`"),
        ("rpm", "say `limits = { requests = \"60/min\" }`"),
        ("tpm", "say `limits = { tokens = \"100000/min\" }`"),
        ("otel", "it is called `otlp` here"),
    ]],
};

pub(crate) static RATES: Table = Table {
    title: "limits = { dollars = …, requests = … }",
    doc: "How much in a minute, an hour, a day, a month of UTC's calendar, or in total: `\"60/min\"`, `\"5/hour\"`, \
          `\"100/day\"`, `\"20/month\"`, `\"500 total\"`. A list has several.",
    keys: &[&[
        Key::new(
            "dollars",
            one_or_more!(Shape::Text(Text::Rate)),
            "Dollars, at most 6 decimals.",
            "dollars = [\"5/hour\", \"20.50/day\"]",
        ),
        Key::new("requests", one_or_more!(Shape::Text(Text::Rate)), "Requests.", "requests = \"6000/min\""),
        Key::new(
            "tokens",
            one_or_more!(Shape::Text(Text::Rate)),
            "Tokens, read and written.",
            "tokens = \"1_000_000/hour\"",
        ),
    ]],
    later: &[],
    habits: &[&[
        ("usd", "it is called `dollars` here"),
        ("budget", "it is called `dollars` here"),
        ("rpm", "say `requests = \"60/min\"`"),
        ("tpm", "say `tokens = \"100000/min\"`"),
    ]],
};

pub(crate) static CALLS: Table = Table {
    title: "calls = { … }",
    doc: "Every call leaves a record: who, which model, tokens, dollars, times. The oldest go first.",
    keys: &[&[
        Key::new("keep_days", Shape::Integer(1, 36_500), "How long, in days.", "keep_days = 30").or("90"),
        Key::new("max_mb", Shape::Integer(1, 1 << 30), "How much, in megabytes.", "max_mb = 512").or("1024"),
        Key::new(
            "content",
            Shape::Boolean,
            "Whether requests and answers are kept too, with all that people wrote in them.",
            "content = true",
        )
        .or("false"),
    ]],
    later: &[],
    habits: &[&[("days", "it is called `keep_days` here"), ("retention", "say `keep_days = 90`")]],
};

pub(crate) static RESPONSES: Table = Table {
    title: "cache = { … }",
    doc: "Answers to requests that were answered before. What was written longest ago goes first.",
    keys: &[&[Key::new("max_mb", Shape::Integer(1, 1 << 30), "How much, in megabytes.", "max_mb = 1024").or("256")]],
    later: &[],
    habits: &[&[("ttl", "how long answers are good is said by routes: cache_minutes = 10")]],
};
