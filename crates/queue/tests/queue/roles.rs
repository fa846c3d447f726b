//! Grants of each database role, and no more: the statements of "Roles" in the README.

use crate::support::*;
use bellwether_queue::{Error, JobId, NewJob, OnFailure, State, control, inspect};
use bellwether_testing::{Database, unique};
use sqlx::{AssertSqlSafe, Executor, postgres::PgPoolOptions};

const APPLICATION: &str = "-- an application";
const OPERATOR: &str = "-- an operator";
const MONITOR: &str = "-- a monitor";

/// Returns the statements that the README has under this heading.
fn grants(heading: &str) -> &'static str {
    let mut blocks = include_str!("../../README.md").split("```");
    let found = blocks.find(|block| block.trim_start_matches("sql").trim().starts_with(heading));
    found.expect("README says what to grant").trim_start_matches("sql")
}

/// A connection with a role that has these grants.
struct Role {
    name: String,
    db: Db,
}

impl Role {
    async fn new(db: &Database, heading: &str) -> Self {
        let name = unique("role").replace('-', "_");
        let grants = grants(heading).replace("to app", &format!("to {name}"));
        let sql = format!("create role {name}; {grants}");
        db.pool().execute(AssertSqlSafe(sql)).await.unwrap();
        let options = db.options().options([("role", &name)]);
        Self { db: Db::direct(PgPoolOptions::new().connect_lazy_with(options)), name }
    }

    async fn add(&self, job: &NewJob) -> Result<JobId, Error> {
        let mut tx = self.db.begin().await?;
        let added = bellwether_queue::enqueue(&mut *tx, job).await?;
        tx.commit().await?;
        Ok(added.id)
    }

    async fn end(self, db: &Database) {
        self.db.close().await;
        let sql = format!("drop owned by {0}; drop role {0}", self.name);
        db.pool().execute(AssertSqlSafe(sql)).await.unwrap();
    }
}

async fn sql_enqueue(db: &Db) -> sqlx::Result<JobId> {
    let sql = "select id from queue.enqueue('note', '{\"text\": \"x\"}', queue => 'notes', unique_key => 'k')";
    Ok(JobId(sqlx::query_scalar(sql).fetch_one(db).await?))
}

#[tokio::test]
async fn an_application_adds_jobs_with_what_it_is_granted_and_does_nothing_else_to_them() {
    let db = database().await;
    let pool = Db::direct(db.pool());
    let app = Role::new(&db, APPLICATION).await;
    let first = sql_enqueue(&app.db).await.unwrap();
    assert_eq!(sql_enqueue(&app.db).await.unwrap(), first, "a duplicate is told");
    for job in [
        note("plain"),
        note("unique y"),
        note(&"x".repeat(5_000)),
        note("later").at(bellwether_testing::at("9999-01-01T00:00:00Z")),
        NewJob { queue: "brand_new".into(), lane: "too".into(), ..note("new") },
    ] {
        app.add(&job).await.unwrap();
    }
    let refresh = NewJob::of(&Refresh { what: "AAPL".into() });
    let one = app.add(&refresh).await.unwrap();
    assert_eq!(app.add(&refresh).await.unwrap(), one, "also one that waits to be claimed");
    let child = app.add(&note("child").after(&[first], OnFailure::Cascade)).await.unwrap();
    assert_eq!(inspect::find(&app.db, child).await.unwrap().unwrap().job.state, State::Pending);
    assert!(control::cancel(&app.db, first).await.is_err());
    assert_eq!(state(&pool, first).await, State::Available);
    app.end(&db).await;
}

#[tokio::test]
async fn an_application_takes_a_key_whose_holder_left_history_a_moment_ago() {
    let db = database().await;
    let pool = Db::direct(db.pool());
    let app = Role::new(&db, APPLICATION).await;
    // a day that begins after the grants
    let day: String = sqlx::query_scalar(
        "select 'done_' || to_char(clock_timestamp() at time zone 'UTC', 'YYYYMMDD')",
    )
    .fetch_one(&pool)
    .await
    .unwrap();
    let anew = format!("drop table queue.{day}; select queue.make_partitions()");
    db.pool().execute(AssertSqlSafe(anew)).await.unwrap();
    let mut hand = ByHand::register(pool.clone()).await;
    let first = sql_enqueue(&app.db).await.unwrap();
    hand.claim("notes", 1).await;
    assert!(hand.complete(first.0, false).await);
    let left: bool = sqlx::query_scalar("select queue.detach_day($1)")
        .bind(&day)
        .fetch_one(&pool)
        .await
        .unwrap();
    assert!(left);
    assert_ne!(sql_enqueue(&app.db).await.unwrap(), first);
    app.end(&db).await;
}

#[tokio::test]
async fn an_operator_commands_and_a_monitor_reads() {
    let db = database().await;
    let pool = Db::direct(db.pool());
    let id = add(&pool, &note("x")).await;
    let operator = Role::new(&db, OPERATOR).await;
    control::cancel(&operator.db, id).await.unwrap();
    control::retry(&operator.db, id).await.unwrap();
    assert!(control::pause(&operator.db, "notes").await.unwrap());

    let monitor = Role::new(&db, MONITOR).await;
    let found = inspect::find(&monitor.db, id).await.unwrap().unwrap();
    assert_eq!(found.job.state, State::Available);
    assert!(inspect::why(&monitor.db, id).await.unwrap().is_some());
    assert_eq!(inspect::queues(&monitor.db).await.unwrap().len(), 1);
    assert!(monitor.add(&note("y")).await.is_err());
    assert!(control::cancel(&monitor.db, id).await.is_err());
    operator.end(&db).await;
    monitor.end(&db).await;
}
