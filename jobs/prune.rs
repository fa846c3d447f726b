//! History past its time goes: finished jobs, their keys and grants, counts of dropped articles.

use std::time::Duration;

use bellwether_queue::{Attempt, Failure, Job, control};
use bellwether_store as store;
use chrono::Days;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Error, Services, error::judged};

/// Days for which it is known how many articles were dropped, and why.
const DROPS_KEPT: Days = Days::new(90);

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
    let today = store::now(&cx.pool).await?.date_naive();
    let drops = store::article::prune_drops(&cx.pool, today - DROPS_KEPT).await?;
    let keys = store::idempotency::prune(&cx.pool).await?;
    attempt.log(format!("{drops} counts of dropped articles, {keys} idempotency keys"));
    Ok(())
}
