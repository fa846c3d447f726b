//! History is pruned by the day and in small steps, and no worker waits for it.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use crate::support::*;
use bellwether_queue::{
    Db, JobId, NewJob, OnFailure, State,
    batch::{self, NewBatch},
    control::{self, Commanded, Retention},
    inspect,
    limits::{self, Counts, LaneKey, Limit, Window},
};
use sqlx::{AssertSqlSafe, postgres::PgPoolOptions};

const KEEP: Retention = Retention { completed_days: 7, failed_days: 30 };

/// Creates the day's partitions and moves every finished job there.
async fn finished_days_ago(pool: &Db, days: i32) {
    for table in ["done", "failed"] {
        let sql = format!(
            "do $$ declare d date := (clock_timestamp() at time zone 'UTC')::date - {days}; begin
                execute format('create table queue.{table}_%s partition of queue.{table} for values from (%L) to (%L)', to_char(d, 'YYYYMMDD'), d || ' 00:00:00+00', (d + 1) || ' 00:00:00+00');
                update queue.{table} set finished_at = (d || ' 12:00:00+00')::timestamptz;
            end $$"
        );
        sqlx::query(AssertSqlSafe(sql)).execute(pool).await.unwrap();
    }
}

#[tokio::test]
async fn dependents_of_a_job_are_pruned_with_it() {
    let db = database().await;
    let pool = Db::direct(db.pool());
    let mut hand = ByHand::register(pool.clone()).await;
    let large = "large ".repeat(1_000);
    let done = add(&pool, &note(&format!("unique {}", "k".repeat(300)))).await;
    add(&pool, &note(&large)).await;
    let got = hand.claim("notes", 1).await;
    hand.fail(got[0].id, "failed", Some(Duration::ZERO)).await;
    for got in hand.claim("notes", 2).await {
        assert!(hand.complete(got.id, false).await);
    }
    let failed = add(&pool, &note(&large)).await;
    let waits = add(&pool, &call("child").after(&[failed], OnFailure::Pause)).await;
    hand.claim("notes", 1).await;
    hand.fail(failed.0, "discarded", None).await;
    let mut tx = pool.begin().await.unwrap();
    let batch = batch::start(&mut tx, &NewBatch::new("b").job(note("member"))).await.unwrap();
    tx.commit().await.unwrap();
    hand.claim("notes", 1).await;
    hand.complete(batch.jobs[0].id.0, false).await;
    sqlx::query("select queue.fold_batches()").execute(&pool).await.unwrap();

    finished_days_ago(&pool, 40).await;
    sqlx::raw_sql(
        "update queue.attempt set ended_at = ended_at - interval '40 days';
        update queue.batch set created_at = created_at - interval '40 days', finished_at = finished_at - interval '40 days'",
    )
    .execute(&pool)
    .await
    .unwrap();
    let pruned = control::prune(&pool, KEEP).await.unwrap();
    assert_eq!((pruned.partitions, pruned.jobs), (2, 4));
    assert!(inspect::find(&pool, done).await.unwrap().is_none());
    // the job that waited for one of them is rechecked
    bellwether_testing::wait_until("every edge to be settled", || async {
        recheck_edges(&pool).await;
        (count(&pool, "select count(*) from queue.edge_recheck").await == 0).then_some(())
    })
    .await;
    for table in
        ["unique_key", "payload", "attempt", "batch_job", "batch", "done", "failed", "edge"]
    {
        let sql = format!("select count(*) from queue.{table}");
        let left: i64 = sqlx::query_scalar(AssertSqlSafe(sql)).fetch_one(&pool).await.unwrap();
        assert_eq!(left, 0, "{table}");
    }
    sqlx::query("select queue.release_unblocked()").execute(&pool).await.unwrap();
    assert_eq!(
        state(&pool, waits).await,
        State::Cancelled,
        "what it waited for can be retried no more"
    );
}

