//! A job that exists exactly when its transaction commits, and an effect that happens once.

mod common;

use std::time::Duration;

use bellwether_queue::{Attempt, Db, Failure, Handlers, Job, JobArgs, enqueue};
use common::{Error, Place};

/// Greets a new user.
#[derive(serde::Serialize, serde::Deserialize)]
struct Welcome {
    name: String,
}

impl JobArgs for Welcome {
    const KIND: &'static str = "example_welcome";
    const QUEUE: &'static str = "example_tx";
}

impl Job for Welcome {
    type Context = Db;
    type Output = ();

    async fn run(self, db: Db, attempt: &Attempt) -> Result<(), Failure> {
        let mut tx = db.begin().await?;
        sqlx::query("insert into example_mail (text) values ('Welcome, ' || $1)")
            .bind(&self.name)
            .execute(&mut *tx)
            .await?;
        // The mail, the end of this job and the next job are committed together or not at all.
        let survey = Survey { name: self.name };
        attempt.enqueue(&mut tx, survey).await?;
        attempt.complete_in(&mut tx).await?;
        tx.commit().await?;
        Ok(())
    }
}

/// Sends a survey. It writes nothing itself, so the worker completes it.
#[derive(serde::Serialize, serde::Deserialize)]
struct Survey {
    name: String,
}

impl JobArgs for Survey {
    const KIND: &'static str = "example_survey";
    const QUEUE: &'static str = "example_tx";
}

impl Job for Survey {
    type Context = Db;
    type Output = ();

    async fn run(self, _: Db, _: &Attempt) -> Result<(), Failure> {
        println!("survey: how do you like it, {}?", self.name);
        Ok(())
    }
}

#[tokio::main]
async fn main() -> Result<(), Error> {
    let place = Place::find().await?;
    let db = &place.db;
    sqlx::raw_sql("drop table if exists example_mail; create table example_mail (text text)")
        .execute(db)
        .await?;

    let mut tx = db.begin().await?;
    let never = enqueue(&mut *tx, Welcome { name: "Eve".into() }).await?;
    tx.rollback().await?;
    let found = bellwether_queue::inspect::find(db, never.id).await?;
    println!("rolled back: the job {}", if found.is_some() { "is there" } else { "never was" });

    let mut tx = db.begin().await?;
    let added = enqueue(&mut *tx, Welcome { name: "Ada".into() }).await?;
    tx.commit().await?;

    let process =
        place.work(Handlers::new().with::<Welcome>(db.clone()).with::<Survey>(db.clone())).await?;
    let welcome = place.ended(added.id).await?;
    let mails: Vec<String> =
        sqlx::query_scalar("select text from example_mail").fetch_all(db).await?;
    println!("committed: the job is {}, and there is 1 mail: {mails:?}", welcome.job.state);
    let survey = place.ended(welcome.children[0]).await?;
    println!("its child {} is {}", survey.job.kind, survey.job.state);
    process.close(Duration::from_secs(5)).await?;
    sqlx::raw_sql("drop table example_mail").execute(db).await?;
    Ok(())
}
