//! Throughput over time, step by step.

use std::time::Duration;

use crate::support::*;
use bellwether_queue::{
    Outcome, Process, State,
    inspect::{self, Range},
};
use chrono::{DateTime, Utc};
use sqlx::postgres::PgPoolOptions;

/// Two lanes, and a row in a bucket `ago` before now.
async fn lanes(db: &Db) {
    sqlx::raw_sql(
        "insert into queue.queue (name) values ('notes'), ('calls');
        insert into queue.lane (queue, name) values ('notes', 'default'), ('calls', 'default')",
    )
    .execute(db)
    .await
    .unwrap();
}

#[expect(clippy::too_many_arguments, reason = "a row with its columns")]
async fn bucket(
    db: &Db,
    ago: &str,
    lane: i32,
    kind: &str,
    was: &str,
    became: &str,
    class: i16,
    n: i64,
) {
    sqlx::query(
        "insert into queue.bucket (minute, lane, kind, was, became, duration, n)
        values (date_trunc('minute', now() - $1::interval), $2, $3, $4, $5, $6, $7)
        on conflict (minute, lane, kind, was, became, duration) do update set n = queue.bucket.n + excluded.n",
    )
    .bind(ago)
    .bind(lane)
    .bind(kind)
    .bind(was)
    .bind(became)
    .bind(class)
    .bind(n)
    .execute(db)
    .await
    .unwrap();
}

#[tokio::test]
async fn every_step_is_listed_also_without_activity() {
    let database = database().await;
    let db = Db::direct(database.pool());
    for (range, points, step) in [
        (Range::QuarterHour, 15, 60),
        (Range::Hour, 60, 60),
        (Range::QuarterDay, 72, 300),
        (Range::Day, 96, 900),
        (Range::Week, 84, 7_200),
    ] {
        let stats = inspect::stats(&db, range, None, None).await.unwrap();
        assert_eq!((stats.points.len(), stats.step_seconds), (points, step), "{range:?}");
        assert_eq!(stats.range_seconds as usize, points * step as usize);
        assert_eq!(stats.points[0].at, stats.from);
        assert!(stats.kinds.is_empty());
        for (i, point) in stats.points.iter().enumerate() {
            let offset = chrono::TimeDelta::seconds(i as i64 * i64::from(step));
            assert_eq!(point.at, stats.from + offset);
            assert_eq!(point.at.timestamp() % i64::from(step), 0, "steps begin at whole ones");
            assert_eq!((point.enqueued, point.started, point.ended.completed), (0, 0, 0));
            assert!(point.wait.is_none() && point.run.is_none());
        }
        let last = stats.points.last().unwrap().at;
        let end = last + chrono::TimeDelta::seconds(i64::from(step));
        assert!(last <= stats.to && stats.to < end, "now is within the last step");
    }
}

#[tokio::test]
async fn buckets_and_unfolded_deltas_are_counted_once_each() {
    let database = database().await;
    let db = Db::direct(database.pool());
    let process = Process::start(config(&database, "worker", &[("notes", 4)])).await.unwrap();
    work(&process, "notes", async |attempt| {
        let note: Note = serde_json::from_value(attempt.args().clone()).unwrap();
        if note.text == "bad" { Outcome::Panicked("no".to_owned()) } else { Outcome::Complete }
    });
    let mut jobs = vec![note("good"), note("good"), note("good")];
    let mut bad = note("bad");
    bad.max_attempts = 1;
    jobs.push(bad);
    let ids = add_all(&db, &jobs).await;
    for (id, state) in
        ids.iter().zip([State::Completed, State::Completed, State::Completed, State::Discarded])
    {
        until_state(&db, *id, state).await;
    }
    let sums = async || {
        let stats = inspect::stats(&db, Range::Hour, Some("notes"), Some("note")).await.unwrap();
        let sum = |of: fn(&inspect::StatsPoint) -> u64| stats.points.iter().map(of).sum::<u64>();
        let points = (
            sum(|p| p.enqueued),
            sum(|p| p.started),
            sum(|p| p.ended.completed),
            sum(|p| p.ended.discarded),
        );
        let kind = &stats.kinds[0];
        assert_eq!((kind.kind.as_str(), kind.queue.as_str()), ("note", "notes"));
        assert_eq!((kind.ended.completed, kind.ended.discarded), (points.2, points.3));
        assert!(kind.wait.is_some() && kind.run.is_some());
        points
    };
    assert_eq!(sums().await, (4, 4, 3, 1));
    // the process folds what is left
    process.close(Duration::from_secs(5)).await.unwrap();
    assert_eq!(count(&db, "select count(*) from queue.delta").await, 0);
    assert_eq!(sums().await, (4, 4, 3, 1));
    // the jobs themselves are not read
    sqlx::raw_sql("truncate queue.done, queue.failed").execute(&db).await.unwrap();
    assert_eq!(sums().await, (4, 4, 3, 1));
    let elsewhere = inspect::stats(&db, Range::Hour, Some("calls"), None).await.unwrap();
    assert!(elsewhere.kinds.is_empty());
    assert!(elsewhere.points.iter().all(|p| p.enqueued == 0));
}

