//! The number by which an autoscaler decides how many workers to run.

use std::time::Duration;

use crate::support::*;
use bellwether_queue::{
    inspect,
    limits::{self, Counts, LaneKey, Limit, Window},
};
use sqlx::PgPool;

async fn runnable(pool: &Db, queue: &str) -> i64 {
    sqlx::query_scalar("select queue.runnable($1)").bind(queue).fetch_one(pool).await.unwrap()
}

async fn run(pool: &Db, sql: &str) {
    sqlx::query(sqlx::AssertSqlSafe(sql)).execute(pool).await.unwrap();
}

async fn quota(pool: &Db, key: &str, amount: u64) {
    let limit = Limit::new(key, Counts::Start { guard: Duration::ZERO })
        .window(Window::requests(amount, Duration::from_mins(1)));
    limits::define(pool, &limit).await.unwrap();
    limits::set_lane(pool, "calls", key, &[LaneKey::new(key)]).await.unwrap();
}

/// Shared blocks that a statement touches.
async fn blocks(pool: &PgPool, sql: &str) -> i64 {
    let sql = format!("explain (analyze, buffers, format json) {sql}");
    let plan: serde_json::Value =
        sqlx::query_scalar(sqlx::AssertSqlSafe(sql)).fetch_one(pool).await.unwrap();
    let top = &plan[0]["Plan"];
    top["Shared Hit Blocks"].as_i64().unwrap() + top["Shared Read Blocks"].as_i64().unwrap()
}

#[tokio::test]
async fn running_and_claimable_jobs_count_and_no_others() {
    let db = database().await;
    let pool = Db::direct(db.pool());
    assert_eq!(runnable(&pool, "notes").await, 0, "the queue does not exist yet");

    add_all(&pool, &[note("a"), note("b"), note("c"), note("d"), note("e")]).await;
    let mut later = note("later");
    let in_an_hour = sqlx::query_scalar("select clock_timestamp() + interval '1 hour'");
    later.due_at = Some(in_an_hour.fetch_one(&pool).await.unwrap());
    add(&pool, &later).await;
    assert_eq!(runnable(&pool, "notes").await, 5, "a future job is none");

    let mut hand = ByHand::register(pool.clone()).await;
    let claimed = hand.claim("notes", 2).await;
    assert_eq!(claimed.len(), 2);
    assert_eq!(runnable(&pool, "notes").await, 5, "what runs keeps its worker");

    assert!(hand.complete(claimed[0].id, false).await);
    assert!(hand.fail(claimed[1].id, "discarded", None).await.is_some());
    assert_eq!(runnable(&pool, "notes").await, 3, "what has ended is none");
    assert_eq!(runnable(&pool, "calls").await, 0, "another queue's jobs are none");
}

#[tokio::test]
async fn a_paused_queue_and_one_at_its_cap_have_nothing_more_to_run() {
    let db = database().await;
    let pool = Db::direct(db.pool());
    add_all(&pool, &[note("a"), note("b"), note("c"), note("d")]).await;
    let mut hand = ByHand::register(pool.clone()).await;
    assert_eq!(hand.claim("notes", 1).await.len(), 1);

    run(&pool, "update queue.queue set cap = 2 where name = 'notes'").await;
    assert_eq!(runnable(&pool, "notes").await, 2);
    run(&pool, "update queue.queue set cap = null, paused = true where name = 'notes'").await;
    assert_eq!(runnable(&pool, "notes").await, 1, "only what runs already");
}

#[tokio::test]
async fn a_limited_lane_counts_up_to_the_capacity_of_its_key() {
    let db = database().await;
    let pool = Db::direct(db.pool());
    quota(&pool, "k", 5).await;
    let jobs: Vec<_> = (0..40).map(|_| call("k")).collect();
    add_all(&pool, &jobs).await;
    assert_eq!(runnable(&pool, "calls").await, 5);

    let mut hand = ByHand::register(pool.clone()).await;
    assert_eq!(hand.claim("calls", 3).await.len(), 3);
    assert_eq!(runnable(&pool, "calls").await, 5, "three that run, and two permits");
    assert_eq!(hand.claim("calls", 9).await.len(), 2);
    assert_eq!(runnable(&pool, "calls").await, 5, "five that run; the rest is parked");

    let mut conn = db.pool().acquire().await.unwrap();
    limits::park(&mut conn, "k", Duration::from_mins(1), "test").await.unwrap();
    run(&pool, "delete from queue.running").await;
    assert_eq!(runnable(&pool, "calls").await, 0, "nothing but parked jobs");
}

#[tokio::test]
async fn a_role_that_may_only_connect_gets_the_number_and_no_row() {
    let db = database().await;
    let pool = Db::direct(db.pool());
    add_all(&pool, &[note("a"), note("b")]).await;
    let mut tx = db.pool().begin().await.unwrap();
    let role = format!("scaler_{}", std::process::id());
    for sql in [format!("create role {role}"), format!("set local role {role}")] {
        sqlx::query(sqlx::AssertSqlSafe(sql)).execute(&mut *tx).await.unwrap();
    }
    let n: i64 =
        sqlx::query_scalar("select queue.runnable('notes')").fetch_one(&mut *tx).await.unwrap();
    assert_eq!(n, 2);
    let refused = sqlx::query("select from queue.ready").execute(&mut *tx).await.unwrap_err();
    let code = refused
        .as_database_error()
        .and_then(sqlx::error::DatabaseError::code)
        .map(std::borrow::Cow::into_owned);
    assert_eq!(code.as_deref(), Some("42501"));
}