/// Makes two days of jobs, each with a key, an attempt and arguments kept apart; returns the names
/// of their tables.
async fn two_days(pool: &Db, jobs: i32) -> [String; 2] {
    add(pool, &note("makes the lane")).await;
    sqlx::raw_sql(AssertSqlSafe(format!(
        "with made as (
            insert into queue.done (id, finished_at, process, claimed_at, lane, priority, kind, attempt, max_attempts, unique_key, unique_until, created_at)
            select nextval('queue.job_id'), now(), gen_random_uuid(), now(), 1, 4, 'note', 1, 5, 'k' || i, 'pruned', now() from generate_series(1, {jobs}) i
            returning id, unique_key
        ), keys as (
            insert into queue.unique_key (kind, key, job, unique_until) select 'note', unique_key, id, 'pruned' from made
        ), attempts as (
            insert into queue.attempt (job, number, started_at, outcome) select id, 1, now(), 'failed' from made
        )
        insert into queue.payload (job, args) select id, '{{}}' from made;
        insert into queue.failed (id, finished_at, state, lane, priority, kind, attempt, max_attempts, args, created_at)
        select nextval('queue.job_id'), now(), case when i % 2 = 0 then 'discarded' else 'cancelled' end, 1, 4, 'note', 5, 5, '{{}}', now() from generate_series(1, {jobs}) i;
        insert into queue.delta (lane, kind, was, became, n)
        values (1, 'note', null, 'completed', {jobs}), (1, 'note', null, 'discarded', {jobs} / 2), (1, 'note', null, 'cancelled', {jobs} / 2)",
    )))
    .execute(pool)
    .await
    .unwrap();
    finished_days_ago(pool, 40).await;
    let days =
        sqlx::query_scalar("select queue.expired_days(7, 30)").fetch_all(pool).await.unwrap();
    days.try_into().unwrap()
}

/// Returns the number of jobs in each state, as a monitor shows it.
async fn told(pool: &Db) -> BTreeMap<State, i64> {
    sqlx::query("select queue.fold()").execute(pool).await.unwrap();
    let mut depth = inspect::queues(pool).await.unwrap().remove(0).depth;
    depth.retain(|_, n| *n != 0);
    depth
}

async fn detach(pool: &Db, day: &str) -> bool {
    let ask = sqlx::query_scalar("select queue.detach_day($1)").bind(day);
    ask.fetch_one(pool).await.unwrap()
}

async fn clear(pool: &Db, day: &str, blocks: i32) -> (Option<i64>, Option<bool>) {
    let ask = sqlx::query_as("select jobs, more from queue.clear_day($1, $2)");
    ask.bind(day).bind(blocks).fetch_one(pool).await.unwrap()
}

#[tokio::test]
async fn a_detached_day_is_gone_and_its_keys_are_free_before_it_is_cleared() {
    let db = database().await;
    let pool = Db::direct(db.pool());
    let [done, _] = two_days(&pool, 400).await;
    let held: i64 = sqlx::query_scalar("select job from queue.unique_key where key = 'k7'")
        .fetch_one(&pool)
        .await
        .unwrap();
    assert_eq!(add(&pool, &note("unique k7")).await.0, held, "held while the job is kept");
    assert!(detach(&pool, &done).await);
    assert!(inspect::find(&pool, JobId(held)).await.unwrap().is_none());

    let all: Vec<NewJob> = (6..=9).map(|i| note(&format!("unique k{i}"))).collect();
    let mut tx = pool.begin().await.unwrap();
    let added = bellwether_queue::enqueue_all(&mut *tx, &all).await.unwrap();
    tx.commit().await.unwrap();
    assert!(added.iter().all(|a| !a.duplicate && a.id.0 > held + 393), "{added:?}");
    // A failed job whose unique key a pruned job held may be retried.
    let failed: i64 = sqlx::query_scalar("update queue.failed set unique_key = 'k10', unique_until = 'pruned' where id = (select min(id) from queue.failed) returning id")
        .fetch_one(&pool)
        .await
        .unwrap();
    assert_eq!(
        control::retry(&pool, JobId(failed)).await.unwrap(),
        Commanded::Done(State::Available)
    );

    control::prune(&pool, KEEP).await.unwrap();
    let keys: Vec<(String, i64)> =
        sqlx::query_as("select key, job from queue.unique_key order by length(key), key")
            .fetch_all(&pool)
            .await
            .unwrap();
    let mut wanted: Vec<_> =
        added.iter().zip(6..).map(|(a, i)| (format!("k{i}"), a.id.0)).collect();
    wanted.push(("k10".to_owned(), failed));
    assert_eq!(keys, wanted, "and no other job's key was cleared");
}

