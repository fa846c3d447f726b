//! History past its time goes: finished jobs, their keys and grants, counts of dropped articles, and
//! of the product signals, prices and articles that no kept row was made of.

use std::time::Duration;

use bellwether_queue::{Attempt, Failure, Job, control};
use bellwether_store as store;
use chrono::{DateTime, Days, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Error, Services, error::judged};

/// Days for which it is known how many articles were dropped, and why.
const DROPS_KEPT: Days = Days::new(90);
/// Rows of one step: few enough that nobody notices its locks.
const STEP: i64 = 500;
/// Steps of each kind in one run; what is left over is left to the next.
const STEPS: usize = 400;

#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Prune {}

impl Job for Prune {
    const KIND: &'static str = "prune";
    const QUEUE: &'static str = "maintenance";
    const PRIORITY: u8 = 8;
    const TIMEOUT: Duration = Duration::from_mins(10);
    type Context = Services;

    async fn run(self, cx: Services, attempt: &Attempt) -> Result<(), Failure> {
        judged(&cx, attempt, work(&cx, attempt)).await
    }
}

/// Each step is whole days or rows whose time is up, so it may be repeated or broken off anywhere.
async fn work(cx: &Services, attempt: &Attempt) -> Result<(), Error> {
    let pruned = control::prune(&cx.pool, cx.retention).await?;
    attempt.log(format!("{} partitions, {} jobs", pruned.partitions, pruned.jobs));
    let now = store::now(&cx.pool).await?;
    let drops = store::article::prune_drops(&cx.pool, now.date_naive() - DROPS_KEPT).await?;
    let keys = store::idempotency::prune(&cx.pool).await?;
    attempt.log(format!("{drops} counts of dropped articles, {keys} idempotency keys"));

    // signals first: the others go when no kept signal can have read them
    let ago = |days: u16| now - Days::new(u64::from(days));
    let signals = all(cx, Table::Signal, ago(cx.keep.signals_days)).await?;
    let quotes = all(cx, Table::Quote, ago(cx.keep.prices_days)).await?;
    let bars = all(cx, Table::Bar, ago(cx.keep.prices_days)).await?;
    let articles = articles(cx, ago(cx.keep.articles_days)).await?;
    attempt.log(format!("{signals} signals, {quotes} quotes, {bars} bars, {articles} articles"));
    Ok(())
}

#[derive(Clone, Copy)]
enum Table {
    Signal,
    Quote,
    Bar,
}

/// Takes steps until one of them finds less than it may take.
async fn all(cx: &Services, table: Table, before: DateTime<Utc>) -> Result<u64, Error> {
    let day = before.date_naive();
    let mut total = 0;
    for _ in 0..STEPS {
        let gone = match table {
            Table::Signal => store::signal::prune(&cx.pool, before, STEP).await?,
            Table::Quote => store::quote::prune(&cx.pool, day, STEP).await?,
            Table::Bar => store::bar::prune(&cx.pool, day, STEP).await?,
        };
        total += gone;
        if gone < STEP as u64 {
            break;
        }
    }
    Ok(total)
}

/// Walks the old stories from the first on: those that stay are passed over.
async fn articles(cx: &Services, before: DateTime<Utc>) -> Result<u64, Error> {
    let mut total = 0;
    let mut after = 0;
    for _ in 0..STEPS {
        let mut tx = cx.pool.begin().await?;
        let pruned = store::cluster::prune(&mut tx, after, before, STEP).await?;
        tx.commit().await?;
        let Some(pruned) = pruned else { break };
        total += pruned.articles;
        after = pruned.last;
    }
    Ok(total)
}
