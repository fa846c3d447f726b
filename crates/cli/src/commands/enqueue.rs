//! `bellwether enqueue`: adds a job, prints its id, and may follow it to its end.

use std::time::Duration;

use anyhow::{Context, bail};
use bellwether_queue::{
    Db, JobId, State,
    inspect::{self, Family},
    schedule, trace,
};
use chrono::{DateTime, Utc};
use clap::{Args, ValueEnum};
use tokio::time::Instant;
use tracing::{Instrument, field::Empty};

use crate::{
    args::value::parse_time,
    database::{Database, DatabaseArgs},
    out::say,
};

const LOOK: Duration = Duration::from_millis(250);
/// Interval at which the reason of a waiting job is looked up, and printed if it has changed.
const REASON: Duration = Duration::from_secs(3);
/// Interval at which an unchanged reason is printed again.
const AGAIN: Duration = Duration::from_secs(30);

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Wait {
    /// Until the job has ended
    Job,
    /// Until its children have ended too
    Batch,
}

#[derive(Args)]
pub(crate) struct EnqueueArgs {
    /// Kind: scrape_batch, scrape_quotes, scrape_news, scrape_feed, analyze_article, derive_signal,
    /// evaluate_alerts, send_notification or prune
    kind: String,
    /// Arguments, as JSON
    #[arg(
        long,
        env = "BELLWETHER_ENQUEUE_ARGS",
        default_value = "{}",
        value_parser = parse_json
    )]
    args: serde_json::Value,
    /// Unique key: no second job of the kind with the same key is added
    #[arg(
        long,
        env = "BELLWETHER_ENQUEUE_UNIQUE_KEY",
        conflicts_with = "slot",
        value_parser = parse_unique_key
    )]
    unique_key: Option<String>,
    /// Earliest time to run, for example 2026-11-30T14:30:00Z
    #[arg(long, env = "BELLWETHER_ENQUEUE_AT", value_name = "TIME", value_parser = parse_time)]
    at: Option<DateTime<Utc>>,
    /// The unique key of the current slot of this length by the database's clock, for example 30m
    #[arg(long, env = "BELLWETHER_ENQUEUE_SLOT", value_parser = parse_slot)]
    slot: Option<Duration>,
    /// Priority, 0 (first) to 9
    #[arg(long, env = "BELLWETHER_ENQUEUE_PRIORITY", value_parser = clap::value_parser!(u8).range(0..=9))]
    priority: Option<u8>,
    /// Attempts, 1 to 25
    #[arg(long, env = "BELLWETHER_ENQUEUE_MAX_ATTEMPTS", value_parser = clap::value_parser!(u16).range(1..=25))]
    max_attempts: Option<u16>,
    /// Tags, separated by commas
    #[arg(long, env = "BELLWETHER_ENQUEUE_TAGS", value_delimiter = ',', value_parser = parse_tag)]
    tags: Vec<String>,
    /// Follow the job to its end: exit 0 only if it completed; `--wait=batch`: its children too
    #[arg(
        long,
        env = "BELLWETHER_ENQUEUE_WAIT",
        value_enum,
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "job"
    )]
    wait: Option<Wait>,
    /// With `--wait`: give up after this time, exit 1 and print why the job waits; without it,
    /// wait as long as the job takes
    #[arg(
        long,
        env = "BELLWETHER_ENQUEUE_TIMEOUT",
        value_name = "TIME",
        value_parser = humantime::parse_duration
    )]
    timeout: Option<Duration>,
    #[command(flatten)]
    database: DatabaseArgs,
}

fn parse_json(text: &str) -> Result<serde_json::Value, String> {
    serde_json::from_str(text).map_err(|e| format!("not JSON: {e}"))
}

fn parse_unique_key(key: &str) -> Result<String, &'static str> {
    let fits = (1..=255).contains(&key.len()) && !key.contains('\0');
    fits.then(|| key.to_owned()).ok_or("a unique key has 1 to 255 bytes")
}

fn parse_tag(tag: &str) -> Result<String, &'static str> {
    let fits = (1..=64).contains(&tag.chars().count()) && !tag.contains('\0');
    fits.then(|| tag.to_owned()).ok_or("a tag has 1 to 64 characters")
}

fn parse_slot(text: &str) -> Result<Duration, String> {
    let slot = humantime::parse_duration(text).map_err(|e| e.to_string())?;
    if slot < Duration::from_secs(1) {
        return Err("a slot lasts at least a second".to_owned());
    }
    Ok(slot)
}