#[tokio::test]
async fn interrupted_clearing_continues_and_counts_each_job_once() {
    let db = database().await;
    let pool = Db::direct(db.pool());
    let days = two_days(&pool, 1_000).await;
    for day in &days {
        assert!(detach(&pool, day).await);
        assert!(!detach(&pool, day).await, "only once");
    }
    let (first, more) = clear(&pool, &days[0], 3).await;
    assert!(matches!(first, Some(1..1_000)) && more == Some(true), "{first:?}");
    assert_eq!(told(&pool).await[&State::Completed], 1_000 - first.unwrap());
    // A step that does not commit leaves everything as it was.
    let mut crash = pool.begin().await.unwrap();
    sqlx::query("select queue.clear_day($1, 3)").bind(&days[0]).execute(&mut *crash).await.unwrap();
    assert_eq!(clear(&pool, &days[0], 3).await, (None, None), "one at a time");
    crash.rollback().await.unwrap();
    // Another transaction holds a lock for longer than a step waits.
    let mut holder = pool.begin().await.unwrap();
    sqlx::query("select from queue.unique_key for update").execute(&mut *holder).await.unwrap();
    let pruned = control::prune(&pool, KEEP).await.unwrap();
    assert_eq!(
        (pruned.partitions, pruned.jobs),
        (0, 1_000),
        "the other day does not wait for this one"
    );
    holder.rollback().await.unwrap();
    let pruned = control::prune(&pool, KEEP).await.unwrap();
    assert_eq!(pruned.jobs, 1_000 - first.unwrap());
    assert_eq!(told(&pool).await, BTreeMap::from([(State::Available, 1)]));
    for left in ["unique_key", "payload", "attempt", "detached_partition"] {
        let sql = format!("select count(*) from queue.{left}");
        let rows: i64 = sqlx::query_scalar(AssertSqlSafe(sql)).fetch_one(&pool).await.unwrap();
        assert_eq!(rows, 0, "{left}");
    }
    for day in &days {
        let table: Option<String> = sqlx::query_scalar("select to_regclass('queue.' || $1)::text")
            .bind(day)
            .fetch_one(&pool)
            .await
            .unwrap();
        assert_eq!(table, None);
    }
}

/// A reader that began before the day was detached delays the drop of its table, and nothing else.
#[tokio::test]
async fn a_table_that_is_being_read_is_cleared_and_dropped_later() {
    let db = database().await;
    let pool = Db::direct(db.pool());
    let days = two_days(&pool, 400).await;
    for day in &days {
        assert!(detach(&pool, day).await);
    }
    let mut reader = pool.begin().await.unwrap();
    sqlx::query(AssertSqlSafe(format!("select count(*) from queue.{}", days[0])))
        .execute(&mut *reader)
        .await
        .unwrap();
    assert_eq!(control::prune(&pool, KEEP).await.unwrap().jobs, 800);
    assert_eq!(count(&pool, "select count(*) from queue.detached_partition").await, 1);
    assert_eq!(told(&pool).await, BTreeMap::from([(State::Available, 1)]));
    reader.rollback().await.unwrap();
    assert_eq!(control::prune(&pool, KEEP).await.unwrap().jobs, 0);
    assert_eq!(count(&pool, "select count(*) from queue.detached_partition").await, 0);
}

#[tokio::test]
async fn limit_keys_that_nothing_names_are_not_kept_for_ever() {
    let db = database().await;
    let pool = Db::direct(db.pool());
    for key in ["tenant/1", "tenant/2", "in a lane", "account", "parked", "young"] {
        let mut limit = Limit::new(key, Counts::Start { guard: Duration::ZERO })
            .window(Window::requests(5, Duration::from_mins(1)));
        if key == "in a lane" {
            let start = Counts::Start { guard: Duration::ZERO };
            limits::define(&pool, &Limit::new("account", start)).await.unwrap();
            limit = limit.parent("account");
        }
        limits::define(&pool, &limit).await.unwrap();
    }
    limits::set_lane(&pool, "calls", "l", &[LaneKey::new("in a lane")]).await.unwrap();
    let mut tx = pool.begin().await.unwrap();
    limits::record_external_usage(&mut tx, "tenant/1", 1, limits::Usage::default()).await.unwrap();
    limits::record_external_usage(&mut tx, "tenant/2", 1, limits::Usage::default()).await.unwrap();
    limits::park(&mut tx, "parked", Duration::from_hours(24), "told to").await.unwrap();
    tx.commit().await.unwrap();
    sqlx::raw_sql(
        "update queue.limit_key set created_at = created_at - interval '36 days' where name <> 'young';
        update queue.permit_grant g set at = at - interval '36 days' from queue.limit_key k where k.id = g.key and k.name = 'tenant/1'",
    )
    .execute(&pool)
    .await
    .unwrap();
    control::prune(&pool, KEEP).await.unwrap();
    let keys: Vec<String> = sqlx::query_scalar("select name from queue.limit_key order by 1")
        .fetch_all(&pool)
        .await
        .unwrap();
    assert_eq!(
        keys,
        ["account", "in a lane", "parked", "tenant/2", "young"],
        "tenant/1 was used last 36 days ago"
    );
    assert_eq!(
        count(&pool, "select count(*) from queue.permit_grant").await,
        1,
        "its ledger went with it"
    );
    // Defined again, it starts over.
    limits::define(&pool, &Limit::new("tenant/1", Counts::Finish)).await.unwrap();
}

