//! The command line.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::exit;

/// Fit models and ask models for the same task, measure all on the same rows, serve the winner.
#[derive(Parser)]
#[command(name = "yw", version, after_help = exit::HELP, disable_help_subcommand = true)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Write a project to start from
    Init(InitArgs),
    /// Check the project file and its data, without fitting or asking anything
    Check(CheckArgs),
    /// Fit and evaluate every candidate, and print the verdict
    Run(RunArgs),
    /// Answer every row of a file with a task's champion
    Predict(PredictArgs),
    /// Show what a task's champion, or another candidate, rests its answers on
    Explain(ExplainArgs),
    /// Choose the version that answers a task
    Promote(PromoteArgs),
    /// List past runs, or show one
    Runs(RunsArgs),
    /// Answer over HTTP: with the champions, and with the models of every provider
    Serve(ServeArgs),
    /// Make, list or revoke the keys of the server's clients
    Key(KeyArgs),
    /// List the calls that went through the server, or sum them up
    Calls(CallsArgs),
}

/// How to print.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// For people.
    Table,
    /// For programs.
    Json,
}

/// Where the project is, for commands that take the folder as their argument.
#[derive(Args)]
pub(crate) struct ProjectArgs {
    /// The project's folder, or its yellowwood.toml [default: found upwards from here]
    pub(crate) dir: Option<PathBuf>,
    /// The same as DIR
    #[arg(short = 'p', long = "project", value_name = "DIR", conflicts_with = "dir")]
    pub(crate) project: Option<PathBuf>,
    /// Only this task
    #[arg(long, value_name = "NAME")]
    pub(crate) task: Option<String>,
}

impl ProjectArgs {
    pub(crate) fn place(&self) -> Option<&PathBuf> {
        self.dir.as_ref().or(self.project.as_ref())
    }
}

#[derive(Args)]
#[command(after_help = "Examples:
  yw init                        a commented minimal project in this folder
  yw init --example tickets      a whole one, with data, in ./tickets
  yw init --from litellm config.yaml
  yw init --from tensorzero config/tensorzero.toml gateway")]
pub(crate) struct InitArgs {
    /// The folder to write to; it must not hold a project [default: this one, or the example's name]
    pub(crate) dir: Option<PathBuf>,
    /// Write this example: tickets, wine or refunds
    #[arg(long, value_name = "NAME")]
    pub(crate) example: Option<String>,
    /// Translate the settings of another gateway, litellm or tensorzero, and list what has no translation
    #[arg(long, num_args = 2, value_names = ["PROGRAM", "FILE"], conflicts_with = "example")]
    pub(crate) from: Option<Vec<PathBuf>>,
}

#[derive(Args)]
#[command(after_help = "Example:
  yw check examples/tickets")]
pub(crate) struct CheckArgs {
    #[command(flatten)]
    pub(crate) project: ProjectArgs,
    /// How to print
    #[arg(long, value_enum, default_value = "table")]
    pub(crate) format: Format,
}

#[derive(Args)]
#[command(after_help = "Examples:
  yw run examples/tickets
  yw run --estimate                       what asking would cost, without a call
  yw run --max-usd 2 --format json --gate in CI")]
pub(crate) struct RunArgs {
    #[command(flatten)]
    pub(crate) project: ProjectArgs,
    /// How to print; json is one document per task, see docs/run-json.md
    #[arg(long, value_enum, default_value = "table")]
    pub(crate) format: Format,
    /// Print what asking would cost, and stop
    #[arg(long)]
    pub(crate) estimate: bool,
    /// Never spend more than this many dollars in this run
    #[arg(long, value_name = "DOLLARS", value_parser = dollars)]
    pub(crate) max_usd: Option<f64>,
    /// Exit with code 5 unless every task has a champion within its limits
    #[arg(long)]
    pub(crate) gate: bool,
}

#[derive(Args)]
#[command(after_help = "Examples:
  yw predict triage new.csv                     CSV to the terminal
  yw predict triage 's3://bucket/*.parquet' -o answers.parquet")]
pub(crate) struct PredictArgs {
    /// The task
    pub(crate) task: String,
    /// The rows: CSV, Parquet or JSON lines; a file, a glob or an object-store address
    pub(crate) file: String,
    /// Where to write: .csv, .parquet or .jsonl [default: standard output]
    #[arg(short, long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
    /// What to write to standard output
    #[arg(long, value_enum, default_value = "csv")]
    pub(crate) format: StreamFormat,
    /// Add a column with the probability of each label
    #[arg(long)]
    pub(crate) scores: bool,
    /// Never spend more than this many dollars
    #[arg(long, value_name = "DOLLARS", value_parser = dollars)]
    pub(crate) max_usd: Option<f64>,
    /// The project's folder [default: found upwards from here]
    #[arg(short = 'p', long = "project", value_name = "DIR")]
    pub(crate) project: Option<PathBuf>,
}

#[derive(Args)]
#[command(after_help = "Examples:
  yw explain triage                             the fields and features that matter
  yw explain triage --candidate words           of another candidate of the last run
  yw explain triage --row new.csv               what speaks for each row's answer
  head -n 3 new.csv | yw explain triage --row - --format json")]
