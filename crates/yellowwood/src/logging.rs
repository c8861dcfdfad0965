//! Logs, on standard error: warnings, and for the server one line a request.

use std::io::IsTerminal;

use tracing_subscriber::EnvFilter;

use crate::cli::{Cli, Command};

/// Starts logging as `YW_LOG` says, or as suits the command.
pub(crate) fn start(cli: &Cli) {
    let default = if matches!(cli.command, Command::Serve(_)) { "warn,yw_server=info" } else { "error" };
    let filter = EnvFilter::try_from_env("YW_LOG").unwrap_or_else(|_| EnvFilter::new(default));
    let colours = std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|v| v.is_empty());
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(colours)
        .with_target(false)
        .init();
}
