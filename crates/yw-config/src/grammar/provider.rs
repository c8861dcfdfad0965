//! The keys of providers and prices.

use yw_task::{Dialect, WELL_KNOWN_PROVIDERS};

use super::{Key, Map, Names, Says, Shape, Table, Text, Variant, Variants, Words, one_or_more};

pub(crate) static PROVIDER: Table = Table {
    title: "[provider.NAME]",
    doc: "A company or server that serves models. [Well-known ones](#well-known-providers) need no entry, unless their \
          address differs from customer to customer; an entry under their name changes how they are called.",
    keys: &[&[
        Key::new(
            "like",
            Shape::Word(&WELL_KNOWN),
            "The well-known provider that this one is another account or server of: it speaks the same, sends its key \
             the same way, and its models cost the same.",
            "like = \"azure\"",
        )
        .or_else("the name, if it is well known"),
        Key::new(
            "dialect",
            one_or_more!(Shape::Word(&DIALECTS)),
            "What it speaks, one word or several. All is translated to the first; the others serve clients that speak \
             them, word for word.",
            "dialect = [\"openai\", \"responses\"]",
        )
        .or_else("`openai`; of a well-known provider, its own"),
        Key::new(
            "base_url",
            Shape::Text(Text::Url),
            "Where it is. `/chat/completions` is appended for `openai`, `/responses` for `responses`, `/v1/messages` for \
             `anthropic` (a `/v1` that is there counts), `/models/…` for `gemini`, `/model/…` for `bedrock`.",
            "base_url = \"http://127.0.0.1:11434/v1\"",
        )
        .or_else("of a well-known provider; else required"),
        Key::new("region", Shape::Text(Text::Name), "The AWS region, for Bedrock.", "region = \"eu-central-1\""),
        Key::new("project", Shape::Text(Text::Name), "The Google Cloud project, for Vertex.", "project = \"acme-prod\""),
        Key::new(
            "location",
            Shape::Text(Text::Name),
            "Where in Google's cloud the models run, for Vertex.",
            "location = \"europe-west4\"",
        )
        .or_else("`global`, for Vertex"),
        Key::new(
            "api_version",
            Shape::Text(Text::Name),
            "The version of Azure's older API, where a deployment is part of the address. Without it, the address is that \
             of the present one, `/openai/v1`.",
            "api_version = \"2024-10-21\"",
        ),
        Key::new(
            "key",
            Shape::AnyOf(&[Shape::Boolean, Shape::Variants(&KEY)]),
            "Where the key is: in an environment variable or a file, never here. Or only whether it must have one: with \
             `true`, candidates are skipped while `NAME_API_KEY` is not set.",
            "key = { env = \"TEAM_B_KEY\" }",
        )
        .or_else("`NAME_API_KEY` in the environment; not needed on this machine (127.0.0.1, localhost)"),
        Key::new(
            "headers",
            Shape::Map(&HEADERS),
            "Headers that go with every request. Keys do not belong here.",
            "headers = { \"OpenAI-Organization\" = \"org-acme\" }",
        ),
        Key::new(
            "concurrency",
            Shape::Integer(1, 65_536),
            "Calls under way at once, at most, of `yw run` and of tasks. What clients of `yw serve` ask models is not counted.",
            "concurrency = 16",
        )
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
            "Tries after the first, when it is busy, broken or out of reach. Routes have their own.",
            "max_retries = 2",
        )
        .or("4"),
    ]],
    later: &[],
    habits: &[&[
        ("api_key", "`NAME_API_KEY` in the environment holds the key; the file never does"),
        ("api_key_env", "say `key = { env = \"NAME\" }`"),
        ("token", "`NAME_API_KEY` in the environment holds the key; the file never does"),
        ("kind", "say `like = \"azure\"`, or what it speaks: `dialect = \"openai\"`"),
        ("url", "it is called `base_url` here"),
        ("api_base", "it is called `base_url` here"),
        ("endpoint", "it is called `base_url` here"),
        ("deployment", "deployments are named as models are: \"azure/my-deployment\""),
        ("aws_region_name", "it is called `region` here"),
        ("vertex_project", "it is called `project` here"),
        ("vertex_location", "it is called `location` here"),
        ("organization", "say `headers = { \"OpenAI-Organization\" = \"…\" }`"),
        ("timeout", "it is called `timeout_ms` here, in milliseconds"),
        ("retries", "it is called `max_retries` here"),
        ("max_concurrency", "it is called `concurrency` here"),
        ("model", "models are named by candidates and routes: ask = \"provider/model\""),
        ("type", "what it speaks is its `dialect`"),
    ]],
};

static WELL_KNOWN: Words = Words {
    noun: "well-known provider",
    all: || WELL_KNOWN_PROVIDERS.iter().map(|p| p.name).collect(),
    later: &[],
    habits: &[("azure_openai", "azure"), ("aws", "bedrock"), ("google", "gemini"), ("llama.cpp", "llamacpp")],
};

static DIALECTS: Words = Words {
    noun: "dialect",
    all: || Dialect::ALL.map(Dialect::name).to_vec(),
    later: &[],
    habits: &[
        ("openai-chat", "openai"),
        ("openai-responses", "responses"),
        ("ollama", "openai"),
        ("vllm", "openai"),
        ("azure", "openai"),
        ("claude", "anthropic"),
        ("google", "gemini"),
        ("vertex", "gemini"),
        ("converse", "bedrock"),
    ],
};

pub(crate) static KEY: Variants = Variants {
    noun: "key",
    hint: "write `{ env = \"NAME\" }` or `{ file = \"/run/secrets/name\" }`",
    all: &[
        Variant { signs: &["env"], says: Says::Anything, table: &KEY_IN_ENVIRONMENT },
        Variant { signs: &["file"], says: Says::Anything, table: &KEY_IN_FILE },
    ],
};

static KEY_IN_ENVIRONMENT: Table = Table {
    title: "key = { env = … }",
    doc: "The key is in an environment variable.",
    keys: &[&[Key::new("env", Shape::Text(Text::Variable), "Its name.", "env = \"TEAM_B_KEY\"").required()]],
    later: &[],
    habits: &[],
};

static KEY_IN_FILE: Table = Table {
    title: "key = { file = … }",
    doc: "The key is what a file holds, without the white space around it. The file need not be there while the project \
          is checked.",
    keys: &[&[Key::new("file", Shape::Text(Text::Path), "The file.", "file = \"/run/secrets/team-b\"").required()]],
    later: &[],
    habits: &[],
};

static HEADERS: Map = Map {
    noun: "header",
    names: Names::Headers,
    value: Shape::Text(Text::Header),
    n_entries: (0, 64),
    example: "headers = { \"OpenAI-Organization\" = \"org-acme\" }",
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
