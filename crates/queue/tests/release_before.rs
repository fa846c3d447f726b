//! The release before this one on this one's schema: both work side by side while a deployment rolls,
//! in either direction.

mod support;

use bellwether_queue::{Db, JobId, NewJob, OnFailure, State, inspect, limits};
use sqlx::{AssertSqlSafe, Executor};
use support::*;
use uuid::Uuid;

/// A worker of the release before: what it calls, and how.
struct Before {
    pool: Db,
    process: Uuid,
    lease: i64,
}

impl Before {
    async fn register(pool: Db) -> Self {
        let process = Uuid::new_v4();
        sqlx::query(
            "insert into queue.process (id, name, version, queues) values ($1, $2, $3, $4)",
        )
        .bind(process)
        .bind("before")
        .bind("n-1")
        .bind(vec!["notes", "calls"])
        .execute(&pool)
        .await
        .unwrap();
        Self { pool, process, lease: 0 }
    }

    async fn enqueue(&self, kind: &str, queue: &str, lane: &str, key: Option<&str>) -> (i64, bool) {
        sqlx::query_as(
            "select id, duplicate from queue.enqueue_v2($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
        )
        .bind(vec![kind])
        .bind(vec![queue])
        .bind(vec![lane])
        .bind(vec![serde_json::json!({"text": "x"})])
        .bind(vec![4_i16])
        .bind(vec![5_i16])
        .bind(vec![None::<chrono::DateTime<chrono::Utc>>])
        .bind(vec![key])
        .bind(vec!["pruned"])
        .bind(vec![None::<serde_json::Value>])
        .bind(vec![None::<i64>])
        .bind(vec![None::<String>])
        .fetch_one(&self.pool)
        .await
        .unwrap()
    }

    async fn claim(&mut self, queue: &str, limit: i32) -> Vec<(i64, Option<String>)> {
        self.lease += 1;
        sqlx::query_as("select id, key from queue.claim_v2($1, $2, $3, $4, $5)")
            .bind(self.process)
            .bind(self.lease)
            .bind(queue)
            .bind(limit)
            .bind(vec!["note", "call", "refresh"])
            .fetch_all(&self.pool)
            .await
            .unwrap()
    }

    async fn complete(&self, job: i64) -> bool {
        sqlx::query_scalar::<_, i64>(
            "select job from queue.complete_v2($1, $2, $3, '{t}', '{f}', '{null}', '{null}', '{null}')",
        )
        .bind(self.process)
        .bind(vec![job])
        .bind(vec![self.lease])
        .fetch_optional(&self.pool)
        .await
        .unwrap()
        .is_some()
    }

    async fn fail(&self, job: i64, outcome: &str) -> Option<String> {
        sqlx::query_scalar(
            "select queue.fail_v2($1, $2, $3, $4, 'x', '0 s', null, true, false, null, null)",
        )
        .bind(self.process)
        .bind(job)
        .bind(self.lease)
        .bind(outcome)
        .fetch_one(&self.pool)
        .await
        .unwrap()
    }
}

#[tokio::test]
async fn every_statement_of_the_release_before_is_understood() {
    let db = database().await;
    let mut conn = db.pool().acquire().await.unwrap();
    let all = include_str!("release_before.sql");
    let statements: Vec<&str> = all.split("-- §").skip(1).map(str::trim).collect();
    assert!(statements.len() > 50);
    for statement in statements {
        let prepared = conn.execute(AssertSqlSafe(format!("prepare once as {statement}"))).await;
        assert!(prepared.is_ok(), "{statement}: {}", prepared.unwrap_err());
        conn.execute("deallocate once").await.unwrap();
    }
}

