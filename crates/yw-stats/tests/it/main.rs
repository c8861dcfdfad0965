//! Integration tests.

mod coverage;
mod degenerate;
mod oracle;
mod oracle_values;
mod properties;
mod scenarios;
mod simulation;
