//! Failures of jobs, and the one place that decides about each.

use std::time::Duration;

use bellwether_providers as providers;
use bellwether_providers::{Scope, StopReason};
use bellwether_queue::{self as queue, Attempt, Failure, Fault, Verdict, inspect, limits};
use bellwether_store as store;
use chrono::TimeDelta;
use rand::RngExt;

use crate::Services;

/// Park of a key whose credential is refused; then one call tries it again: a key that the provider
/// has restored works again without an operator, and a wrong one costs a call an hour. A start with
/// another credential ends the park at once (`limits::define`).
const REFUSED_KEY: Duration = Duration::from_hours(1);
/// The same for a plan that does not include the call and for a retired model, where each call
/// costs quota.
const REFUSED_CALL: Duration = Duration::from_hours(24);
/// Wait for a day's quota that other users of the key have used up: it frees bit by bit.
const HALF_A_DAY: Duration = Duration::from_hours(12);
/// Shortest wait that is taken literally: a provider that asks for less may have rounded.
const SHORTEST: Duration = Duration::from_secs(1);
/// Refusals of one job that are further apart do not lengthen each other's waits.
const ONE_EPISODE: TimeDelta = TimeDelta::minutes(30);
/// An answer that does not fit is worth this many further tries.
pub(crate) const USELESS_TRIES: u16 = 2;
/// The code of an unusable answer.
const UNUSABLE: &str = "unusable";
/// The code of a refusal without a wait or a window.
const UNEXPLAINED: &str = "throttled_unexplained";
/// Wait before the next check for the answer that another job is fetching.
const LOOK_FOR_ANSWER: Duration = Duration::from_secs(2);
/// Wait before the next check for a message that may have been sent.
pub(crate) const LOOK_AGAIN: Duration = Duration::from_secs(15);
/// The first and the longest wait for a database, or a machine, that cannot serve now.
const OUTAGE: Duration = Duration::from_secs(5);
const LONGEST_OUTAGE: Duration = Duration::from_mins(5);

#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    #[error(transparent)]
    Provider(#[from] providers::Error),
    #[error(transparent)]
    Queue(#[from] queue::Error),
    #[error("the database: {0}")]
    Store(#[from] sqlx::Error),
    /// The subject of the job does not exist.
    #[error("there is no {0} any more")]
    Gone(&'static str),
    /// A service that the job needs is switched off.
    #[error("no {0} is configured")]
    Off(&'static str),
    /// A message that is kept and sent later, however often the channel fails.
    #[error("{error}")]
    Undelivered { error: providers::Error, after: Duration },
    /// Another job is asking the same question.
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
        Err(error) => {
            let code = code(&error);
            Err(Failure::new(decide(cx, attempt, &error).await, error).code(code))
        }
    }
}

/// The code that an attempt keeps beside the text of its error: later attempts decide by it.
fn code(error: &Error) -> &'static str {
    match error {
        Error::Provider(providers::Error::Throttled { scope: Scope::Unknown, .. }) => UNEXPLAINED,
        Error::Provider(error) | Error::Undelivered { error, .. } => error.class(),
        Error::Queue(_) | Error::Store(_) => "database",
        Error::Gone(_) => "gone",
        Error::Off(_) => "off",
        Error::InFlight => "in_flight",
    }
}

/// Decides about every failure.
async fn decide(cx: &Services, attempt: &Attempt, error: &Error) -> Verdict {
    match error {
        Error::Provider(providers::Error::Throttled { key, wait, scope, detail }) => {
            let wait = match (wait, scope) {
                // a time in the past is no wait
                (Some(wait), _) if !wait.is_zero() => (*wait).max(SHORTEST) + jitter(),
                (_, Scope::Burst) => Duration::from_secs(2),
                (_, Scope::Minute) => Duration::from_mins(1),
                (_, Scope::Day) => until_window_frees(cx, key).await,
                (_, Scope::Unknown) => growing(cx, attempt, key).await,
            };
            park(cx, key, wait, &format!("asked us to slow down ({scope}): {detail}")).await
        }
        Error::Provider(providers::Error::Stopped { key, reason, detail }) => {
            stop(cx, attempt, key, *reason, detail).await
        }
        Error::Provider(providers::Error::NotNow(not_now)) => {
            match not_now.source.downcast_ref::<queue::Error>() {
                None | Some(queue::Error::NotGranted(_)) => Verdict::Throttle,
                Some(error) => of_queue(cx, attempt, error).await,
            }
        }
        Error::Provider(providers::Error::Local { .. }) => put_off(cx, attempt, OUTAGE).await,
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
        Error::Undelivered { after, .. } => Verdict::Snooze { after: *after },
        Error::InFlight => Verdict::Snooze { after: LOOK_FOR_ANSWER },
        Error::Store(error) => of_database(cx, attempt, Fault::of(error)).await,
        Error::Queue(error) => of_queue(cx, attempt, error).await,
        Error::Provider(_) => Verdict::Retry { after: None },
    }
}

async fn of_queue(cx: &Services, attempt: &Attempt, error: &queue::Error) -> Verdict {
    match error.fault() {
        Some(fault) => of_database(cx, attempt, fault).await,
        // the lease is lost: no verdict is written
        None if error.is_lease_lost() => Verdict::Discard,
        None => Verdict::Retry { after: None },
    }
}

/// Only a statement that is itself wrong spends the attempt.
async fn of_database(cx: &Services, attempt: &Attempt, fault: Fault) -> Verdict {
    match fault {
        Fault::Contention => {
            let moment = Duration::from_millis(rand::rng().random_range(50..250));
            put_off(cx, attempt, moment).await
        }
        Fault::Outage => put_off(cx, attempt, OUTAGE).await,
        Fault::Statement => Verdict::Retry { after: None },
    }
}

/// Releases the attempt; the waits double from `first` up to five minutes while the job is put off
/// repeatedly.
async fn put_off(cx: &Services, attempt: &Attempt, first: Duration) -> Verdict {
    let so_far = async {
        let now = queue::schedule::now(&cx.pool).await?;
        let job = inspect::find(&cx.pool, attempt.job()).await?;
        let attempts = job.map(|job| job.attempts).unwrap_or_default();
        let ended = attempts.iter().rev().filter(|a| a.ended_at.is_some());
        let began = ended.take_while(|a| a.outcome == "snoozed").last().map(|a| a.started_at);
        Ok::<_, queue::Error>(began.and_then(|at| (now - at).to_std().ok()).unwrap_or_default())
    };
    // a database that cannot be read takes no report either: the wait begins once it is back
    let so_far = so_far.await.unwrap_or_default();
    Verdict::Snooze { after: so_far.clamp(first, LONGEST_OUTAGE) }
}

/// Random addition to a wait: clocks differ, and other jobs wait for the same moment.
fn jitter() -> Duration {
    Duration::from_millis(rand::rng().random_range(0..500))
}

/// Wait for a key whose provider refused without naming a time. Each process knows the refusals
/// that it received itself; those of other processes are in the job's history, since the first job
/// in line stays the first while its key is parked.
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
        tracing::warn!(key, "cannot read how often the provider refused this job, so the shortest wait applies: {error}");
        0
    });
    cx.next_wait(key, u32::try_from(told).unwrap_or(u32::MAX))
}

