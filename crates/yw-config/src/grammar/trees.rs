//! The keys of trees.

use std::ops::Bound::{Excluded, Included, Unbounded};

use super::candidate::HABITS;
use super::fitted::{CLASS_WEIGHT, DECISION_KEYS, TUNE_KEY, fit};
use super::{Key, Map, Names, Shape, Table, Text, Words};

/// Over 0 to 1.
const FRACTION: Shape = Shape::Number(Excluded(0.0), Included(1.0));

const NOT_NEGATIVE: Shape = Shape::Number(Included(0.0), Unbounded);

/// As many as anybody has.
const COUNT: Shape = Shape::Integer(1, u32::MAX as i64);

pub(crate) static TREES: Table = Table {
    title: "fit = \"trees\"",
    doc: "Gradient-boosted trees, or a forest: what to try first on numbers and categories. The names are those of \
          scikit-learn, XGBoost and LightGBM where these agree. Missing values and categories need no preparation; the \
          defaults suit most tables.",
    keys: &[MODEL_KEYS, DECISION_KEYS],
    later: &[],
    habits: &[HABITS, TREES_HABITS],
};

static MODEL_KEYS: &[Key] = &[
    fit("fit = \"trees\""),
    Key::new(
        "mode",
        Shape::Word(&MODES),
        "`boosting`: each tree corrects those before it. `forest`: each is grown on its own sample of rows, and they are \
         averaged. `extra_trees`: as a forest, on all rows with random thresholds.",
        "mode = \"forest\"",
    )
    .or_else("`boosting`"),
    Key::new("trees", Shape::Integer(1, 1_000_000), "Rounds of boosting, or trees of a forest.", "trees = 500")
        .or_else("`200`; `100` in a forest"),
    Key::new("learning_rate", FRACTION, "How much of each tree's advice is taken. For boosting.", "learning_rate = 0.1")
        .or_else("`0.05`"),
    Key::new(
        "max_leaves",
        Shape::Integer(0, 1 << 20),
        "How many leaves a tree has at most, two or more; `0` sets no limit.",
        "max_leaves = 63",
    )
    .or_else("`31`; no limit in a forest"),
    Key::new(
        "max_depth",
        Shape::Integer(0, 1000),
        "How many splits there are at most between root and leaf; `0` sets no limit.",
        "max_depth = 8",
    )
    .or_else("no limit"),
    Key::new(
        "growth",
        Shape::Word(&GROWTHS),
        "Which leaf is split next: `leaf`, the one that helps most, or `depth`, all of a level before the next.",
        "growth = \"depth\"",
    )
    .or_else("`leaf`"),
    Key::new(
        "max_bins",
        Shape::Integer(2, 65_535),
        "Into how many bins the values of a number are sorted at most.",
        "max_bins = 1023",
    )
    .or_else("`255`"),
    Key::new("min_rows_per_leaf", COUNT, "How many training rows a leaf has at least.", "min_rows_per_leaf = 50")
        .or_else("`20`; `3` in a forest"),
    Key::new(
        "min_child_weight",
        NOT_NEGATIVE,
        "What the second derivatives of the loss sum up to in a leaf at least.",
        "min_child_weight = 1.0",
    )
    .or_else("`0.001`"),
    Key::new("min_split_gain", NOT_NEGATIVE, "How much a split must reduce the loss.", "min_split_gain = 0.1")
        .or_else("`0`"),
    Key::new("l1", NOT_NEGATIVE, "Strength of the L1 penalty on leaf values.", "l1 = 0.5").or_else("`0`"),
    Key::new("l2", NOT_NEGATIVE, "Strength of the L2 penalty on leaf values.", "l2 = 5.0")
        .or_else("`1`; `0` in a forest"),
    Key::new("row_fraction", FRACTION, "Which part of the rows each tree sees.", "row_fraction = 0.8").or_else("`1`"),
    Key::new("column_fraction", FRACTION, "Which part of the columns each tree sees.", "column_fraction = 0.8")
        .or_else("`1`"),
    Key::new(
        "column_fraction_per_split",
        FRACTION,
        "Which part of a tree's columns each split sees.",
        "column_fraction_per_split = 0.5",
    )
    .or_else("`1`; a part in a forest"),
    Key::new(
        "goss",
        Shape::Table(&GOSS),
        "Gradient-based one-side sampling, instead of `row_fraction`. For boosting.",
        "goss = { top_fraction = 0.2, other_fraction = 0.1 }",
    ),
    Key::new(
        "quantized",
        Shape::Boolean,
        "Whether gradients are rounded to a few levels, which is faster; leaf values are computed from the exact ones.",
        "quantized = false",
    )
    .or_else("where it is as good"),
    CLASS_WEIGHT,
    Key::new(
        "objective",
        Shape::Word(&OBJECTIVES),
        "For numbers, what is minimised, and so what is predicted: `squared` the mean, `absolute` the median, `quantile` a \
         quantile, `huber` a mean that outliers pull less; with a logarithmic link `poisson` counts, `gamma` positive \
         amounts, `tweedie` amounts that are often zero. Labels and booleans always minimise the log loss.",
        "objective = \"quantile\"",
    )
    .or_else("`squared`"),
    Key::new(
        "alpha",
        Shape::Number(Excluded(0.0), Excluded(1.0)),
        "With `quantile`: which one. Of 0.9, one row in ten is above.",
        "alpha = 0.9",
    )
    .or("0.5"),
    Key::new(
        "delta",
        Shape::Number(Excluded(0.0), Unbounded),
        "With `huber`: how far from the truth the loss turns from squared to absolute, in units of the answer.",
        "delta = 10.0",
    )
    .or("1.0"),
    Key::new(
        "power",
        Shape::Number(Excluded(1.0), Excluded(2.0)),
        "With `tweedie`: how the variance grows with the mean, between Poisson and Gamma.",
        "power = 1.2",
    )
    .or("1.5"),
    Key::new(
        "monotone",
        Shape::Map(&MONOTONE),
        "Fields that must not move the prediction the wrong way as they grow; numbers, booleans and times.",
        "monotone = { seats = \"increasing\" }",
    ),
    Key::new(
        "interactions",
        Shape::List(&Shape::List(&Shape::Text(Text::Column), 1, usize::MAX), 1, usize::MAX),
        "Groups of fields that may act together; fields in no group act alone.",
        "interactions = [[\"plan\", \"seats\"], [\"country\"]]",
    )
    .or_else("all may act together"),
    Key::new(
        "additive",
        Shape::Boolean,
        "One field per tree, in turn: an explainable model, whose report shows each field's curve.",
        "additive = true",
    )
    .or_else("`false`"),
    Key::new(
        "early_stopping_rounds",
        Shape::Integer(1, 1_000_000),
        "Stops when so many rounds have not reduced the loss of held-out training rows, and keeps the best round. For \
         boosting.",
        "early_stopping_rounds = 50",
    )
    .or_else("never early"),
    Key::new(
        "max_text_features",
        COUNT,
        "How many features a text field gives the trees at most.",
        "max_text_features = 200",
    )
    .or_else("chosen by the engine"),
    TUNE_KEY,
];