#[tokio::test]
async fn both_releases_work_the_same_jobs_and_neither_takes_the_others() {
    let db = database().await;
    let pool = Db::direct(db.pool());
    let mut before = Before::register(pool.clone()).await;
    let mut after = ByHand::register(pool.clone()).await;
    let (first, duplicate) = before.enqueue("note", "notes", "default", Some("k")).await;
    assert!(!duplicate);
    assert_eq!(add(&pool, &note("unique k")).await.0, first, "one key, whoever asks");
    let mut wanted = vec![first];
    for i in 0..9 {
        wanted.push(match i % 2 {
            0 => before.enqueue("note", "notes", "default", None).await.0,
            _ => add(&pool, &note("new")).await.0,
        });
    }
    let old = before.claim("notes", 5).await;
    let new = after.claim("notes", 5).await;
    let mut got: Vec<i64> = old.iter().map(|g| g.0).chain(new.iter().map(|g| g.id)).collect();
    got.sort_unstable();
    assert_eq!(got, wanted);
    assert!(!before.complete(new[0].id).await, "the fence holds between releases");
    assert!(!after.complete(old[0].0, false).await);
    assert!(before.complete(old[0].0).await && after.complete(new[0].id, false).await);
    assert_eq!(before.fail(old[1].0, "discarded").await.as_deref(), Some("discarded"));
    assert_eq!(before.fail(old[2].0, "released").await.as_deref(), Some("available"));
    let rescued: i32 = sqlx::query_scalar("select queue.rescue_v2(array[$1::uuid])")
        .bind(after.process)
        .fetch_one(&pool)
        .await
        .unwrap();
    assert_eq!(rescued, 4);
    for (job, state_wanted) in
        [(old[0].0, State::Completed), (old[1].0, State::Discarded), (new[1].id, State::Available)]
    {
        assert_eq!(state(&pool, JobId(job)).await, state_wanted);
    }
    let states: Vec<(String, bool)> = sqlx::query_as("select state, applied from queue.cancel_v1($1, 'x') union all select state, applied from queue.retry_v1($2)")
        .bind(old[2].0)
        .bind(old[1].0)
        .fetch_all(&pool)
        .await
        .unwrap();
    assert_eq!(states, [("cancelled".to_owned(), true), ("available".to_owned(), true)]);
}

#[tokio::test]
async fn the_release_before_completes_what_a_newer_job_waits_for_and_sees_it_pending() {
    let db = database().await;
    let pool = Db::direct(db.pool());
    let mut before = Before::register(pool.clone()).await;
    let parents = [
        before.enqueue("note", "notes", "default", None).await.0,
        before.enqueue("note", "notes", "default", None).await.0,
    ];
    let child = add(&pool, &call("free").after(&parents.map(JobId), OnFailure::Cascade)).await;
    let page: Vec<(i64, String)> = sqlx::query_as(
        "select id, state from queue.page_v1(null, null, null, null, null, null, null, $1, 0, 10)",
    )
    .bind(i64::MAX)
    .fetch_all(&pool)
    .await
    .unwrap();
    assert_eq!(page[0], (child.0, "pending".to_owned()));
    before.claim("notes", 2).await;
    assert!(before.complete(parents[0]).await && before.complete(parents[1]).await);
    sqlx::query("select queue.release_v1()").execute(&pool).await.unwrap();
    assert_eq!(state(&pool, child).await, State::Available);

    let parent = before.enqueue("note", "notes", "default", None).await.0;
    let child = add(&pool, &call("free").after(&[JobId(parent)], OnFailure::Cascade)).await;
    before.claim("notes", 2).await;
    before.fail(parent, "discarded").await;
    sqlx::query("select queue.release_v1()").execute(&pool).await.unwrap();
    assert_eq!(state(&pool, child).await, State::Cancelled, "nor does its failure go unheard");
}

#[tokio::test]
async fn both_releases_share_one_ledger() {
    let db = database().await;
    let pool = Db::direct(db.pool());
    let limit = limits::Limit::new("k", limits::Counts::Finish)
        .window(limits::Window::requests(6, std::time::Duration::from_hours(1)));
    limits::define(&pool, &limit).await.unwrap();
    limits::set_lane(&pool, "calls", "limited", &[limits::LaneKey::new("k")]).await.unwrap();
    let mut before = Before::register(pool.clone()).await;
    let mut after = ByHand::register(pool.clone()).await;
    for _ in 0..10 {
        before.enqueue("call", "calls", "limited", None).await;
        add(&pool, &NewJob::of(&Call { lane: "limited".into() }).unwrap()).await;
    }
    let old = before.claim("calls", 2).await;
    assert_eq!(old.iter().map(|g| g.1.as_deref()).collect::<Vec<_>>(), [Some("k"); 2]);
    let new = after.claim("calls", 3).await;
    assert_eq!(new.len(), 3);
    for (job, _) in &old {
        assert!(before.complete(*job).await);
    }
    for got in &new {
        assert!(after.complete(got.id, true).await);
    }
    assert_eq!(
        before.claim("calls", 10).await.len() + after.claim("calls", 10).await.len(),
        1,
        "five of six are spent"
    );
    let row: (Option<i64>,) = sqlx::query_as("select requests from queue.room_v2(array[(select id from queue.limit_key)], clock_timestamp())")
        .fetch_one(&pool)
        .await
        .unwrap();
    assert_eq!(row.0, Some(0));
    let until: Option<chrono::DateTime<chrono::Utc>> =
        sqlx::query_scalar("select queue.park_v1('k', '1 hour', 'x')")
            .fetch_one(&pool)
            .await
            .unwrap();
    assert!(until.is_some());
    let why = inspect::why(&pool, JobId(20)).await.unwrap().unwrap();
    assert_eq!(why.key.as_deref(), Some("k"));
}
