//! The keys of routes.

use std::ops::Bound::{Excluded, Included};

use super::{Key, Map, Names, Shape, Table, Text, Words};

pub(super) static ROUTES: Map = Map {
    noun: "route",
    names: Names::Routes,
    value: Shape::Table(&ROUTE),
    n_entries: (0, usize::MAX),
    example: "[route.fast]",
};

pub(crate) static ROUTE: Table = Table {
    title: "[route.NAME]",
    doc: "A way to reach one of several models. Clients of `yw serve` name it where they name a model, so that a route may \
          take a model's name: `[route.\"gpt-5\"]`. A model without a route is reached as `provider/model`.",
    keys: &[&[
        Key::new(
            "models",
            Shape::List(&Shape::AnyOf(&[Shape::Text(Text::Model), Shape::Table(&TARGET)]), 1, 64),
            "The models, each as `provider/model` or [with its weight](#-model---weight---).",
            "models = [\"anthropic/claude-haiku-4-5\", \"openai/gpt-5-mini\"]",
        )
        .required(),
        Key::new(
            "by",
            Shape::Word(&ORDERS),
            "Who is asked first: `order` takes the first of the list, `weight` draws one by the weights, `latency` takes \
             the faster of two that are drawn. The others follow when it fails.",
            "by = \"weight\"",
        )
        .or("\"order\""),
        Key::new(
            "retries",
            Shape::Integer(0, 20),
            "Tries beyond one for each model: after all have failed, it starts over after a pause.",
            "retries = 4",
        )
        .or("2"),
        Key::new(
            "attempt_timeout_ms",
            Shape::Integer(1, 86_400_000),
            "Milliseconds that one try may take.",
            "attempt_timeout_ms = 30_000",
        )
        .or_else("the provider's `timeout_ms`"),
        Key::new(
            "first_token_timeout_ms",
            Shape::Integer(1, 86_400_000),
            "Milliseconds until the first token of a stream. After that, nothing falls back: the client has seen a part.",
            "first_token_timeout_ms = 3_000",
        )
        .or_else("as `attempt_timeout_ms`"),
        Key::new(
            "timeout_ms",
            Shape::Integer(1, 86_400_000),
            "Milliseconds that all tries may take together, until an answer begins.",
            "timeout_ms = 60_000",
        )
        .or_else("`600_000`, or one try's where that is more"),
        Key::new(
            "hedge_after_ms",
            Shape::Integer(1, 86_400_000),
            "Milliseconds without a token after which the next model is asked too; the first to answer wins. Both are \
             paid.",
            "hedge_after_ms = 800",
        ),
        Key::new(
            "sticky",
            Shape::Text(Text::HeaderName),
            "A request header whose equal values go to the same model, as long as it answers: prompt caches stay warm.",
            "sticky = \"x-session-id\"",
        ),
        Key::new(
            "cache_minutes",
            Shape::Number(Excluded(0.0), Included(525_600.0)),
            "Answers equal requests from memory for so many minutes.",
            "cache_minutes = 10",
        ),
        Key::new(
            "breaker",
            Shape::AnyOf(&[Shape::False, Shape::Table(&BREAKER)]),
            "When a model that fails is left alone.",
            "breaker = { failures = 3, cooldown_ms = 60_000 }",
        )
        .or("{ failures = 5, cooldown_ms = 5_000 }"),
    ]],
    later: &[],
    habits: &[&[
        ("model", "the key is a list: models = [\"provider/model\"]"),
        ("targets", "it is called `models` here"),
        ("fallbacks", "they follow in `models`: the list is the order of fallback"),
        ("strategy", "it is called `by` here: `order`, `weight` or `latency`"),
        ("num_retries", "it is called `retries` here"),
        ("max_retries", "it is called `retries` here"),
        ("timeout", "it is called `timeout_ms` here, in milliseconds"),
        ("weights", "weights stand at the models: models = [{ model = \"provider/model\", weight = 2 }]"),
        ("cache", "say `cache_minutes = 10`"),
        ("ttl", "say `cache_minutes = 10`"),
        ("failures", "it is part of the breaker: breaker = { failures = 5 }"),
        ("cooldown_ms", "it is part of the breaker: breaker = { cooldown_ms = 60_000 }"),
    ]],
};

static ORDERS: Words = Words {
    noun: "order",
    all: || vec!["order", "weight", "latency"],
    later: &[],
    habits: &[
        ("fallback", "order"),
        ("priority", "order"),
        ("weighted", "weight"),
        ("random", "weight"),
        ("round-robin", "weight"),
        ("simple-shuffle", "weight"),
        ("fastest", "latency"),
        ("least-busy", "latency"),
        ("latency-based-routing", "latency"),
    ],
};

pub(crate) static TARGET: Table = Table {
    title: "{ model = …, weight = … }",
    doc: "A model of a route by `weight` or `latency`.",
    keys: &[&[
        Key::new("model", Shape::Text(Text::Model), "The model.", "model = \"openai/gpt-5-mini\"").required(),
        Key::new(
            "weight",
            Shape::Number(Included(0.0), Included(1e6)),
            "Its share of the calls, relative to the others'; with `by = \"latency\"`, how much slower it may be. With 0 it is \
             only asked when the others have failed.",
            "weight = 2",
        )
        .or("1"),
    ]],
    later: &[],
    habits: &[],
};

pub(crate) static BREAKER: Table = Table {
    title: "breaker = { … }",
    doc: "A model that has failed so often in a row is asked last until the pause is over, and then by one call at a time \
          until it answers.",
    keys: &[&[
        Key::new("failures", Shape::Integer(1, 1_000_000), "How often in a row.", "failures = 3").or("5"),
        Key::new(
            "cooldown_ms",
            Shape::Integer(1, 86_400_000),
            "Milliseconds of the first pause; the next ones are longer.",
            "cooldown_ms = 60_000",
        )
        .or("5_000"),
    ]],
    later: &[],
    habits: &[&[
        ("allowed_fails", "it is called `failures` here"),
        ("cooldown_time", "it is called `cooldown_ms` here, in milliseconds"),
        ("cooldown", "it is called `cooldown_ms` here, in milliseconds"),
    ]],
};
