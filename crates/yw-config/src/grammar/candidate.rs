//! The keys of candidates.

use std::ops::Bound::{Excluded, Included, Unbounded};

use super::{Key, Map, Names, Shape, Table, Text, Variant, Variants, Words};

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
        Variant { signs: &["fit"], word: Some("linear"), table: &LINEAR },
        Variant { signs: &["fit"], word: Some("nearest"), table: &NEAREST },
        Variant { signs: &["fit"], word: Some("baseline"), table: &BASELINE },
        Variant { signs: &["ask"], word: None, table: &ASK },
        Variant { signs: &["first", "then"], word: None, table: &CASCADE },
    ],
};

static FITS: Words = Words {
    noun: "kind of model to fit",
    all: || vec!["linear", "nearest", "baseline"],
    later: &[
        ("trees", "use `fit = \"linear\"` until then"),
        ("forest", "use `fit = \"linear\"` until then"),
        ("network", "use `fit = \"linear\"` until then"),
        ("encoder", "use `fit = \"nearest\"` until then"),
    ],
    habits: &[
        ("logistic", "linear"),
        ("logistic_regression", "linear"),
        ("ridge", "linear"),
        ("svm", "linear"),
        ("knn", "nearest"),
        ("neighbors", "nearest"),
        ("dummy", "baseline"),
        ("gbdt", "trees"),
        ("xgboost", "trees"),
        ("lightgbm", "trees"),
        ("boosting", "trees"),
    ],
};

const fn fit(example: &'static str) -> Key {
    Key::new("fit", Shape::Word(&FITS), "Which model is learned from the data.", example).required()
}

/// What people write from habit in any candidate.
const HABITS: &[(&str, &str)] = &[
    ("type", "a candidate's kind is the verb it uses: `fit`, `ask`, or `first` and `then`"),
    ("kind", "a candidate's kind is the verb it uses: `fit`, `ask`, or `first` and `then`"),
    ("model", "say `fit = \"linear\"` or `ask = \"provider/model\"`"),
    ("provider", "the provider is part of `ask = \"provider/model\"`"),
    ("n_neighbors", "it is called `neighbors` here"),
    ("k", "it is called `neighbors` here"),
    ("C", "the strength of the penalty is `l2`, the inverse of C"),
    ("alpha", "the strength of the penalty is `l2`"),
    ("penalty", "the penalty is always L2; its strength is `l2`"),
    ("max_iter", "it is called `max_iterations` here"),
    ("tol", "it is called `tolerance` here"),
    ("ngram_range", "say `words = [1, 2]`, `characters = [2, 4]`, or both"),
    ("min_df", "it is called `min_rows` here"),
    ("sublinear_tf", "it is called `sublinear` here"),
    ("api_key", "keys are read from the environment: PROVIDER_API_KEY, never from the file"),
    ("base_url", "addresses belong to the provider: [provider.NAME]"),
    ("concurrency", "it belongs to the provider: [provider.NAME]"),
    ("few_shot", "say `examples = { nearest = 8 }`"),
    ("shots", "say `examples = { nearest = 8 }`"),
    ("instruction", "write the instruction to a file and name it: `prompt = \"prompts/NAME.md\"`"),
    ("seed", "the seed belongs to the task"),
];

const N_GRAMS: Shape = Shape::AnyOf(&[Shape::List(&Shape::Integer(1, 9), 2, 2), Shape::False]);

/// How columns become numbers; shared by the models that are learned.
pub(crate) static FEATURES: Table = Table {
    title: "Features",
    doc: "How columns become numbers, for `linear` and `nearest`, learned on the training rows alone. Numbers are \
          standardised, and missing ones noted; categories become one-hot; times are cut into calendar parts; texts \
          become TF-IDF over words and characters.",
    keys: &[FEATURE_KEYS],
    later: &[],
    habits: &[],
};

const FEATURE_KEYS: &[Key] = &[
    Key::new(
        "words",
        N_GRAMS,
        "Counts sequences of so many words in texts: the shortest and the longest. `false` counts none.",
        "words = [1, 3]",
    )
    .or_else("`[1, 2]`"),
    Key::new(
        "characters",
        N_GRAMS,
        "Counts sequences of so many characters in texts, within words: forgiving to typing errors and endings. `false` \
         counts none.",
        "characters = [3, 5]",
    )
    .or_else("`[2, 5]`"),
    Key::new("lowercase", Shape::Boolean, "Whether case is ignored in texts.", "lowercase = false")
        .or_else("`true`"),
    Key::new(
        "sublinear",
        Shape::Boolean,
        "Whether a term's count enters as one plus its logarithm, so that repetition does not shout.",
        "sublinear = false",
    )
    .or_else("`true`"),
    Key::new(
        "min_rows",
        Shape::Integer(1, u32::MAX as i64),
        "Terms and levels that fewer training rows have are left out.",
        "min_rows = 3",
    )
    .or_else("`2` for terms, `5` for levels"),
    Key::new(
        "max_features",
        Shape::Integer(1, u32::MAX as i64),
        "How many words, and how many characters, a text column keeps at most, the most frequent ones.",
        "max_features = 50_000",
    )
    .or_else("`200_000`"),
    Key::new(
        "max_levels",
        Shape::Integer(1, u32::MAX as i64),
        "How many levels a category column keeps at most, the most frequent ones; the rest counts as one.",
        "max_levels = 100",
    )
    .or_else("`1000`"),
];