static MODES: Words = Words {
    noun: "mode",
    all: || vec!["boosting", "forest", "extra_trees"],
    later: &[("dart", "use `mode = \"boosting\"` until then")],
    habits: &[
        ("gbdt", "boosting"),
        ("gbtree", "boosting"),
        ("rf", "forest"),
        ("random_forest", "forest"),
        ("bagging", "forest"),
        ("goss", "it is a key of its own: `goss = { top_fraction = 0.2, other_fraction = 0.1 }`"),
    ],
};

static GROWTHS: Words = Words {
    noun: "growth",
    all: || vec!["leaf", "depth"],
    later: &[],
    habits: &[("lossguide", "leaf"), ("leafwise", "leaf"), ("depthwise", "depth"), ("levelwise", "depth")],
};

static OBJECTIVES: Words = Words {
    noun: "objective",
    all: || vec!["squared", "absolute", "quantile", "huber", "poisson", "gamma", "tweedie"],
    later: &[("rank", "use `objective = \"squared\"` on the grade until then")],
    habits: &[
        ("squared_error", "squared"),
        ("reg:squarederror", "squared"),
        ("regression", "squared"),
        ("mse", "squared"),
        ("rmse", "squared"),
        ("l2", "squared"),
        ("absolute_error", "absolute"),
        ("reg:absoluteerror", "absolute"),
        ("regression_l1", "absolute"),
        ("mae", "absolute"),
        ("l1", "absolute"),
        ("median", "absolute"),
        ("pinball", "quantile"),
        ("reg:quantileerror", "quantile"),
        ("reg:pseudohubererror", "huber"),
        ("count:poisson", "poisson"),
        ("reg:gamma", "gamma"),
        ("reg:tweedie", "tweedie"),
        ("binary", NO_OBJECTIVE),
        ("binary:logistic", NO_OBJECTIVE),
        ("multiclass", NO_OBJECTIVE),
        ("multi:softprob", NO_OBJECTIVE),
        ("multi:softmax", NO_OBJECTIVE),
        ("log_loss", NO_OBJECTIVE),
        ("lambdarank", "rank"),
        ("rank:ndcg", "rank"),
    ],
};