pub(crate) async fn run(args: EnqueueArgs) -> anyhow::Result<bool> {
    let mut job = bellwether_jobs::registry().job(&args.kind, &args.args)?;
    let added = Database::using(&args.database, async |database| {
        let pool = &database.pool;
        if let Some(period) = args.slot {
            let now = schedule::now(pool).await?;
            job.unique_key = Some(schedule::slot_key(period, now));
        }
        if let Some(key) = args.unique_key {
            job.unique_key = Some(key);
        }
        job.due_at = args.at;
        job.priority = args.priority.unwrap_or(job.priority);
        job.max_attempts = args.max_attempts.unwrap_or(job.max_attempts);
        job.tags.extend(args.tags);
        let mut tx = pool.begin().await?;
        let span = tracing::info_span!(
            "enqueue",
            otel.kind = "producer",
            job.kind = job.kind,
            trace_id = Empty
        );
        let add = bellwether_queue::enqueue(&mut *tx, job);
        let added = trace::within(trace::place(&span, None), add).instrument(span).await?;
        tx.commit().await?;
        say!("{}", added.id)?;
        if added.duplicate {
            tracing::info!(job.id = %added.id, "the job was there already");
        }
        let follows = Follower::new(pool, added.id, args.timeout);
        match args.wait {
            None => Ok(true),
            Some(Wait::Job) => follows.job().await,
            Some(Wait::Batch) => follows.family().await,
        }
    });
    added.await
}

/// Follows a job to its end, prints why it waits, and gives up at the timeout.
struct Follower<'a> {
    pool: &'a Db,
    id: JobId,
    began: Instant,
    timeout: Option<Duration>,
    next: Instant,
    told: Option<(String, Instant)>,
}

impl<'a> Follower<'a> {
    fn new(pool: &'a Db, id: JobId, timeout: Option<Duration>) -> Self {
        let began = Instant::now();
        Self { pool, id, began, timeout, next: began + REASON, told: None }
    }

    /// Follows the job; returns true if it completed.
    async fn job(mut self) -> anyhow::Result<bool> {
        let id = self.id;
        loop {
            let found = inspect::find(self.pool, id).await?;
            let job = found.with_context(|| format!("job {id} is gone"))?.job;
            if job.state.is_final() {
                if job.state != State::Completed {
                    tracing::error!(job.id = %id, "{} is {}: {}", job.kind, job.state, job.error.unwrap_or_default());
                }
                return Ok(job.state == State::Completed);
            }
            self.pause(id).await?;
        }
    }

    /// Follows the job and everything that it led to, children of children included; returns true
    /// if all completed.
    async fn family(mut self) -> anyhow::Result<bool> {
        let mut family = Family::of(self.id);
        let mut told = 0;
        loop {
            if !family.look(self.pool).await? {
                bail!("job {} is gone", self.id);
            }
            let (ended, total) = (family.ended(), family.total());
            if ended > told {
                told = ended;
                tracing::info!(job.id = %self.id, "{ended} of {total} jobs have ended");
            }
            if family.is_over() {
                break;
            }
            self.pause(family.unfinished().unwrap_or(self.id)).await?;
        }
        for failed in family.failures() {
            let error = failed.error.as_deref().unwrap_or_default();
            tracing::error!(job.id = %failed.id, "{} is {}: {error}", failed.kind, failed.state);
        }
        Ok(family.failures().is_empty())
    }

    /// Pauses between two looks. Prints why `waiting` does not run every 3 s if the reason has
    /// changed, and every 30 s; fails at the timeout with that reason.
    async fn pause(&mut self, waiting: JobId) -> anyhow::Result<()> {
        let timeout = self.timeout.filter(|timeout| self.began.elapsed() >= *timeout);
        if timeout.is_some() || Instant::now() >= self.next {
            self.next = Instant::now() + REASON;
            let Some(why) = inspect::why(self.pool, waiting).await? else { return Ok(()) };
            let start = why.estimated_start_at.map(|at| at.format("; estimated start %FT%TZ"));
            let start = start.map(|start| start.to_string()).unwrap_or_default();
            if let Some(timeout) = timeout {
                let timeout = humantime::format_duration(timeout);
                bail!(
                    "job {waiting} has not ended within {timeout} and stays in the queue; it is {}: {}{start}",
                    why.state,
                    why.reason
                );
            }
            // a count that falls is no other reason
            let reason = why.reason.replace(|c: char| c.is_ascii_digit(), "");
            if self.told.as_ref().is_none_or(|(told, at)| *told != reason || at.elapsed() >= AGAIN)
            {
                tracing::info!(job.id = %waiting, "still {}: {}{start}", why.state, why.reason);
                self.told = Some((reason, Instant::now()));
            }
        }
        tokio::time::sleep(LOOK).await;
        Ok(())
    }
}
