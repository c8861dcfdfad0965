//! One module per command; each returns the exit code.

pub(crate) mod calls;
pub(crate) mod check;
pub(crate) mod explain;
pub(crate) mod init;
pub(crate) mod key;
pub(crate) mod predict;
pub(crate) mod promote;
pub(crate) mod run;
pub(crate) mod runs;
pub(crate) mod serve;
pub(crate) mod when;