pub(crate) struct ExplainArgs {
    /// The task
    pub(crate) task: String,
    /// Explain the answer to each row: CSV, Parquet or JSON lines; - is standard input
    #[arg(long, value_name = "FILE")]
    pub(crate) row: Option<String>,
    /// A candidate of the task's last run [default: the champion]
    #[arg(long, value_name = "NAME")]
    pub(crate) candidate: Option<String>,
    /// How many fields and features to list
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = at_least_one)]
    pub(crate) top: usize,
    /// How to print; see docs/explain-json.md
    #[arg(long, value_enum, default_value = "table")]
    pub(crate) format: Format,
    /// The project's folder [default: found upwards from here]
    #[arg(short = 'p', long = "project", value_name = "DIR")]
    pub(crate) project: Option<PathBuf>,
}

/// What can be written to a stream.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum StreamFormat {
    /// Comma-separated values.
    Csv,
    /// One JSON object a line.
    Jsonl,
}

#[derive(Args)]
#[command(after_help = "Examples:
  yw promote triage              the winner of the task's last run
  yw promote triage words        another candidate of that run
  yw promote triage --back       the version before the present one
  yw promote triage --history    who answered when")]
pub(crate) struct PromoteArgs {
    /// The task
    pub(crate) task: String,
    /// The candidate [default: the verdict's champion]
    #[arg(conflicts_with_all = ["back", "history"])]
    pub(crate) candidate: Option<String>,
    /// Of this run, by id or the beginning of it [default: the task's last]
    #[arg(long, value_name = "ID", conflicts_with_all = ["back", "history"])]
    pub(crate) run: Option<String>,
    /// Go back to the version before
    #[arg(long, conflicts_with = "history")]
    pub(crate) back: bool,
    /// List who answered when, and change nothing
    #[arg(long)]
    pub(crate) history: bool,
    /// The project's folder [default: found upwards from here]
    #[arg(short = 'p', long = "project", value_name = "DIR")]
    pub(crate) project: Option<PathBuf>,
}

#[derive(Args)]
#[command(
    args_conflicts_with_subcommands = true,
    after_help = "Examples:
  yw runs
  yw runs show 0199f3"
)]
pub(crate) struct RunsArgs {
    #[command(subcommand)]
    pub(crate) show: Option<RunsCommand>,
    #[command(flatten)]
    pub(crate) list: RunsList,
}

#[derive(Subcommand)]
pub(crate) enum RunsCommand {
    /// Show one run
    Show {
        /// Its id, or the beginning of it
        id: String,
        /// How to print
        #[arg(long, value_enum, default_value = "table")]
        format: Format,
        /// The project's folder [default: found upwards from here]
        #[arg(short = 'p', long = "project", value_name = "DIR")]
        project: Option<PathBuf>,
    },
}

#[derive(Args)]
pub(crate) struct RunsList {
    /// Only this task
    #[arg(long, value_name = "NAME")]
    pub(crate) task: Option<String>,
    /// At most so many, the latest first
    #[arg(long, default_value_t = 20)]
    pub(crate) limit: usize,
    /// How to print
    #[arg(long, value_enum, default_value = "table")]
    pub(crate) format: Format,
    /// The project's folder [default: found upwards from here]
    #[arg(short = 'p', long = "project", value_name = "DIR")]
    pub(crate) project: Option<PathBuf>,
}

#[derive(Args)]
#[command(after_help = "Example:
  yw serve examples/tickets
  curl -s localhost:7878/v1/tasks/triage/predict -d '{\"subject\": \"Invoice\", \"body\": \"Where is it?\"}'
  yw serve --record tape         keep what providers are asked and answer, see docs/cassettes.md
  yw serve --replay tape         answer the same again, without a network or a key")]
pub(crate) struct ServeArgs {
    #[command(flatten)]
    pub(crate) project: ProjectArgs,
    /// Where to listen [default: as the project file says, or 127.0.0.1:7878]
    #[arg(long, value_name = "ADDRESS:PORT")]
    pub(crate) address: Option<SocketAddr>,
    /// Write every exchange with a provider to this folder, without the providers' keys
    #[arg(long, value_name = "FOLDER")]
    pub(crate) record: Option<PathBuf>,
    /// Ask no provider: answer with what was recorded in this folder
    #[arg(long, value_name = "FOLDER", conflicts_with = "record")]
    pub(crate) replay: Option<PathBuf>,
}

#[derive(Args)]
#[command(after_help = "Examples:
  yw key create --name app --budget 20/month --rate 60/min
  yw key create --name ci --models 'openai/*' --tokens 100000/day --expires 30d
  yw key list
  yw key revoke app")]
pub(crate) struct KeyArgs {
    #[command(subcommand)]
    pub(crate) command: KeyCommand,
}

#[derive(Subcommand)]
pub(crate) enum KeyCommand {
    /// Make a key and show it, this once
    Create(KeyCreate),
    /// List the keys and what they have used
    List(KeyList),
    /// Take a key back; servers refuse it within a second
    Revoke {
        /// Its id or its name
        key: String,
        /// The project's folder [default: found upwards from here]
        #[arg(short = 'p', long = "project", value_name = "DIR")]
        project: Option<PathBuf>,
    },
}

