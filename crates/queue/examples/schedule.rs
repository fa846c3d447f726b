//! Later, again after a failure, and by the calendar.

mod common;

use std::time::Duration;

use bellwether_queue::{
    Attempt, Failure, Handlers, Job, NewJob, add, enqueue,
    schedule::{self, Missed, Schedule},
};
use chrono::TimeDelta;
use common::{Error, Place};

/// Fails as often as it is told.
#[derive(serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
struct Report {
    failures: u16,
}

impl Job for Report {
    const KIND: &'static str = "example_report";
    const QUEUE: &'static str = "example_schedule";
    const MAX_ATTEMPTS: u16 = 3;
    type Context = ();

    /// The default is attempt⁴ seconds: 1, 16, 81, 256 …
    fn backoff(attempt: u16) -> Option<Duration> {
        Some(Duration::from_millis(200) * attempt.into())
    }

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
    let process = place.work(Handlers::new(()).with::<Report>()).await?;

    // Times are the database's: no clock of a client decides when a job is due.
    let soon = schedule::now(db).await? + TimeDelta::milliseconds(500);
    let later = NewJob::of(&Report { failures: 0 })?.at(soon);
    let mut tx = db.begin().await?;
    let later = add(&mut tx, &later).await?;
    let flaky = enqueue(&mut tx, &Report { failures: 2 }).await?;
    let hopeless = enqueue(&mut tx, &Report { failures: 9 }).await?;
    tx.commit().await?;
    println!("later: {}", place.ended(later.id).await?.job.state);
    let flaky = place.ended(flaky.id).await?;
    println!("flaky: {} after {} failures", flaky.job.state, flaky.attempts.len() - 1);
    let hopeless = place.ended(hopeless.id).await?.job;
    println!("hopeless: {}, because {}", hopeless.state, hopeless.error.unwrap_or_default());

    // Five fields as in a crontab, in a zone by name. Every process may tick; a tick happens once.
    let report = Report { failures: 0 };
    let nightly = Schedule::of("example-nightly", "30 2 * * mon-fri", "Europe/Zurich", &report)?
        .missed(Missed::One); // of the ticks that nobody was there to make, the last
    schedule::define(db, &nightly).await?;
    let listed = schedule::list(db).await?;
    let listed = listed.iter().find(|one| one.name == nightly.name).ok_or("it is not there")?;
    println!("{} fires next at {:?}", listed.name, listed.next_fire_at);
    schedule::pause(db, &nightly.name, true).await?;
    let mut tx = db.begin().await?;
    let registry = Handlers::new(()).with::<Report>().registry().clone();
    let by_hand = schedule::run_now(&mut tx, &registry, &nightly.name).await?;
    tx.commit().await?;
    let by_hand = by_hand.ok_or("there is no such schedule")?;
    println!("by hand: {}", place.ended(by_hand.id).await?.job.state);
    schedule::remove(db, &nightly.name).await?; // a row goes on until somebody removes it
    process.close(Duration::from_secs(5)).await?;
    Ok(())
}