/// A reader of all of history keeps every partition from being dropped while it reads. The workers'
/// statements give up after 400 ms: more than one try of the pruner may delay them.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn claims_and_completions_continue_while_history_is_pruned_beside_a_long_reader() {
    let db = database().await;
    let pool = Db::direct(db.pool());
    for day in 20..26 {
        sqlx::query(AssertSqlSafe(format!("create table queue.done_202001{day} partition of queue.done for values from ('2020-01-{day}Z') to ('2020-01-{}Z')", day + 1)))
            .execute(&pool)
            .await
            .unwrap();
    }
    let mut reader = pool.begin().await.unwrap();
    sqlx::query("select count(*) from queue.job").execute(&mut *reader).await.unwrap();

    let impatient = db.options().options([("lock_timeout", "400")]);
    let workers =
        Db::direct(PgPoolOptions::new().max_connections(6).connect_with(impatient).await.unwrap());
    let over = Arc::new(AtomicBool::new(false));
    let tasks: Vec<_> = (0..3)
        .map(|_| {
            let (pool, over) = (workers.clone(), Arc::clone(&over));
            tokio::spawn(async move {
                let mut hand = ByHand::register(pool.clone()).await;
                let mut done = 0;
                while !over.load(Ordering::SeqCst) {
                    add(&pool, &note("x")).await;
                    for got in hand.claim("notes", 5).await {
                        assert!(hand.complete(got.id, false).await);
                        done += 1;
                    }
                }
                done
            })
        })
        .collect();
    let beside = control::prune(&pool, KEEP).await.unwrap();
    assert_eq!(beside.partitions, 0, "left for later");
    sqlx::query("select queue.make_partitions(20)").execute(&pool).await.unwrap();
    reader.rollback().await.unwrap();
    let mut dropped = 0;
    while dropped < 6 {
        dropped += control::prune(&pool, KEEP).await.unwrap().partitions;
    }
    over.store(true, Ordering::SeqCst);
    let mut done = 0;
    for task in tasks {
        done += task.await.expect("no statement waited longer than 400 ms for a lock");
    }
    assert!(done > 0);
    assert_eq!(
        count(&pool, "select count(*) from queue.done where finished_at < '2021-01-01Z'").await,
        0
    );
}

#[tokio::test]
async fn pruning_repeats_its_steps_until_nothing_is_left() {
    let db = database().await;
    let pool = Db::direct(db.pool());
    add(&pool, &note("makes the lane")).await;
    sqlx::raw_sql(
        "insert into queue.done (id, finished_at, process, claimed_at, lane, priority, kind, attempt, max_attempts, args, created_at)
        select nextval('queue.job_id'), now() - interval '60 days', gen_random_uuid(), now(), 1, 4, 'note', 1, 5, '{}', now() from generate_series(1, 12000);
        insert into queue.attempt (job, number, started_at, ended_at, outcome)
        select 1000000 + i, 1, now(), now() - interval '60 days', 'failed' from generate_series(1, 12000) i;
        insert into queue.batch (name, on_failure, created_at, finished_at)
        select 'old', 'ignore', now() - interval '60 days', now() - interval '60 days' from generate_series(1, 1000);
        insert into queue.delta (lane, kind, was, became, n) values (1, 'note', null, 'completed', 12000)",
    )
    .execute(&pool)
    .await
    .unwrap();
    let (jobs, more): (i64, bool) =
        sqlx::query_as("select jobs, more from queue.prune(7, 30, 5000)")
            .fetch_one(&pool)
            .await
            .unwrap();
    assert_eq!((jobs, more), (5_000, true));
    assert_eq!(control::prune(&pool, KEEP).await.unwrap().jobs, 7_000);
    assert_eq!(count(&pool, "select count(*) from queue.attempt").await, 0);
    assert_eq!(count(&pool, "select count(*) from queue.batch").await, 0);
    let depth = inspect::queues(&pool).await.unwrap().remove(0).depth;
    assert_eq!(depth.get(&State::Completed).copied().unwrap_or(0), 0);
}

