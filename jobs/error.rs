//! What can go wrong in a job, and the one place that decides what it means.

use std::time::Duration;

use bellwether_providers as providers;
use bellwether_providers::{Scope, StopReason};
use bellwether_queue::{self as queue, Attempt, Failure, Verdict, inspect, limits};
use bellwether_store as store;
use chrono::TimeDelta;
use rand::RngExt;

use crate::Services;

/// A key that stops for good is parked for this long; an operator resumes it.
const UNTIL_SOMEBODY_ACTS: Duration = Duration::from_hours(24 * 365);
/// A day's quota that is used up by somebody else's count frees bit by bit.
const HALF_A_DAY: Duration = Duration::from_hours(12);
/// A provider that asks for less may have rounded.
const SHORTEST: Duration = Duration::from_secs(1);
/// Slow-downs of one job that are further back have nothing to do with the next one.
const ONE_EPISODE: TimeDelta = TimeDelta::minutes(30);
/// An answer that does not fit is worth this many further tries.
pub(crate) const USELESS_TRIES: u16 = 2;
/// How the error of such an answer begins.
const UNUSABLE: &str = "unusable answer";
/// How soon to look for the answer that another job waits for.
const LOOK_FOR_ANSWER: Duration = Duration::from_secs(2);
/// How soon to look for a message that may have been sent.
const LOOK_AGAIN: Duration = Duration::from_secs(15);

