//! The keys of candidates that are fitted: kinds of models, features, tuning and decisions. Those of trees are in
//! [`trees`](super::trees).

use std::ops::Bound::{Excluded, Included, Unbounded};

use super::candidate::HABITS;
use super::{Key, Shape, Table, Text, Words};

/// What people write from habit in models of [`FEATURES`].
static LEARNED_HABITS: &[(&str, &str)] = &[
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
];

static FITS: Words = Words {
    noun: "kind of model to fit",
    all: || vec!["linear", "nearest", "trees", "auto", "baseline"],
    later: &[("network", "use `fit = \"trees\"` until then"), ("encoder", "use `fit = \"nearest\"` until then")],
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
        ("catboost", "trees"),
        ("tree", "trees"),
        ("forest", A_FOREST),
        ("random_forest", A_FOREST),
        ("extra_trees", "say `fit = \"trees\"` and `mode = \"extra_trees\"`"),
        ("automl", "auto"),
        ("neural_network", "network"),
        ("mlp", "network"),
    ],
};

const A_FOREST: &str = "say `fit = \"trees\"` and `mode = \"forest\"`";

pub(super) const fn fit(example: &'static str) -> Key {
    Key::new("fit", Shape::Word(&FITS), "Which model is learned from the data.", example).required()
}

const N_GRAMS: Shape = Shape::AnyOf(&[Shape::List(&Shape::Integer(1, 9), 2, 2), Shape::False]);

/// How columns become numbers; shared by the models that are learned.
pub(crate) static FEATURES: Table = Table {
    title: "Features",
    doc: "How columns become numbers, for `linear`, `nearest` and `auto`, learned on the training rows alone. Numbers are \
          standardised, and missing ones noted; categories become one-hot; times are cut into calendar parts; texts \
          become TF-IDF over words and characters.",
    keys: &[FEATURE_KEYS],
    later: &[],
    habits: &[],
};

static FEATURE_KEYS: &[Key] = &[
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
            CLASS_WEIGHT,
            Key::new("max_iterations", Shape::Integer(1, 1_000_000), "When to give up.", "max_iterations = 200")
                .or_else("`100`"),
            Key::new(
                "tolerance",
                Shape::Number(Excluded(0.0), Unbounded),
                "When to stop: smaller is slower and more exact.",
                "tolerance = 1e-5",
            )
            .or_else("`1e-4`"),
            TUNE_KEY,
        ],
        DECISION_KEYS,
        FEATURE_KEYS,
    ],
    later: &[],
    habits: &[HABITS, LEARNED_HABITS],
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

/// How rows are weighted; for the models that take weights.
pub(super) const CLASS_WEIGHT: Key = Key::new(
    "class_weight",
    Shape::Word(&CLASS_WEIGHTS),
    "`balanced` weighs rows inversely to how often their label occurs.",
    "class_weight = \"balanced\"",
)
.or_else("every row weighs the same");

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
            TUNE_KEY,
        ],
        DECISION_KEYS,
        FEATURE_KEYS,
    ],
    later: &[],
    habits: &[HABITS, LEARNED_HABITS],
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
    habits: &[HABITS],
};

static STATISTICS: Words = Words {
    noun: "statistic",
    all: || vec!["most_frequent", "mean", "median"],
    later: &[("last", "use `statistic = \"mean\"` until then")],
    habits: &[("mode", "most_frequent"), ("average", "mean")],
};

pub(crate) static AUTO: Table = Table {
    title: "fit = \"auto\"",
    doc: "Tries linear models, trees, forests and nearest neighbours, each tuned, within the time given, and combines \
          them when that is significantly better.",
    keys: &[&[fit("fit = \"auto\""), TUNE_KEY.or("{ minutes = 5 }")], DECISION_KEYS, FEATURE_KEYS],
    later: &[],
    habits: &[HABITS, LEARNED_HABITS],
};

