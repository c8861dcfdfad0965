//! What ends a command early, ready to be printed.

use std::error::Error;

/// A failure with its exit code.
#[derive(Debug)]
pub(crate) struct Failure {
    code: u8,
    /// What failed, then what caused it, outermost first.
    chain: Vec<String>,
    hint: Option<String>,
}

impl Failure {
    /// `what` failed because of `cause`.
    pub(crate) fn new(code: u8, what: impl Into<String>, cause: &dyn Error) -> Self {
        let mut failure = Failure::message(code, what);
        failure.chain.extend(chain_of(cause));
        failure
    }

    /// An error that says itself what failed.
    pub(crate) fn from_error(code: u8, error: &dyn Error) -> Self {
        Failure { code, chain: chain_of(error), hint: None }
    }

    /// A failure without a cause.
    pub(crate) fn message(code: u8, what: impl Into<String>) -> Self {
        Failure { code, chain: vec![what.into()], hint: None }
    }

    /// The same failure with what to do next.
    pub(crate) fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    pub(crate) fn code(&self) -> u8 {
        self.code
    }

    pub(crate) fn chain(&self) -> &[String] {
        &self.chain
    }

    pub(crate) fn hint(&self) -> Option<&str> {
        self.hint.as_deref()
    }
}

/// The error and its sources; one that only repeats the end of the one before is left out.
fn chain_of(error: &dyn Error) -> Vec<String> {
    let mut chain: Vec<String> = Vec::new();
    let mut next = Some(error);
    while let Some(error) = next {
        let text = error.to_string();
        if chain.last().is_none_or(|last| !last.ends_with(&text)) {
            chain.push(text);
        }
        next = error.source();
    }
    chain
}
