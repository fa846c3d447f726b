//! The permit that a request must hold before it is sent, and the reports of its outcome.

use std::{error, fmt, pin::Pin, time::Duration};

use crate::reading::Usage;

/// A permit on its way.
pub type Taking<'a> = Pin<Box<dyn Future<Output = Result<(), PermitError>> + Send + 'a>>;

/// The right to send one HTTP request, or one message, now.
pub trait Permit: Send + Sync {
    /// Called right before the request is sent; one call for each request.
    fn take(&self) -> Taking<'_>;

    /// Reports the usage of an answer, usable or not. Adds up over the requests.
    fn used(&self, usage: Usage) {
        let _ = usage;
    }

    /// The provider rejected the request (4xx): it may count, but it is not billed.
    fn rejected(&self) {}

    /// Reports a failure of the service: no connection, no answer in time, or a 5xx.
    fn fault(&self) {}
}

/// Not granted now; nothing was sent.
#[derive(Debug)]
pub struct PermitError {
    /// Time after which another try is useful, if known.
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

/// Always granted: for tests, and for tools without a database.
#[derive(Debug, Clone, Copy, Default)]
pub struct Free;

impl Permit for Free {
    fn take(&self) -> Taking<'_> {
        Box::pin(async { Ok(()) })
    }
}
