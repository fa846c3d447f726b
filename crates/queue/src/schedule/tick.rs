//! Ticks: each is a row, and the process that inserts it adds the job.

use std::{collections::BTreeMap, time::Duration};

use chrono::{DateTime, Utc};
use metrics::counter;
use tracing::{Instrument, field::Empty};

use super::{Missed, clock::Clock, slot_key};
use crate::{ArgsError, Db, Error, JobId, NewJob, Registry, enqueue, trace};

/// A schedule with its parsed expression and its job.
struct Row {
    name: String,
    clock: Clock,
    /// The job that each tick adds, under a unique key of its own.
    job: NewJob,
    slot: Option<Duration>,
    missed: Missed,
    since: DateTime<Utc>,
    now: DateTime<Utc>,
}

impl Row {
    fn job_at(&self, fire_at: DateTime<Utc>) -> NewJob {
        let key = match self.slot {
            Some(length) => slot_key(length, fire_at),
            None => format!("tick/{}/{}", self.name, fire_at.format("%FT%TZ")),
        };
        NewJob { unique_key: Some(key), ..self.job.clone() }
    }
}

/// The reason why a schedule made no tick.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Silent {
    /// Its kind is unknown, perhaps of a newer release: left to processes that know it.
    Unknown(String),
    Failed(String),
}

/// Reads the schedules that are not paused, or the schedule of this name, paused or not. A schedule
/// that cannot tick comes with its reason.
async fn rows(
    pool: &Db,
    registry: &Registry,
    name: Option<&str>,
) -> Result<Vec<Result<Row, (String, Silent)>>, Error> {
    let rows = sqlx::query!(
        r#"select name, cron, zone, kind, args, missed, since, clock_timestamp() as "now!",
            extract(epoch from slot)::float8 as slot
        from queue.schedule where case when $1::text is null then not paused else name = $1 end"#,
        name
    )
    .fetch_all(pool)
    .await?;
    let read = rows.into_iter().map(|r| {
        let job = registry.stored_job(&r.kind, &r.args).map_err(|e| match e {
            ArgsError::UnknownKind { .. } => Silent::Unknown(r.kind.clone()),
            ArgsError::Invalid { .. } => Silent::Failed(e.to_string()),
        });
        let clock = Clock::parse(&r.name, &r.cron, &r.zone);
        let clock = clock.map_err(|e| Silent::Failed(e.to_string()));
        match job.and_then(|job| Ok((job, clock?))) {
            Err(why) => Err((r.name, why)),
            Ok((job, clock)) => Ok(Row {
                name: r.name,
                clock,
                job,
                slot: r.slot.map(Duration::from_secs_f64),
                missed: Missed::from_str(&r.missed),
                since: r.since,
                now: r.now,
            }),
        }
    });
    Ok(read.collect())
}

/// Makes the ticks that are due. Any number of processes may do so at once: the tick's row is
/// inserted once, and its job is added in the same transaction. A schedule that fails delays no
/// other; those that made no tick are returned.
pub(crate) async fn tick(
    pool: &Db,
    registry: &Registry,
) -> Result<BTreeMap<String, Silent>, Error> {
    let mut silent = BTreeMap::new();
    for row in rows(pool, registry, None).await? {
        match row {
            Err((name, why)) => {
                silent.insert(name, why);
            }
            Ok(row) => {
                if let Err(e) = make_due(pool, &row).await {
                    silent.insert(row.name, Silent::Failed(e.to_string()));
                }
            }
        }
    }
    Ok(silent)
}

async fn make_due(pool: &Db, row: &Row) -> Result<(), Error> {
    counter!("bellwether_schedule_ticks_total", "schedule" => row.name.clone()).increment(0);
    if row.since > row.now {
        return forget_future(pool, row).await;
    }
    let (due, last) = row.clock.due(row.missed, row.since, row.now);
    let Some(last) = last else { return Ok(()) };
    for fire_at in due {
        make(pool, row, fire_at).await?;
    }
    sqlx::query!(
        "update queue.schedule set since = $2 where name = $1 and since < $2",
        row.name,
        last
    )
    .execute(pool)
    .await?;
    Ok(())
}

/// Takes back a last tick that lies in the future, which the database's clock left there when it jumped
/// ahead and back. Without it the schedule would not tick until that time.
async fn forget_future(pool: &Db, row: &Row) -> Result<(), Error> {
    tracing::warn!(
        schedule = row.name,
        since = %row.since,
        "the last tick lies in the future: the database's clock has jumped back"
    );
    sqlx::query!(
        "update queue.schedule set since = clock_timestamp() where name = $1 and since > clock_timestamp()",
        row.name
    )
    .execute(pool)
    .await?;
    Ok(())
}

/// For the test kit: makes the schedule's tick of this time (`None`: of its next fire time without
/// a tick), unless it is made already. `None`: no such schedule.
pub(crate) async fn tick_at(
    pool: &Db,
    registry: &Registry,
    name: &str,
    at: Option<DateTime<Utc>>,
) -> Result<Option<JobId>, Error> {
    let refuse = |reason| Error::Schedule { name: name.to_owned(), reason };
    let row = match rows(pool, registry, Some(name)).await?.pop() {
        None => return Ok(None),
        Some(Ok(row)) => row,
        Some(Err((_, Silent::Unknown(kind)))) => {
            return Err(refuse(format!("no handler of this process knows its kind {kind}")));
        }
        Some(Err((_, Silent::Failed(reason)))) => return Err(refuse(reason)),
    };
    let last = sqlx::query_scalar!("select max(fire_at) from queue.tick where schedule = $1", name)
        .fetch_one(pool)
        .await?;
    let next = || row.clock.next_after(last.map_or(row.now, |last| last.max(row.now)));
    let fire_at = at.or_else(next).ok_or_else(|| refuse("it never fires again".to_owned()))?;
    make(pool, &row, fire_at).await?;
    let job = sqlx::query_scalar!(
        "select job from queue.tick where schedule = $1 and fire_at = $2",
        name,
        fire_at
    )
    .fetch_one(pool)
    .await?;
    Ok(job.map(JobId))
}

async fn make(pool: &Db, row: &Row, fire_at: DateTime<Utc>) -> Result<(), Error> {
    let name = &row.name;
    let mut tx = pool.begin().await?;
    // the schedules after this one must not wait for a transaction that holds its unique key
    sqlx::query("set local lock_timeout = '1s'").execute(&mut *tx).await?;
    let made = sqlx::query!(
        "insert into queue.tick (schedule, fire_at) values ($1, $2) on conflict do nothing",
        name,
        fire_at
    )
    .execute(&mut *tx)
    .await?;
    if made.rows_affected() == 1 {
        let span = tracing::info_span!(
            "schedule.tick",
            schedule = name,
            otel.kind = "producer",
            trace_id = Empty
        );
        let here = trace::place(&span, None);
        let job = row.job_at(fire_at);
        let added = trace::within(here, enqueue(&mut *tx, job)).instrument(span).await?;
        sqlx::query!(
            "update queue.tick set job = $3 where schedule = $1 and fire_at = $2",
            name,
            fire_at,
            added.id.0
        )
        .execute(&mut *tx)
        .await?;
    }
    tx.commit().await?;
    counter!("bellwether_schedule_ticks_total", "schedule" => name.clone())
        .increment(made.rows_affected());
    Ok(())
}
