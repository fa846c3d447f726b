//! The jobs, the worker process that runs them, and the client that keeps adding them.

use std::{borrow::Cow, str::FromStr, sync::Arc, time::Duration};

use bellwether_queue::{
    Attempt, Config, Db, Failure, Handlers, Job, JobArgs, NewJob, Process, QueueConfig,
    UniqueUntil,
    batch::{self, BatchId, BatchState, NewBatch},
    enqueue_all,
    limits::{self, Counts, LaneKey, Limit, Window},
    schedule,
};
use chrono::TimeDelta;
use rand::{RngExt, rngs::StdRng};
use serde::{Deserialize, Serialize};
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;

pub(crate) type Error = Box<dyn std::error::Error + Send + Sync>;

pub(crate) const KEY: &str = "vendor";
const LANE: &str = "limited";
const AGAIN: Duration = Duration::from_millis(500);

/// `wanted` has each enqueued job, written in the transaction that added it; `ran` each run that
/// began; `effect` the effect of each job, written in the transaction that completes it; `early`
/// each job that ran before its batch had ended.
pub(crate) const TABLES: &str = "
    create table wanted (job bigint not null);
    create table ran (job bigint not null, attempt int not null, worker text not null);
    create table effect (job bigint not null, attempt int not null, worker text not null);
    create table early (job bigint not null)";

#[derive(Clone)]
struct World {
    db: Db,
    worker: String,
}

impl World {
    async fn begin(&self, attempt: &Attempt) -> Result<(), Failure> {
        self.write("insert into ran values ($1, $2, $3)", attempt, &self.db).await
    }

    async fn write(
        &self,
        sql: &'static str,
        attempt: &Attempt,
        db: impl sqlx::PgExecutor<'_>,
    ) -> Result<(), Failure> {
        let insert = sqlx::query(sql).bind(attempt.job().0).bind(i32::from(attempt.number()));
        insert.bind(&self.worker).execute(db).await.map_err(Failure::retry)?;
        Ok(())
    }
}

/// Effect, completion and follow-up in one transaction.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Transfer {
    ms: u64,
    fails: u16,
    follow: bool,
}

impl JobArgs for Transfer {
    const KIND: &'static str = "transfer";
    const QUEUE: &'static str = "load";
    const MAX_ATTEMPTS: u16 = 25;

    fn backoff(_: u16) -> Option<Duration> {
        Some(AGAIN)
    }
}

impl Job for Transfer {
    type Context = World;
    type Output = ();

    async fn run(self, cx: World, attempt: &Attempt) -> Result<(), Failure> {
        cx.begin(attempt).await?;
        tokio::time::sleep(Duration::from_millis(self.ms)).await;
        if attempt.number() <= self.fails {
            return Err(Failure::retry("it fails at first"));
        }
        let mut tx = cx.db.begin().await.map_err(Failure::retry)?;
        cx.write("insert into effect values ($1, $2, $3)", attempt, &mut *tx).await?;
        if self.follow {
            let next = NewJob::of(&Self { follow: false, ..self });
            let next = attempt.enqueue(&mut tx, next).await.map_err(Failure::retry)?;
            want(&mut tx, &[next.id.0]).await.map_err(Failure::retry)?;
        }
        attempt.complete_in(&mut tx).await.map_err(Failure::retry)?;
        tx.commit().await.map_err(Failure::retry)
    }
}

/// Follows a batch.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Follow {}

impl JobArgs for Follow {
    const KIND: &'static str = "follow";
    const QUEUE: &'static str = "load";
    const MAX_ATTEMPTS: u16 = 25;

    fn backoff(_: u16) -> Option<Duration> {
        Some(AGAIN)
    }
}

impl Job for Follow {
    type Context = World;
    type Output = ();

    async fn run(self, cx: World, attempt: &Attempt) -> Result<(), Failure> {
        cx.begin(attempt).await?;
        let mut tx = cx.db.begin().await.map_err(Failure::retry)?;
        let batch = BatchId(attempt.job().0);
        let progress = batch::progress(&mut *tx, batch).await.map_err(Failure::retry)?;
        if progress.is_none_or(|batch| batch.state == BatchState::Running) {
            let early = sqlx::query("insert into early values ($1)").bind(batch.0);
            early.execute(&cx.db).await.map_err(Failure::retry)?;
        }
        cx.write("insert into effect values ($1, $2, $3)", attempt, &mut *tx).await?;
        attempt.complete_in(&mut tx).await.map_err(Failure::retry)?;
        tx.commit().await.map_err(Failure::retry)
    }
}

/// Calls a vendor under a limit key, and is completed by the worker in a batch.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Fetch {
    ms: u64,
    occasion: Option<String>,
}

impl JobArgs for Fetch {
    const KIND: &'static str = "fetch";
    const QUEUE: &'static str = "load";
    const MAX_ATTEMPTS: u16 = 25;
    const UNIQUE_UNTIL: UniqueUntil = UniqueUntil::Pruned;