const NO_OBJECTIVE: &str = "leave it out: labels and booleans always minimise the log loss";

static MONOTONE: Map = Map {
    noun: "field",
    names: Names::Columns,
    value: Shape::Word(&DIRECTIONS),
    n_entries: (1, usize::MAX),
    example: "seats = \"increasing\"",
};

static DIRECTIONS: Words = Words {
    noun: "direction",
    all: || vec!["increasing", "decreasing"],
    later: &[],
    habits: &[("up", "increasing"), ("rising", "increasing"), ("down", "decreasing"), ("falling", "decreasing")],
};

pub(crate) static GOSS: Table = Table {
    title: "goss = { … }",
    doc: "Of each tree's rows, those with large gradients stay, and of the others a sample stands for all.",
    keys: &[&[
        Key::new("top_fraction", FRACTION, "The part that stays for its large gradients.", "top_fraction = 0.2")
            .required(),
        Key::new("other_fraction", FRACTION, "The part that is drawn from the others.", "other_fraction = 0.1")
            .required(),
    ]],
    later: &[],
    habits: &[&[
        ("top_rate", "it is called `top_fraction` here"),
        ("other_rate", "it is called `other_fraction` here"),
    ]],
};

/// What people write from habit, having tuned trees elsewhere.
static TREES_HABITS: &[(&str, &str)] = &[
    ("n_estimators", "it is called `trees` here"),
    ("num_iterations", "it is called `trees` here"),
    ("num_boost_round", "it is called `trees` here"),
    ("iterations", "it is called `trees` here"),
    ("num_leaves", "it is called `max_leaves` here"),
    ("max_leaf_nodes", "it is called `max_leaves` here"),
    ("depth", "it is called `max_depth` here"),
    ("eta", "it is called `learning_rate` here"),
    ("boosting", "it is called `mode` here"),
    ("booster", "it is called `mode` here"),
    ("boosting_type", "it is called `mode` here"),
    ("grow_policy", "it is called `growth` here"),
    ("min_data_in_leaf", "it is called `min_rows_per_leaf` here"),
    ("min_child_samples", "it is called `min_rows_per_leaf` here"),
    ("min_samples_leaf", "it is called `min_rows_per_leaf` here"),
    ("min_sum_hessian_in_leaf", "it is called `min_child_weight` here"),
    ("gamma", "it is called `min_split_gain` here"),
    ("min_gain_to_split", "it is called `min_split_gain` here"),
    ("reg_alpha", "it is called `l1` here"),
    ("lambda_l1", "it is called `l1` here"),
    ("reg_lambda", "it is called `l2` here"),
    ("lambda_l2", "it is called `l2` here"),
    ("lambda", "it is called `l2` here"),
    ("subsample", "it is called `row_fraction` here"),
    ("bagging_fraction", "it is called `row_fraction` here"),
    ("colsample_bytree", "it is called `column_fraction` here"),
    ("feature_fraction", "it is called `column_fraction` here"),
    ("colsample_bynode", "it is called `column_fraction_per_split` here"),
    ("feature_fraction_bynode", "it is called `column_fraction_per_split` here"),
    ("use_quantized_grad", "it is called `quantized` here"),
    ("scale_pos_weight", "say `class_weight = \"balanced\"`, or what mistakes cost in the task's `costs`"),
    ("is_unbalance", "say `class_weight = \"balanced\"`"),
    ("loss", "it is called `objective` here"),
    ("tweedie_variance_power", "it is called `power` here"),
    ("huber_slope", "it is called `delta` here"),
    ("quantile_alpha", "it is called `alpha` here"),
    ("monotone_constraints", "it is called `monotone` here: monotone = { FIELD = \"increasing\" }"),
    ("interaction_constraints", "it is called `interactions` here: interactions = [[\"FIELD\", \"FIELD\"]]"),
    ("n_jobs", "all cores are used"),
    ("num_threads", "all cores are used"),
    ("nthread", "all cores are used"),
];
