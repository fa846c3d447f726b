//! An attempt by itself: its process is a list of what it was told, its database a closed pool.

use std::sync::atomic::AtomicUsize;

use serde_json::json;
use sqlx::{PgPool, postgres::PgConnectOptions};
use uuid::Uuid;

use super::*;
use crate::{Failure, Verdict, limits::Usage};

struct Alone {
    pool: Db,
    fresh: AtomicBool,
    reports: Mutex<Vec<Outcome>>,
    lost: AtomicUsize,
}

impl Owner for Alone {
    fn pool(&self) -> &Db {
        &self.pool
    }

    fn heartbeat_is_fresh(&self) -> bool {
        self.fresh.load(Ordering::Acquire)
    }

    fn report(&self, _: Arc<Attempt>, outcome: Outcome) {
        self.reports.lock().unwrap().push(outcome);
    }

    fn count_lost(&self) {
        self.lost.fetch_add(1, Ordering::AcqRel);
    }
}

async fn attempt(key: Option<&str>) -> (Arc<Attempt>, Arc<Alone>) {
    let pool = PgPool::connect_lazy_with(PgConnectOptions::new_without_pgpass());
    pool.close().await;
    let alone = Arc::new(Alone {
        pool: Db::without_settings(pool),
        fresh: AtomicBool::new(true),
        reports: Mutex::default(),
        lost: AtomicUsize::new(0),
    });
    let claimed = Claimed {
        job: JobId(7),
        lane: 1,
        priority: 4,
        kind: "welcome".to_owned(),
        number: 1,
        max_attempts: 5,
        args: json!({}),
        parent: None,
        trace: None,
        created_at: DateTime::UNIX_EPOCH,
        waited: 0.0,
        key: key.map(str::to_owned),
        guard: None,
        reserved: Usage::default(),
        timeout: Duration::from_mins(2),
        backoff: |_| panic!("no backoff"),
    };
    let lease = Lease { process: Uuid::nil(), number: 1 };
    let owner = Arc::clone(&alone);
    (Arc::new(Attempt::new(claimed, lease, owner, Instant::now())), alone)
}

#[tokio::test]
async fn only_the_first_report_of_an_attempt_counts() {
    let (attempt, alone) = attempt(None).await;
    attempt.finish(Outcome::Failed(Failure::discard("no")));
    attempt.finish(Outcome::Complete);
    let reports = alone.reports.lock().unwrap();
    let verdicts: Vec<_> = reports.iter().map(Outcome::verdict).collect();
    assert_eq!(verdicts, [Some(Verdict::Discard)]);
}

#[tokio::test]
async fn a_lost_lease_is_counted_once_and_stops_the_handler() {
    let (attempt, alone) = attempt(Some("vendor")).await;
    attempt.lose("report");
    attempt.lose("heartbeat");
    assert_eq!(alone.lost.load(Ordering::Acquire), 1);
    assert!(attempt.cancelled().is_cancelled() && !attempt.is_cancelled());
    assert!(matches!(attempt.take_permit().await, Err(Error::LeaseLost(JobId(7)))));
}

#[tokio::test]
async fn the_claims_permit_serves_one_request_and_only_while_the_heartbeat_is_fresh() {
    let (first, _) = attempt(Some("vendor")).await;
    first.take_permit().await.unwrap();
    assert!(first.calls().used);
    assert!(first.take_permit().await.is_err(), "a second request is exchanged in the database");

    let (stale, alone) = attempt(Some("vendor")).await;
    alone.fresh.store(false, Ordering::Release);
    assert!(stale.take_permit().await.is_err(), "a peer may have rescued the job");
    assert!(!stale.calls().used, "no call was made");

    let (free, alone) = attempt(None).await;
    alone.fresh.store(false, Ordering::Release);
    free.take_permit().await.unwrap();
}

#[tokio::test]
async fn a_provider_that_cannot_be_parked_puts_the_job_off() {
    let (attempt, _) = attempt(Some("vendor")).await;
    let failure = attempt.rate_limited(Duration::from_secs(30)).await;
    assert_eq!(failure.verdict, Verdict::Snooze { after: Duration::from_secs(30) });
}

#[tokio::test]
async fn a_backoff_that_panics_is_told_by_its_text() {
    let (attempt, _) = attempt(None).await;
    assert_eq!(attempt.backoff(), Err("no backoff".to_owned()));
}
