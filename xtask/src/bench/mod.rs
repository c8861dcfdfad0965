//! `cargo xtask bench <what>`: measures the release build of `yw` from outside, as a user meets it; and the engine for
//! trees from inside ([`trees`]), since a peer is called with its rows in memory too.
//!
//! Each benchmark is a file, or a folder, that prints its figures beside the bars they are held to. Under them lie a load
//! generator ([`load`], [`schedule`], [`http`]), the program under test ([`program`], [`cores`]), what it is compared with
//! ([`peer`]) and what it works on ([`banking77`], [`rows`], [`csv`]). State is written to `bench/` in cargo's target
//! folder, which is on a disk where the system's folder for temporary files may be in memory. No key reaches the program,
//! so nothing is ever paid for.

mod banking77;
mod cores;
mod crash;
mod csv;
mod figures;
mod gateway;
mod http;
mod load;
mod options;
mod peer;
mod program;
mod quantile;
mod rows;
mod schedule;
mod serve;
mod startup;
mod text;
mod trees;

use std::path::Path;

/// What `cargo xtask bench` can do, for the usage text.
pub(crate) const USAGE: &str = "  \
  bench serve           latency of `yw serve` under an open load, answers being logged
    --banking77 DIR       on Banking77 (DIR holds train.csv and test.csv), or instead of it:
    PROJECT_DIR --rows F  on a project with a champion and these rows (CSV or JSON lines); its log grows
    --task NAME           which task [default: the only one]
    --rate 1000 --seconds 30 --connections 8 --arrivals poisson|constant --seed 0
  bench crash           kills `yw serve` under load and looks for every answer that a client had
    --banking77 DIR --kills 20 --rate 1000 --connections 8 --seed 0
  bench gateway         what `yw serve` adds to a call of a model, and how many it carries, keys and records being on
    --litellm PROGRAM --portkey SCRIPT   beside other gateways; --million also looks at the memory after so many calls
    --rate 1000 --sustained 5000 --seconds 20 --connections 16
  bench text            fits and predicts Banking77 with `fit = \"linear\"`, in turn with a peer
    --banking77 DIR --rounds 3 --peer \"python3 PATH/text.py\"
  bench trees           fits and predicts with boosted trees, in turn with peers, and asks for single rows
    --rows 500000         on seeded rows, or instead of them:
    --peer \"python3 PATH/trees.py\"  on its rows, beside LightGBM and XGBoost
    --scaling             instead, 50k to 5M rows, 10 to 1,000 features, 1 and 2 threads: time and peak of memory
    --rounds 3 --max-rows 5000000 (with --scaling: leaves out larger tables)
  bench startup         how long `yw --help`, `yw check` and `yw serve` take to start";

/// Runs one benchmark; the message is its table.
pub(crate) fn run(root: &Path, args: &[&str]) -> Result<String, String> {
    match args {
        ["serve", rest @ ..] => serve::run(root, rest),
        ["gateway", rest @ ..] => gateway::run(root, rest),
        ["crash", rest @ ..] => crash::run(root, rest),
        ["text", rest @ ..] => text::run(root, rest),
        ["trees", rest @ ..] => trees::run(root, rest),
        // What `bench trees` starts for each measurement.
        ["trees-case", rest @ ..] => trees::run_case(rest),
        ["startup"] => startup::run(root),
        _ => Err(format!("cargo xtask bench <what>\n\n{USAGE}")),
    }
}
