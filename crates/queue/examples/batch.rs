//! A batch: many jobs tracked as one, with their progress and a job that follows them.

mod common;

use std::time::Duration;

use bellwether_queue::{
    Attempt, Db, Failure, Handlers, Job, JobArgs, OnFailure,
    batch::{self, NewBatch},
};
use common::{Error, Place};

/// Resizes one picture; some pictures are broken.
#[derive(serde::Serialize, serde::Deserialize)]
struct Resize {
    picture: u32,
}

impl JobArgs for Resize {
    const KIND: &'static str = "example_resize";
    const QUEUE: &'static str = "example_batch";
}

impl Job for Resize {
    type Context = Db;
    type Output = ();

    async fn run(self, _: Db, _: &Attempt) -> Result<(), Failure> {
        if self.picture == 13 { Err(Failure::discard("it is no picture")) } else { Ok(()) }
    }
}

/// Publishes the album, once every picture has ended.
#[derive(serde::Serialize, serde::Deserialize)]
struct Publish {}

impl JobArgs for Publish {
    const KIND: &'static str = "example_publish";
    const QUEUE: &'static str = "example_batch";
}

impl Job for Publish {
    type Context = Db;
    type Output = ();

    async fn run(self, db: Db, attempt: &Attempt) -> Result<(), Failure> {
        let progress = batch::of(&db, attempt.job()).await.map_err(Failure::retry)?;
        let progress = progress.ok_or_else(|| Failure::discard("it follows no batch"))?;
        println!("published {} of {} pictures", progress.done, progress.total);
        Ok(())
    }
}

#[tokio::main]
async fn main() -> Result<(), Error> {
    let place = Place::find().await?;
    let db = &place.db;
    let album = NewBatch::new("album 7")
        .jobs((1..=20).map(|picture| Resize { picture }))
        .then(Publish {})
        .on_failure(OnFailure::Ignore); // a broken picture does not stop the album
    let mut tx = db.begin().await?;
    let started = batch::start(&mut tx, &album).await?;
    tx.commit().await?;
    let progress = batch::progress(db, started.id).await?.ok_or("the batch is gone")?;
    println!(
        "{}: {} of {}, {}",
        progress.name,
        progress.done,
        progress.total,
        progress.state.as_str()
    );

    let process =
        place.work(Handlers::new().with::<Resize>(db.clone()).with::<Publish>(db.clone())).await?;
    let publish = place.ended(bellwether_queue::JobId(started.id.0)).await?;
    println!("{} is {}", publish.job.kind, publish.job.state);
    let progress = batch::progress(db, started.id).await?.ok_or("the batch is gone")?;
    println!(
        "{}: {} done, {} failed, {}",
        progress.name,
        progress.done,
        progress.failed,
        progress.state.as_str()
    );
    process.close(Duration::from_secs(5)).await?;
    Ok(())
}
