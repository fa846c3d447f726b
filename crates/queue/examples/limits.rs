//! A vendor's quota, enforced over all workers, and a park when the vendor answers 429.

mod common;

use std::borrow::Cow;
use std::time::{Duration, Instant};

use bellwether_queue::{
    Attempt, Failure, Handlers, Job, JobArgs, NewJob, State, enqueue_all, inspect,
    limits::{self, Counts, LaneKey, Limit, Window},
};
use common::{Error, Place};

/// Asks the vendor once.
#[derive(Clone, serde::Serialize, serde::Deserialize)]
struct Ask {}

const LANE: &str = "vendor";

impl JobArgs for Ask {
    const KIND: &'static str = "example_ask";
    const QUEUE: &'static str = "example_limits";

    fn lane(&self) -> Cow<'static, str> {
        LANE.into()
    }
}

impl Job for Ask {
    type Context = Instant;
    type Output = ();

    async fn run(self, begun: Instant, attempt: &Attempt) -> Result<(), Failure> {
        // Immediately before the request is sent: a permit that has expired is exchanged here.
        attempt.take_permit().await?;
        println!("asked after {} s under {:?}", begun.elapsed().as_secs(), attempt.key());
        Ok(())
    }
}

#[tokio::main]
async fn main() -> Result<(), Error> {
    let place = Place::find().await?;
    let db = &place.db;
    // Three requests in any two seconds, over all workers together.
    let vendor = Limit::new("example/vendor", Counts::Start { guard: Duration::from_millis(100) })
        .window(Window::requests(3, Duration::from_secs(2)));
    let spare = Limit::new("example/spare", Counts::Finish).in_flight(1);
    limits::define(db, &vendor).await?;
    limits::define(db, &spare).await?;
    limits::set_lane(db, Ask::QUEUE, LANE, &[LaneKey::new("example/vendor")]).await?;

    let begun = Instant::now();
    let process = place.work(Handlers::new().with::<Ask>(begun)).await?;
    let six = vec![NewJob::of(&Ask {}); 6];
    let mut tx = db.begin().await?;
    let added = enqueue_all(&mut *tx, &six).await?;
    tx.commit().await?;
    let last = added.last().ok_or("six jobs")?.id;
    let why = loop {
        match inspect::why(db, last).await?.ok_or("the job is gone")? {
            why if why.state == State::Parked => break why,
            _ => tokio::time::sleep(Duration::from_millis(5)).await,
        }
    };
    println!("the last one waits: {}", why.reason);
    place.ended(last).await?;
    println!("six were asked, in two rounds: {}", begun.elapsed() >= Duration::from_secs(2));

    // The vendor answers 429 with Retry-After: the key is parked on all workers at once. The lane
    // falls back to the next key if the first one returns later than its fallback time.
    let keys = [
        LaneKey::new("example/vendor").fallback_after(Duration::from_secs(5)),
        LaneKey::new("example/spare"),
    ];
    limits::set_lane(db, Ask::QUEUE, LANE, &keys).await?;
    let mut tx = db.begin().await?;
    limits::park(&mut tx, "example/vendor", Duration::from_mins(10), "429").await?;
    let added = enqueue_all(&mut *tx, &six[..1]).await?;
    tx.commit().await?;
    let served = place.ended(added[0].id).await?;
    println!("while it is parked the other key serves: {}", served.job.state);
    process.close(Duration::from_secs(5)).await?;
    Ok(())
}
