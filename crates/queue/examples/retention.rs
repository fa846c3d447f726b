//! Prunes a day of history with a great many jobs beside a steady load.
//!
//! `just retention [jobs [of 100, how many with a unique key [seconds before]]]` prints the cost of
//! claims, the list and the overview with an empty history and with the day in it; then the time
//! until the day's jobs are gone, the time until their dependents are cleared, and claims and waits
//! before and meanwhile. Last, for comparison, it deletes the same number of rows from a table
//! without partitions, in one statement.

#[path = "common/claims.rs"]
mod claims;

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicI64, Ordering},
    },
    time::{Duration, Instant},
};

use bellwether_queue::{
    Attempt, Config, Db, Failure, Handlers, Job, JobArgs, MIGRATOR, NewJob, Process, QueueConfig,
    control::{self, Retention},
    inspect::{self, JobFilter},
};
use bellwether_testing::Postgres;
use claims::{Claims, percentile};
use sqlx::{AssertSqlSafe, Executor, PgPool, postgres::PgPoolOptions};

type Error = Box<dyn std::error::Error + Send + Sync>;

/// Jobs added a second, one at a time.
const RATE: u32 = 100;
const DAY: &str = "2020-01-20";

#[derive(serde::Serialize, serde::Deserialize)]
struct Tick {
    n: u64,
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
    let jobs: i64 = args.next().map_or(Ok(1_000_000), |n| n.parse())?;
    let keyed: i64 = args.next().map_or(Ok(100), |n| n.parse())?;
    let before = Duration::from_secs(args.next().map_or(Ok(10), |n| n.parse())?);
    let postgres = Postgres::start(50).await;
    let pool = PgPoolOptions::new().max_connections(16).connect(&postgres.url).await?;
    MIGRATOR.run(&pool).await?;
    let db = Db::direct(pool.clone());
    let claims = Claims::watch();
    let waits: Arc<Mutex<Vec<f64>>> = Arc::default();
    let handlers = Arc::new(Handlers::new().with::<Tick>(Arc::clone(&waits)));
    let process = Process::start(Config {
        pool: db.clone(),
        direct: postgres.url.parse()?,
        listen: true,
        name: "retention".into(),
        version: "bench".into(),
        queues: vec![QueueConfig { name: "ticks".into(), concurrency: 10 }],
        registry: handlers.registry().clone(),
    })
    .await?;
    process.work("ticks", handlers);
    let load = tokio::spawn(load(db.clone()));
    let meanwhile = |what: &str| {
        let (claims, mut waits) =
            (claims.take(), std::mem::take(&mut *waits.lock().expect("no holder panics")));
        waits.sort_by(f64::total_cmp);
        println!(
            "{what:<34} claim p50 {:.1}, p95 {:.1}, longest {:.1} ms; wait p50 {:.1}, p95 {:.1}, longest {:.1} ms",
            percentile(&claims, 50),
            percentile(&claims, 95),
            claims.last().copied().unwrap_or(f64::NAN),
            percentile(&waits, 50),
            percentile(&waits, 95),
            waits.last().copied().unwrap_or(f64::NAN),
        );
    };

    tokio::time::sleep(before).await;
    looks(&postgres.url, "empty history").await?;
    meanwhile("empty history");
    fill(&pool, jobs, keyed).await?;
    claims.take();
    waits.lock().expect("no holder panics").clear();
    tokio::time::sleep(before).await;
    looks(&postgres.url, "full history").await?;
    meanwhile("full history");

    let day = DAY.replace('-', "");
    let asked = Instant::now();
    let detached: bool = sqlx::query_scalar("select queue.detach_day($1)")
        .bind(format!("done_{day}"))
        .fetch_one(&pool)
        .await?;
    println!("{jobs} jobs gone after {:?} ({detached})", asked.elapsed());
    let asked = Instant::now();
    let watched = tokio::spawn(longest_lock(pool.clone()));
    let pruned = control::prune(&db, Retention::default()).await?;
    let took = asked.elapsed();
    watched.abort();
    println!(
        "{} jobs cleared in {:.1} s, {:.2} s a million",
        pruned.jobs,
        took.as_secs_f64(),
        took.as_secs_f64() * 1e6 / jobs as f64,
    );
    println!(
        "longest wait for a lock that was seen: {:.1} ms",
        LONGEST.load(Ordering::SeqCst) as f64 / 1e3
    );
    meanwhile("while it was cleared");
    load.abort();
    process.close(Duration::from_secs(10)).await?;

