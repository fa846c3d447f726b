//! Hot functions cost the same however the tables looked when their plans were made: the tables are
//! analysed while empty, every function is warmed on one connection, then the tables are filled, and a
//! long reader keeps dead rows in them. Costs are buffers and nodes of plans, not seconds.
//! `scripts/plan-guard.sh` repeats these tests on PostgreSQL 17.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    sync::{Arc, Mutex},
};

use crate::support::*;
use bellwether_testing::wait_until;
use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection};

/// Highest cost on full tables, in costs on small ones. A probe of a larger index reads another
/// level of it.
const MOST: f64 = 1.5;
const ME: &str = "00000000-0000-0000-0000-000000000001";

/// Returns the buffers that a statement touches, including those of the functions that it calls;
/// its effect is rolled back.
async fn buffers(conn: &mut PgConnection, sql: &str) -> i64 {
    let mut tx = conn.begin().await.unwrap();
    let explain = format!("explain (analyze, buffers, format json) {sql}");
    let plan: serde_json::Value = sqlx::query_scalar(AssertSqlSafe(explain))
        .fetch_one(&mut *tx)
        .await
        .unwrap_or_else(|e| panic!("{sql}: {e}"));
    tx.rollback().await.unwrap();
    let of = |name: &str| plan[0]["Plan"][name].as_i64().unwrap();
    of("Shared Hit Blocks") + of("Shared Read Blocks")
}

/// Tables that may hold very many rows, dead or alive.
const LARGE: [&str; 9] = [
    "ready",
    "running",
    "scheduled",
    "settlement",
    "permit_grant",
    "unique_key",
    "edge",
    "attempt",
    "done",
];

/// The plans that `auto_explain` sends to this thread's connections as notices.
#[derive(Clone, Default)]
struct Plans(Arc<Mutex<Vec<String>>>);

