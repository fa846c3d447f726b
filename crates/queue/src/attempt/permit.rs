//! Permits of an attempt's limit key: one for each request, and what its calls have used.

use std::time::Duration;

use chrono::{DateTime, Datelike, Utc};
use metrics::counter;
use tokio::time::Instant;

use super::{Attempt, Calls};
use crate::{
    Error, Failure,
    limits::{self, Usage},
};

/// Time for which a permit is good, from before its claim, by this process's monotonic clock; less if
/// its key's guard is shorter.
const PERMIT_GOOD_FOR: Duration = Duration::from_millis(500);

/// No permit of the attempt's limit key is free now.
#[derive(Debug, thiserror::Error)]
#[error("limit {key} has no permit free{}", next_at.map(|t| format!(" before {}", t.format("%FT%TZ"))).unwrap_or_default())]
pub struct NotGranted {
    pub key: String,
    /// When the next one may be free, by the database's clock; `None`: once a call in flight has
    /// ended.
    pub next_at: Option<DateTime<Utc>>,
}

/// The permit of the last claim or exchange.
pub(super) struct PermitState {
    granted: Instant,
    /// A call has been made with it.
    spent: bool,
}

impl PermitState {
    /// The claim's own permit. `asked`: just before the claim.
    pub(super) fn of_claim(asked: Instant) -> Self {
        Self { granted: asked, spent: false }
    }
}

impl Attempt {
    /// A permit for one request under the attempt's limit key, to be taken just before its bytes
    /// leave. The claim's own permit serves the first request if it is taken within 500 ms of the
    /// claim (or the key's guard, if that is shorter) and while this process's heartbeat is fresh;
    /// a late or further one is exchanged in a short transaction, and [`Error::NotGranted`] if the key has
    /// none free. Without a limit key every request may go.
    pub async fn take_permit(&self) -> Result<(), Error> {
        let Some(key) = self.key() else {
            return Ok(());
        };
        let mut permit = self.permit.lock().await;
        if self.cancelled.is_cancelled() {
            return Err(Error::LeaseLost(self.job()));
        }
        let good_for = self.claimed.guard.map_or(PERMIT_GOOD_FOR, |g| g.min(PERMIT_GOOD_FOR));
        let fresh = permit.granted.elapsed() < good_for && self.owner.heartbeat_is_fresh();
        if permit.spent || !fresh {
            let asked = Instant::now();
            let calls = self.calls();
            let next_at = sqlx::query_scalar!(
                // infinity has no place in a calendar: far away is far enough
                "select case when p = 'infinity' then '9999-01-01Z'::timestamptz else p end
                from queue.exchange_permit($1, $2, $3, $4, $5, $6, $7) p",
                self.lease.process,
                self.job().0,
                self.lease.number,
                permit.spent,
                calls.fault,
                calls.tokens(),
                calls.micros(),
            )
            .fetch_one(self.owner.pool())
            .await
            .map_err(|e| self.lost_or(e))?;
            // What was spent is in the ledger now.
            permit.spent = false;
            *self.calls.lock().expect("no holder of the calls panics") = Calls::default();
            count_permit(key, next_at.is_none());
            if let Some(at) = next_at {
                let next_at = (at.year() < 9999).then_some(at);
                return Err(NotGranted { key: key.to_owned(), next_at }.into());
            }
            permit.granted = asked;
        }
        permit.spent = true;
        self.calls.lock().expect("no holder of the calls panics").used = true;
        Ok(())
    }

    /// Tokens and money that one call may use at most: reserved under its key until the attempt ends.
    pub fn reserved(&self) -> Usage {
        self.claimed.reserved
    }

    /// Records what a call has really used, as its provider reports it; several calls add up. Without
    /// it a call counts as having used all that was reserved.
    pub fn report_usage(&self, usage: Usage) {
        let mut calls = self.calls.lock().expect("no holder of the calls panics");
        let so_far = calls.usage.unwrap_or_default();
        calls.usage = Some(Usage {
            tokens: so_far.tokens.saturating_add(usage.tokens),
            micros: so_far.micros.saturating_add(usage.micros),
        });
    }

    /// Tells that a call met a failing service (an error of its side, no answer, no connection):
    /// the key's breaker counts it. A call of which nothing is told has met a working one.
    pub fn fault(&self) {
        self.calls.lock().expect("no holder of the calls panics").fault = true;
    }

    /// The failure of an attempt that a provider told to slow down (a 429): parks the attempt's limit
    /// key for `retry_after` on every process, and gives the job back to its lane without spending
    /// the attempt. In a lane without limit keys the job itself is put off for that long.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use bellwether_queue::{Attempt, Failure};
    /// # async fn run(attempt: &Attempt) -> Result<(), Failure> {
    /// # let (status, retry_after) = (429, Duration::from_secs(30));
    /// if status == 429 {
    ///     return Err(attempt.rate_limited(retry_after).await);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub async fn rate_limited(&self, retry_after: Duration) -> Failure {
        let why = format!("rate limited: retry after {} s", retry_after.as_secs());
        let Some(key) = self.key() else { return Failure::snooze(retry_after, why) };
        let park = async {
            let mut tx = self.owner.pool().begin().await?;
            limits::park(&mut tx, key, retry_after, &why).await?;
            Ok::<_, Error>(tx.commit().await?)
        };
        match park.await {
            Ok(()) => Failure::throttle(why),
            // the key still serves: its jobs would meet the same answer at once
            Err(e) => Failure::snooze(retry_after, format!("{why}; cannot park {key}: {e}")),
        }
    }

    fn lost_or(&self, e: sqlx::Error) -> Error {
        if e.as_database_error().and_then(sqlx::error::DatabaseError::code).as_deref()
            == Some("QU002")
        {
            self.lose("permit");
            Error::LeaseLost(self.job())
        } else {
            e.into()
        }
    }
}

/// A permit was asked for, by a claim or by exchange.
pub(crate) fn count_permit(key: &str, granted: bool) {
    let key = key.to_owned();
    counter!("bellwether_limit_grants_total", "key" => key.clone()).increment(u64::from(granted));
    counter!("bellwether_limit_refusals_total", "key" => key).increment(u64::from(!granted));
}
