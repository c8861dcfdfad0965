//! `cargo xtask bench trees`: boosted trees, in turn with a peer's ([`speed`]), or on tables of many shapes ([`scaling`]).
//!
//! Each measurement is a [`case`] in a process of its own, on [`rows`] that lie in memory before its clock starts.

mod case;
mod rows;
mod scaling;
mod speed;

use std::path::Path;

use super::options::Options;
use case::Worker;

/// Runs one measurement and returns its line: what the other processes are started with.
pub(crate) use case::run as run_case;

pub(crate) fn run(root: &Path, args: &[&str]) -> Result<String, String> {
    let options = Options::parse_with_flags(args, &["rounds", "rows", "peer", "max-rows"], &["scaling"])?;
    let n_rounds: usize = options.positive("rounds", 3)?;
    let unfit = if options.has("scaling") { ["rows", "peer"].as_slice() } else { &["max-rows"] };
    if let Some(name) = unfit.iter().find(|name| options.text(name).is_some()) {
        let instead = if options.has("scaling") { "goes without" } else { "needs" };
        return Err(format!("--{name} {instead} --scaling"));
    }
    if options.has("scaling") {
        return scaling::run(&Worker::find(root)?, n_rounds, options.positive("max-rows", usize::MAX)?);
    }
    let source = speed::Source::new(&options)?;
    speed::run(&Worker::find(root)?, n_rounds, source)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_that_do_not_go_together_are_named() {
        let check = |args: &[&str], expect: &str| assert_eq!(run(Path::new(""), args).unwrap_err(), expect);
        check(&["--scaling", "--rows", "5"], "--rows goes without --scaling");
        check(&["--max-rows", "5"], "--max-rows needs --scaling");
        check(&["--rounds", "0"], "--rounds must be above zero");
        check(&["--rows", "5", "--peer", "x"], "--rows is for seeded rows; a peer brings its own");
    }
}