impl tracing::Subscriber for Plans {
    fn enabled(&self, metadata: &tracing::Metadata<'_>) -> bool {
        metadata.target() == "sqlx::postgres::notice"
    }
    fn event(&self, event: &tracing::Event<'_>) {
        event.record(&mut self.clone());
    }
    fn new_span(&self, _: &tracing::span::Attributes<'_>) -> tracing::span::Id {
        tracing::span::Id::from_u64(1)
    }
    fn record(&self, _: &tracing::span::Id, _: &tracing::span::Record<'_>) {}
    fn record_follows_from(&self, _: &tracing::span::Id, _: &tracing::span::Id) {}
    fn enter(&self, _: &tracing::span::Id) {}
    fn exit(&self, _: &tracing::span::Id) {}
}

impl tracing::field::Visit for Plans {
    fn record_debug(&mut self, field: &tracing::field::Field, value: &dyn fmt::Debug) {
        if field.name() == "message" {
            self.0.lock().unwrap().push(format!("{value:?}"));
        }
    }
}

/// Runs a statement and returns the nodes by which it, or a function that it calls, reads all rows of a
/// large table, or sorts rows of one that it has not bounded before.
async fn careless(conn: &mut PgConnection, sql: &str) -> BTreeSet<String> {
    let plans = Plans::default();
    let mut tx = conn.begin().await.unwrap();
    tx.execute(
        "load 'auto_explain';
        set local auto_explain.log_level = notice;
        set local auto_explain.log_format = json;
        set local auto_explain.log_nested_statements = on;
        set local auto_explain.log_min_duration = 0",
    )
    .await
    .unwrap();
    {
        let _here = tracing::subscriber::set_default(plans.clone());
        tx.execute(AssertSqlSafe(sql.to_owned())).await.unwrap();
    }
    tx.rollback().await.unwrap();
    let plans = plans.0.lock().unwrap();
    assert!(!plans.is_empty(), "{sql}: auto_explain tells no plan");
    let mut found = BTreeSet::new();
    for plan in plans.iter().filter_map(|told| told.split_once("plan:\n")) {
        let plan: serde_json::Value = serde_json::from_str(plan.1).unwrap();
        judge(&plan["Plan"], false, &mut found);
    }
    found
}

/// `sorted`: the rows of this node are sorted above it, before any limit.
fn judge(node: &serde_json::Value, sorted: bool, found: &mut BTreeSet<String>) {
    let kind = node["Node Type"].as_str().unwrap_or_default();
    let table = node["Relation Name"].as_str().unwrap_or_default();
    let large = LARGE.contains(&table);
    let unbounded = node["Index Cond"].is_null() && kind.starts_with("Index");
    if large && (kind == "Seq Scan" || kind.starts_with("Bitmap") || sorted && unbounded) {
        let sort = if sorted { "Sort over " } else { "" };
        found.insert(format!("{sort}{kind} on {table}"));
    }
    let sorted = match kind {
        "Sort" => true,
        "LockRows" | "Subquery Scan" => sorted,
        _ => false,
    };
    for child in node["Plans"].as_array().into_iter().flatten() {
        judge(child, sorted, found);
    }
}

/// The calls of a worker, for ten jobs each where they take several. The jobs' numbers begin at
/// `first`.
fn calls(first: i64) -> Vec<(&'static str, String)> {
    let running: Vec<_> = (first..first + 10).map(|id| id.to_string()).collect();
    let running = format!("'{{{}}}'", running.join(","));
    let ten = |value: &str| format!("array_fill({value}, array[10])");
    vec![
        ("claim", format!("select * from queue.claim('{ME}', 1, 'notes', 10, '{{note}}')")),
        (
            "claim of lanes",
            format!("select * from queue.claim('{ME}', 1, 'lanes', 10, '{{note}}')"),
        ),
        (
            "claim with a key",
            format!("select * from queue.claim('{ME}', 1, 'calls', 10, '{{call}}')"),
        ),
        ("next_work", "select queue.next_work('calls')".to_owned()),
        ("promote", "select queue.promote()".to_owned()),
        (
            "complete",
            format!(
                "select * from queue.complete('{ME}', {running}, {}, {}, {}, {}, {}, {}, false)",
                ten("1::bigint"),
                ten("true"),
                ten("false"),
                ten("null::bigint"),
                ten("null::bigint"),
                ten("null::jsonb")
            ),
        ),
        (
            "fail",
            format!(
                "select * from queue.fail('{ME}', {running}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {})",
                ten("1::bigint"),
                ten("'failed'::text"),
                ten("null::text"),
                ten("'x'::text"),
                ten("null::interval"),
                ten("null::jsonb"),
                ten("true"),
                ten("false"),
                ten("null::bigint"),
                ten("null::bigint")
            ),
        ),
        (
            "exchange_permit",
            format!(
                "select queue.exchange_permit('{ME}', {}, 1, true, false, null, null)",
                first + 10
            ),
        ),
        ("release_unblocked", "select queue.release_unblocked()".to_owned()),
        (
            "enqueue",
            "select * from queue.enqueue('note', queue => 'notes', unique_key => 'k')".to_owned(),
        ),
    ]
}

/// Jobs for ten of each call: 30 waiting in each of 20 lanes, as many of one lane, as many with a key.
async fn few(conn: &mut PgConnection) {
    conn.execute(
        "insert into queue.process (id, name, version, queues) values ('00000000-0000-0000-0000-000000000001', 'p', 'v', '{notes,lanes,calls}');
        insert into queue.queue (name) values ('notes'), ('lanes'), ('calls'), ('others');
        insert into queue.lane (queue, name) values ('notes', 'default'), ('calls', 'k');
        insert into queue.lane (queue, name) select 'lanes', 'l' || i from generate_series(1, 20) i;
        insert into queue.limit_key (name, counts) values ('k', 'finish');
        insert into queue.limit_window (key, no, dimension, amount, period) values (1, 0, 'requests', 1000000, '1 hour');
        insert into queue.lane_key (lane, position, key) values (2, 0, 1)",
    )
    .await
    .unwrap();
    waiting(conn, 30).await;
    running(conn, 30).await;
}

async fn waiting(conn: &mut PgConnection, each: i32) {
    sqlx::query(
        "insert into queue.ready (id, lane, priority, kind, attempt, max_attempts, args, created_at, available_at)
        select nextval('queue.job_id'), l.id, 4, case l.queue when 'calls' then 'call' else 'note' end, 0, 5, '{}', now(), now()
        from generate_series(1, $1) i, queue.lane l where l.queue in ('notes', 'calls', 'lanes') order by i, l.id",
    )
    .bind(each)
    .execute(conn)
    .await
    .unwrap();
}

/// Rows of one process, the last of them with a key.
async fn running(conn: &mut PgConnection, n: i32) {
    sqlx::query(
        "insert into queue.running (id, process, lease, claimed_at, key, lane, priority, kind, attempt, max_attempts, args, created_at, available_at)
        select nextval('queue.job_id'), '00000000-0000-0000-0000-000000000001', 1, now(), case when i > 10 and i <= 20 then 1 end, 1, 4, 'note', 1, 5, '{}', now(), now()
        from generate_series(1, $1) i",
    )
    .bind(n)
    .execute(conn)
    .await
    .unwrap();
}

/// Calls of the key that have ended, whose rows a reader keeps: 50,000 settlements and 20,000 attempts.
/// The calls in flight were claimed after them.
async fn ended(conn: &mut PgConnection) {
    conn.execute(
        "insert into queue.settlement (key, requests) select 1, 1 from generate_series(1, 50000);
        delete from queue.settlement;
        insert into queue.running (id, process, lease, claimed_at, key, lane, priority, kind, attempt, max_attempts, args, created_at, available_at)
        select 90000000 + i, '00000000-0000-0000-0000-000000000001', 1, now(), 1, 2, 4, 'call', 1, 5, '{}', now(), now()
        from generate_series(1, 20000) i;
        delete from queue.running where id > 90000000",
    )
    .await
    .unwrap();
    conn.execute("update queue.running set added_in = pg_current_xact_id()::text::bigint where key is not null")
        .await
        .unwrap();
}

async fn crowd(conn: &mut PgConnection) {
    waiting(conn, 4_500).await;
    running(conn, 30_000).await;
    conn.execute(
        "insert into queue.lane (queue, name) select 'others', 'l' || i from generate_series(1, 420) i;
        insert into queue.limit_key (name, counts) select 'other' || i, 'start' from generate_series(1, 120) i;
        insert into queue.limit_window (key, no, dimension, amount, period) select id, 0, 'requests', 1, '1 hour' from queue.limit_key where id > 1;
        insert into queue.lane_key (lane, position, key) select l.id, 0, k.id from
            (select id, row_number() over (order by id) as n from queue.lane where queue = 'others') l
            join (select id, row_number() over (order by id) as n from queue.limit_key where id > 1) k using (n);
        insert into queue.ready (id, lane, priority, kind, attempt, max_attempts, args, created_at, available_at)
        select nextval('queue.job_id'), l.id, 4, 'call', 0, 5, '{}', now(), now() from queue.lane l, generate_series(1, 3) where l.queue = 'others';
        insert into queue.scheduled (id, due_at, retry, lane, priority, kind, attempt, max_attempts, args, created_at)
        select nextval('queue.job_id'), now() + interval '1 day' + i * interval '1 minute', false, 1, 4, 'note', 0, 5, '{}', now() from generate_series(1, 20000) i;
        insert into queue.edge (parent, child, on_failure) select 10000000 + i, 20000000 + i, 'cascade' from generate_series(1, 20000) i;
        insert into queue.unique_key (kind, key, job, unique_until) select 'note', 'other ' || i, i, 'pruned' from generate_series(1, 50000) i",
    )
    .await
    .unwrap();
}

/// Measures each call on small tables, and again on full ones.
async fn costs(jit: bool) -> BTreeMap<&'static str, (i64, i64)> {
    let db = database().await;
    let mut conn = PgConnection::connect_with(&db.options()).await.unwrap();
    if jit {
        conn.execute("set jit = on").await.unwrap();
    }
    conn.execute("analyze").await.unwrap();
    few(&mut conn).await;
    let first = "select min(id) from queue.running";
    let pool = Db::direct(db.pool());
    let small_first = count(&pool, first).await;
    let mut small = BTreeMap::new();
    for round in 0..9 {
        for (name, sql) in calls(small_first) {
            let cost = buffers(&mut conn, &sql).await;
            if round > 5 {
                let least = small.entry(name).or_insert(i64::MAX);
                *least = cost.min(*least);
            }
        }
    }
    let mut reader = pool.begin().await.unwrap();
    reader.execute("set transaction isolation level repeatable read; select 1").await.unwrap();
    crowd(&mut conn).await;
    ended(&mut conn).await;
    wait_until("the marks to move", || async {
        fold_keys(&pool).await;
        let passed = "select count(*) from queue.call_mark m where m.settlement > m.running and m.running = (select min(added_in) from queue.running where key is not null)";
        (count(&pool, passed).await == 1).then_some(())
    })
    .await;
    let mut crowded: BTreeMap<_, i64> = BTreeMap::new();
    for round in 0..2 {
        if round == 1 {
            // as autovacuum does a minute later
            conn.execute("analyze").await.unwrap();
        }
        for _ in 0..3 {
            for (name, sql) in calls(small_first) {
                let cost = buffers(&mut conn, &sql).await;
                let least = crowded.entry(name).or_insert(i64::MAX);
                *least = cost.min(*least);
            }
        }
    }
    for (name, sql) in calls(small_first) {
        let found = careless(&mut conn, &sql).await;
        assert!(found.is_empty(), "{name}: {found:?}");
    }
    reader.rollback().await.unwrap();
    small.into_iter().map(|(name, small)| (name, (small, crowded[name]))).collect()
}

async fn hold(jit: bool) {
    for (name, (small, crowded)) in costs(jit).await {
        let said = format!("{name}: {small} buffers on small tables, {crowded} on crowded ones");
        println!("{said}");
        assert!(crowded as f64 <= small as f64 * MOST + 20.0, "{said}");
    }
}

#[tokio::test]
async fn a_plan_made_on_empty_tables_costs_the_same_on_crowded_ones() {
    hold(false).await;
}

#[tokio::test]
async fn with_jit_a_plan_made_on_empty_tables_costs_the_same_on_crowded_ones() {
    hold(true).await;
}
