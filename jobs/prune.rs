//! Prunes expired history: finished jobs with their keys and grants, and the product's signals,
//! prices, articles, alerts with their messages, counts and notes.

use std::time::Duration;

use bellwether_domain::calendar;
use bellwether_queue::{
    Attempt, Failure, Job, JobArgs, control,
    schemars::{Schema, schema_for},
};
use bellwether_store::{self as store, prune::Run};
use chrono::{Days, NaiveDate, TimeDelta};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Error, Services, error::judged};

/// Rows of one step: few enough that its locks last only milliseconds.
const STEP: i64 = 500;
/// Steps of each table in one run; the rest is left to the next run.
const STEPS: usize = 400;
/// Time before the end of the exchange's calendar at which an operator is told.
const CALENDAR_NOTICE: Days = Days::new(90);

#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
pub struct Prune {}

impl JobArgs for Prune {
    const KIND: &'static str = "prune";
    const QUEUE: &'static str = "maintenance";
    const PRIORITY: u8 = 8;
    const TIMEOUT: Duration = Duration::from_mins(10);

    fn schema() -> Option<Schema> {
        Some(schema_for!(Self))
    }
}

impl Job for Prune {
    type Context = Services;
    type Output = ();

    async fn run(self, cx: Services, attempt: &Attempt) -> Result<(), Failure> {
        judged(&cx, attempt, work(&cx, attempt)).await
    }
}

/// Each step deletes whole days or expired rows, so a run may be repeated or interrupted anywhere:
/// the oldest rows go first, and the next run begins with the oldest that are left.
async fn work(cx: &Services, attempt: &Attempt) -> Result<(), Error> {
    let run = store::prune::begin(&cx.pool).await?;
    note_clock(cx, attempt, run).await?;
    note_calendar(cx, run.now.date_naive()).await?;

    let mut retention = cx.retention;
    let behind = u16::try_from(days_behind(run)).unwrap_or(u16::MAX);
    retention.completed_days = retention.completed_days.saturating_add(behind);
    retention.failed_days = retention.failed_days.saturating_add(behind);
    let pruned = control::prune(&cx.pool, retention).await?;
    attempt.log(format!("{} partitions, {} jobs", pruned.partitions, pruned.jobs));
    let keys = store::idempotency::prune(&cx.pool).await?;
    attempt.log(format!("{keys} idempotency keys"));

    // signals before prices: a price is deleted when no kept signal can have read it
    for table in Table::ALL {
        let rows = all(cx, table, run).await?;
        attempt.log(format!("{rows} {}", table.name()));
    }
    let before = ago(run, cx.keep.alerts_days);
    let suppressed = store::suppression::prune(&cx.pool, before).await?;
    let memories = store::alert_state::prune(&cx.pool, before).await?;
    let notes = store::operator::prune(&cx.pool, before).await?;
    let day = ago(run, cx.keep.rounds_days).date_naive();
    let drops = store::article::prune_drops(&cx.pool, day).await?;
    attempt.log(format!(
        "{suppressed} suppressed recipients, {memories} memories of rules, {notes} notes, {drops} \
         counts of dropped articles"
    ));
    Ok(store::prune::end(&cx.pool, run).await?)
}

fn ago(run: Run, days: u16) -> chrono::DateTime<chrono::Utc> {
    run.as_of - Days::new(u64::from(days))
}

/// Whole days by which pruning is behind the clock.
fn days_behind(run: Run) -> i64 {
    let behind = run.now - run.as_of;
    let whole = behind.num_days();
    whole + i64::from(behind > TimeDelta::days(whole))
}

/// Tells an operator while pruning is behind the clock: the clock may be wrong.
async fn note_clock(cx: &Services, attempt: &Attempt, run: Run) -> Result<(), Error> {
    const KEY: &str = "clock";
    let days = days_behind(run);
    if days == 0 {
        store::operator::clear(&cx.pool, KEY).await?;
        return Ok(());
    }
    let detail = format!(
        "nothing was pruned for longer than two days, or the database's clock has jumped: pruning goes \
         by {}, {days} days ago, and catches up by a day each night; check the clock",
        run.as_of.format("%F")
    );
    attempt.log(detail.clone());
    if store::operator::add(&cx.pool, KEY, "behind", &detail).await? {
        tracing::warn!("{detail}");
    }
    Ok(())
}

