//! A hundred thousand jobs of an exhausted key in front, and how soon another key's job starts.

use std::{sync::Arc, time::Duration};

use bellwether_queue::{
    Attempt, Config, Db, Failure, Handlers, Job, JobArgs, MIGRATOR, NewJob, Outcome, Process,
    QueueConfig, enqueue, enqueue_all,
    limits::{self, Counts, LaneKey, Limit, Window},
};
use bellwether_testing::database;
use serde::{Deserialize, Serialize};
use tokio::{sync::mpsc, time::Instant};

#[derive(Serialize, Deserialize)]
struct Call;

impl JobArgs for Call {
    const KIND: &'static str = "call";
    const QUEUE: &'static str = "calls";
}

impl Job for Call {
    type Context = ();
    type Output = ();

    async fn run(self, (): (), _: &Attempt) -> Result<(), Failure> {
        Ok(())
    }
}

/// From the commit to the handler's hands, in ms.
#[derive(Debug)]
pub(crate) struct Line {
    pub(crate) alone_p50: f64,
    pub(crate) alone_p95: f64,
    pub(crate) behind_p50: f64,
    pub(crate) behind_p95: f64,
    pub(crate) jobs: usize,
}

const SAMPLES: usize = 300;
const IN_FRONT: usize = 100_000;

pub(crate) async fn measure() -> Line {
    let database = database(&[&MIGRATOR]).await;
    let db = Db::direct(database.pool());
    let hour = Duration::from_hours(1);
    for (key, amount) in [("full", 1), ("open", 10_000_000)] {
        let limit = Limit::new(key, Counts::Finish).window(Window::requests(amount, hour));
        limits::define(&db, &limit).await.expect("the key");
        limits::set_lane(&db, "calls", key, &[LaneKey::new(key)]).await.expect("its lane");
    }
    let config = Config {
        pool: db.clone(),
        direct: database.options(),
        listen: true,
        name: "measure".to_owned(),
        version: "1".to_owned(),
        queues: vec![QueueConfig { name: "calls".to_owned(), concurrency: 4 }],
        registry: Handlers::new().with::<Call>(()).registry().clone(),
    };
    let process = Process::start(config).await.expect("a worker");
    let mut attempts = process.subscribe("calls");
    let (started, mut starts) = mpsc::unbounded_channel();
    tokio::spawn(async move {
        while let Some(attempt) = attempts.recv().await {
            let attempt: Arc<Attempt> = attempt;
            started.send(Instant::now()).ok();
            attempt.take_permit().await.ok();
            attempt.finish(Outcome::Complete);
        }
    });
    // the one permit of the full key
    add_call(&db, "full").await;
    starts.recv().await.expect("a start");

    let alone = pickups(&db, &mut starts).await;
    let mut left = IN_FRONT;
    while left > 0 {
        let mut jobs = vec![of("full"); left.min(2_000)];
        left -= jobs.len();
        for job in &mut jobs {
            job.priority = 0;
        }
        let mut tx = db.begin().await.expect("a transaction");
        enqueue_all(&mut *tx, &jobs).await.expect("jobs");
        tx.commit().await.expect("they stay");
    }
    let behind = pickups(&db, &mut starts).await;
    process.close(Duration::from_secs(5)).await.expect("a clean end");
    let at = |times: &[f64], part: f64| times[(times.len() as f64 * part) as usize];
    Line {
        alone_p50: at(&alone, 0.5),
        alone_p95: at(&alone, 0.95),
        behind_p50: at(&behind, 0.5),
        behind_p95: at(&behind, 0.95),
        jobs: IN_FRONT,
    }
}

fn of(lane: &str) -> NewJob {
    let mut job = NewJob::of(&Call);
    lane.clone_into(&mut job.lane);
    job
}

async fn add_call(db: &Db, lane: &str) {
    let mut tx = db.begin().await.expect("a transaction");
    enqueue(&mut *tx, of(lane)).await.expect("a job");
    tx.commit().await.expect("it stays");
}

async fn pickups(db: &Db, starts: &mut mpsc::UnboundedReceiver<Instant>) -> Vec<f64> {
    let mut times = Vec::with_capacity(SAMPLES);
    for _ in 0..SAMPLES {
        add_call(db, "open").await;
        let added = Instant::now();
        let start = starts.recv().await.expect("a start");
        times.push(start.saturating_duration_since(added).as_secs_f64() * 1_000.0);
    }
    times.sort_by(f64::total_cmp);
    times
}
