//! Costs of claims, lists and look-ups beside a great many unrelated jobs.

use std::time::Duration;

use crate::support::*;
use bellwether_queue::limits::{self, Counts, LaneKey, Limit, Window};
use bellwether_testing::wait_until_within;
use sqlx::{AssertSqlSafe, Postgres, Transaction};

/// Adds 200,000 jobs in a lane whose only permit is taken, 200,000 for another day, 50,000 done,
/// and twenty that can be claimed. Statistics are those of a table that was never analysed.
async fn crowd(pool: &Db) {
    sqlx::raw_sql(
        r#"insert into queue.queue (name) values ('calls'), ('notes');
        insert into queue.lane (queue, name) values ('calls', 'full'), ('calls', 'open'), ('notes', 'default');
        insert into queue.limit_key (name, counts) values ('full', 'start'), ('open', 'start');
        insert into queue.limit_window (key, no, dimension, amount, period)
        values (1, 0, 'requests', 1, '1 hour'), (2, 0, 'requests', 100000, '1 second');
        insert into queue.lane_key (lane, position, key) values (1, 0, 1), (2, 0, 2);
        insert into queue.permit_grant (key, at, kind, requests, cum_requests)
        values (1, clock_timestamp(), 'grant', 1, 1);
        insert into queue.ready (id, lane, priority, kind, attempt, max_attempts, args, created_at, available_at)
        select nextval('queue.job_id'), 1, 4, 'call', 0, 5, '{"lane": "full"}', now(), now() from generate_series(1, 200000);
        insert into queue.scheduled (id, due_at, retry, lane, priority, kind, attempt, max_attempts, args, created_at)
        select nextval('queue.job_id'), now() + interval '1 day' + i * interval '1 minute', false, 1, 4, 'call', 0, 5, '{"lane": "full"}', now()
        from generate_series(1, 200000) i;
        insert into queue.done (id, finished_at, process, claimed_at, lane, priority, kind, attempt, max_attempts, args, created_at)
        select nextval('queue.job_id'), now(), gen_random_uuid(), now(), 3, 4, 'note', 1, 5, '{"text": "x"}', now()
        from generate_series(1, 50000) i;
        insert into queue.ready (id, lane, priority, kind, attempt, max_attempts, args, created_at, available_at)
        select nextval('queue.job_id'), 2, 4, 'call', 0, 5, '{"lane": "open"}', now(), now() from generate_series(1, 20)"#,
    )
    .execute(pool)
    .await
    .unwrap();
}

/// Runs the statement and returns the buffers that it touched, including those of functions. No
/// large table may have been read from end to end.
async fn touched(tx: &mut Transaction<'_, Postgres>, statement: &str) -> i64 {
    let explain = format!("explain (analyze, buffers, format json) {statement}");
    let mut least = i64::MAX;
    // The first call of a session reads the catalogue and plans; the cheapest call is the cost.
    for _ in 0..3 {
        sqlx::query("savepoint before").execute(&mut **tx).await.unwrap();
        let before = scans(tx).await;
        let plan: serde_json::Value =
            sqlx::query_scalar(AssertSqlSafe(explain.clone())).fetch_one(&mut **tx).await.unwrap();
        assert_eq!(scans(tx).await, before, "{statement} reads a large table from end to end");
        sqlx::query("rollback to savepoint before").execute(&mut **tx).await.unwrap();
        let of = |name: &str| plan[0]["Plan"][name].as_i64().unwrap();
        least = least.min(of("Shared Hit Blocks") + of("Shared Read Blocks"));
    }
    least
}

/// The sequential scans of each large table so far. They include those of earlier transactions of the
/// connection that the server has not counted yet.
async fn scans(tx: &mut Transaction<'_, Postgres>) -> Vec<(String, i64)> {
    sqlx::query_as(
        "select s.relname::text, s.seq_scan from pg_stat_xact_user_tables s
        where s.schemaname = 'queue' and s.seq_scan > 0 and pg_relation_size(s.relid) > 1000000
        order by 1",
    )
    .fetch_all(&mut **tx)
    .await
    .unwrap()
}

