//! An attempt's permit, in the form in which a provider's client asks for it.

use bellwether_providers::{Permit, PermitError, Price, Taking, Usage};
use bellwether_queue::{Attempt, limits};

/// The right to one request at a time, under the limit key of the attempt's claim. The cost and the
/// outcome of a request are reported to that key's ledger.
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
    fn take(&self) -> Taking<'_> {
        Box::pin(async {
            let permit = self.attempt.take_permit().await;
            permit.map_err(|error| PermitError { retry_after: None, source: error.into() })
        })
    }

    fn used(&self, usage: Usage) {
        let micros = self.price.micros(usage);
        self.attempt.report_usage(limits::Usage { tokens: usage.total(), micros });
    }

    fn rejected(&self) {
        // the provider does not say how it counts tokens; the price is zero
        let tokens = self.attempt.reserved().tokens;
        self.attempt.report_usage(limits::Usage { tokens, micros: 0 });
    }

    fn fault(&self) {
        self.attempt.fault();
    }
}