    sqlx::raw_sql(AssertSqlSafe(format!(
        "create table plain as select * from queue.done limit 0;
        create index on plain (id);
        insert into plain select i, now(), gen_random_uuid(), now(), 1, 4, 'tick', 1, 5, '{{\"n\": 1}}', null, null, null, null, null, now(), null
        from generate_series(1, {jobs}) i"
    )))
    .execute(&pool)
    .await?;
    let asked = Instant::now();
    pool.execute("delete from plain").await?;
    println!("{jobs} rows of one table deleted in {:.1} s", asked.elapsed().as_secs_f64());
    Ok(())
}

/// Measures the queries of a monitor on a connection that has run them before: the median.
async fn looks(url: &str, what: &str) -> Result<(), Error> {
    let db = Db::direct(PgPoolOptions::new().max_connections(1).connect(url).await?);
    let mut costs = [Vec::new(), Vec::new()];
    for _ in 0..50 {
        let asked = Instant::now();
        inspect::list(&db, &JobFilter { limit: 50, ..JobFilter::default() }).await?;
        costs[0].push(asked.elapsed().as_secs_f64() * 1_000.0);
        let asked = Instant::now();
        inspect::queues(&db).await?;
        costs[1].push(asked.elapsed().as_secs_f64() * 1_000.0);
    }
    for took in &mut costs {
        took.sort_by(f64::total_cmp);
    }
    let [list, overview] = costs.map(|took| percentile(&took, 50));
    println!("{what:<34} list {list:.1} ms, overview {overview:.1} ms");
    db.close().await;
    Ok(())
}

/// In microseconds.
static LONGEST: AtomicI64 = AtomicI64::new(0);

/// Checks every 5 ms which sessions wait for a lock, and for how long.
async fn longest_lock(pool: PgPool) -> Result<(), sqlx::Error> {
    loop {
        let waits: Option<i64> = sqlx::query_scalar(
            "select (extract(epoch from max(clock_timestamp() - waitstart)) * 1000000)::bigint
            from pg_locks where not granted",
        )
        .fetch_one(&pool)
        .await?;
        LONGEST.fetch_max(waits.unwrap_or(0), Ordering::SeqCst);
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

async fn load(db: Db) -> Result<(), bellwether_queue::Error> {
    let mut every = tokio::time::interval(Duration::from_secs(1) / RATE);
    for n in 0.. {
        every.tick().await;
        let mut tx = db.begin().await?;
        bellwether_queue::enqueue(&mut *tx, NewJob::of(&Tick { n })).await?;
        tx.commit().await?;
    }
    Ok(())
}

/// Adds a day of completed jobs, each hundredth with an earlier attempt that failed.
async fn fill(pool: &PgPool, jobs: i64, keyed: i64) -> Result<(), Error> {
    let day = DAY.replace('-', "");
    sqlx::raw_sql(AssertSqlSafe(format!(
        "set statement_timeout = 0;
        create table queue.done_{day} partition of queue.done for values from ('{DAY}Z') to ('2020-01-21Z');
        insert into queue.done (id, finished_at, process, claimed_at, lane, priority, kind, attempt, max_attempts, args, unique_key, unique_until, created_at)
        select nextval('queue.job_id'), '{DAY} 12:00Z', '00000000-0000-0000-0000-000000000001', '{DAY} 12:00Z', 1, 4, 'tick', 1, 5, '{{\"n\": 1}}',
            case when i % 100 < {keyed} then 'key of the occasion ' || i end, case when i % 100 < {keyed} then 'pruned' end, '{DAY} 12:00Z'
        from generate_series(1, {jobs}) i;
        insert into queue.unique_key (kind, key, job, unique_until)
        select kind, unique_key, id, 'pruned' from queue.done_{day} where unique_key is not null;
        insert into queue.attempt (job, number, started_at, ended_at, outcome)
        select id, 1, '{DAY} 11:59Z', '{DAY} 11:59Z', 'failed' from queue.done_{day} where id % 100 = 0;
        insert into queue.delta (lane, kind, was, became, n) values (1, 'tick', null, 'completed', {jobs});
        reset statement_timeout"
    )))
    .execute(pool)
    .await?;
    for table in ["done", "unique_key", "attempt"] {
        pool.execute(AssertSqlSafe(format!("vacuum analyze queue.{table}"))).await?;
    }
    pool.execute("checkpoint").await?;
    Ok(())
}
