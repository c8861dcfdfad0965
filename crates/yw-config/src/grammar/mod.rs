//! The grammar of the project file: one table of keys.
//!
//! Parsing, suggestions, defaults, the reference page and the JSON schema all read this description, so a key that is
//! added here is known everywhere. What a grammar cannot say (that a metric fits the answer, that a cascade's
//! candidates exist) is in [`check`](crate::check).

mod candidate;
mod fitted;
mod provider;
mod route;
mod serve;
mod task;
#[cfg(test)]
mod tests;
mod trees;

use std::ops::Bound;

pub(crate) use candidate::{ASK, CANDIDATE, CANDIDATES_DOC, CASCADE, EXAMPLES};
pub(crate) use fitted::{AUTO, BASELINE, DECISIONS, FEATURES, LINEAR, LOAD, LOADED, NEAREST, TUNE};
pub(crate) use provider::{KEY, PRICE, PROVIDER};
pub(crate) use route::{BREAKER, ROUTE, TARGET};
pub(crate) use serve::{CALLS, RATES, RESPONSES, SERVE};
pub(crate) use task::{BOOLEAN_COSTS, DATA, FOLDS, FRACTION, LIMITS, TASK, TEST};
pub(crate) use trees::{GOSS, TREES};

/// A table of the project file: which keys it may have.
pub(crate) struct Table {
    /// How the reference calls it: its header, or the key of an inline table.
    pub(crate) title: &'static str,
    /// What it is for, in Markdown.
    pub(crate) doc: &'static str,
    /// Its keys, in groups so that tables can share them.
    pub(crate) keys: &'static [&'static [Key]],
    /// Keys that the design has and this version does not, and what to use until then.
    pub(crate) later: &'static [(&'static str, &'static str)],
    /// Keys that people write from habit, and what to write here; in groups so that tables can share them.
    pub(crate) habits: &'static [&'static [(&'static str, &'static str)]],
}

impl Table {
    pub(crate) fn keys(&self) -> impl Iterator<Item = &'static Key> {
        self.keys.iter().copied().flatten()
    }

    pub(crate) fn key(&self, name: &str) -> Option<&'static Key> {
        self.keys().find(|k| k.name == name)
    }

    /// Keys that people write from habit, each with what to write here.
    pub(crate) fn habits(&self) -> impl Iterator<Item = (&'static str, &'static str)> {
        self.habits.iter().copied().flatten().copied()
    }
}

/// A key and its values.
#[derive(Clone, Copy)]
pub(crate) struct Key {
    pub(crate) name: &'static str,
    pub(crate) shape: Shape,
    pub(crate) default: Default,
    /// What it means, in Markdown.
    pub(crate) doc: &'static str,
    /// A line of TOML that sets it.
    pub(crate) example: &'static str,
}

