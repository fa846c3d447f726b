//! One job for one occasion, however many callers add it: the unique key is an index, not a
//! look-up.

mod common;

use std::time::Duration;

use bellwether_queue::{
    Attempt, Failure, Handlers, Job, JobArgs, NewJob, UniqueUntil, enqueue, enqueue_all,
};
use common::{Error, Place};

/// Sends an invoice, once: its key holds until the finished job is pruned.
#[derive(serde::Serialize, serde::Deserialize)]
struct SendInvoice {
    number: String,
}

impl JobArgs for SendInvoice {
    const KIND: &'static str = "example_send_invoice";
    const QUEUE: &'static str = "example_unique";

    fn unique_key(&self) -> Option<String> {
        Some(self.number.clone())
    }
}

impl Job for SendInvoice {
    type Context = ();
    type Output = ();

    async fn run(self, (): (), _: &Attempt) -> Result<(), Failure> {
        println!("invoice {} is sent", self.number);
        Ok(())
    }
}

/// Refreshes an index from current state: while one refresh waits, another would do the same; once
/// it runs, a later change needs another refresh. Its key holds until it is claimed.
#[derive(serde::Serialize, serde::Deserialize)]
struct RefreshIndex {}

impl JobArgs for RefreshIndex {
    const KIND: &'static str = "example_refresh_index";
    const QUEUE: &'static str = "example_unique";
    const UNIQUE_UNTIL: UniqueUntil = UniqueUntil::Claimed;

    fn unique_key(&self) -> Option<String> {
        Some("index".into())
    }
}

impl Job for RefreshIndex {
    type Context = ();
    type Output = ();

    async fn run(self, (): (), _: &Attempt) -> Result<(), Failure> {
        println!("the index is fresh");
        Ok(())
    }
}

#[tokio::main]
async fn main() -> Result<(), Error> {
    let place = Place::find().await?;
    // Each run of this example is an occasion of its own.
    let number = format!("2026-{}", std::process::id());
    let mut tx = place.db.begin().await?;
    let first = enqueue(&mut *tx, SendInvoice { number: number.clone() }).await?;
    let again = enqueue(&mut *tx, SendInvoice { number: number.clone() }).await?;
    println!("the same job: {}, a duplicate: {}", first.id == again.id, again.duplicate);

    let numbers = ["a", "b", "b", "c"].map(|letter| format!("{number}/{letter}"));
    let jobs = numbers.map(|number| NewJob::from(SendInvoice { number }));
    let added = enqueue_all(&mut *tx, &jobs).await?;
    let new = added.iter().filter(|one| !one.duplicate).count();
    println!(
        "in bulk: {new} of {} were new, and a duplicate does not fail the others",
        added.len()
    );

    let waiting = enqueue(&mut *tx, RefreshIndex {}).await?;
    let merged = enqueue(&mut *tx, RefreshIndex {}).await?;
    tx.commit().await?;
    println!("a refresh that waits stands for both: {}", waiting.id == merged.id);

    let process =
        place.work(Handlers::new().with::<SendInvoice>(()).with::<RefreshIndex>(())).await?;
    place.ended(first.id).await?;
    place.ended(waiting.id).await?;
    let mut tx = place.db.begin().await?;
    let sent = enqueue(&mut *tx, SendInvoice { number }).await?;
    let another = enqueue(&mut *tx, RefreshIndex {}).await?;
    tx.commit().await?;
    println!("after its end an invoice is still a duplicate: {}", sent.duplicate);
    println!("and a refresh is not: {}", !another.duplicate);
    place.ended(another.id).await?;
    process.close(Duration::from_secs(5)).await?;
    Ok(())
}
