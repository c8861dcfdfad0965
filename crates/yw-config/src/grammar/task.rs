//! The keys of a task.

use std::ops::Bound::{Excluded, Included, Unbounded};

use yw_task::{AnswerKind, FieldType, Metric};

use super::candidate::CANDIDATES;
use super::{Key, Map, Names, Says, Shape, Table, Text, Variant, Variants, Words, one_or_more};

pub(crate) static TASK: Table = Table {
    title: "[task.NAME]",
    doc: "A typed question with the data that shows right answers. The name stands in commands and addresses.",
    keys: &[&[
        Key::new(
            "question",
            Shape::Text(Text::Prose),
            "What is asked of every row, in words. Models that are asked read it; so do people in reports.",
            "question = \"Which team should handle this ticket?\"",
        )
        .required(),
        Key::new(
            "input",
            Shape::Map(&INPUT),
            "The columns that answers may use, each with its type. Other columns of the data are not read. What is \
             declared here wins over what the data looks like.",
            "input = { subject = \"text\", plan = \"category\", seats = \"number\" }",
        )
        .required(),
        Key::new(
            "answer",
            Shape::Map(&ANSWER),
            "The one column of right answers, with its type. Labels are not listed: they come from the training data. \
             A `json` answer may say which fields its object has: `answer = { order = { item = \"text\", amount = \
             \"number\" } }`.",
            "answer = { team = \"label\" }",
        )
        .required(),
        Key::new(
            "train",
            DATA_SHAPE,
            "The labelled rows to learn from: CSV (also compressed), Parquet or JSON lines; one address or several.",
            "train = \"data/train.csv\"",
        )
        .required(),
        Key::new(
            "test",
            Shape::AnyOf(&[
                Shape::Text(Text::Address),
                Shape::List(&Shape::Text(Text::Address), 1, usize::MAX),
                Shape::Variants(&TEST),
            ]),
            "The rows that candidates are scored on: files of their own like `train`, a `fraction` of the training rows \
             that is held out, or cross-validation in `folds`.",
            "test = { fraction = 0.2, by = \"time:opened_at\" }",
        )
        .or("{ fraction = 0.2 }"),
        Key::new(
            "metric",
            Shape::Word(&METRICS),
            "The measure that decides. Which ones apply depends on the answer; see [metrics](#metrics).",
            "metric = \"macro_f1\"",
        )
        .or_else("the first that [applies](#metrics)"),
        Key::new(
            "limits",
            Shape::Table(&LIMITS),
            "What the winner must keep.",
            "limits = { p95_ms = 300, usd_per_1000 = 1.0, min_score = 0.8 }",
        ),
        Key::new(
            "costs",
            Shape::AnyOf(&[Shape::Map(&LABEL_COSTS), Shape::Table(&BOOLEAN_COSTS)]),
            "What answers cost, for the metric `cost` and for decisions. For booleans [by kind](#costs----): `costs = { \
             false_positive = 1, false_negative = 25 }`. For labels by truth, then answer; pairs that are not named cost 1 \
             when wrong and nothing when right. A negative cost is a gain.",
            "costs = { billing = { technical = 5, sales = 2 } }",
        ),
        Key::new(
            "group",
            Shape::Text(Text::Column),
            "The column that says which rows belong together (a customer, a patient): rows with equal values are not \
             independent, so intervals and tests treat them as one.",
            "group = \"customer_id\"",
        ),
        Key::new("seed", Shape::Integer(0, i64::MAX), "Seed of every random choice.", "seed = 7").or("0"),
        Key::new(
            "candidate",
            Shape::Map(&CANDIDATES),
            "Who may answer, each in a table of its own. A `baseline` is always added: every score needs a floor.",
            "[task.triage.candidate.words]",
        ),
    ]],
    later: &[("schedule", "run `yw run` from cron until then"), ("guard", "check inputs before they are sent until then")],
    habits: &[&[
        ("target", "the right answers are declared by `answer`: answer = { COLUMN = \"label\" }"),
        ("label", "the right answers are declared by `answer`: answer = { COLUMN = \"label\" }"),
        ("labels", "labels come from the training data; `answer` names their column"),
        ("features", "columns are declared by `input`: input = { COLUMN = \"number\" }"),
        ("fields", "columns are declared by `input`: input = { COLUMN = \"number\" }"),
        ("columns", "columns are declared by `input`: input = { COLUMN = \"number\" }"),
        ("data", "the data is `train` and, if there are rows of their own for it, `test`"),
        ("dataset", "the data is `train` and, if there are rows of their own for it, `test`"),
        ("scoring", "the deciding measure is `metric`"),
        ("model", "models are candidates: [task.NAME.candidate.NAME]"),
        ("models", "models are candidates: [task.NAME.candidate.NAME]"),
        ("split", "how rows are held out is said by `test`: test = { fraction = 0.2, by = \"random\" }"),
        ("random_state", "it is called `seed` here"),
        ("type", "the type stands with the answer's column: answer = { COLUMN = \"label\" }"),
    ]],
};

