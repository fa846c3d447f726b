//! Jobs for later, retries with backoff, and jobs by crontab expression.

mod common;

use std::time::Duration;

use bellwether_queue::{
    Attempt, Failure, Handlers, Job, JobArgs, enqueue,
    schedule::{self, Missed, Schedule},
};
use chrono::TimeDelta;
use common::{Error, Place};

/// Fails the given number of times.
#[derive(serde::Serialize, serde::Deserialize)]
struct Report {
    failures: u16,
}

impl JobArgs for Report {
    const KIND: &'static str = "example_report";
    const QUEUE: &'static str = "example_schedule";
    const MAX_ATTEMPTS: u16 = 3;

    /// The default is attempt⁴ seconds: 1, 16, 81, 256 …
    fn backoff(attempt: u16) -> Option<Duration> {
        Some(Duration::from_millis(200) * attempt.into())
    }
}

impl Job for Report {
    type Context = ();
    type Output = ();

    async fn run(self, (): (), attempt: &Attempt) -> Result<(), Failure> {
        if attempt.number() <= self.failures {
            return Err(Failure::retry("the printer is on fire"));
        }
        println!("printed at attempt {}", attempt.number());
        Ok(())
    }
}

#[tokio::main]
async fn main() -> Result<(), Error> {
    let place = Place::find().await?;
    let db = &place.db;
    let process = place.work(Handlers::new().with::<Report>(())).await?;

    // Due times are the database's: no client's clock decides when a job is due.
    let soon = schedule::now(db).await? + TimeDelta::milliseconds(500);
    let later = Report { failures: 0 }.at(soon);
    let mut tx = db.begin().await?;
    let later = enqueue(&mut *tx, later).await?;
    let flaky = enqueue(&mut *tx, Report { failures: 2 }).await?;
    let hopeless = enqueue(&mut *tx, Report { failures: 9 }).await?;
    tx.commit().await?;
    println!("later: {}", place.ended(later.id).await?.job.state);
    let flaky = place.ended(flaky.id).await?;
    println!("flaky: {} after {} failures", flaky.job.state, flaky.attempts.len() - 1);
    let hopeless = place.ended(hopeless.id).await?.job;
    println!("hopeless: {}, because {}", hopeless.state, hopeless.error.unwrap_or_default());

    // Five fields as in a crontab, in a zone by name. Any process may tick; each tick is made once.
    let report = Report { failures: 0 };
    let nightly = Schedule::of("example-nightly", "30 2 * * mon-fri", "Europe/Zurich", &report)?
        .missed(Missed::One); // of missed ticks, the last
    schedule::define(db, &nightly).await?;
    let listed = schedule::list(db).await?;
    let listed = listed.iter().find(|one| one.name == nightly.name).ok_or("it is not there")?;
    println!("{} fires next at {:?}", listed.name, listed.next_fire_at);
    schedule::pause(db, &nightly.name, true).await?;
    let mut tx = db.begin().await?;
    let registry = Handlers::new().with::<Report>(()).registry().clone();
    let by_hand = schedule::run_now(&mut tx, &registry, &nightly.name).await?;
    tx.commit().await?;
    let by_hand = by_hand.ok_or("there is no such schedule")?;
    println!("by hand: {}", place.ended(by_hand.id).await?.job.state);
    schedule::remove(db, &nightly.name).await?; // a row stays until it is removed
    process.close(Duration::from_secs(5)).await?;
    Ok(())
}
