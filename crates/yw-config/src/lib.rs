//! The project file: from the text of `yellowwood.toml` to a checked [`Project`], or to every [`Problem`] it has.
//!
//! A checked project is valid by construction: values are in their ranges, names refer to what exists, metrics fit
//! answers. When it is not valid, [`Problems`] says everything that is wrong in one go, each with its place in the text
//! and what to do.
//!
//! ```
//! use std::path::Path;
//!
//! let text = r#"
//! [task.triage]
//! question = "Which team?"
//! input = { body = "text" }
//! answer = { team = "label" }
//! train = "tickets.csv"
//! metrc = "accuracy"
//! "#;
//! let problems = yw_config::parse(text, Path::new("yellowwood.toml")).unwrap_err();
//! assert!(problems.to_string().contains("did you mean `metric`?"));
//!
//! let project = yw_config::parse(&text.replace("metrc", "metric"), Path::new("yellowwood.toml"))?;
//! assert_eq!(project.tasks[0].metric, yw_task::Metric::Accuracy);
//! # Ok::<(), yw_config::Problems>(())
//! ```
//!
//! The types to know are [`Project`], [`TaskSpec`], [`RouteSpec`] and [`Problems`]. One description of all keys, in `grammar`, is what
//! the parser, the suggestions, the defaults, [`reference::markdown`] and [`reference::json_schema`] are made from.
//!
//! Not here: opening data (`yw-table`), the engines' own parameters (`yw-learn`), reading keys (`yw-gateway`), and
//! printing: the binary shows problems.

mod check;
pub mod environment;
mod grammar;
mod load;
mod price;
mod problem;
mod project;
mod rate;
mod raw;
pub mod reference;
mod secret;
mod shape;
mod suggest;
mod syntax;
mod template;
mod texts;

pub use load::{LoadError, MAX_FILE_BYTES, NotFound, find, load, parse};
pub use problem::{Problem, Problems, Severity};
pub use project::{
    AnswerColumn, AskSpec, AutoSpec, BaselineSpec, BooleanCosts, BreakerSpec, Calibrate, CallsSpec, CandidateKind,
    CandidateSpec, CascadeSpec, ClassWeight, CostsSpec, DataSpec, Decide, Examples, GossSpec, KeySource, LabelCost,
    LimitSpec, Limits, LimitsSpec, LinearSpec, Loss, Monotone, NGrams, NearestSpec, PriceSpec, Project, ProviderSpec,
    RouteBy, RouteSpec, RouteTarget, ServeSpec, SplitBy, Statistic, TaskSpec, TestSpec, TextSpec, TreesGrowth,
    TreesMode, TreesObjective, TreesSpec, TuneSpec, Weights, Window,
};
pub use template::template;

/// The name of the project file.
pub const FILE_NAME: &str = "yellowwood.toml";

/// The name of the candidate that every task has without saying so.
pub const BASELINE_NAME: &str = "baseline";
