//! Schedules: jobs added by the clock, once per tick however many processes tick.
//!
//! A schedule is a row: it stays until it is removed ([`remove`], [`keep_only`]), also when no code names
//! it any more. Every [`Process`](crate::Process) ticks the schedules whose kinds it knows.
//!
//! ```no_run
//! # use bellwether_queue::{Attempt, Db, Error, Failure, Job, JobArgs};
//! # #[derive(serde::Serialize, serde::Deserialize)]
//! # struct Report { period: String }
//! # impl JobArgs for Report {
//! #     const KIND: &'static str = "report";
//! #     const QUEUE: &'static str = "reports";
//! # }
//! #
//! # impl Job for Report {
//! #     type Context = ();
//! #     type Output = ();
//! #     async fn run(self, _: (), _: &Attempt) -> Result<(), Failure> { Ok(()) }
//! # }
//! use bellwether_queue::schedule::{self, Missed, Schedule};
//!
//! # async fn define(db: Db) -> Result<(), Error> {
//! let monday = Report { period: "week".into() };
//! let weekly = Schedule::of("weekly-report", "0 8 * * mon", "Europe/Zurich", &monday)?;
//! schedule::define(&db, &weekly.missed(Missed::One)).await?;
//! schedule::keep_only(&db, &["weekly-report"]).await?; // removes those of earlier releases
//! # Ok(())
//! # }
//! ```

mod clock;
mod tick;

use std::time::Duration;

use chrono::{DateTime, Utc};
use serde_json::Value;
use sqlx::{PgConnection, PgExecutor, postgres::types::PgInterval};

use self::clock::Clock;
pub(crate) use self::tick::{Silent, tick, tick_at};
use crate::{Db, Enqueued, Error, JobArgs, NewJob, Registry, db::interval, enqueue};

/// Handling of ticks that no process made in time.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Missed {
    /// They are left out. A tick counts as missed 60 s after its time.
    Skip,
    /// The last of them is made.
    One,
    /// All of them are made, at most 1,000 at a time.
    All,
}

/// A schedule to be defined: a job added by the clock.
#[derive(Clone, Debug)]
pub struct Schedule {
    pub name: String,
    /// Five fields, as in crontab: minute, hour, day of the month, month, weekday (0 or 7 is
    /// Sunday; `mon-fri` and `sat-sun` are ranges). If both the day of the month and the weekday
    /// are restricted, the expression fires on days that fit either.
    ///
    /// The expression decides where clocks change. One for every hour (its hour field begins with
    /// `*`) fires in each hour that passes: twice in the hour that is repeated in autumn, not at
    /// all in the hour that is skipped in spring. One for certain hours fires once a day: in autumn
    /// the first time; if spring skips its time, as long after midnight as on other days.
    pub cron: String,
    /// A zone by name, for example `America/New_York`.
    pub zone: String,
    /// A process that does not know the kind leaves the schedule to processes that do.
    pub kind: String,
    pub args: Value,
    /// Take the unique key of the current slot of this length ([`slot_key`]), so that the schedule
    /// adds no job for a slot for which a job was added by hand.
    pub slot: Option<Duration>,
    pub missed: Missed,
}

impl Schedule {
    /// A schedule that adds this job with its kind's policy, and leaves out missed ticks.
    pub fn of<J: JobArgs>(
        name: impl Into<String>,
        cron: impl Into<String>,
        zone: impl Into<String>,
        job: &J,
    ) -> Result<Self, Error> {
        let job = NewJob::of(job);
        if let Some(reason) = job.unwritable {
            return Err(Error::Schedule { name: name.into(), reason });
        }
        let (kind, args) = (job.kind, job.args);
        let (name, cron, zone) = (name.into(), cron.into(), zone.into());
        Ok(Self { name, cron, zone, kind, args, slot: None, missed: Missed::Skip })
    }

    #[must_use]
    pub fn missed(mut self, missed: Missed) -> Self {
        self.missed = missed;
        self
    }

    /// Takes the unique key of the current slot of this length ([`slot_key`]).
    #[must_use]
    pub fn slot(mut self, length: Duration) -> Self {
        self.slot = Some(length);
        self
    }
}

/// A schedule as a monitor shows it.
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

/// Returns the unique key of the slot of `period` that contains `at`:
/// `slot/30m/2026-11-22T17:30:00Z`. Slots are counted from 1970 in UTC; the period is at least a
/// second.
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

/// Returns the time of the database's clock.
pub async fn now(db: impl PgExecutor<'_>) -> Result<DateTime<Utc>, Error> {
    Ok(sqlx::query_scalar!(r#"select clock_timestamp() as "now!""#).fetch_one(db).await?)
}

/// Returns the next time after `t` at which an expression fires in a zone; `None`: never again.
pub fn next_after(
    cron: &str,
    zone: &str,
    t: DateTime<Utc>,
) -> Result<Option<DateTime<Utc>>, Error> {
    Ok(Clock::parse(cron, cron, zone)?.next_after(t))
}

/// Creates or changes a schedule; its pause and its history stay. Its first tick is the first after
/// its definition, and again after a change of its expression or zone. [`Error::Schedule`]: its
/// expression or zone cannot be read.
pub async fn define(db: impl PgExecutor<'_>, schedule: &Schedule) -> Result<(), Error> {
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
    .execute(db)
    .await?;
    Ok(())
}

/// Removes a schedule with its ticks; the jobs that it has added stay. `false`: no such schedule.
pub async fn remove(db: impl PgExecutor<'_>, name: &str) -> Result<bool, Error> {
    let done = sqlx::query!("delete from queue.schedule where name = $1", name).execute(db).await?;
    Ok(done.rows_affected() > 0)
}

/// Removes every schedule but these, and returns the names of those removed. Call it at the end of
/// a deployment: a process of the previous release that calls it at its start would remove the new
/// schedules.
pub async fn keep_only(db: impl PgExecutor<'_>, names: &[&str]) -> Result<Vec<String>, Error> {
    let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
    let mut gone = sqlx::query_scalar!(
        "delete from queue.schedule where name <> all ($1) returning name",
        &names
    )
    .fetch_all(db)
    .await?;
    gone.sort_unstable();
    Ok(gone)
}

/// Lists every schedule, by name.
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

/// Returns for each schedule the seconds that its next tick has been due; 0 if it is not due, or
/// the schedule is paused.
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
        .job(&row.kind, &row.args)
        .map_err(|e| Error::Schedule { name: name.to_owned(), reason: e.to_string() })?;
    Ok(Some(enqueue(db, job).await?))
}

/// Pauses or resumes a schedule; ticks during a pause are left out. `false`: no such schedule.
pub async fn pause(db: impl PgExecutor<'_>, name: &str, paused: bool) -> Result<bool, Error> {
    let done = sqlx::query!(
        "update queue.schedule
        set paused = $2, since = case when paused and not $2 then clock_timestamp() else since end
        where name = $1",
        name,
        paused
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected() > 0)
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
