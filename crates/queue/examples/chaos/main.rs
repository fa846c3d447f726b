//! Runs several worker processes under load through every kind of fault; at the end no job is lost,
//! no effect has happened twice, and every repeated run is explained by a row.
//!
//! `chaos SECONDS` causes faults for so long, on a PostgreSQL of its own that it also crashes;
//! `chaos 0` causes each fault once, in about a minute. `chaos SECONDS SEED` repeats a run's
//! choices.

mod load;
mod monkey;
mod verdict;

use std::{str::FromStr, time::Duration};

use bellwether_queue::{Db, MIGRATOR};
use bellwether_testing::{Postgres, wait_until_within};
use rand::{SeedableRng, rngs::StdRng};
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

use load::Error;
use monkey::{Monkey, say};
use verdict::Verdict;

const WORKERS: u32 = 4;
const CONNECTIONS: u16 = 60;

#[tokio::main]
async fn main() -> Result<(), Error> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    match args.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["worker", url, name] => load::work(url, name).await,
        [seconds] => chaos(seconds.parse()?, rand::random()).await,
        [seconds, seed] => chaos(seconds.parse()?, seed.parse()?).await,
        _ => Err("usage: chaos SECONDS [SEED]".into()),
    }
}

async fn chaos(seconds: u64, seed: u64) -> Result<(), Error> {
    let begun = Instant::now();
    // Longer waits, for thorough runs only.
    let long = seconds > 0;
    let outage = Duration::from_secs(if long { 60 } else { 17 });
    let watched = Duration::from_secs(if long { 25 } else { 8 });
    let frozen = Duration::from_secs(if long { 45 } else { 0 });
    println!("chaos: {seconds} s, seed {seed}");

    let postgres = Postgres::start(CONNECTIONS).await;
    let options = PgConnectOptions::from_str(&postgres.url)?;
    let pool = PgPoolOptions::new()
        .max_connections(3)
        .acquire_timeout(Duration::from_secs(5))
        .connect_lazy_with(options.clone());
    MIGRATOR.run(&pool).await?;
    let db = Db::direct(pool);
    load::prepare(&db).await?;

    let mut rng = StdRng::seed_from_u64(seed);
    let stop = CancellationToken::new();
    let adding = tokio::spawn(load::enqueue(db.clone(), rng.fork(), stop.clone()));
    let mut monkey = Monkey::new(postgres, db.clone(), options, rng, frozen);
    for _ in 0..WORKERS {
        monkey.start_worker()?;
    }
    wait_until_within(Duration::from_secs(20), "work under way", || async {
        (count(&db, "select count(*) from queue.done").await? > 20).then_some(())
    })
    .await;

    say(&format!("the database is away for {} s", outage.as_secs()));
    monkey.outage(outage).await;
    sleep(watched).await;
    let robbed = "select (select count(*) from queue.process where dead_at is not null)
        + (select count(*) from queue.attempt where outcome = 'lost' and code is distinct from 'worker_lost_track')";
    let robbed =
        wait_until_within(Duration::from_secs(20), "the database", || count(&db, robbed)).await;
    if robbed != 0 {
        return Err("the outage has rescued jobs although every worker was alive".into());
    }
    say("it has rescued no job");

    monkey.rage(Instant::now() + Duration::from_secs(seconds)).await?;
    stop.cancel();
    adding.await?;
    say("the last jobs run");
    wait_until_within(Duration::from_mins(2), "the end of the queue", || async {
        (count(&db, "select count(*) from queue.job where state <> 'completed'").await? == 0)
            .then_some(())
    })
    .await;
    monkey.close()?;

    let verdict = Verdict::reach(&db, &monkey.victims).await?;
    println!("\n{}", verdict.table());
    println!("{:?}", monkey.done);
    println!("took {} s", begun.elapsed().as_secs());
    verdict.end()?;
    println!("nothing lost, nothing done twice, every repeated run explained");
    Ok(())
}

/// `None`: the database is away.
async fn count(db: &Db, sql: &'static str) -> Option<i64> {
    match sqlx::query_scalar(sql).fetch_one(db).await {
        Ok(n) => Some(n),
        Err(e) => {
            eprintln!("  {e}");
            None
        }
    }
}