#[tokio::test]
async fn claims_lists_and_look_ups_cost_the_same_beside_a_crowd() {
    let db = database().await;
    let pool = Db::direct(db.pool());
    crowd(&pool).await;
    let hand = ByHand::register(pool.clone()).await;
    let page = |state: &str, before: &str, floor: &str| {
        format!(
            "select * from queue.page({state}, null, null, null, null, null, null, {before}, {floor}, 51)"
        )
    };
    let newest = "9223372036854775807";
    let statements = [
        (format!("select * from queue.claim('{}', 1, 'calls', 10, '{{call}}')", hand.process), 500),
        ("select queue.promote()".to_owned(), 20),
        ("select queue.next_work('calls')".to_owned(), 500),
        ("select * from queue.capacity('{1,2}', clock_timestamp())".to_owned(), 500),
        ("select * from queue.cancel(7, 'x')".to_owned(), 500),
        ("select * from queue.cancel(200007, 'x')".to_owned(), 500),
        (page("null", newest, "0"), 1_000),
        (page("null", "200000", "0"), 1_000),
        (page("'parked'", newest, "0"), 1_000),
        (page("'scheduled'", newest, "0"), 1_000),
        (page("'completed'", newest, "0"), 1_000),
        (page("'running'", newest, "0"), 1_000),
        (page("null", "8", "7"), 1_000),
        (page("null", "400008", "400007"), 1_000),
    ];
    let mut costs = Vec::new();
    for (statement, most) in &statements {
        let mut tx = pool.begin().await.unwrap();
        let buffers = touched(&mut tx, statement).await;
        tx.rollback().await.unwrap();
        costs.push((buffers, *most, statement));
    }
    for (buffers, most, statement) in costs {
        assert!(buffers <= most, "{statement} touches {buffers} buffers");
    }
}

/// Adds a hundred thousand jobs that wait for others, with two edges each, and as many that have
/// children.
async fn families(pool: &Db) {
    sqlx::raw_sql(
        r#"insert into queue.pending (id, lane, priority, kind, max_attempts, args, created_at, parent)
        select 1000000 + i, 1, 4, 'call', 5, '{"lane": "full"}', now(), 1 + i % 1000 from generate_series(1, 100000) i;
        insert into queue.edge (parent, child, on_failure) select 2000000 + i, 1000000 + i, 'cascade' from generate_series(1, 100000) i;
        insert into queue.edge (parent, child, on_failure) select 3000000 + i % 50000, 1000000 + i, 'cascade' from generate_series(1, 100000) i;
        insert into queue.unblocked (child) select 1000000 + i from generate_series(1, 10) i;
        insert into queue.edge_recheck (child) select 1000000 + i from generate_series(1, 10) i;
        insert into queue.edge_recheck (child, next_check_at) select 1000000 + i, now() + interval '1 minute' from generate_series(1, 100000) i;
        insert into queue.running (id, process, lease, claimed_at, lane, priority, kind, attempt, max_attempts, args, created_at, available_at)
        select 5000000 + i, '00000000-0000-0000-0000-000000000001', 1, now(), 3, 4, 'note', 1, 5, '{}', now(), now() from generate_series(1, 20000) i;
        insert into queue.attempt (job, number, started_at, outcome) select i, 1, now(), 'failed' from generate_series(1, 100000) i;
        insert into queue.process (id, name, version, queues) values ('00000000-0000-0000-0000-000000000001', 'p', 'v', '{notes}')"#,
    )
    .execute(pool)
    .await
    .unwrap();
}