pub(crate) static LINEAR: Table = Table {
    title: "fit = \"linear\"",
    doc: "A linear model: logistic or softmax regression or a support vector machine for labels and booleans, ridge \
          regression for numbers. Its probabilities are calibrated.",
    keys: &[
        &[
            fit("fit = \"linear\""),
            Key::new(
                "loss",
                Shape::Word(&LOSSES),
                "What is minimised. `logistic` and `squared_hinge` (a support vector machine, quick with many labels) \
                 are for labels and booleans, `squared` is for numbers.",
                "loss = \"squared_hinge\"",
            )
            .or_else("`logistic`; `squared_hinge` for texts with three or more labels; `squared` for numbers"),
            Key::new(
                "l2",
                Shape::Number(Excluded(0.0), Unbounded),
                "Strength of the L2 penalty on large weights; 1/C of scikit-learn, `alpha` of its Ridge.",
                "l2 = 0.1",
            )
            .or_else("chosen on held-out training rows; 1 with `squared_hinge`"),
            Key::new(
                "class_weight",
                Shape::Word(&CLASS_WEIGHTS),
                "`balanced` weighs rows inversely to how often their label occurs.",
                "class_weight = \"balanced\"",
            )
            .or_else("every row weighs the same"),
            Key::new("max_iterations", Shape::Integer(1, 1_000_000), "When to give up.", "max_iterations = 200")
                .or_else("`100`"),
            Key::new(
                "tolerance",
                Shape::Number(Excluded(0.0), Unbounded),
                "When to stop: smaller is slower and more exact.",
                "tolerance = 1e-5",
            )
            .or_else("`1e-4`"),
        ],
        FEATURE_KEYS,
    ],
    later: &[],
    habits: HABITS,
};

static LOSSES: Words = Words {
    noun: "loss",
    all: || vec!["logistic", "squared_hinge", "squared"],
    later: &[],
    habits: &[
        ("log_loss", "logistic"),
        ("softmax", "logistic"),
        ("cross_entropy", "logistic"),
        ("hinge", "squared_hinge"),
        ("svm", "squared_hinge"),
        ("mse", "squared"),
        ("ridge", "squared"),
        ("squared_error", "squared"),
    ],
};

static CLASS_WEIGHTS: Words =
    Words { noun: "class weight", all: || vec!["balanced"], later: &[], habits: &[("balance", "balanced")] };

pub(crate) static NEAREST: Table = Table {
    title: "fit = \"nearest\"",
    doc: "The training rows most like the one to answer vote, by the same features as `linear`.",
    keys: &[
        &[
            fit("fit = \"nearest\""),
            Key::new("neighbors", Shape::Integer(1, 10_000), "How many vote.", "neighbors = 20").or("10"),
            Key::new(
                "weights",
                Shape::Word(&WEIGHTS),
                "Whether every vote counts the same or closer ones count more.",
                "weights = \"uniform\"",
            )
            .or("\"distance\""),
        ],
        FEATURE_KEYS,
    ],
    later: &[],
    habits: HABITS,
};

static WEIGHTS: Words =
    Words { noun: "weighting", all: || vec!["uniform", "distance"], later: &[], habits: &[("equal", "uniform")] };

pub(crate) static BASELINE: Table = Table {
    title: "fit = \"baseline\"",
    doc: "One answer for every row. The usual one is always added under the name `baseline`; this adds another.",
    keys: &[&[
        fit("fit = \"baseline\""),
        Key::new(
            "statistic",
            Shape::Word(&STATISTICS),
            "Which answer: `mean` or `median` of numbers, `most_frequent` of all others.",
            "statistic = \"median\"",
        )
        .or_else("`mean` for numbers, else `most_frequent`"),
    ]],
    later: &[],
    habits: HABITS,
};

static STATISTICS: Words = Words {
    noun: "statistic",
    all: || vec!["most_frequent", "mean", "median"],
    later: &[("last", "use `statistic = \"mean\"` until then")],
    habits: &[("mode", "most_frequent"), ("average", "mean")],
};

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
    habits: HABITS,
};

pub(crate) static EXAMPLES: Variants = Variants {
    noun: "examples",
    hint: "write `{ nearest = 8 }`, `{ random = 8 }` or `{ fixed = \"examples.csv\" }`",
    all: &[
        Variant { signs: &["nearest"], word: None, table: &NEAREST_EXAMPLES },
        Variant { signs: &["random"], word: None, table: &RANDOM_EXAMPLES },
        Variant { signs: &["fixed"], word: None, table: &FIXED_EXAMPLES },
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
    habits: HABITS,
};