static FIELD_TYPES: Words = Words {
    noun: "field type",
    all: || FieldType::ALL.map(FieldType::name).to_vec(),
    later: &[("image", "describe what matters in the picture in other columns until then")],
    habits: &[
        ("string", "text"),
        ("str", "text"),
        ("int", "number"),
        ("integer", "number"),
        ("float", "number"),
        ("double", "number"),
        ("numeric", "number"),
        ("bool", "boolean"),
        ("categorical", "category"),
        ("enum", "category"),
        ("label", "category"),
        ("date", "time"),
        ("datetime", "time"),
        ("timestamp", "time"),
    ],
};

static INPUT: Map = Map {
    noun: "field",
    names: Names::Columns,
    value: Shape::Word(&FIELD_TYPES),
    n_entries: (1, usize::MAX),
    example: "subject = \"text\"",
};

static ANSWER_KINDS: Words = Words {
    noun: "answer type",
    all: || AnswerKind::ALL.map(AnswerKind::name).to_vec(),
    later: &[("labels", "use one task with a `boolean` answer for each label until then")],
    habits: &[
        ("class", "label"),
        ("category", "label"),
        ("classification", "label"),
        ("multiclass", "label"),
        ("binary", "boolean"),
        ("bool", "boolean"),
        ("regression", "number"),
        ("float", "number"),
        ("integer", "number"),
        ("int", "number"),
        ("string", "text"),
        ("object", "json"),
    ],
};

static ANSWER: Map = Map {
    noun: "answer",
    names: Names::Columns,
    value: Shape::AnyOf(&[Shape::Word(&ANSWER_KINDS), Shape::Map(&ANSWER_FIELDS)]),
    n_entries: (1, 1),
    example: "team = \"label\"",
};

static ANSWER_FIELDS: Map = Map {
    noun: "field",
    names: Names::Columns,
    value: Shape::Word(&FIELD_TYPES),
    n_entries: (1, usize::MAX),
    example: "amount = \"number\"",
};

static METRICS: Words = Words {
    noun: "metric",
    all: || Metric::ALL.map(Metric::name).to_vec(),
    later: &[],
    habits: &[
        ("acc", "accuracy"),
        ("auc", "roc_auc"),
        ("auroc", "roc_auc"),
        ("f1_macro", "macro_f1"),
        ("f1_weighted", "weighted_f1"),
        ("f1_score", "f1"),
        ("logloss", "log_loss"),
        ("cross_entropy", "log_loss"),
        ("mse", "rmse"),
        ("pr_auc", "average_precision"),
        ("auprc", "average_precision"),
        ("rouge", "rouge_l"),
        ("costs", "cost"),
    ],
};

const COST: Shape = Shape::Number(Included(-LARGEST_COST), Included(LARGEST_COST));

/// So far from the largest numbers that no sum of costs overflows.
const LARGEST_COST: f64 = 1e12;

pub(crate) static BOOLEAN_COSTS: Table = Table {
    title: "costs = { … }",
    doc: "What answers cost where they are booleans, in any one unit. A negative cost is a gain.",
    keys: &[&[
        Key::new("true_positive", COST, "Of `true` where it is right.", "true_positive = -10").or("0"),
        Key::new("false_positive", COST, "Of `true` where `false` is right.", "false_positive = 1").or("0"),
        Key::new("true_negative", COST, "Of `false` where it is right.", "true_negative = -0.5").or("0"),
        Key::new("false_negative", COST, "Of `false` where `true` is right.", "false_negative = 25").or("0"),
    ]],
    later: &[],
    habits: &[&[
        ("tp", "it is called `true_positive` here"),
        ("fp", "it is called `false_positive` here"),
        ("tn", "it is called `true_negative` here"),
        ("fn", "it is called `false_negative` here"),
    ]],
};

static LABEL_COSTS: Map = Map {
    noun: "right label",
    names: Names::Labels,
    value: Shape::Map(&COSTS_OF_TRUTH),
    n_entries: (0, usize::MAX),
    example: "costs = { billing = { technical = 5 } }",
};

