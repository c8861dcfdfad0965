//! The project file from outside: what is accepted, what is refused and how it is said.

mod accepted;
mod gateway;
mod mistakes;
mod mutations;
mod reference;

use std::path::Path;

use yw_config::{Problems, Project};

/// Checks a text as if it lay in a folder without other files.
fn parse(text: &str) -> Result<Project, Problems> {
    yw_config::parse(text, Path::new("/nowhere/support/yellowwood.toml"))
}
