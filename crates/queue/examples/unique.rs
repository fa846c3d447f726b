//! One job for one occasion, however many ask for it: the key is an index, not a look-up.

mod common;

use std::time::Duration;

use bellwether_queue::{Attempt, Failure, Handlers, Holds, Job, NewJob, add_all, enqueue};
use common::{Error, Place};

/// An invoice is sent once. Its key holds until the finished job is pruned.
#[derive(serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
struct SendInvoice {
    number: String,
}

impl Job for SendInvoice {
    const KIND: &'static str = "example_send_invoice";
    const QUEUE: &'static str = "example_unique";
    type Context = ();

    fn unique_key(&self) -> Option<String> {
        Some(self.number.clone())
    }

    async fn run(self, (): (), _: &Attempt) -> Result<(), Failure> {
        println!("invoice {} is sent", self.number);
        Ok(())
    }
}

/// An index is refreshed from what is there when it runs: while one waits, another would do the
/// same; once it runs, what changes from now on wants another. Its key holds until it is claimed.
#[derive(serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
struct RefreshIndex {}

impl Job for RefreshIndex {
    const KIND: &'static str = "example_refresh_index";
    const QUEUE: &'static str = "example_unique";
    const HOLDS: Holds = Holds::UntilClaimed;
    type Context = ();

    fn unique_key(&self) -> Option<String> {
        Some("index".into())
    }

    async fn run(self, (): (), _: &Attempt) -> Result<(), Failure> {
        println!("the index is fresh");
        Ok(())
    }
}

#[tokio::main]
async fn main() -> Result<(), Error> {
    let place = Place::find().await?;
    // A run of this example is the occasion.
    let number = format!("2026-{}", std::process::id());
    let mut tx = place.db.begin().await?;
    let first = enqueue(&mut tx, &SendInvoice { number: number.clone() }).await?;
    let again = enqueue(&mut tx, &SendInvoice { number: number.clone() }).await?;
    println!("the same job: {}, a duplicate: {}", first.id == again.id, again.duplicate);

    let numbers = ["a", "b", "b", "c"].map(|letter| format!("{number}/{letter}"));
    let jobs: Result<Vec<_>, _> =
        numbers.into_iter().map(|number| NewJob::of(&SendInvoice { number })).collect();
    let jobs = jobs?;
    let added = add_all(&mut tx, &jobs).await?;
    let new = added.iter().filter(|one| !one.duplicate).count();
    println!("in bulk: {new} of {} were new, and a duplicate fails nobody", added.len());

    let waiting = enqueue(&mut tx, &RefreshIndex {}).await?;
    let merged = enqueue(&mut tx, &RefreshIndex {}).await?;
    tx.commit().await?;
    println!("a refresh that waits stands for both: {}", waiting.id == merged.id);

    let process =
        place.work(Handlers::new(()).with::<SendInvoice>().with::<RefreshIndex>()).await?;
    place.ended(first.id).await?;
    place.ended(waiting.id).await?;
    let mut tx = place.db.begin().await?;
    let sent = enqueue(&mut tx, &SendInvoice { number }).await?;
    let another = enqueue(&mut tx, &RefreshIndex {}).await?;
    tx.commit().await?;
    println!("after its end an invoice is still a duplicate: {}", sent.duplicate);
    println!("and a refresh is not: {}", !another.duplicate);
    place.ended(another.id).await?;
    process.close(Duration::from_secs(5)).await?;
    Ok(())
}
