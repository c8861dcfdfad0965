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
    /// Answer over HTTP with the champions
    Serve(ServeArgs),
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
  yw init --example tickets      a whole one, with data, in ./tickets")]
pub(crate) struct InitArgs {
    /// The folder to write to; it must not hold a project [default: this one, or the example's name]
    pub(crate) dir: Option<PathBuf>,
    /// Write this example: tickets, wine or refunds
    #[arg(long, value_name = "NAME")]
    pub(crate) example: Option<String>,
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
  curl -s localhost:7878/v1/tasks/triage/predict -d '{\"subject\": \"Invoice\", \"body\": \"Where is it?\"}'")]
pub(crate) struct ServeArgs {
    #[command(flatten)]
    pub(crate) project: ProjectArgs,
    /// Where to listen [default: as the project file says, or 127.0.0.1:7878]
    #[arg(long, value_name = "ADDRESS:PORT")]
    pub(crate) address: Option<SocketAddr>,
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