#[tokio::test]
async fn a_snooze_counts_as_no_failure_and_no_run_also_after_a_failure() {
    let database = database().await;
    let db = Db::direct(database.pool());
    let mut hand = ByHand::register(db.clone()).await;
    let id = add(&db, &note("x")).await;
    for outcome in ["snoozed", "failed", "snoozed", "throttled", "released"] {
        assert_eq!(hand.claim("notes", 1).await.len(), 1, "{outcome}");
        hand.fail(id.0, outcome, Some(Duration::ZERO)).await;
    }
    let stats = inspect::stats(&db, Range::Hour, None, None).await.unwrap();
    assert_eq!(stats.kinds[0].ended.failed, 1);
    let runs = "select count(*) from queue.delta where was = 'running' and duration is not null";
    assert_eq!(count(&db, runs).await, 1);
}

#[tokio::test]
async fn each_row_falls_into_its_step_and_no_older_one_is_seen() {
    let database = database().await;
    let db = Db::direct(database.pool());
    lanes(&db).await;
    bucket(&db, "0", 1, "note", "", "available", -1, 7).await;
    bucket(&db, "20 minutes", 1, "note", "running", "completed", 9, 3).await;
    bucket(&db, "20 minutes", 2, "call", "running", "retryable", 9, 2).await;
    bucket(&db, "20 minutes", 2, "call", "available", "cancelled", -1, 1).await;
    bucket(&db, "20 minutes", 2, "call", "completed", "", -1, 99).await;
    bucket(&db, "3 days", 1, "note", "running", "completed", 9, 5).await;
    bucket(&db, "8 days", 1, "note", "running", "completed", 9, 1_000).await;
    let stats = async |range, queue| inspect::stats(&db, range, queue, None).await.unwrap();
    let completed = |s: &inspect::Stats| s.points.iter().map(|p| p.ended.completed).sum::<u64>();

    let hour = stats(Range::Hour, None).await;
    assert_eq!(completed(&hour), 3);
    assert_eq!(hour.points.last().unwrap().enqueued, 7);
    let then: DateTime<Utc> =
        sqlx::query_scalar("select date_trunc('minute', now() - interval '20 minutes')")
            .fetch_one(&db)
            .await
            .unwrap();
    let busy: Vec<_> = hour.points.iter().filter(|p| p.ended.completed > 0).collect();
    assert_eq!(busy.len(), 1);
    assert!((busy[0].at - then).num_seconds().abs() <= 60, "{} {then}", busy[0].at);
    assert_eq!((busy[0].ended.failed, busy[0].ended.cancelled), (2, 1));
    assert_eq!(completed(&stats(Range::QuarterHour, None).await), 0);
    assert_eq!(completed(&stats(Range::Week, None).await), 8);
    assert_eq!(completed(&stats(Range::Week, Some("calls")).await), 0);
    let names: Vec<_> = hour.kinds.iter().map(|k| k.kind.as_str()).collect();
    assert_eq!(names, ["call", "note"]);
}

