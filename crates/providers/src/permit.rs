//! What a request must hold before its bytes leave.

use std::{error, fmt, future::Future, time::Duration};

/// The right to make one HTTP request, or to hand over one message, now.
pub trait Permit: Send + Sync {
    /// Asked right before the bytes leave; one call, one request.
    fn take(&self) -> impl Future<Output = Result<(), PermitError>> + Send;
}

/// Not granted now; nothing was sent.
#[derive(Debug)]
pub struct PermitError {
    /// When asking again is worth it, if that is known.
    pub retry_after: Option<Duration>,
    pub source: Box<dyn error::Error + Send + Sync>,
}

impl fmt::Display for PermitError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "no permit now: {}", self.source)
    }
}

impl error::Error for PermitError {
    fn source(&self) -> Option<&(dyn error::Error + 'static)> {
        Some(self.source.as_ref())
    }
}

/// Always granted: for tests, and for tools that a person runs by hand.
#[derive(Debug, Clone, Copy, Default)]
pub struct Free;

impl Permit for Free {
    async fn take(&self) -> Result<(), PermitError> {
        Ok(())
    }
}