#[tokio::test]
async fn the_number_costs_the_same_before_a_deep_backlog() {
    let db = database().await;
    let pool = Db::direct(db.pool());
    add(&pool, &note("first")).await;
    run(
        &pool,
        "insert into queue.ready (id, lane, priority, kind, attempt, max_attempts, args, created_at, available_at)
         select nextval('queue.job_id'), l.id, 4, 'note', 0, 5, jsonb_build_object('text', repeat('x', 500)), clock_timestamp(), clock_timestamp()
         from queue.lane l, generate_series(1, 50000) where l.queue = 'notes'",
    )
    .await;
    assert_eq!(runnable(&pool, "notes").await, 1000, "a thousand is the most that is counted");
    let whole = blocks(&db.pool(), "select count(args) from queue.ready").await;
    let asked = blocks(&db.pool(), "select queue.runnable('notes')").await;
    assert!(whole > 3_000, "the backlog is deep: {whole} blocks");
    assert!(asked < 1_500, "{asked} blocks of {whole}");
}

/// Lists every scan of a plan: its type, its relation and its index.
fn scans(node: &serde_json::Value, found: &mut Vec<(String, String, String)>) {
    let text = |key: &str| node[key].as_str().unwrap_or_default().to_owned();
    if !text("Relation Name").is_empty() {
        found.push((text("Node Type"), text("Relation Name"), text("Index Name")));
    }
    for child in node["Plans"].as_array().into_iter().flatten() {
        scans(child, found);
    }
}

/// A plan shows a function as one line, so the function's body is explained in its place, under its
/// settings.
async fn plan_of_runnable(pool: &PgPool, queue: &str) -> serde_json::Value {
    let (body, settings): (String, Vec<String>) = sqlx::query_as(
        "select prosrc, proconfig from pg_proc where oid = 'queue.runnable(text)'::regprocedure",
    )
    .fetch_one(pool)
    .await
    .unwrap();
    let mut tx = pool.begin().await.unwrap();
    for setting in settings {
        let sql = format!("set local {setting}");
        sqlx::query(sqlx::AssertSqlSafe(sql)).execute(&mut *tx).await.unwrap();
    }
    let body = body.replace("p_queue", &format!("'{queue}'"));
    let sql = format!("explain (analyze, format json) {body}");
    sqlx::query_scalar(sqlx::AssertSqlSafe(sql)).fetch_one(&mut *tx).await.unwrap()
}

/// No partial index serves this count and none is needed: later, ended and running jobs are in
/// tables of their own, and the index of the claim in `ready` begins with the lane. Only `running`
/// may be read as a whole, because it holds no more rows than the workers have slots.
#[tokio::test]
async fn the_number_is_read_by_the_index_of_the_claim_however_many_jobs_there_are() {
    let db = database().await;
    let pool = Db::direct(db.pool());
    quota(&pool, "k", 500).await;
    add_all(&pool, &[note("first"), note("second"), call("k"), call("other")]).await;
    let mut later = note("later");
    let in_an_hour = sqlx::query_scalar("select clock_timestamp() + interval '1 hour'");
    later.due_at = Some(in_an_hour.fetch_one(&pool).await.unwrap());
    add(&pool, &later).await;
    let mut hand = ByHand::register(pool.clone()).await;
    let claimed = hand.claim("notes", 2).await;
    assert!(hand.complete(claimed[0].id, false).await);
    for sql in [
        "insert into queue.ready (id, lane, priority, kind, attempt, max_attempts, args, created_at, available_at)
         select nextval('queue.job_id'), l.id, 4, 'note', 0, 5, '{}', clock_timestamp(), clock_timestamp()
         from queue.lane l, generate_series(1, 40000)",
        "insert into queue.scheduled select (jsonb_populate_record(s, jsonb_build_object('id', nextval('queue.job_id')))).*
         from queue.scheduled s, generate_series(1, 40000)",
        "insert into queue.done select (jsonb_populate_record(d, jsonb_build_object('id', nextval('queue.job_id')))).*
         from queue.done d, generate_series(1, 40000)",
        "analyze",
    ] {
        run(&pool, sql).await;
    }
    for (queue, expected) in [("notes", 1 + 1000), ("calls", 500 + 1000)] {
        assert_eq!(runnable(&pool, queue).await, expected, "{queue}");
        let plan = plan_of_runnable(&db.pool(), queue).await;
        let mut found = Vec::new();
        scans(&plan[0]["Plan"], &mut found);
        let claim = |(node, relation, index): &(String, String, String)| {
            node.starts_with("Index") && relation == "ready" && index == "ready_claim"
        };
        assert!(found.iter().any(claim), "{found:?}");
        let whole: Vec<_> = found.iter().filter(|(node, ..)| node.contains("Seq Scan")).collect();
        for (_, relation, _) in whole {
            assert!(
                ["queue", "lane", "lane_key", "limit_key", "limit_window", "running"]
                    .contains(&relation.as_str()),
                "{relation} is read as a whole: {plan:#}"
            );
        }
    }
}

#[tokio::test]
async fn the_longest_wait_is_found_behind_a_job_that_was_released() {
    let db = database().await;
    let pool = Db::direct(db.pool());
    let mut hand = ByHand::register(pool.clone()).await;
    add_all(&pool, &[note("given back"), note("waits"), note("waits")]).await;
    let got = hand.claim("notes", 1).await;
    run(&pool, "update queue.ready set available_at = available_at - interval '1 hour'").await;
    hand.fail(got[0].id, "released", None).await;
    let oldest = inspect::queues(&pool).await.unwrap()[0].oldest_age_s.unwrap();
    assert!((3_600.0..3_700.0).contains(&oldest), "{oldest}");
    let gauge = &inspect::queue_gauges(&pool).await.unwrap()[0];
    assert!((3_600.0..3_700.0).contains(&gauge.oldest_available_s), "{gauge:?}");
}