static COSTS_OF_TRUTH: Map = Map {
    noun: "given label",
    names: Names::Labels,
    value: COST,
    n_entries: (1, usize::MAX),
    example: "billing = { technical = 5 }",
};

/// `"x.csv"`, `["a.csv", "b/*.csv"]` or `{ path = …, delimiter = ";" }`.
const DATA_SHAPE: Shape = Shape::AnyOf(&[
    Shape::Text(Text::Address),
    Shape::List(&Shape::Text(Text::Address), 1, usize::MAX),
    Shape::Table(&DATA),
]);

pub(crate) static DATA: Table = Table {
    title: "train = { … }",
    doc: "An address with how to read it; `test` takes the same.",
    keys: &[&[
        Key::new(
            "path",
            one_or_more!(Shape::Text(Text::Address)),
            "Files, globs or object-store addresses (`s3://`, `gs://`, `az://`, `https://`), relative to the project's \
             folder.",
            "path = [\"data/2024/*.csv\", \"data/2025.parquet\"]",
        )
        .required(),
        Key::new(
            "delimiter",
            Shape::Text(Text::Character),
            "What separates the columns of CSV files.",
            "delimiter = \";\"",
        )
        .or_else("found out from the header"),
    ]],
    later: &[],
    habits: &[&[
        ("file", "it is called `path` here"),
        ("files", "it is called `path` here"),
        ("url", "it is called `path` here"),
        ("sep", "it is called `delimiter` here"),
        ("separator", "it is called `delimiter` here"),
    ]],
};

pub(crate) static TEST: Variants = Variants {
    noun: "test",
    hint: "write `{ fraction = 0.2 }`, `{ folds = 5 }` or `{ path = \"data/test.csv\" }`",
    all: &[
        Variant { signs: &["fraction"], says: Says::Anything, table: &FRACTION },
        Variant { signs: &["folds"], says: Says::Anything, table: &FOLDS },
        Variant { signs: &["path"], says: Says::Anything, table: &DATA },
    ],
};

const BY: Key = Key::new(
    "by",
    Shape::Text(Text::SplitBy),
    "`random` keeps the shares of the labels; `time:column` tests on the latest rows, as in production; `group:column` \
     keeps rows with equal values together, so that nobody is scored on what they have seen.",
    "by = \"time:opened_at\"",
)
.or_else("`group:` and the task's `group`, else `random`");

pub(crate) static FRACTION: Table = Table {
    title: "test = { fraction = … }",
    doc: "Holds a part of the training rows out.",
    keys: &[&[
        Key::new(
            "fraction",
            Shape::Number(Excluded(0.0), Excluded(1.0)),
            "The part that is held out.",
            "fraction = 0.25",
        )
        .required(),
        BY,
    ]],
    later: &[],
    habits: &[],
};

pub(crate) static FOLDS: Table = Table {
    title: "test = { folds = … }",
    doc: "Cross-validation: the rows are dealt to so many parts, and each part is scored by candidates that learned from \
          the others.",
    keys: &[&[Key::new("folds", Shape::Integer(2, 100), "How many parts.", "folds = 5").required(), BY]],
    later: &[],
    habits: &[],
};

pub(crate) static LIMITS: Table = Table {
    title: "limits = { … }",
    doc: "What the winner must keep; `yw run --gate` fails when it does not. Candidates beyond a limit are shown and do \
          not win while another keeps it.",
    keys: &[&[
        Key::new(
            "p95_ms",
            Shape::Number(Excluded(0.0), Unbounded),
            "Milliseconds that 95 of 100 single answers may take at most.",
            "p95_ms = 300",
        ),
        Key::new(
            "usd_per_1000",
            Shape::Number(Included(0.0), Unbounded),
            "Dollars that a thousand answers may cost at most.",
            "usd_per_1000 = 1.0",
        ),
        Key::new(
            "min_score",
            Shape::Number(Unbounded, Unbounded),
            "The metric at least, where higher is better.",
            "min_score = 0.8",
        ),
        Key::new(
            "max_score",
            Shape::Number(Unbounded, Unbounded),
            "The metric at most, where lower is better.",
            "max_score = 2.5",
        ),
    ]],
    later: &[],
    habits: &[&[
        ("latency_ms", "the limit of latency is `p95_ms`"),
        ("usd", "the limit of cost is `usd_per_1000`"),
        ("cost", "the limit of cost is `usd_per_1000`"),
    ]],
};