#[tokio::test]
async fn endings_releases_and_relatives_cost_the_same_beside_a_crowd() {
    let db = database().await;
    let pool = Db::direct(db.pool());
    crowd(&pool).await;
    families(&pool).await;
    let me = "'00000000-0000-0000-0000-000000000001'";
    let statements = [
        (format!("select * from queue.complete({me}, '{{5000001,5000002}}', '{{1,1}}', '{{f,f}}', '{{f,f}}', '{{null,null}}', '{{null,null}}', '{{null,null}}')"), 300),
        (format!("select queue.fail({me}, '{{5000003}}', '{{1}}', '{{failed}}', '{{null}}', '{{x}}', '{{null}}', '{{null}}', '{{f}}', '{{f}}', '{{null}}', '{{null}}')"), 300),
        ("select queue.unblock_dependents('{2000001,2000002}', true)".to_owned(), 300),
        ("select queue.release_unblocked()".to_owned(), 500),
        // its states are planned at each call, over the partition of every day
        ("select queue.recheck_edges()".to_owned(), 25_000),
        ("select * from queue.states('{7,200007,1000007,5000007,449000}')".to_owned(), 8_000),
        ("select * from queue.children('{7}')".to_owned(), 600),
        ("select * from queue.cancel(1000007, 'x')".to_owned(), 500),
        ("select * from queue.retry(1000008)".to_owned(), 500),
        ("select * from queue.page('pending', null, null, null, null, null, null, 9223372036854775807, 0, 51)".to_owned(), 1_000),
        ("select * from queue.enqueue('call', queue => 'calls', lane => 'open', after => '{7,8}')".to_owned(), 1_000),
        ("select count(*) from queue.attempt where job = 77".to_owned(), 20),
        (format!("select id, lease, cancel from queue.running where process = {me} and id = 5000004"), 20),
    ];
    let mut costs = Vec::new();
    for (statement, most) in &statements {
        let mut tx = pool.begin().await.unwrap();
        let buffers = touched(&mut tx, statement).await;
        tx.rollback().await.unwrap();
        costs.push((buffers, *most, statement));
    }
    for (buffers, most, statement) in costs {
        assert!(buffers <= most, "{statement} touches {buffers} buffers");
    }
}

#[tokio::test]
async fn the_view_finds_a_job_by_number_and_a_key_its_capacity_by_probes() {
    let db = database().await;
    let pool = Db::direct(db.pool());
    crowd(&pool).await;
    // As autovacuum does within a minute: two new rows make it analyse the table.
    let asks = "select count(*) from pg_class where oid = 'queue.lane'::regclass and 'autovacuum_analyze_threshold=1' = any (reloptions)";
    assert_eq!(count(&pool, asks).await, 1);
    sqlx::query("analyze queue.lane").execute(&pool).await.unwrap();
    let mut tx = pool.begin().await.unwrap();
    for id in [7, 200_007, 400_007, 449_999, 450_010] {
        let found = format!("select state from queue.job where id = {id}");
        let buffers = touched(&mut tx, &found).await;
        assert!(buffers < 1_500, "{found} touches {buffers} buffers");
    }
    let before = scans(&mut tx).await;
    let capacity = limits::capacity(&mut *tx, "full").await.unwrap().unwrap();
    assert_eq!((capacity.permits, capacity.waiting), (0, 10_000));
    assert_eq!(scans(&mut tx).await, before, "capacity reads a large table from end to end");
}

#[tokio::test]
async fn a_claim_from_a_cursor_skips_rows_that_a_long_reader_keeps() {
    let db = database().await;
    let pool = Db::direct(db.pool());
    let hand = ByHand::register(pool.clone()).await;
    sqlx::raw_sql(
        r#"insert into queue.queue (name) values ('notes');
        insert into queue.lane (queue, name) values ('notes', 'default');
        insert into queue.ready (id, lane, priority, kind, attempt, max_attempts, args, created_at, available_at)
        select nextval('queue.job_id'), 1, 4, 'note', 0, 5, '{"text": "x"}', now(), now() from generate_series(1, 30100)"#,
    )
    .execute(&pool)
    .await
    .unwrap();
    let mut reader = pool.begin().await.unwrap();
    sqlx::raw_sql("set transaction isolation level repeatable read; select 1")
        .execute(&mut *reader)
        .await
        .unwrap();
    sqlx::query("delete from queue.ready where id <= 30000").execute(&pool).await.unwrap();

    let claim = |lease: i64, marks: &str| {
        format!(
            "select * from queue.claim('{}', {lease}, 'notes', 10, '{{note}}'{marks})",
            hand.process
        )
    };
    let mark = ", '{1}', '{4}', '{30000}'";
    let mut tx = pool.begin().await.unwrap();
    let all = touched(&mut tx, &claim(1, "")).await;
    let beyond = touched(&mut tx, &claim(2, mark)).await;
    assert!(
        beyond < 500 && all > 3 * beyond,
        "{all} buffers from the start, {beyond} from the mark"
    );
    let next = touched(&mut tx, &format!("select queue.next_work('notes'{mark})")).await;
    assert!(next < 100, "{next} buffers to learn what comes next");
    tx.rollback().await.unwrap();
    reader.rollback().await.unwrap();
}