/// What an absent key means.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Default {
    /// It must not be absent.
    Required,
    /// Nothing: the key says something extra.
    Nothing,
    /// This TOML value.
    Value(&'static str),
    /// What these words say.
    Words(&'static str),
}

impl Key {
    /// A key that may be absent.
    pub(crate) const fn new(name: &'static str, shape: Shape, doc: &'static str, example: &'static str) -> Self {
        Key { name, shape, default: Default::Nothing, doc, example }
    }

    pub(crate) const fn required(mut self) -> Self {
        self.default = Default::Required;
        self
    }

    pub(crate) const fn or(mut self, toml_value: &'static str) -> Self {
        self.default = Default::Value(toml_value);
        self
    }

    pub(crate) const fn or_else(mut self, words: &'static str) -> Self {
        self.default = Default::Words(words);
        self
    }
}

/// What values look like.
#[derive(Clone, Copy)]
pub(crate) enum Shape {
    /// `true` or `false`.
    Boolean,
    /// `false` alone.
    False,
    /// A whole number from the first to the second.
    Integer(i64, i64),
    /// A finite number within bounds.
    Number(Bound<f64>, Bound<f64>),
    /// Dollars per million tokens, at most six decimals.
    Dollars,
    /// A string that is not blank.
    Text(Text),
    /// One of a set of words.
    Word(&'static Words),
    /// A list of so many values at least and at most.
    List(&'static Shape, usize, usize),
    /// A table with known keys.
    Table(&'static Table),
    /// A table whose keys are names.
    Map(&'static Map),
    /// A table of one of several kinds.
    Variants(&'static Variants),
    /// One of several shapes, told apart by their TOML type, and tables by what is in them.
    AnyOf(&'static [Shape]),
}

/// What a string says.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Text {
    /// Words for people or models.
    Prose,
    /// A file, relative to the project's folder.
    Path,
    /// A file, glob or object-store address.
    Address,
    /// A web address.
    Url,
    /// `provider/model`.
    Model,
    /// The name of a column.
    Column,
    /// The name of a candidate.
    Candidate,
    /// One ASCII character.
    Character,
    /// `random`, `time:column` or `group:column`.
    SplitBy,
    /// `address:port`.
    Socket,
    /// A name at a cloud: letters, digits and a few signs that are safe in addresses.
    Name,
    /// The name of an environment variable.
    Variable,
    /// The name of a header.
    HeaderName,
    /// What a header says.
    Header,
    /// `amount/window`.
    Rate,
}

/// A closed set of words.
pub(crate) struct Words {
    /// What one of them is called: `metric`.
    pub(crate) noun: &'static str,
    pub(crate) all: fn() -> Vec<&'static str>,
    /// Words that the design has and this version does not, and what to use until then.
    pub(crate) later: &'static [(&'static str, &'static str)],
    /// Words that people write from habit, and the word here, or else what to do.
    pub(crate) habits: &'static [(&'static str, &'static str)],
}

/// A table whose keys are names.
pub(crate) struct Map {
    /// What one entry is called: `field`.
    pub(crate) noun: &'static str,
    pub(crate) names: Names,
    pub(crate) value: Shape,
    /// How many entries there must be, and may be.
    pub(crate) n_entries: (usize, usize),
    /// An entry, as TOML.
    pub(crate) example: &'static str,
}

/// Which names a map may have.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Names {
    /// Names that are safe in paths and addresses.
    Plain,
    /// The names of columns.
    Columns,
    /// The labels of an answer.
    Labels,
    /// `provider/model`.
    Models,
    /// Whatever clients send as the name of a model.
    Routes,
    /// The names of HTTP headers.
    Headers,
}

impl Names {
    /// The regular expression that the JSON schema gives for such names; [`Names::allow`] says the same.
    pub(crate) const fn pattern(self) -> &'static str {
        match self {
            Names::Plain => "^[A-Za-z0-9_-][A-Za-z0-9._-]{0,63}$",
            Names::Columns | Names::Labels => "\\S",
            Names::Models => "^[^/]+/.+$",
            Names::Routes => "^[^\\s\\x00-\\x1f\\x7f]([^\\x00-\\x1f\\x7f]{0,126}[^\\s\\x00-\\x1f\\x7f])?$",
            Names::Headers => "^[A-Za-z0-9!#$%&'*+.^_`|~-]+$",
        }
    }

    pub(crate) fn allow(self, name: &str) -> bool {
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
        match self {
            Names::Plain => !name.is_empty() && name.len() <= 64 && !name.starts_with('.') && name.chars().all(plain),
            Names::Columns | Names::Labels => !name.trim().is_empty(),
            Names::Models => yw_task::ModelRef::parse(name).is_some(),
            Names::Routes => {
                let control = |c: char| c.is_ascii_control();
                name.trim() == name && (1..=128).contains(&name.chars().count()) && !name.contains(control)
            }
            Names::Headers => {
                let token = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+.^_`|~-".contains(c);
                !name.is_empty() && name.chars().all(token)
            }
        }
    }

    /// The rule in words.
    pub(crate) const fn rule(self) -> &'static str {
        match self {
            Names::Plain => "names have letters, digits, `-`, `_` and `.`, do not start with a dot, and end after 64",
            Names::Columns => "columns have names that are not blank",
            Names::Labels => "labels are not blank",
            Names::Models => "models are named `provider/model`, in quotes because of the slash",
            Names::Routes => "routes have the names that clients send: up to 128 characters in one line",
            Names::Headers => "headers have names of letters, digits and `-`",
        }
    }
}

/// A table of one of several kinds.
pub(crate) struct Variants {
    /// What the table is called: `candidate`.
    pub(crate) noun: &'static str,
    /// What to write when nothing tells the kind.
    pub(crate) hint: &'static str,
    pub(crate) all: &'static [Variant],
}

/// One kind of a table.
pub(crate) struct Variant {
    /// The keys that tell the kind: any of them.
    pub(crate) signs: &'static [&'static str],
    pub(crate) says: Says,
    pub(crate) table: &'static Table,
}

/// What the sign of a variant says.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Says {
    /// Anything: it is enough that it is there.
    Anything,
    /// This word.
    Word(&'static str),
    /// A table.
    Table,
}

/// One value or a list of at least one.
macro_rules! one_or_more {
    ($shape:expr) => {
        Shape::AnyOf(&[$shape, Shape::List(&$shape, 1, usize::MAX)])
    };
}
pub(crate) use one_or_more;

/// The whole file.
pub(crate) static ROOT: Table = Table {
    title: "The file",
    doc: "A project is a folder with a file `yellowwood.toml`. Every command finds it upwards from the current folder.",
    keys: &[&[
        Key::new("name", Shape::Text(Text::Prose), "What the project is called in reports.", "name = \"support\"")
            .or_else("the folder's name"),
        Key::new("task", Shape::Map(&TASKS), "The tasks, each a table of its own.", "[task.triage]")
            .or_else("none, in a project that only serves models"),
        Key::new("route", Shape::Map(&route::ROUTES), "Ways to reach models.", "[route.fast]"),
        Key::new("provider", Shape::Map(&PROVIDERS), "Servers of models.", "[provider.local]"),
        Key::new("price", Shape::Map(&PRICES), "Prices of models.", "[price.\"local/qwen3\"]"),
        Key::new("serve", Shape::Table(&SERVE), "How `yw serve` listens.", "[serve]"),
    ]],
    later: &[
        ("library", "put what the model must know into `prompt` until then"),
        ("agent", "use a candidate with `ask` until then"),
    ],
    habits: &[&[
        ("candidate", "candidates belong to a task: [task.NAME.candidate.NAME]"),
        ("candidates", "candidates belong to a task: [task.NAME.candidate.NAME]"),
        ("model", "models are candidates of a task: [task.NAME.candidate.NAME]"),
        ("models", "models are candidates of a task: [task.NAME.candidate.NAME]"),
        ("routes", "each route is a table of its own: [route.NAME]"),
        ("router", "each route is a table of its own: [route.NAME]"),
        ("server", "the table is [serve]"),
        ("gateway", "the table is [serve]"),
        ("project", "the name stands alone: `name = \"…\"`"),
    ]],
};

static TASKS: Map = Map {
    noun: "task",
    names: Names::Plain,
    value: Shape::Table(&TASK),
    n_entries: (1, usize::MAX),
    example: "[task.triage]",
};

static PROVIDERS: Map = Map {
    noun: "provider",
    names: Names::Plain,
    value: Shape::Table(&PROVIDER),
    n_entries: (0, usize::MAX),
    example: "[provider.local]",
};

static PRICES: Map = Map {
    noun: "price",
    names: Names::Models,
    value: Shape::Table(&PRICE),
    n_entries: (0, usize::MAX),
    example: "[price.\"local/qwen3\"]",
};