#[tokio::test]
async fn the_audit_is_kept_for_more_than_a_year_and_ended_commands_as_long_as_failures() {
    let db = database().await;
    let pool = Db::direct(db.pool());
    sqlx::raw_sql(
        "insert into queue.audit (at, actor, action, subject)
        select now() - d * interval '1 day', 'x', 'queue.pause', d::text from unnest(array[401, 399, 1]) d;
        insert into queue.bulk (action, filter, actor, state, upto, matched, ended_at)
        select 'retry', '{}', 'x', s, 1, 1, case when s <> 'running' then now() - d * interval '1 day' end
        from unnest(array['done', 'cancelled', 'done', 'running'], array[31, 31, 29, 31]) u(s, d)",
    )
    .execute(&pool)
    .await
    .unwrap();
    control::prune(&pool, KEEP).await.unwrap();
    let kept: Vec<String> = sqlx::query_scalar("select subject from queue.audit order by id")
        .fetch_all(&pool)
        .await
        .unwrap();
    assert_eq!(kept, ["399", "1"]);
    let kept: Vec<String> = sqlx::query_scalar("select state from queue.bulk order by id")
        .fetch_all(&pool)
        .await
        .unwrap();
    assert_eq!(kept, ["done", "running"]);
}

/// Tables with many inserts and deletes, and tables whose rows are updated in place, have the
/// settings for it.
#[tokio::test]
async fn each_busy_table_says_when_it_is_vacuumed_and_leaves_room_for_updates() {
    let db = database().await;
    let pool = Db::direct(db.pool());
    let options = |table: &'static str| {
        let pool = pool.clone();
        async move {
            let all: Option<Vec<String>> = sqlx::query_scalar(
                "select reloptions from pg_class where oid = ('queue.' || $1)::regclass",
            )
            .bind(table)
            .fetch_one(&pool)
            .await
            .unwrap();
            all.unwrap_or_default()
        }
    };
    for table in [
        "ready",
        "running",
        "scheduled",
        "pending",
        "edge",
        "unblocked",
        "delta",
        "settlement",
        "unique_key",
        "tally",
    ] {
        let set = options(table).await;
        assert!(set.contains(&"autovacuum_vacuum_cost_delay=0".to_owned()), "{table}: {set:?}");
    }
    for table in
        ["process", "running", "tally", "bucket", "limit_key", "queue", "schedule", "batch"]
    {
        let set = options(table).await;
        assert!(set.iter().any(|o| o.starts_with("fillfactor=")), "{table}: {set:?}");
    }
}

#[tokio::test]
async fn a_new_day_is_attached_without_blocking_writers_of_another() {
    let db = database().await;
    let pool = Db::direct(db.pool());
    // A handler that has completed its job and not committed yet.
    let mut hand = ByHand::register(pool.clone()).await;
    add(&pool, &note("x")).await;
    hand.claim("notes", 1).await;
    let mut open = pool.begin().await.unwrap();
    sqlx::query("select * from queue.complete($1, '{1}', '{1}', '{f}', '{f}', '{null}', '{null}', '{null}')")
        .bind(hand.process)
        .execute(&mut *open)
        .await
        .unwrap();
    sqlx::query("select queue.make_partitions(16)").execute(&pool).await.unwrap();
    let days = "select count(*) from pg_inherits i join pg_class c on c.oid = i.inhrelid where i.inhparent = 'queue.done'::regclass and c.relname ~ '_\\d{8}$'";
    assert_eq!(count(&pool, days).await, 17, "today and sixteen more");
    let indexed = "select count(*) from pg_indexes where schemaname = 'queue' and tablename = 'done_' || to_char((clock_timestamp() at time zone 'UTC')::date + 16, 'YYYYMMDD')";
    assert_eq!(count(&pool, indexed).await, 2, "with the indexes of the others");
    open.commit().await.unwrap();
    assert_eq!(state(&pool, JobId(1)).await, State::Completed);
}