#[tokio::test]
async fn keyed_claims_cost_the_same_after_thousands_of_calls_that_a_long_reader_keeps() {
    let db = database().await;
    let pool = Db::direct(db.pool());
    let hand = ByHand::register(pool.clone()).await;
    let limit = Limit::new("k", Counts::Finish)
        .window(Window::requests(1_000_000, Duration::from_hours(1)))
        .in_flight(1_000);
    limits::define(&pool, &limit).await.unwrap();
    limits::set_lane(&pool, "calls", "k", &[LaneKey::new("k")]).await.unwrap();
    sqlx::query(
        r#"insert into queue.ready (id, lane, priority, kind, attempt, max_attempts, args, created_at, available_at)
        select nextval('queue.job_id'), l.id, 4, 'call', 0, 5, '{"lane": "k"}', now(), now() from queue.lane l, generate_series(1, 4100)"#,
    )
    .execute(&pool)
    .await
    .unwrap();
    let lane = count(&pool, "select id::bigint from queue.lane").await;
    let mut reader = pool.begin().await.unwrap();
    sqlx::raw_sql("set transaction isolation level repeatable read; select 1")
        .execute(&mut *reader)
        .await
        .unwrap();
    let claim = |lease: usize, after: i64| {
        format!(
            "select id from queue.claim('{}', {lease}, 'calls', 100, '{{call}}', '{{{lane}}}', '{{4}}', '{{{after}}}')",
            hand.process
        )
    };
    let mut after = 0;
    let mut costs = Vec::new();
    for lease in 1..=40 {
        let ids: Vec<i64> =
            sqlx::query_scalar(AssertSqlSafe(claim(lease, after))).fetch_all(&pool).await.unwrap();
        assert_eq!(ids.len(), 100);
        after = ids[99];
        for batch in ids.chunks(2) {
            sqlx::query("select queue.complete($1, $2, array_fill($3::bigint, array[2]), '{t,t}', '{f,f}', '{null,null}', '{null,null}', '{null,null}')")
                .bind(hand.process)
                .bind(batch)
                .bind(lease as i64)
                .execute(&pool)
                .await
                .unwrap();
        }
        if lease == 2 || lease == 40 {
            move_call_marks(&pool).await;
            let mut tx = pool.begin().await.unwrap();
            costs.push(touched(&mut tx, &claim(lease, after)).await);
            tx.rollback().await.unwrap();
        }
    }
    reader.rollback().await.unwrap();
    println!("{costs:?} buffers after 200 and 4,000 calls");
    assert!(costs[1] * 2 < costs[0] * 3, "{costs:?} buffers after 200 and 4,000 calls");
    let used = "select used from queue.windows('{1}', clock_timestamp())";
    assert_eq!(count(&pool, used).await, 4_000, "every call counts");
}