#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    #[error(transparent)]
    Provider(#[from] providers::Error),
    #[error(transparent)]
    Queue(#[from] queue::Error),
    #[error("the database: {0}")]
    Store(#[from] sqlx::Error),
    /// What the job is about is not there.
    #[error("there is no {0} any more")]
    Gone(&'static str),
    /// What the job needs is switched off.
    #[error("no {0} is configured")]
    Off(&'static str),
    /// Another job is asking what this one would ask.
    #[error("another job is asking about the same story")]
    InFlight,
}

/// Runs a job's work and turns its error into a verdict.
pub(crate) async fn judged(
    cx: &Services,
    attempt: &Attempt,
    work: impl Future<Output = Result<(), Error>>,
) -> Result<(), Failure> {
    match work.await {
        Ok(()) => Ok(()),
        Err(error) => Err(Failure::new(decide(cx, attempt, &error).await, error)),
    }
}

/// What every failure means.
async fn decide(cx: &Services, attempt: &Attempt, error: &Error) -> Verdict {
    match error {
        Error::Provider(providers::Error::Throttled { key, wait, scope, detail }) => {
            let wait = match (wait, scope) {
                // a time that is over says nothing
                (Some(wait), _) if !wait.is_zero() => (*wait).max(SHORTEST) + jitter(),
                (_, Scope::Burst) => Duration::from_secs(2),
                (_, Scope::Minute) => Duration::from_mins(1),
                (_, Scope::Day) => until_window_frees(cx, key).await,
                (_, Scope::Unknown) => growing(cx, attempt, key).await,
            };
            park(cx, key, wait, &format!("asked us to slow down ({scope}): {detail}")).await
        }
        Error::Provider(providers::Error::Stopped { key, reason, detail }) => {
            let detail = format!("{}: {detail}", remedy(*reason));
            match store::operator::add(&cx.pool, key, reason.as_str(), &detail).await {
                Ok(true) => tracing::error!(key, %reason, "an operator has to act: {detail}"),
                Ok(false) => {}
                Err(error) => tracing::warn!(key, "cannot note for the operator: {error}"),
            }
            park(cx, key, UNTIL_SOMEBODY_ACTS, &format!("{reason}: {detail}")).await
        }
        Error::Provider(providers::Error::NotNow(not_now)) => {
            match not_now.source.downcast_ref::<queue::Error>() {
                Some(error) if error.is_lease_lost() => Verdict::Discard,
                Some(_) => Verdict::Snooze { after: Duration::from_secs(1) },
                None => Verdict::Throttle,
            }
        }
        Error::Provider(providers::Error::Unusable { .. }) => match useless(cx, attempt).await {
            before if before >= USELESS_TRIES => Verdict::Discard,
            before => Verdict::Retry { after: Some(Duration::from_secs(5) * (before + 1).into()) },
        },
        Error::Provider(providers::Error::Unknown { .. }) => {
            Verdict::Retry { after: Some(LOOK_AGAIN) }
        }
        Error::Provider(providers::Error::Refused { .. }) | Error::Gone(_) | Error::Off(_) => {
            Verdict::Discard
        }
        Error::InFlight => Verdict::Snooze { after: LOOK_FOR_ANSWER },
        // its lease is gone: whatever is said now is not written
        Error::Queue(queue::Error::LeaseLost(_)) => Verdict::Discard,
        Error::Store(error) | Error::Queue(queue::Error::Database(error)) => of_database(error),
        Error::Provider(_) | Error::Queue(_) => Verdict::Retry { after: None },
    }
}

/// A little more than was asked for: clocks differ, and others wait for the same moment.
fn jitter() -> Duration {
    Duration::from_millis(rand::rng().random_range(0..500))
}

/// How long to leave a key alone that asked for it without saying how long. Each process knows what it
/// was told itself; what others were told stands in the history of the job, since the first in line
/// stays the first while its key is parked.
async fn growing(cx: &Services, attempt: &Attempt, key: &str) -> Duration {
    let told = async {
        let now = queue::schedule::now(&cx.pool).await?;
        let job = inspect::find(&cx.pool, attempt.job()).await?;
        let attempts = job.map(|job| job.attempts).unwrap_or_default();
        let lately =
            attempts.iter().filter(|a| a.ended_at.is_some_and(|at| now - at < ONE_EPISODE));
        Ok::<_, queue::Error>(lately.rev().take_while(|a| is_unexplained(a)).count())
    };
    let told = told.await.unwrap_or_else(|error| {
        tracing::warn!(key, "cannot ask how often the job was told to slow down: {error}");
        0
    });
    cx.next_wait(key, u32::try_from(told).unwrap_or(u32::MAX))
}

/// How many of the job's attempts before this one brought an answer that does not fit: a service that
/// was away in between has used up none of the tries.
pub(crate) async fn useless(cx: &Services, attempt: &Attempt) -> u16 {
    if attempt.number() == 1 {
        return 0;
    }
    match inspect::find(&cx.pool, attempt.job()).await {
        Ok(job) => {
            let attempts = job.map(|job| job.attempts).unwrap_or_default();
            let said = |a: &&inspect::AttemptView| {
                a.error.as_ref().is_some_and(|error| error.starts_with(UNUSABLE))
            };
            u16::try_from(attempts.iter().filter(said).count()).unwrap_or(u16::MAX)
        }
        Err(error) => {
            tracing::warn!("cannot ask how often the job had a useless answer: {error}");
            attempt.number() - 1
        }
    }
}

fn is_unexplained(attempt: &inspect::AttemptView) -> bool {
    let said = format!("({})", Scope::Unknown);
    attempt.outcome == "throttled" && attempt.error.as_ref().is_some_and(|e| e.contains(&said))
}

fn of_database(error: &sqlx::Error) -> Verdict {
    let code = error.as_database_error().and_then(sqlx::error::DatabaseError::code);
    let lost_a_race = matches!(code.as_deref(), Some("40001" | "40P01"));
    // cannot connect, is starting up, is shutting down
    let is_away = code.as_deref().is_some_and(|c| c.starts_with("08") || c.starts_with("57P"));
    match error {
        _ if lost_a_race => {
            let after = rand::rng().random_range(50..250);
            Verdict::Snooze { after: Duration::from_millis(after) }
        }
        sqlx::Error::Io(_) | sqlx::Error::PoolTimedOut | sqlx::Error::PoolClosed => {
            Verdict::Snooze { after: Duration::from_secs(5) }
        }
        _ if is_away => Verdict::Snooze { after: Duration::from_secs(5) },
        _ => Verdict::Retry { after: None },
    }
}

/// Stops the key on every process. A key that nobody defined cannot be parked, and a database that
/// is away cannot be told: then this job alone waits.
async fn park(cx: &Services, key: &str, wait: Duration, reason: &str) -> Verdict {
    let parked = async {
        let mut tx = cx.pool.begin().await?;
        let until = limits::park(&mut tx, key, wait, reason).await?;
        tx.commit().await?;
        Ok::<_, queue::Error>(until)
    };
    match parked.await {
        Ok(Some(_)) => Verdict::Throttle,
        Ok(None) => Verdict::Snooze { after: wait },
        Err(error) => {
            tracing::warn!(key, "cannot park the key, the job waits alone: {error}");
            Verdict::Snooze { after: wait }
        }
    }
}

/// Where our own ledger says that a window is full, it knows when it frees.
async fn until_window_frees(cx: &Services, key: &str) -> Duration {
    let known = async {
        let limits = inspect::limits(&cx.pool).await?;
        let now = queue::schedule::now(&cx.pool).await?;
        let full = |l: &inspect::LimitView| l.windows.iter().any(|w| w.remaining == 0);
        let limit = limits.into_iter().find(|l| l.key == key && full(l));
        let at = limit.and_then(|l| l.next_permit_at);
        Ok::<_, queue::Error>(at.and_then(|at| (at - now).to_std().ok()))
    };
    match known.await {
        Ok(Some(wait)) => wait.clamp(Duration::from_mins(1), HALF_A_DAY * 2),
        Ok(None) => HALF_A_DAY,
        Err(error) => {
            tracing::warn!(key, "cannot ask when the window frees: {error}");
            HALF_A_DAY
        }
    }
}

fn remedy(reason: StopReason) -> &'static str {
    match reason {
        StopReason::BadKey => "check the key, then resume the limit",
        StopReason::NotEntitled => "the plan does not include this; change it or switch it off",
        StopReason::ModelGone => {
            "the model is gone; choose another (for Gemini gemini-flash-lite-latest), then restart"
        }
    }
}
