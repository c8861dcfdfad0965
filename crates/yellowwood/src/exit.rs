//! Exit codes. They are part of the interface: scripts and CI gates rely on them.

/// Everything worked.
pub(crate) const OK: u8 = 0;

/// Something failed that is not listed below: the disk, a port, a damaged store.
pub(crate) const FAILURE: u8 = 1;

/// The command line is wrong (clap's own code).
pub(crate) const USAGE: u8 = 2;

/// The project file is missing or has errors.
pub(crate) const PROJECT: u8 = 3;

/// The data cannot be used.
pub(crate) const DATA: u8 = 4;

/// `--gate`: no champion, or it misses the task's limits.
pub(crate) const GATE: u8 = 5;

/// Rows were left without an answer: by `yw predict` or `yw explain --row`, for some rows.
pub(crate) const ROWS: u8 = 6;

/// Shown at the end of `yw --help`.
pub(crate) const HELP: &str = "\
Exit codes:
  0  everything worked
  1  a failure not listed below
  2  wrong usage
  3  the project file is missing or has errors
  4  the data cannot be used
  5  run --gate: no champion, or it misses the limits
  6  predict, explain --row: some rows have no answer";