#[tokio::test]
async fn a_cursor_hides_the_jobs_before_it_and_no_others() {
    let db = database().await;
    let pool = Db::direct(db.pool());
    let hand = ByHand::register(pool.clone()).await;
    let mut jobs: Vec<_> = (0..4).map(|i| note(&i.to_string())).collect();
    jobs[3].priority = 0;
    jobs.extend([call("open"), call("open")]);
    let ids = add_all(&pool, &jobs).await;
    let got = |marks: (Vec<i32>, Vec<i16>, Vec<i64>), queue: &'static str| {
        let (pool, process) = (pool.clone(), hand.process);
        async move {
            let mut tx = pool.begin().await.unwrap();
            let ids: Vec<i64> = sqlx::query_scalar(
                "select id from queue.claim($1, 1, $2, 10, '{note,call}', $3, $4, $5)",
            )
            .bind(process)
            .bind(queue)
            .bind(marks.0)
            .bind(marks.1)
            .bind(marks.2)
            .fetch_all(&mut *tx)
            .await
            .unwrap();
            tx.rollback().await.unwrap();
            ids
        }
    };
    let lane = |name: &'static str| {
        let pool = pool.clone();
        async move {
            let lane: i32 = sqlx::query_scalar("select id from queue.lane where queue = $1")
                .bind(name)
                .fetch_one(&pool)
                .await
                .unwrap();
            lane
        }
    };
    let (notes, calls) = (lane("notes").await, lane("calls").await);
    let all = got((vec![], vec![], vec![]), "notes").await;
    assert_eq!(all, [ids[3].0, ids[0].0, ids[1].0, ids[2].0], "in the order of claims");
    let after = got((vec![notes, calls], vec![4, 0], vec![ids[1].0, 0]), "notes").await;
    assert_eq!(after, [ids[2].0]);
    let of_another = got((vec![notes], vec![9], vec![i64::MAX]), "calls").await;
    assert_eq!(of_another, [ids[4].0, ids[5].0], "a lane without a mark begins at its start");

    let open = Limit::new("open", Counts::Start { guard: Duration::ZERO });
    limits::define(&pool, &open).await.unwrap();
    limits::set_lane(&pool, "calls", "open", &[LaneKey::new("open")]).await.unwrap();
    let limited = got((vec![calls], vec![4], vec![ids[4].0]), "calls").await;
    assert_eq!(limited, [ids[5].0], "also in a lane with keys");
}

#[tokio::test]
async fn promotion_skips_rows_that_a_long_reader_keeps_and_finds_late_jobs_soon() {
    let db = database().await;
    let pool = Db::direct(db.pool());
    let mut hand = ByHand::register(pool.clone()).await;
    sqlx::raw_sql(
        r#"insert into queue.queue (name) values ('notes'), ('calls');
        insert into queue.lane (queue, name) values ('notes', 'default');
        insert into queue.scheduled (id, due_at, retry, lane, priority, kind, attempt, max_attempts, args, created_at)
        select nextval('queue.job_id'), now() - interval '1 hour', true, 1, 4, 'note', 0, 5, '{"text": "x"}', now() from generate_series(1, 20000)"#,
    )
    .execute(&pool)
    .await
    .unwrap();
    let mut reader = pool.begin().await.unwrap();
    sqlx::raw_sql("set transaction isolation level repeatable read; select 1")
        .execute(&mut *reader)
        .await
        .unwrap();
    let promoted: i32 =
        sqlx::query_scalar("select queue.promote(30000)").fetch_one(&pool).await.unwrap();
    assert_eq!(promoted, 20_000);
    let mut tx = pool.begin().await.unwrap();
    for sql in ["select queue.promote()", "select queue.next_work('calls')"] {
        let buffers = touched(&mut tx, sql).await;
        assert!(buffers < 100, "{sql} touches {buffers} buffers");
    }
    tx.rollback().await.unwrap();
    reader.rollback().await.unwrap();

    // A job added with a time long past by the time it became visible.
    sqlx::raw_sql("delete from queue.ready").execute(&pool).await.unwrap();
    let late = add(&pool, &note("late")).await;
    sqlx::query("with r as (delete from queue.ready where id = $1 returning *)
        insert into queue.scheduled (id, due_at, retry, lane, priority, kind, attempt, max_attempts, args, created_at)
        select id, now() - interval '10 minutes', false, lane, priority, kind, attempt, max_attempts, args, created_at from r")
        .bind(late.0)
        .execute(&pool)
        .await
        .unwrap();
    wait_until_within(Duration::from_secs(5), "the search from the start", || async {
        let moved: i32 =
            sqlx::query_scalar("select queue.promote()").fetch_one(&pool).await.unwrap();
        (moved == 1).then_some(())
    })
    .await;
    assert_eq!(hand.claim("notes", 1).await[0].id, late.0);
}