/// How long to search for better settings.
pub(super) const TUNE_KEY: Key = Key::new(
    "tune",
    Shape::Table(&TUNE),
    "Searches for better settings of the keys that are not given, on the training rows alone. The score is that of the \
     settings it found on rows that the search did not see.",
    "tune = { minutes = 10 }",
);

pub(crate) static TUNE: Table = Table {
    title: "tune = { … }",
    doc: "When the search for better settings ends: after so many minutes, after so many trials, or whichever comes first.",
    keys: &[&[
        Key::new(
            "minutes",
            Shape::Number(Excluded(0.0), Included(10_080.0)),
            "Minutes that the search may take.",
            "minutes = 2.5",
        ),
        Key::new("trials", Shape::Integer(1, 1_000_000), "How many settings are tried at most.", "trials = 50"),
    ]],
    later: &[],
    habits: &[&[
        ("n_trials", "it is called `trials` here"),
        ("time", "it is called `minutes` here"),
        ("seconds", "say it in `minutes`: half a minute is 0.5"),
        ("hours", "say it in `minutes`"),
        ("timeout", "it is called `minutes` here"),
    ]],
};

/// How probabilities become answers; shared by the models that have them.
pub(crate) static DECISIONS: Table = Table {
    title: "Decisions",
    doc: "How the probabilities of fitted models become answers, for labels and booleans. What is learned here is learned \
          on training rows that the model was not fitted on.",
    keys: &[DECISION_KEYS],
    later: &[],
    habits: &[],
};

pub(super) static DECISION_KEYS: &[Key] = &[
    Key::new(
        "calibrate",
        Shape::AnyOf(&[Shape::Boolean, Shape::Word(&CALIBRATIONS)]),
        "Corrects probabilities so that they match frequencies: `true` by what is best on held-out rows, a word by that \
         method, `false` not at all.",
        "calibrate = \"isotonic\"",
    )
    .or_else("`true` where answers are tuned, else `false`"),
    Key::new(
        "decide",
        Shape::AnyOf(&[Shape::Word(&RULES), Shape::Number(Excluded(0.0), Excluded(1.0))]),
        "Which answer is given: `largest`, the most likely one; `tuned`, by what is best on held-out rows for the task's \
         `costs`, or else for its metric. For booleans also a number: the probability from which the answer is true.",
        "decide = \"tuned\"",
    )
    .or_else("`tuned` where `cost` decides, else `largest`"),
];

static CALIBRATIONS: Words = Words {
    noun: "way to calibrate",
    all: || vec!["isotonic", "platt", "temperature"],
    later: &[],
    habits: &[
        ("sigmoid", "platt"),
        ("logistic", "platt"),
        ("none", "write `false`, without quotes"),
        ("auto", "write `true`, without quotes"),
    ],
};

static RULES: Words = Words {
    noun: "way to decide",
    all: || vec!["largest", "tuned"],
    later: &[],
    habits: &[
        ("argmax", "largest"),
        ("max", "largest"),
        ("tune", "tuned"),
        ("threshold", "write the threshold itself: `decide = 0.35`"),
    ],
};

pub(crate) static LOAD: Table = Table {
    title: "fit = { load = … }",
    doc: "Trees that another program has grown. Nothing is learned here: the model answers as it is.",
    keys: &[&[Key::new(
        "fit",
        Shape::Table(&LOADED),
        "Where the model comes from.",
        "fit = { load = \"models/churn.ubj\" }",
    )
    .required()]],
    later: &[],
    habits: &[HABITS],
};

pub(crate) static LOADED: Table = Table {
    title: "fit = { … }",
    doc: "A model that is not fitted here.",
    keys: &[&[Key::new(
        "load",
        Shape::Text(Text::Path),
        "The file: a model of XGBoost (`.json`, `.ubj`) or LightGBM (`.txt`).",
        "load = \"models/churn.ubj\"",
    )
    .required()]],
    later: &[],
    habits: &[&[
        ("path", "it is called `load` here"),
        ("file", "it is called `load` here"),
        ("model", "say `load = \"model.ubj\"`"),
    ]],
};