#[derive(Args)]
pub(crate) struct KeyCreate {
    /// What to call it: who is going to use it
    #[arg(long, value_name = "NAME")]
    pub(crate) name: String,
    /// Dollars, such as 20/month, 1.50/day or '5 total'; more than one with commas
    #[arg(long, value_name = "AMOUNT/TIME")]
    pub(crate) budget: Option<String>,
    /// Requests, such as 60/min
    #[arg(long, value_name = "NUMBER/TIME")]
    pub(crate) rate: Option<String>,
    /// Tokens, read and written together, such as 100000/day
    #[arg(long, value_name = "NUMBER/TIME")]
    pub(crate) tokens: Option<String>,
    /// Only these models, such as 'openai/*' [default: everything, unless there is another list]
    #[arg(long, value_name = "PATTERN", value_delimiter = ',')]
    pub(crate) models: Vec<String>,
    /// Only these routes
    #[arg(long, value_name = "PATTERN", value_delimiter = ',')]
    pub(crate) routes: Vec<String>,
    /// Only these tasks
    #[arg(long, value_name = "PATTERN", value_delimiter = ',')]
    pub(crate) tasks: Vec<String>,
    /// When it ends: after so many days or hours (30d, 12h), or at a date (2027-01-31)
    #[arg(long, value_name = "WHEN")]
    pub(crate) expires: Option<String>,
    /// How to print
    #[arg(long, value_enum, default_value = "table")]
    pub(crate) format: Format,
    /// The project's folder [default: found upwards from here]
    #[arg(short = 'p', long = "project", value_name = "DIR")]
    pub(crate) project: Option<PathBuf>,
}

#[derive(Args)]
pub(crate) struct KeyList {
    /// Those that are no longer valid too
    #[arg(long)]
    pub(crate) all: bool,
    /// How to print
    #[arg(long, value_enum, default_value = "table")]
    pub(crate) format: Format,
    /// The project's folder [default: found upwards from here]
    #[arg(short = 'p', long = "project", value_name = "DIR")]
    pub(crate) project: Option<PathBuf>,
}

#[derive(Args)]
#[command(after_help = "Examples:
  yw calls                                  the last calls
  yw calls --key app --failed --since 1d
  yw calls --by key,model --since 2026-11-01 --format csv
  yw calls --id 019aa0c2-…                  everything about one call")]
pub(crate) struct CallsArgs {
    /// Sum up by: key, model, provider, route, day, status; more than one with commas
    #[arg(long, value_enum, value_name = "WHAT", value_delimiter = ',')]
    pub(crate) by: Vec<CallsBy>,
    /// Everything about one call
    #[arg(long, value_name = "ID", conflicts_with_all = ["by", "limit"])]
    pub(crate) id: Option<String>,
    /// Calls from then on: a date, or so long ago (1d, 12h, 30m)
    #[arg(long, value_name = "WHEN")]
    pub(crate) since: Option<String>,
    /// Calls before then
    #[arg(long, value_name = "WHEN")]
    pub(crate) until: Option<String>,
    /// Calls with this key, by name or id
    #[arg(long, value_name = "KEY")]
    pub(crate) key: Option<String>,
    /// Calls that this model answered
    #[arg(long, value_name = "PROVIDER/MODEL")]
    pub(crate) model: Option<String>,
    /// Calls that this provider answered
    #[arg(long, value_name = "NAME")]
    pub(crate) provider: Option<String>,
    /// Calls that took this route
    #[arg(long, value_name = "NAME")]
    pub(crate) route: Option<String>,
    /// Calls that failed
    #[arg(long, conflicts_with = "status")]
    pub(crate) failed: bool,
    /// Calls with this HTTP status
    #[arg(long, value_name = "CODE")]
    pub(crate) status: Option<u16>,
    /// At most so many, the latest first
    #[arg(long, default_value_t = 20)]
    pub(crate) limit: usize,
    /// How to print
    #[arg(long, value_enum, default_value = "table")]
    pub(crate) format: CallsFormat,
    /// The project's folder [default: found upwards from here]
    #[arg(short = 'p', long = "project", value_name = "DIR")]
    pub(crate) project: Option<PathBuf>,
}

/// What calls can be summed up by.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum CallsBy {
    Key,
    Model,
    Provider,
    Route,
    Day,
    Status,
}

/// How calls can be printed.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum CallsFormat {
    /// For people.
    Table,
    /// One JSON object a line.
    Json,
    /// Comma-separated values.
    Csv,
}

fn at_least_one(text: &str) -> Result<usize, String> {
    text.parse().ok().filter(|&n| n > 0).ok_or_else(|| "expected a whole number from 1 on".to_owned())
}

fn dollars(text: &str) -> Result<f64, String> {
    match text.trim_start_matches('$').parse::<f64>() {
        Ok(usd) if usd.is_finite() && usd >= 0.0 => Ok(usd),
        _ => Err("expected an amount in dollars, like 2 or 0.50".to_owned()),
    }
}
