//! Tests of an application's jobs: assertions on enqueued jobs, jobs run inline, and time that
//! passes when the test says so.
//!
//! Runs on a PostgreSQL of its own, because time passes for every row in it.

#[expect(dead_code, reason = "nothing works in the background here")]
mod common;

use std::time::Duration;

use bellwether_queue::{
    Attempt, Db, Failure, Handlers, Job, JobArgs, State, enqueue,
    testing::{Inline, assert_enqueued, refute_enqueued},
};
use common::{Error, Place};
use serde_json::json;

/// Reminds a user, and again a day later.
#[derive(serde::Serialize, serde::Deserialize)]
struct Remind {
    user: i64,
}

impl JobArgs for Remind {
    const KIND: &'static str = "example_remind";
    const QUEUE: &'static str = "example_testing";
}

impl Job for Remind {
    type Context = ();
    type Output = ();

    async fn run(self, (): (), attempt: &Attempt) -> Result<(), Failure> {
        if attempt.number() == 1 {
            return Err(Failure::retry_after(Duration::from_hours(24), "no answer yet"));
        }
        Ok(())
    }
}

/// The code under test.
async fn sign_up(db: &Db, user: i64) -> Result<(), Error> {
    let mut tx = db.begin().await?;
    enqueue(&mut *tx, Remind { user }).await?;
    tx.commit().await?;
    Ok(())
}

#[tokio::main]
async fn main() -> Result<(), Error> {
    let place = Place::new().await?;
    let db = &place.db;
    sign_up(db, 7).await?;
    assert_enqueued(db, "example_remind", json!({"user": 7})).await;
    refute_enqueued(db, "example_remind", json!({"user": 8})).await;
    println!("user 7 will be reminded, user 8 will not");

    let mut inline = Inline::new(db, Handlers::new().with::<Remind>(())).await?;
    let ran = inline.drain().await?;
    assert_eq!(ran[0].state, State::Retryable);
    println!("today: {} because {:?}", ran[0].state, ran[0].error);
    assert!(inline.drain().await?.is_empty());

    inline.advance(Duration::from_hours(24)).await?;
    let ran = inline.drain().await?;
    println!("tomorrow, which took no time: {} at attempt {}", ran[0].state, ran[0].attempt);
    Ok(())
}
