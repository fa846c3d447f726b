//! What a request must hold before its bytes leave, and who is told what became of it.

use std::{error, fmt, future::Future, time::Duration};

use crate::reading::Usage;

/// The right to make one HTTP request, or to hand over one message, now.
pub trait Permit: Send + Sync {
    /// Asked right before the bytes leave; one call, one request.
    fn take(&self) -> impl Future<Output = Result<(), PermitError>> + Send;

    /// An answer said what it cost, whether or not it was of use. Adds up over the requests.
    fn used(&self, usage: Usage) {
        let _ = usage;
    }

    /// The provider turned the request down (4xx): it may count, but nobody pays for it.
    fn rejected(&self) {}

    /// The service failed: no connection, no answer in time, or a 5xx.
    fn fault(&self) {}
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
