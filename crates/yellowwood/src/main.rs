//! `yw`: fit models and ask models for the same task, measure all on the same rows, serve the winner.
//!
//! One file per command under `command/`; everything that prints is under `output/`. This crate wires the others
//! together, and is the only one that knows the terminal.

mod cli;
mod command;
mod exit;
mod failure;
mod logging;
mod moving;
mod output;
mod project;
mod version;

use std::process::ExitCode;

use clap::Parser;

use crate::cli::{Cli, Command};
use crate::failure::Failure;

fn main() -> ExitCode {
    let cli = Cli::parse();
    logging::start(&cli);
    match run(cli) {
        Ok(code) => ExitCode::from(code),
        Err(failure) => {
            output::error(&failure);
            ExitCode::from(failure.code())
        }
    }
}

fn run(cli: Cli) -> Result<u8, Failure> {
    // Quick commands need no threads; starting them would be half of their time.
    if let Command::Init(args) = cli.command {
        return command::init::run(&args);
    }
    // As many as there are cores: on a single one, a second thread would only cost the hand-overs. What waits for the disk
    // does so elsewhere.
    let n_threads = std::thread::available_parallelism().map_or(2, |n| n.get());
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(n_threads)
        .enable_all()
        .build()
        .map_err(|e| Failure::new(exit::FAILURE, "cannot start the async runtime", &e))?;
    runtime.block_on(async {
        match cli.command {
            Command::Init(_) => unreachable!("ran above"),
            Command::Check(args) => command::check::run(&args).await,
            Command::Run(args) => command::run::run(&args).await,
            Command::Predict(args) => command::predict::run(&args).await,
            Command::Explain(args) => command::explain::run(&args).await,
            Command::Promote(args) => command::promote::run(&args).await,
            Command::Runs(args) => command::runs::run(&args).await,
            Command::Serve(args) => command::serve::run(&args).await,
            Command::Key(args) => command::key::run(&args).await,
            Command::Calls(args) => command::calls::run(&args).await,
        }
    })
}