/// Number of the job's earlier attempts that brought an unusable answer. Attempts during an outage
/// of the service do not count.
pub(crate) async fn useless(cx: &Services, attempt: &Attempt) -> u16 {
    if attempt.number() == 1 {
        return 0;
    }
    match inspect::find(&cx.pool, attempt.job()).await {
        Ok(job) => {
            let attempts = job.map(|job| job.attempts).unwrap_or_default();
            let said = |a: &&inspect::AttemptView| a.code.as_deref() == Some(UNUSABLE);
            u16::try_from(attempts.iter().filter(said).count()).unwrap_or(u16::MAX)
        }
        Err(error) => {
            tracing::warn!(
                "cannot read how often the job had an unusable answer, so every attempt counts: {error}"
            );
            attempt.number() - 1
        }
    }
}

fn is_unexplained(attempt: &inspect::AttemptView) -> bool {
    attempt.code.as_deref() == Some(UNEXPLAINED)
}

/// Stops the key on every process. If the key is not defined or the database does not answer, it
/// cannot be parked: then this job alone waits.
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
            tracing::warn!(key, "cannot park the key, so only this job waits: {error}");
            Verdict::Snooze { after: wait }
        }
    }
}

/// Parks a key that its provider refuses, and notes the credential for the operator.
async fn stop(
    cx: &Services,
    attempt: &Attempt,
    key: &str,
    reason: StopReason,
    detail: &str,
) -> Verdict {
    let detail = format!("{}: {detail}", remedy(reason));
    let wait = match reason {
        StopReason::BadKey => REFUSED_KEY,
        StopReason::NotEntitled | StopReason::ModelGone => REFUSED_CALL,
    };
    let stopped = async {
        let mut tx = cx.pool.begin().await?;
        let until = limits::park(&mut tx, key, wait, &format!("{reason}: {detail}")).await?;
        let credential = cx.credentials.mark(key);
        let (reason, mark) = (reason.as_str(), Some(credential.as_str()));
        let is_new = store::operator::stop(&mut *tx, key, reason, &detail, until, mark).await?;
        tx.commit().await?;
        Ok::<_, Error>((until, is_new))
    };
    match stopped.await {
        Ok((until, is_new)) => {
            if is_new {
                tracing::error!(key, %reason, "an operator has to act: {detail}");
            }
            until.map_or(Verdict::Snooze { after: wait }, |_| Verdict::Throttle)
        }
        Err(error) => {
            tracing::warn!(key, "cannot park the key, so only this job waits: {error}");
            put_off(cx, attempt, OUTAGE).await
        }
    }
}

/// Wait until a window frees that the ledger itself reports as full.
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
            tracing::warn!(key, "cannot read when the window frees: {error}");
            HALF_A_DAY
        }
    }
}

fn remedy(reason: StopReason) -> &'static str {
    match reason {
        StopReason::BadKey => "set another key and start again, which lifts the park",
        StopReason::NotEntitled => "the plan does not include this; change it or switch it off",
        StopReason::ModelGone => {
            "the model is gone; choose another (for Gemini gemini-flash-lite-latest), then restart"
        }
    }
}
