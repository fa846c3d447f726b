//! An attempt as the permit that a provider asks for.

use bellwether_providers::{Permit, PermitError};
use bellwether_queue::Attempt;

/// The right to one request at a time, under the limit key that served the attempt's claim.
pub(crate) struct Granted<'a>(pub(crate) &'a Attempt);

impl Permit for Granted<'_> {
    async fn take(&self) -> Result<(), PermitError> {
        let source: Box<dyn std::error::Error + Send + Sync> = match self.0.take_permit().await {
            Ok(Ok(())) => return Ok(()),
            Ok(Err(not_granted)) => not_granted.into(),
            Err(error) => error.into(),
        };
        Err(PermitError { retry_after: None, source })
    }
}
