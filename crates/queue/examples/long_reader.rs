//! A steady load beside transactions that keep dead rows from being removed.
//!
//! `just long-reader [seconds [jobs a second [seconds of a reader]]]`: a third of the time, a
//! minute at most, without a reader; then beside three overlapping transactions (40 s each by
//! default) that hold an old snapshot all the time; then without a reader again. Every ten seconds
//! it prints the number of waiting jobs, their waits, the durations of claims, the dead rows of
//! their table, and the cost of a claim's scan from the start and from a cursor.

#[path = "common/claims.rs"]
mod claims;

use std::{
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use bellwether_queue::{
    Attempt, Config, Db, Failure, Handlers, Job, JobArgs, MIGRATOR, NewJob, Process, QueueConfig,
};
use bellwether_testing::Postgres;
use claims::{Claims, percentile};
use sqlx::{Executor, PgPool, Row, postgres::PgPoolOptions};

type Error = Box<dyn std::error::Error + Send + Sync>;

/// Jobs added by one insert.
const TOGETHER: u64 = 4;
const READERS: u32 = 3;
const TELL: Duration = Duration::from_secs(10);

#[derive(serde::Serialize, serde::Deserialize)]
struct Tick {
    text: String,
}

impl JobArgs for Tick {
    const KIND: &'static str = "tick";
    const QUEUE: &'static str = "ticks";
}

impl Job for Tick {
    type Context = Arc<Mutex<Vec<f64>>>;
    type Output = ();

    /// Records its wait, in milliseconds.
    #[expect(clippy::disallowed_methods, reason = "the server's clock is this machine's")]
    async fn run(self, waits: Self::Context, attempt: &Attempt) -> Result<(), Failure> {
        let wait = (chrono::Utc::now() - attempt.created_at()).as_seconds_f64() * 1_000.0;
        waits.lock().expect("no holder panics").push(wait);
        Ok(())
    }
}

#[tokio::main]
async fn main() -> Result<(), Error> {
    let mut args = std::env::args().skip(1);
    let seconds: u64 = args.next().map_or(Ok(180), |n| n.parse())?;
    let rate: u64 = args.next().map_or(Ok(800), |n| n.parse())?;
    let read = Duration::from_secs(args.next().map_or(Ok(40), |n| n.parse())?);
    let whole = Duration::from_secs(seconds);
    let edge = (whole / 3).min(Duration::from_mins(1));
    let claims = Claims::watch();

    let postgres = Postgres::start(50).await;
    let pool = PgPoolOptions::new().max_connections(16).connect(&postgres.url).await?;
    MIGRATOR.run(&pool).await?;
    let db = Db::direct(pool.clone());
    let waits = Arc::default();
    let handlers = Arc::new(Handlers::new().with::<Tick>(Arc::clone(&waits)));
    let process = Process::start(Config {
        pool: db.clone(),
        direct: postgres.url.parse()?,
        listen: true,
        name: "long-reader".into(),
        version: "bench".into(),
        queues: vec![QueueConfig { name: "ticks".into(), concurrency: 50 }],
        registry: handlers.registry().clone(),
    })
    .await?;
    process.work("ticks", handlers);

    println!(
        "{:>9} {:>8} {:>12} {:>12} {:>13} {:>13} {:>10} {:>17} {:>17}",
        "",
        "waiting",
        "wait p50 ms",
        "wait p95 ms",
        "claim p50 ms",
        "claim p95 ms",
        "dead rows",
        "from the start ms",
        "from a mark ms"
    );
    let load = tokio::spawn(load(db, rate));
    let mut readers: Vec<tokio::task::JoinHandle<Result<(), sqlx::Error>>> = Vec::new();
    let began = Instant::now();
    while began.elapsed() < whole {
        let beside = (edge..whole.saturating_sub(edge)).contains(&began.elapsed());
        if beside && readers.is_empty() {
            readers.extend((0..READERS).map(|n| tokio::spawn(hold(pool.clone(), read, n))));
        } else if !beside {
            readers.drain(..).for_each(|reader| reader.abort());
        }
        tokio::time::sleep(TELL).await;
        let waits = std::mem::take(&mut *waits.lock().expect("no holder panics"));
        tell(&pool, beside, waits, &claims.take()).await?;
    }
    load.abort();
    process.close(Duration::from_secs(10)).await?;
    Ok(())
}

async fn load(db: Db, rate: u64) -> Result<(), bellwether_queue::Error> {
    let job = NewJob::of(&Tick { text: "forty bytes of arguments, more or less".into() });
    let jobs = vec![job; TOGETHER as usize];
    let mut every = tokio::time::interval(Duration::from_secs(1) * TOGETHER as u32 / rate as u32);
    loop {
        every.tick().await;
        let mut tx = db.begin().await?;
        bellwether_queue::enqueue_all(&mut *tx, &jobs).await?;
        tx.commit().await?;
    }
}

/// Holds one snapshot after the other, shifted against its neighbours by a third of their length.
async fn hold(pool: PgPool, read: Duration, n: u32) -> Result<(), sqlx::Error> {
    let mut length = read / READERS * (n + 1);
    loop {
        let mut tx = pool.begin_with("begin isolation level repeatable read").await?;
        tx.execute("set local idle_in_transaction_session_timeout = 0").await?;
        tx.execute("select count(*) from queue.process").await?;
        tokio::time::sleep(length).await;
        tx.rollback().await?;
        length = read;
    }
}

async fn tell(
    pool: &PgPool,
    beside: bool,
    mut waits: Vec<f64>,
    claims: &[f64],
) -> Result<(), Error> {
    waits.sort_by(f64::total_cmp);
    let row = sqlx::query(
        "select (select count(*) from queue.ready) as waiting,
            (select n_dead_tup from pg_stat_user_tables where relid = 'queue.ready'::regclass) as dead,
            (select last_value from queue.job_id) as last, (select id from queue.lane limit 1) as lane",
    )
    .fetch_one(pool)
    .await?;
    let mut costs = Vec::new();
    for from in [0, row.get::<i64, _>("last") - 1_000] {
        let mut least = f64::INFINITY;
        for _ in 0..3 {
            let asked = Instant::now();
            // rows that a claim scans without taking a job
            sqlx::query(
                "select from queue.ready where lane = $1 and (priority, id) > (4, $2)
                    and kind = any ('{nothing}') order by priority, id limit 1",
            )
            .bind(row.get::<i32, _>("lane"))
            .bind(from)
            .execute(pool)
            .await?;
            least = least.min(asked.elapsed().as_secs_f64() * 1_000.0);
        }
        costs.push(least);
    }
    println!(
        "{:>9} {:>8} {:>12.1} {:>12.1} {:>13.1} {:>13.1} {:>10} {:>17.2} {:>17.2}",
        if beside { "reader" } else { "alone" },
        row.get::<i64, _>("waiting"),
        percentile(&waits, 50),
        percentile(&waits, 95),
        percentile(claims, 50),
        percentile(claims, 95),
        row.get::<i64, _>("dead"),
        costs[0],
        costs[1],
    );
    Ok(())
}
