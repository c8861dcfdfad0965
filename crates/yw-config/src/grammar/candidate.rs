//! The keys of candidates.

use std::ops::Bound::Included;

use super::{
    AUTO, BASELINE, Key, LINEAR, LOAD, Map, NEAREST, Names, Says, Shape, TREES, Table, Text, Variant, Variants,
};

pub(super) static CANDIDATES: Map = Map {
    noun: "candidate",
    names: Names::Plain,
    value: Shape::Variants(&CANDIDATE),
    n_entries: (0, usize::MAX),
    example: "[task.triage.candidate.words]",
};

/// What all candidates have in common, in Markdown.
pub(crate) const CANDIDATES_DOC: &str = "One way to answer the task. Its kind is the verb it uses: `fit` learns from the \
     data, `ask` prompts a foundation model, `first` and `then` combine two others. Names are unique in a task, and \
     `baseline` is taken: it is always there.";

pub(crate) static CANDIDATE: Variants = Variants {
    noun: "candidate",
    hint: "a candidate's kind is the verb it uses: `fit = \"linear\"`, `ask = \"provider/model\"`, or `first` and `then`",
    all: &[
        Variant { signs: &["fit"], says: Says::Word("linear"), table: &LINEAR },
        Variant { signs: &["fit"], says: Says::Word("nearest"), table: &NEAREST },
        Variant { signs: &["fit"], says: Says::Word("trees"), table: &TREES },
        Variant { signs: &["fit"], says: Says::Word("auto"), table: &AUTO },
        Variant { signs: &["fit"], says: Says::Word("baseline"), table: &BASELINE },
        Variant { signs: &["fit"], says: Says::Table, table: &LOAD },
        Variant { signs: &["ask"], says: Says::Anything, table: &ASK },
        Variant { signs: &["first", "then"], says: Says::Anything, table: &CASCADE },
    ],
};

/// What people write from habit in any candidate.
pub(super) static HABITS: &[(&str, &str)] = &[
    ("type", "a candidate's kind is the verb it uses: `fit`, `ask`, or `first` and `then`"),
    ("kind", "a candidate's kind is the verb it uses: `fit`, `ask`, or `first` and `then`"),
    ("model", "say `fit = \"linear\"` or `ask = \"provider/model\"`"),
    ("provider", "the provider is part of `ask = \"provider/model\"`"),
    ("api_key", "keys are read from the environment: PROVIDER_API_KEY, never from the file"),
    ("base_url", "addresses belong to the provider: [provider.NAME]"),
    ("concurrency", "it belongs to the provider: [provider.NAME]"),
    ("few_shot", "say `examples = { nearest = 8 }`"),
    ("shots", "say `examples = { nearest = 8 }`"),
    ("instruction", "write the instruction to a file and name it: `prompt = \"prompts/NAME.md\"`"),
    ("seed", "the seed belongs to the task"),
];

pub(crate) static ASK: Table = Table {
    title: "ask = \"provider/model\"",
    doc: "Asks a foundation model. Its answer is constrained to the task's type by what the provider offers for that. \
          The key is read from the environment: `PROVIDER_API_KEY`.",
    keys: &[&[
        Key::new(
            "ask",
            Shape::Text(Text::Model),
            "Who is asked: a [provider](#providername) and one of its models.",
            "ask = \"anthropic/claude-haiku-4-5\"",
        )
        .required(),
        Key::new(
            "prompt",
            Shape::Text(Text::Path),
            "The user message, a MiniJinja file over the input fields.",
            "prompt = \"prompts/triage.md\"",
        )
        .or_else("made from question, fields and labels"),
        Key::new(
            "system",
            Shape::Text(Text::Path),
            "The system message, a MiniJinja file.",
            "system = \"prompts/system.md\"",
        )
        .or_else("made from question and labels"),
        Key::new(
            "examples",
            Shape::Variants(&EXAMPLES),
            "Answered rows that the prompt shows.",
            "examples = { nearest = 8 }",
        )
        .or_else("none"),
        Key::new(
            "temperature",
            Shape::Number(Included(0.0), Included(2.0)),
            "How freely the model samples.",
            "temperature = 0.0",
        )
        .or_else("the provider's"),
        Key::new(
            "max_tokens",
            Shape::Integer(1, 1_000_000),
            "Tokens that one answer may have at most, hidden reasoning included.",
            "max_tokens = 256",
        )
        .or_else("by the answer's type"),
        Key::new(
            "timeout_ms",
            Shape::Integer(1, 86_400_000),
            "Milliseconds that one try may take.",
            "timeout_ms = 20_000",
        )
        .or_else("the provider's"),
    ]],
    later: &[
        ("library", "put what the model must know into `prompt` until then"),
        ("tools", "use a plain question until then"),
        ("route", "name one `provider/model` until then"),
    ],
    habits: &[HABITS],
};

pub(crate) static EXAMPLES: Variants = Variants {
    noun: "examples",
    hint: "write `{ nearest = 8 }`, `{ random = 8 }` or `{ fixed = \"examples.csv\" }`",
    all: &[
        Variant { signs: &["nearest"], says: Says::Anything, table: &NEAREST_EXAMPLES },
        Variant { signs: &["random"], says: Says::Anything, table: &RANDOM_EXAMPLES },
        Variant { signs: &["fixed"], says: Says::Anything, table: &FIXED_EXAMPLES },
    ],
};

static NEAREST_EXAMPLES: Table = Table {
    title: "examples = { nearest = … }",
    doc: "The training rows most like the one that is asked about.",
    keys: &[&[Key::new("nearest", Shape::Integer(1, 1000), "How many.", "nearest = 8").required()]],
    later: &[],
    habits: &[],
};

static RANDOM_EXAMPLES: Table = Table {
    title: "examples = { random = … }",
    doc: "Training rows chosen once by the seed, the same for every row.",
    keys: &[&[Key::new("random", Shape::Integer(1, 1000), "How many.", "random = 8").required()]],
    later: &[],
    habits: &[],
};

static FIXED_EXAMPLES: Table = Table {
    title: "examples = { fixed = … }",
    doc: "Rows of a file with the task's columns.",
    keys: &[&[Key::new("fixed", Shape::Text(Text::Path), "The file.", "fixed = \"prompts/examples.csv\"").required()]],
    later: &[],
    habits: &[],
};

pub(crate) static CASCADE: Table = Table {
    title: "first = …, then = …",
    doc: "Asks a cheap candidate first and another only when the first is unsure. For labels and booleans, whose answers \
          come with a confidence.",
    keys: &[&[
        Key::new(
            "first",
            Shape::Text(Text::Candidate),
            "The candidate that answers first: another of this task.",
            "first = \"words\"",
        )
        .required(),
        Key::new(
            "then",
            Shape::Text(Text::Candidate),
            "The candidate that answers when the first is unsure.",
            "then = \"prompted\"",
        )
        .required(),
        Key::new(
            "threshold",
            Shape::Number(Included(0.0), Included(1.0)),
            "The confidence from which the first's answer stands.",
            "threshold = 0.9",
        )
        .or_else("tuned on held-out rows"),
    ]],
    later: &[],
    habits: &[HABITS],
};