#[tokio::test]
async fn percentiles_come_from_the_classes_of_durations() {
    let database = database().await;
    let db = Db::direct(database.pool());
    lanes(&db).await;
    // 4 to 5 ms, 64 to 76 ms and 1 to 1.2 s
    for (class, n) in [(9, 90), (25, 8), (41, 2)] {
        bucket(&db, "5 minutes", 1, "note", "available", "running", class, n).await;
    }
    bucket(&db, "5 minutes", 1, "note", "running", "completed", 41, 1).await;
    // a released attempt is no run
    bucket(&db, "5 minutes", 1, "note", "running", "available", 60, 50).await;
    let stats = inspect::stats(&db, Range::Hour, None, None).await.unwrap();
    let kind = &stats.kinds[0];
    let wait = kind.wait.unwrap();
    assert!((4.0..5.0).contains(&wait.p50), "{wait:?}");
    assert!((64.0..77.0).contains(&wait.p95), "{wait:?}");
    assert!((1_000.0..1_250.0).contains(&wait.p99), "{wait:?}");
    let run = kind.run.unwrap();
    assert!((1_000.0..1_250.0).contains(&run.p50), "{run:?}");
    let step = stats.points.iter().find(|p| p.started > 0).unwrap();
    assert_eq!((step.started, step.wait), (100, Some(wait)));
}

#[tokio::test]
async fn an_hour_of_a_long_history_is_found_by_the_index() {
    let database = database().await;
    let db = Db::direct(database.pool());
    lanes(&db).await;
    sqlx::raw_sql(
        "insert into queue.bucket (minute, lane, kind, was, became, duration, n)
        select date_trunc('minute', now()) - i * interval '1 minute', 1, 'note', 'running', 'completed', c, 1
        from generate_series(0, 11519) i, generate_series(1, 20) c",
    )
    .execute(&db)
    .await
    .unwrap();
    // one connection, which tells what it read before it is asked
    let one = PgPoolOptions::new().max_connections(1).connect_with(database.options());
    let db = Db::direct(one.await.unwrap());
    let before = scans(&db).await;
    let stats = inspect::stats(&db, Range::Hour, None, None).await.unwrap();
    assert_eq!(stats.points.iter().map(|p| p.ended.completed).sum::<u64>(), 60 * 20);
    let after = scans(&db).await;
    assert_eq!(after.0, before.0, "the whole history was read");
    assert!(after.1 > before.1, "the index was not used");
}

/// Counts the scans of all of `bucket`, and those by an index.
async fn scans(db: &Db) -> (i64, i64) {
    sqlx::query("select pg_stat_force_next_flush()").execute(db).await.unwrap();
    sqlx::query_as(
        "select seq_scan, idx_scan from pg_stat_user_tables where schemaname = 'queue' and relname = 'bucket'",
    )
    .fetch_one(db)
    .await
    .unwrap()
}

#[tokio::test]
async fn completions_per_minute_are_those_of_the_time_covered() {
    let database = database().await;
    let db = Db::direct(database.pool());
    lanes(&db).await;
    // one a second, folded up to two minutes ago
    sqlx::raw_sql(
        "insert into queue.bucket (minute, lane, kind, was, became, duration, n)
        select date_trunc('minute', t), 1, 'note', 'running', 'completed', 1, count(*)
        from generate_series(date_trunc('minute', now()) - interval '10 minutes',
            date_trunc('minute', now()) - interval '2 minutes' - interval '1 second', interval '1 second') t
        group by 1;
        insert into queue.delta (at, lane, kind, was, became, duration, n)
        select t, 1, 'note', 'running', 'completed', 1, 1
        from generate_series(date_trunc('minute', now()) - interval '2 minutes', now(), interval '1 second') t;
        -- a delta that was left unfolded for long
        insert into queue.delta (at, lane, kind, was, became, duration, n)
        values (now() - interval '2 hours', 1, 'note', 'running', 'completed', 150, 100000)",
    )
    .execute(&db)
    .await
    .unwrap();
    let queues = inspect::queues(&db).await.unwrap();
    let notes = queues.iter().find(|q| q.name == "notes").unwrap();
    assert!((58.0..62.0).contains(&notes.completed_per_minute), "{}", notes.completed_per_minute);
    assert!(notes.run.p99.unwrap() < 5.0, "{:?}", notes.run);
    let calls = queues.iter().find(|q| q.name == "calls").unwrap();
    assert!(calls.completed_per_minute.abs() < f64::EPSILON);
}