/// Tells an operator before the exchange's calendar ends.
async fn note_calendar(cx: &Services, today: NaiveDate) -> Result<(), Error> {
    const KEY: &str = "calendar";
    let Some(detail) = calendar_ends(today) else {
        store::operator::clear(&cx.pool, KEY).await?;
        return Ok(());
    };
    if store::operator::add(&cx.pool, KEY, "expires", &detail).await? {
        tracing::warn!("{detail}");
    }
    Ok(())
}

fn calendar_ends(today: NaiveDate) -> Option<String> {
    (today >= calendar::EXPIRES - CALENDAR_NOTICE).then(|| {
        format!(
            "the exchange's calendar ends on {}; after that, holidays count as sessions: install a \
             newer release of Bellwether",
            calendar::EXPIRES
        )
    })
}

#[derive(Clone, Copy)]
enum Table {
    Signal,
    Quote,
    Bar,
    Story,
    Notification,
    Alert,
    Batch,
}

impl Table {
    const ALL: [Self; 7] = [
        Self::Signal,
        Self::Quote,
        Self::Bar,
        Self::Story,
        Self::Notification,
        Self::Alert,
        Self::Batch,
    ];

    const fn name(self) -> &'static str {
        match self {
            Self::Signal => "signals",
            Self::Quote => "quotes",
            Self::Bar => "bars",
            Self::Story => "stories with their articles and readings",
            Self::Notification => "messages with their deliveries",
            Self::Alert => "alerts",
            Self::Batch => "rounds",
        }
    }

    /// Deletes at most [`STEP`] rows; returns how many.
    async fn step(self, cx: &Services, run: Run) -> Result<u64, Error> {
        let (db, keep) = (&cx.pool, cx.keep);
        Ok(match self {
            Self::Signal => store::signal::prune(db, ago(run, keep.signals_days), STEP).await?,
            Self::Quote => {
                store::quote::prune(db, ago(run, keep.prices_days).date_naive(), STEP).await?
            }
            Self::Bar => {
                store::bar::prune(db, ago(run, keep.prices_days).date_naive(), STEP).await?
            }
            Self::Story => {
                let mut tx = db.begin().await?;
                let before = ago(run, keep.articles_days);
                let (stories, _) = store::cluster::prune(&mut tx, before, STEP).await?;
                tx.commit().await?;
                stories
            }
            Self::Notification => {
                store::notification::prune(db, ago(run, keep.messages_days), STEP).await?
            }
            Self::Alert => store::alert::prune(db, ago(run, keep.alerts_days), STEP).await?,
            Self::Batch => store::batch::prune(db, ago(run, keep.rounds_days), STEP).await?,
        })
    }
}

/// Repeats the step until it deletes fewer rows than it may.
async fn all(cx: &Services, table: Table, run: Run) -> Result<u64, Error> {
    let mut total = 0;
    for _ in 0..STEPS {
        let gone = table.step(cx, run).await?;
        total += gone;
        if gone < STEP as u64 {
            break;
        }
    }
    Ok(total)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_of_the_calendar_is_reported_ninety_days_before() {
        let notice = calendar::EXPIRES - CALENDAR_NOTICE;
        assert_eq!(calendar_ends(notice.pred_opt().unwrap()), None);
        assert!(calendar_ends(notice).unwrap().contains("2027-12-31"));
    }

    #[test]
    fn a_part_of_a_day_counts_as_a_day_of_caution() {
        let now = chrono::DateTime::UNIX_EPOCH;
        let run = |behind: TimeDelta| Run { now, as_of: now - behind };
        assert_eq!(days_behind(run(TimeDelta::zero())), 0);
        assert_eq!(days_behind(run(TimeDelta::seconds(1))), 1);
        assert_eq!(days_behind(run(TimeDelta::days(3))), 3);
        assert_eq!(days_behind(run(TimeDelta::days(3) + TimeDelta::hours(1))), 4);
    }
}
