/// Why a request cannot be authorized. No message holds a key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AuthError {
    /// The key cannot be sent.
    #[error("the key for the header `{header}` has characters that no header can hold; look for a line break in it")]
    Key {
        /// The header.
        header: String,
    },
    /// A file with keys cannot be read.
    #[error("cannot read the credentials in {path}: {reason}")]
    File {
        /// The file.
        path: String,
        /// What the system says, or what is wrong with its content.
        reason: String,
    },
    /// A kind of credentials that is not known here.
    #[error("{what} cannot be used: {hint}")]
    Unsupported {
        /// What was found.
        what: String,
        /// What to use in its place.
        hint: String,
    },
    /// Keys would be asked for where anyone could listen.
    #[error("credentials are not asked for at {address}: it is neither https nor this machine")]
    Address {
        /// The address, without what follows the host.
        address: String,
    },
    /// The server that gives keys was not reached, or was not understood.
    #[error("no credentials from {from}: {reason}")]
    Fetch {
        /// The server.
        from: String,
        /// What happened.
        reason: String,
    },
    /// The server that gives keys says no.
    #[error("{from} gives no credentials: status {status}: {message}")]
    Refused {
        /// The server.
        from: String,
        /// The HTTP status.
        status: u16,
        /// Its message.
        message: String,
    },
    /// The request cannot be signed.
    #[error("the request cannot be signed: {reason}")]
    Sign {
        /// What is wrong with it.
        reason: String,
    },
}

impl AuthError {
    /// Whether the same request may be authorized a little later.
    pub fn is_transient(&self) -> bool {
        match self {
            AuthError::Fetch { .. } => true,
            AuthError::Refused { status, .. } => *status == 429 || *status >= 500,
            _ => false,
        }
    }
}
