//! Schedules: jobs added by the clock, once per tick however many processes tick.

mod clock;

use std::time::Duration;

use chrono::{DateTime, Utc};
use metrics::counter;
use serde_json::Value;
use sqlx::{PgConnection, PgExecutor, postgres::types::PgInterval};
use tracing::{Instrument, field::Empty};

use self::clock::Clock;
use crate::{Db, Enqueued, Error, NewJob, Registry, enqueue, process::interval, trace};

/// What happens to ticks that nobody was there to make.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Missed {
    /// They are left out.
    Skip,
    /// The last of them is made.
    One,
    /// All of them are made, at most 1,000 at a time.
    All,
}

/// A job added by the clock.
#[derive(Clone, Debug)]
pub struct Schedule {
    pub name: String,
    /// Five fields, as in crontab.
    pub cron: String,
    /// A zone by name, for example `America/New_York`.
    pub zone: String,
    pub kind: String,
    pub args: Value,
    /// Take the unique key of the current slot of this length ([`slot_key`]), so that a job added
    /// by hand for the slot and the schedule's own are one.
    pub slot: Option<Duration>,
    pub missed: Missed,
}

/// A schedule as people see it.
#[derive(Clone, Debug)]
pub struct ScheduleView {
    pub name: String,
    pub cron: String,
    pub zone: String,
    pub kind: String,
    pub args: Value,
    pub paused: bool,
    pub last_fire_at: Option<DateTime<Utc>>,
    pub next_fire_at: Option<DateTime<Utc>>,
    /// The job that the last tick added.
    pub last_job: Option<i64>,
}

/// The unique key of the slot of `period` that holds `at`: `slot/30m/2026-11-22T17:30:00Z`. Slots
/// are counted from 1970 in UTC; the period is at least a second.
pub fn slot_key(period: Duration, at: DateTime<Utc>) -> String {
    let seconds = i64::try_from(period.as_secs()).unwrap_or(i64::MAX).max(1);
    let start = at.timestamp().div_euclid(seconds) * seconds;
    let start = DateTime::from_timestamp(start, 0).unwrap_or(at);
    let length = match seconds {
        s if s % 86_400 == 0 => format!("{}d", s / 86_400),
        s if s % 3_600 == 0 => format!("{}h", s / 3_600),
        s if s % 60 == 0 => format!("{}m", s / 60),
        s => format!("{s}s"),
    };
    format!("slot/{length}/{}", start.format("%FT%TZ"))
}

