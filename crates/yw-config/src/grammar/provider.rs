//! The keys of providers, prices and the server.

use yw_task::Dialect;

use super::{Key, Shape, Table, Text, Words};

pub(crate) static PROVIDER: Table = Table {
    title: "[provider.NAME]",
    doc: "A company or server that serves models. Well-known ones need no entry; an entry under their name changes how \
          they are called.",
    keys: &[&[
        Key::new("dialect", Shape::Word(&DIALECTS), "What it speaks.", "dialect = \"anthropic\"")
            .or_else("`openai`; of a well-known provider, its own"),
        Key::new(
            "base_url",
            Shape::Text(Text::Url),
            "Where it is. `/chat/completions` is appended for `openai`, `/v1/messages` for `anthropic`.",
            "base_url = \"http://127.0.0.1:11434/v1\"",
        )
        .or_else("of a well-known provider; else required"),
        Key::new("concurrency", Shape::Integer(1, 1024), "Calls under way at once, at most.", "concurrency = 16")
            .or("8"),
        Key::new(
            "timeout_ms",
            Shape::Integer(1, 86_400_000),
            "Milliseconds that one try may take.",
            "timeout_ms = 30_000",
        )
        .or("60_000"),
        Key::new(
            "max_retries",
            Shape::Integer(0, 20),
            "Tries after the first, when it is busy, broken or out of reach.",
            "max_retries = 2",
        )
        .or("4"),
        Key::new(
            "key",
            Shape::Boolean,
            "Whether it must have a key: candidates are skipped when its variable `NAME_API_KEY` is not set.",
            "key = false",
        )
        .or_else("`true`, but `false` on this machine (127.0.0.1, localhost)"),
    ]],
    later: &[],
    habits: &[&[
        ("api_key", "`NAME_API_KEY` in the environment holds the key; the file never does"),
        ("api_key_env", "the variable is always `NAME_API_KEY`"),
        ("token", "`NAME_API_KEY` in the environment holds the key; the file never does"),
        ("url", "it is called `base_url` here"),
        ("api_base", "it is called `base_url` here"),
        ("endpoint", "it is called `base_url` here"),
        ("timeout", "it is called `timeout_ms` here, in milliseconds"),
        ("retries", "it is called `max_retries` here"),
        ("max_concurrency", "it is called `concurrency` here"),
        ("model", "models are named by candidates: ask = \"provider/model\""),
        ("type", "what it speaks is its `dialect`"),
    ]],
};

static DIALECTS: Words = Words {
    noun: "dialect",
    all: || Dialect::ALL.map(Dialect::name).to_vec(),
    later: &[
        ("responses", "use `dialect = \"openai\"` (chat completions) until then"),
        ("gemini", "use the provider's OpenAI-compatible address with `dialect = \"openai\"` until then"),
    ],
    habits: &[("openai-chat", "openai"), ("ollama", "openai"), ("vllm", "openai"), ("claude", "anthropic")],
};

pub(crate) static PRICE: Table = Table {
    title: "[price.\"provider/model\"]",
    doc: "What a model costs, in dollars per million tokens, exactly as its provider lists it. Adds to the price table \
          that the program comes with, or overrides it.",
    keys: &[&[
        Key::new("input", Shape::Dollars, "Of tokens that are read.", "input = 1.00").required(),
        Key::new("output", Shape::Dollars, "Of tokens that are written.", "output = 5.00").required(),
        Key::new(
            "cached_input",
            Shape::Dollars,
            "Of tokens that the provider reads from its cache.",
            "cached_input = 0.10",
        )
        .or_else("the price of `input`"),
    ]],
    later: &[],
    habits: &[&[
        ("cache_read", "it is called `cached_input` here"),
        ("prompt", "it is called `input` here"),
        ("completion", "it is called `output` here"),
    ]],
};

pub(crate) static SERVE: Table = Table {
    title: "[serve]",
    doc: "How `yw serve` listens.",
    keys: &[&[
        Key::new(
            "address",
            Shape::Text(Text::Socket),
            "Where, as address and port. Only this machine can reach a loopback address.",
            "address = \"127.0.0.1:8080\"",
        )
        .or("\"127.0.0.1:7878\""),
        Key::new(
            "max_body_bytes",
            Shape::Integer(1, 1 << 30),
            "The largest request body.",
            "max_body_bytes = 1_000_000",
        )
        .or("10_000_000"),
        Key::new(
            "timeout_ms",
            Shape::Integer(1, 86_400_000),
            "Milliseconds that a request may take.",
            "timeout_ms = 10_000",
        )
        .or("120_000"),
    ]],
    later: &[("keys", "serve on a loopback address until then")],
    habits: &[&[
        ("port", "it is part of `address`: \"127.0.0.1:8080\""),
        ("host", "it is part of `address`: \"127.0.0.1:8080\""),
        ("listen", "it is called `address` here"),
    ]],
};
