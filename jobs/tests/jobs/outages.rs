//! A database in trouble gives attempts back; only a statement that is itself wrong spends one.

use bellwether_jobs::ScrapeBatch;
use bellwether_queue::{JobId, State};

use crate::stage::{Stage, symbol};

/// Lets every round fail with this code where it writes its batch.
async fn break_batches(stage: &Stage, code: &str) {
    let sql = format!(
        "create or replace function fail() returns trigger language plpgsql as
         $$ begin raise exception 'played' using errcode = '{code}'; end $$;
         create or replace trigger fail before insert on batch execute function fail()"
    );
    sqlx::raw_sql(sqlx::AssertSqlSafe(sql)).execute(stage.pool.pool()).await.unwrap();
}

async fn mend_batches(stage: &Stage) {
    sqlx::query("drop trigger fail on batch").execute(&stage.pool).await.unwrap();
}

/// A round that always writes a batch.
fn round() -> ScrapeBatch {
    ScrapeBatch { symbols: Some(vec![symbol("AAPL")]), reason: None }
}

async fn waits(stage: &Stage, job: JobId) -> f64 {
    let job = stage.find(job).await.job;
    let now = bellwether_store::now(&stage.pool).await.unwrap();
    (job.due_at.unwrap() - now).as_seconds_f64()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_cannot_serve_now_gives_the_attempt_back() {
    let mut stage = Stage::new().await;
    stage.only::<ScrapeBatch>().await;
    for code in
        ["53100", "53200", "53300", "57014", "57P01", "25006", "55P03", "40P01", "08006", "58030"]
    {
        break_batches(&stage, code).await;
        let id = stage.add(&round()).await;
        assert_eq!(stage.ended(id, 1).await.outcome, "snoozed", "{code}");
        mend_batches(&stage).await;
        stage.hurry_unless_final(id).await;
        stage.completed(id).await;
        assert_eq!(stage.find(id).await.job.attempt, 1, "{code} spent an attempt");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn waits_for_a_server_in_trouble_grow_to_five_minutes() {
    let mut stage = Stage::new().await;
    break_batches(&stage, "53100").await;
    stage.only::<ScrapeBatch>().await;
    let id = stage.add(&round()).await;
    stage.ended(id, 1).await;
    assert!((0.0..6.0).contains(&waits(&stage, id).await));
    for (n, minutes, least, most) in [(2, 1, 50.0, 90.0), (3, 60, 290.0, 301.0)] {
        let age = "update queue.attempt set started_at = started_at - make_interval(mins => $2)
            where job = $1";
        sqlx::query(age).bind(id.0).bind(minutes).execute(&stage.pool).await.unwrap();
        stage.hurry(id).await;
        stage.ended(id, n).await;
        let wait = waits(&stage, id).await;
        assert!((least..most).contains(&wait), "attempt {n} waits {wait} s");
    }
    assert_eq!(stage.find(id).await.job.state, State::Scheduled, "no attempt was spent");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wrong_statement_spends_the_attempt() {
    let mut stage = Stage::new().await;
    break_batches(&stage, "23514").await;
    stage.only::<ScrapeBatch>().await;
    let id = stage.add(&round()).await;
    assert_eq!(stage.ended(id, 1).await.outcome, "failed");
}
