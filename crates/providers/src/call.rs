//! One span per request: who was asked, how it ended, how long it took. No body, no key.

use std::future::Future;

use tokio::time::Instant;
use tracing::{Instrument, field::Empty, info_span};

use crate::error::{Error, Result};

pub(crate) async fn observed<T>(
    provider: &'static str,
    request: impl Future<Output = Result<T>>,
) -> Result<T> {
    let span = info_span!("provider.call", provider, outcome = Empty, duration_ms = Empty);
    let began = Instant::now();
    let result = request.instrument(span.clone()).await;
    span.record("outcome", result.as_ref().map_or_else(Error::class, |_| "ok"));
    span.record("duration_ms", u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX));
    result
}
