//! Throughput: jobs added in bulk and drained, compared with hand-written statements that move the
//! same rows without any bookkeeping.
//!
//! `just bench [jobs [rounds]]` runs it on a PostgreSQL of its own that waits for the disk. Each round
//! measures everything once, so that rounds are interleaved; compare figures of one run with each
//! other only.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use bellwether_queue::{
    Attempt, Config, Db, Failure, Job, JobArgs, NewJob, Outcome, Process, QueueConfig, Registry,
    limits::{self, Counts, LaneKey, Limit, Window},
    migrate,
};
use bellwether_testing::Postgres;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};

#[derive(serde::Serialize, serde::Deserialize)]
struct NoOp {
    text: String,
}

impl JobArgs for NoOp {
    const KIND: &'static str = "no_op";
    const QUEUE: &'static str = "bench";
}

impl Job for NoOp {
    type Context = ();
    type Output = ();

    async fn run(self, (): (), _: &Attempt) -> Result<(), Failure> {
        Ok(())
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut args = std::env::args().skip(1);
    let jobs: usize = args.next().map_or(Ok(100_000), |n| n.parse())?;
    let rounds: usize = args.next().map_or(Ok(3), |n| n.parse())?;
    let server = Postgres::start(60).await;
    let options: PgConnectOptions = server.url.parse()?;
    let pool = PgPoolOptions::new().max_connections(8).connect_with(options.clone()).await?;
    migrate(&pool).await?;
    let pool = Db::direct(pool);

    let mut of = [const { Vec::new() }; 4];
    for round in 1..=rounds {
        let raw = raw(&pool, jobs).await?;
        let (added, drained) = engine(&pool, &options, jobs, false).await?;
        let (_, limited) = engine(&pool, &options, jobs, true).await?;
        println!("round {round}");
        for (times, rate) in of.iter_mut().zip([raw, added, drained, limited]) {
            times.push(rate);
        }
        print([raw, added, drained, limited]);
    }
    println!("median of {rounds}");
    print(of.map(median));
    Ok(())
}

fn median(mut rates: Vec<f64>) -> f64 {
    rates.sort_by(f64::total_cmp);
    rates[rates.len() / 2]
}

/// Raw moves, enqueue, drain without and with a limit key, in jobs a second.
fn print([raw, added, drained, limited]: [f64; 4]) {
    println!(
        "raw moves            {raw:>10.0} jobs/s   (ready to running to done, batches of 500)"
    );
    println!("enqueue, bulk        {added:>10.0} jobs/s   (1,000 a statement)");
    println!("drain, no limit      {drained:>10.0} jobs/s   ratio to raw {:.2}", drained / raw);
    println!(
        "drain, one limit key {limited:>10.0} jobs/s   ratio to no limit {:.2}",
        limited / drained
    );
}

async fn engine(
    pool: &Db,
    direct: &PgConnectOptions,
    jobs: usize,
    limited: bool,
) -> Result<(f64, f64), Box<dyn std::error::Error>> {
    let lane = if limited { "limited" } else { "default" };
    let limit = Limit::new("bench", Counts::Start { guard: Duration::ZERO })
        .window(Window::requests(100_000_000, Duration::from_mins(1)));
    limits::define(pool, &limit).await?;
    limits::set_lane(pool, "bench", "limited", &[LaneKey::new("bench")]).await?;

    let mut job = NewJob::of(&NoOp { text: "forty bytes of arguments, more or less".into() });
    lane.clone_into(&mut job.lane);
    let batch = vec![job; 1_000];
    let began = Instant::now();
    let mut conn = pool.pool().acquire().await?;
    for _ in 0..jobs.div_ceil(1_000) {
        bellwether_queue::enqueue_all(&mut *conn, &batch).await?;
    }
    let jobs = jobs.div_ceil(1_000) * 1_000;
    let added = jobs as f64 / began.elapsed().as_secs_f64();
    drop(conn);

    let process = Process::start(Config {
        pool: pool.clone(),
        direct: direct.clone(),
        listen: true,
        name: "bench".into(),
        version: "bench".into(),
        queues: vec![QueueConfig { name: "bench".into(), concurrency: 1_000 }],
        registry: Registry::new().with::<NoOp>(),
    })
    .await?;
    let done = Arc::new(AtomicUsize::new(0));
    let mut attempts = process.subscribe("bench");
    let began = Instant::now();
    while done.load(Ordering::Relaxed) < jobs {
        let Some(attempt) = attempts.recv().await else { break };
        attempt.finish(Outcome::Complete);
        done.fetch_add(1, Ordering::Relaxed);
    }
    // The drain is over when the last completion is stored.
    process.close(Duration::from_secs(10)).await?;
    Ok((added, jobs as f64 / began.elapsed().as_secs_f64()))
}

/// Moves as many rows through tables of the same shape, by two connections at once, each from where
/// its last statement ended.
async fn raw(pool: &Db, jobs: usize) -> Result<f64, sqlx::Error> {
    for statement in [
        "drop table if exists raw_ready, raw_running, raw_done",
        "create table raw_ready (like queue.ready)",
        "create unique index on raw_ready (lane, priority, id)",
        "create table raw_running (like queue.ready)",
        "alter table raw_running add primary key (id)",
        "create table raw_done (like queue.ready)",
        "create index on raw_done (id)",
    ] {
        sqlx::query(statement).execute(pool).await?;
    }
    sqlx::query(
        "insert into raw_ready (id, lane, priority, kind, attempt, max_attempts, args, created_at, available_at)
        select i, 1, 4, 'no_op', 0, 5, '{\"text\":\"forty bytes of arguments, more or less\"}', now(), now()
        from generate_series(1, $1::bigint) i",
    )
    .bind(jobs as i64)
    .execute(pool)
    .await?;
    let began = Instant::now();
    let movers: Vec<_> = (0..2)
        .map(|_| {
            let pool = pool.clone();
            tokio::spawn(async move {
                let mut mark = 0_i64;
                loop {
                    let ids: Vec<i64> = sqlx::query_scalar(
                        "with gone as (
                            delete from raw_ready where ctid = any (array(
                                select ctid from raw_ready where lane = 1 and (priority, id) > (4, $1) order by priority, id limit 500 for update skip locked))
                            returning *)
                        insert into raw_running select * from gone returning id",
                    )
                    .bind(mark)
                    .fetch_all(&pool)
                    .await?;
                    mark = ids.iter().copied().max().unwrap_or(mark);
                    if ids.is_empty() {
                        return Ok::<_, sqlx::Error>(());
                    }
                    sqlx::query(
                        "with gone as (delete from raw_running where id = any ($1) returning *)
                        insert into raw_done select * from gone",
                    )
                    .bind(&ids)
                    .execute(&pool)
                    .await?;
                }
            })
        })
        .collect();
    for mover in movers {
        mover.await.map_err(|e| sqlx::Error::Protocol(e.to_string()))??;
    }
    let rate = jobs as f64 / began.elapsed().as_secs_f64();
    sqlx::query("drop table raw_ready, raw_running, raw_done").execute(pool).await?;
    Ok(rate)
}
