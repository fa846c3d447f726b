//! An attempt as the permit that a provider asks for.

use bellwether_providers::{Permit, PermitError, Price, Usage};
use bellwether_queue::{Attempt, limits};

/// The right to one request at a time, under the limit key that served the attempt's claim. What a
/// request cost and how it went is told to the ledger of that key.
pub(crate) struct Granted<'a> {
    attempt: &'a Attempt,
    price: Price,
}

impl<'a> Granted<'a> {
    /// For a provider that counts requests.
    pub(crate) fn new(attempt: &'a Attempt) -> Self {
        Self::priced(attempt, Price::default())
    }

    /// For a model.
    pub(crate) fn priced(attempt: &'a Attempt, price: Price) -> Self {
        Self { attempt, price }
    }
}

impl Permit for Granted<'_> {
    async fn take(&self) -> Result<(), PermitError> {
        let source: Box<dyn std::error::Error + Send + Sync> =
            match self.attempt.take_permit().await {
                Ok(Ok(())) => return Ok(()),
                Ok(Err(not_granted)) => not_granted.into(),
                Err(error) => error.into(),
            };
        Err(PermitError { retry_after: None, source })
    }

    fn used(&self, usage: Usage) {
        let micros = self.price.micros(usage);
        self.attempt.use_up(limits::Usage { tokens: usage.total(), micros });
    }

    fn rejected(&self) {
        // whether its tokens count is the provider's secret; its price is nothing
        let tokens = self.attempt.reserved().tokens;
        self.attempt.use_up(limits::Usage { tokens, micros: 0 });
    }

    fn fault(&self) {
        self.attempt.fault();
    }
}