/// The database's clock.
pub async fn now(db: impl PgExecutor<'_>) -> Result<DateTime<Utc>, Error> {
    Ok(sqlx::query_scalar!(r#"select clock_timestamp() as "now!""#).fetch_one(db).await?)
}

/// Makes the schedule exist with this definition; a pause and its history stay. Its first tick is
/// the first after its definition, and again after a change of its expression or zone.
pub async fn define(pool: &Db, schedule: &Schedule) -> Result<(), Error> {
    Clock::parse(&schedule.name, &schedule.cron, &schedule.zone)?;
    sqlx::query!(
        "insert into queue.schedule (name, cron, zone, kind, args, slot, missed)
        values ($1, $2, $3, $4, $5, $6, $7)
        on conflict (name) do update set
            since = case when (schedule.cron, schedule.zone) = (excluded.cron, excluded.zone)
                then schedule.since else clock_timestamp() end,
            cron = excluded.cron, zone = excluded.zone, kind = excluded.kind, args = excluded.args, slot = excluded.slot, missed = excluded.missed",
        schedule.name,
        schedule.cron,
        schedule.zone,
        schedule.kind,
        schedule.args,
        schedule.slot.map(interval) as Option<PgInterval>,
        schedule.missed.as_str()
    )
    .execute(pool)
    .await?;
    Ok(())
}

pub async fn list(pool: &Db) -> Result<Vec<ScheduleView>, Error> {
    let rows = sqlx::query!(
        r#"select s.name, s.cron, s.zone, s.kind, s.args, s.paused, clock_timestamp() as "now!",
            t.fire_at as "fire_at?", t.job as "job?"
        from queue.schedule s
        left join lateral (
            select fire_at, job from queue.tick t where t.schedule = s.name order by fire_at desc limit 1
        ) t on true
        order by s.name"#
    )
    .fetch_all(pool)
    .await?;
    rows.into_iter()
        .map(|r| {
            let next = Clock::parse(&r.name, &r.cron, &r.zone)?.next_after(r.now);
            Ok(ScheduleView {
                next_fire_at: next.filter(|_| !r.paused),
                name: r.name,
                cron: r.cron,
                zone: r.zone,
                kind: r.kind,
                args: r.args,
                paused: r.paused,
                last_fire_at: r.fire_at,
                last_job: r.job,
            })
        })
        .collect()
}

/// For how many seconds the next tick of each schedule has been due; 0 while it is not, or the
/// schedule is paused.
pub async fn overdue(db: &Db) -> Result<Vec<(String, f64)>, Error> {
    let rows = sqlx::query!(
        r#"select name, cron, zone, paused, since, clock_timestamp() as "now!"
        from queue.schedule order by name"#
    )
    .fetch_all(db)
    .await?;
    let late = |r: &Clock, since, now: DateTime<Utc>| {
        let next = r.next_after(since).filter(|next| *next <= now)?;
        Some((now - next).as_seconds_f64())
    };
    Ok(rows
        .into_iter()
        .map(|r| {
            let clock = Clock::parse(&r.name, &r.cron, &r.zone).ok().filter(|_| !r.paused);
            let overdue = clock.and_then(|clock| late(&clock, r.since, r.now)).unwrap_or(0.0);
            (r.name, overdue)
        })
        .collect())
}

/// Adds the schedule's job now, outside its ticks; `None`: no such schedule.
pub async fn run_now(
    db: &mut PgConnection,
    registry: &Registry,
    name: &str,
) -> Result<Option<Enqueued>, Error> {
    let Some(row) = sqlx::query!("select kind, args from queue.schedule where name = $1", name)
        .fetch_optional(&mut *db)
        .await?
    else {
        return Ok(None);
    };
    let job = registry
        .job(&row.kind, row.args)
        .map_err(|e| Error::Schedule { name: name.to_owned(), reason: e.to_string() })?;
    Ok(Some(enqueue::add(db, &job).await?))
}

/// `false`: no such schedule. Ticks that fall into a pause are left out.
pub async fn pause(db: impl PgExecutor<'_>, name: &str, paused: bool) -> Result<bool, Error> {
    let done = sqlx::query!(
        "update queue.schedule set paused = $2, since = clock_timestamp() where name = $1",
        name,
        paused
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected() > 0)
}

/// Makes the ticks that are due. Any number of processes may do so at once: the tick's row admits
/// one, and its job is added in the same transaction.
pub(crate) async fn tick(pool: &Db, registry: &Registry) -> Result<(), Error> {
    let rows = sqlx::query!(
        r#"select name, cron, zone, kind, args, missed, since, clock_timestamp() as "now!",
            extract(epoch from slot)::float8 as slot
        from queue.schedule where not paused"#
    )
    .fetch_all(pool)
    .await?;
    for row in rows {
        counter!("bellwether_schedule_ticks_total", "schedule" => row.name.clone()).increment(0);
        // A kind of a newer release is left to processes that know it.
        let Ok(job) = registry.job(&row.kind, row.args) else { continue };
        // Nor may one that cannot be read keep the others from their ticks.
        let clock = match Clock::parse(&row.name, &row.cron, &row.zone) {
            Ok(clock) => clock,
            Err(e) => {
                tracing::debug!("{e}");
                continue;
            }
        };
        let missed = Missed::from_str(&row.missed);
        let (due, last) = clock.due(missed, row.since, row.now);
        let Some(last) = last else { continue };
        for fire_at in due {
            let mut job = job.clone();
            job.unique_key = match row.slot {
                Some(seconds) => Some(slot_key(Duration::from_secs_f64(seconds), fire_at)),
                None => Some(format!("tick/{}/{}", row.name, fire_at.format("%FT%TZ"))),
            };
            make(pool, &row.name, fire_at, &job).await?;
        }
        sqlx::query!(
            "update queue.schedule set since = $2 where name = $1 and since < $2",
            row.name,
            last
        )
        .execute(pool)
        .await?;
    }
    Ok(())
}

async fn make(pool: &Db, name: &str, fire_at: DateTime<Utc>, job: &NewJob) -> Result<(), Error> {
    let mut tx = pool.begin().await?;
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
        let added = trace::within(here, enqueue::add(&mut tx, job)).instrument(span).await?;
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
    counter!("bellwether_schedule_ticks_total", "schedule" => name.to_owned())
        .increment(made.rows_affected());
    Ok(())
}

impl Missed {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Skip => "skip",
            Self::One => "one",
            Self::All => "all",
        }
    }

    fn from_str(s: &str) -> Self {
        match s {
            "all" => Self::All,
            "one" => Self::One,
            _ => Self::Skip,
        }
    }
}