    fn lane(&self) -> Cow<'static, str> {
        LANE.into()
    }

    fn unique_key(&self) -> Option<String> {
        self.occasion.clone()
    }

    fn backoff(_: u16) -> Option<Duration> {
        Some(AGAIN)
    }
}

impl Job for Fetch {
    type Context = World;
    type Output = ();

    async fn run(self, cx: World, attempt: &Attempt) -> Result<(), Failure> {
        cx.begin(attempt).await?;
        attempt.take_permit().await?;
        tokio::time::sleep(Duration::from_millis(self.ms)).await;
        Ok(())
    }
}

/// Runs a worker process until it is told to stop or the process that started it is gone.
pub(crate) async fn work(url: &str, name: &str) -> Result<(), Error> {
    let options = PgConnectOptions::from_str(url)?.application_name(name);
    let pool = PgPoolOptions::new()
        .max_connections(6)
        .acquire_timeout(Duration::from_secs(3))
        .connect_lazy_with(options.clone());
    let db = Db::direct(pool);
    let world = World { db: db.clone(), worker: name.to_owned() };
    let handlers = Arc::new(
        Handlers::new()
            .with::<Transfer>(world.clone())
            .with::<Follow>(world.clone())
            .with::<Fetch>(world),
    );
    let process = loop {
        let config = Config {
            pool: db.clone(),
            direct: options.clone(),
            listen: true,
            name: name.to_owned(),
            version: "chaos".to_owned(),
            queues: vec![QueueConfig { name: "load".to_owned(), concurrency: 8 }],
            registry: handlers.registry().clone(),
        };
        match Process::start(config).await {
            Ok(process) => break process,
            Err(_) => tokio::time::sleep(Duration::from_millis(200)).await,
        }
    };
    process.work("load", handlers);
    let mut stop = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())?;
    let orphaned = orphaned();
    tokio::select! {
        _ = stop.recv() => {}
        _ = orphaned => {}
    }
    process.close(Duration::from_secs(5)).await?;
    Ok(())
}

/// Fires when the other end of stdin closes: the process that started this one is gone.
fn orphaned() -> oneshot::Receiver<()> {
    let (gone, orphaned) = oneshot::channel();
    std::thread::spawn(move || {
        let _ = std::io::copy(&mut std::io::stdin(), &mut std::io::sink());
        let _ = gone.send(());
    });
    orphaned
}

pub(crate) async fn prepare(db: &Db) -> Result<(), Error> {
    sqlx::raw_sql(TABLES).execute(db).await?;
    let limit = Limit::new(KEY, Counts::Finish)
        .window(Window::requests(400, Duration::from_secs(10)))
        .in_flight(12);
    limits::define(db, &limit).await?;
    limits::set_lane(db, Fetch::QUEUE, LANE, &[LaneKey::new(KEY)]).await?;
    Ok(())
}

/// Adds a few jobs at a time, in whatever state the database is, until it is stopped.
pub(crate) async fn enqueue(db: Db, mut rng: StdRng, stop: CancellationToken) {
    let mut occasion = 0_u64;
    while !stop.is_cancelled() {
        occasion += 1;
        // A failed transaction may have been committed all the same: then `wanted` has its jobs
        // too.
        let _ = add(&db, &mut rng, occasion).await;
        tokio::time::sleep(Duration::from_millis(rng.random_range(50..250))).await;
    }
}

async fn add(db: &Db, rng: &mut StdRng, occasion: u64) -> Result<(), Error> {
    let now = schedule::now(db).await?;
    let mut jobs = Vec::new();
    for _ in 0..rng.random_range(1..8) {
        let ms = rng.random_range(0..60);
        let mut job = if rng.random_bool(0.6) {
            let fails = u16::from(rng.random_bool(0.1));
            NewJob::of(&Transfer { ms, fails, follow: rng.random_bool(0.2) })
        } else {
            let occasion = rng.random_bool(0.3).then(|| format!("{}", occasion / 3));
            NewJob::of(&Fetch { ms, occasion })
        };
        job.priority = rng.random_range(0..10);
        if rng.random_bool(0.2) {
            job.due_at = Some(now + TimeDelta::milliseconds(rng.random_range(100..4_000)));
        }
        jobs.push(job);
    }
    let mut tx = db.begin().await?;
    let added = if rng.random_bool(0.2) {
        let follow = NewJob::of(&Follow {});
        let batch = NewBatch::new("chaos").jobs(jobs).then(follow);
        let started = batch::start(&mut tx, &batch).await?;
        want(&mut tx, &[started.id.0]).await?;
        started.jobs
    } else {
        enqueue_all(&mut *tx, &jobs).await?
    };
    let new: Vec<i64> = added.iter().filter(|one| !one.duplicate).map(|one| one.id.0).collect();
    want(&mut tx, &new).await?;
    tx.commit().await?;
    Ok(())
}

async fn want(conn: &mut sqlx::PgConnection, jobs: &[i64]) -> sqlx::Result<()> {
    sqlx::query("insert into wanted select unnest($1::bigint[])").bind(jobs).execute(conn).await?;
    Ok(())
}
