//! Starts that `why` estimates for a waiting job, compared with the real ones. No worker is killed
//! meanwhile.

use std::{collections::HashMap, time::Duration};

use bellwether_queue::{JobId, inspect};
use chrono::{DateTime, TimeDelta, Utc};
use tokio::time::{Instant, sleep};

use crate::stage::Stage;

#[derive(Debug, Default)]
pub(crate) struct Estimates {
    /// Error by time waited, sorted.
    pub(crate) errors: Vec<f64>,
}

impl Estimates {
    pub(crate) fn p90(&self) -> f64 {
        self.errors.get(self.errors.len() * 9 / 10).copied().unwrap_or(f64::NAN)
    }
}

struct Promise {
    asked: DateTime<Utc>,
    start: DateTime<Utc>,
}

/// Asks after waiting jobs at random places, then waits for them. Waits under two seconds are left
/// out: a permit is never granted that exactly.
pub(crate) async fn sample(stage: &Stage, length: Duration) -> Estimates {
    let mut promises: HashMap<i64, Promise> = HashMap::new();
    let until = Instant::now() + length;
    let mut estimates = Estimates::default();
    while Instant::now() < until {
        stage.fill().await;
        for key in &stage.keys {
            // Only as deep as this run will come to see.
            let rate = key
                .ours
                .iter()
                .map(|w| w.amount as f64 / w.period.as_secs_f64())
                .fold(f64::INFINITY, f64::min);
            let left = until.saturating_duration_since(Instant::now()).as_secs_f64();
            let depth = (rate * left * 0.8) as i64;
            let id: Option<i64> = sqlx::query_scalar(
                "select id from queue.ready where kind = $1 order by priority, id offset floor(random() * $2)::bigint limit 1",
            )
            .bind(key.kind)
            .bind(depth as f64)
            .fetch_optional(&stage.db)
            .await
            .expect("a job");
            let Some(id) = id else { continue };
            let asked = now(stage).await;
            let why = inspect::why(&stage.db, JobId(id)).await.expect("why");
            if let Some(start) = why.and_then(|w| w.estimated_start_at)
                && start - asked > TimeDelta::seconds(2)
            {
                promises.entry(id).or_insert(Promise { asked, start });
            }
        }
        sleep(Duration::from_millis(700)).await;
    }
    for (id, promise) in promises {
        let started: Option<DateTime<Utc>> = sqlx::query_scalar(
            "select min(x.at) from (
                select claimed_at as at from queue.done where id = $1
                union all select claimed_at from queue.running where id = $1
                union all select started_at from queue.attempt where job = $1) x",
        )
        .bind(id)
        .fetch_one(&stage.db)
        .await
        .expect("its start");
        let Some(started) = started else { continue };
        let waited = (started - promise.asked).as_seconds_f64();
        let off = (started - promise.start).as_seconds_f64().abs();
        estimates.errors.push(off / waited.max(1.0));
    }
    estimates.errors.sort_by(f64::total_cmp);
    estimates
}

async fn now(stage: &Stage) -> DateTime<Utc> {
    sqlx::query_scalar("select clock_timestamp()").fetch_one(&stage.db).await.expect("the time")
}
