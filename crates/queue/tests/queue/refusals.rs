//! A job that could never be claimed is refused, with the reason.

use crate::support::*;
use bellwether_queue::{Error, NewJob, Process, QueueConfig, limits, schedule};
use chrono::TimeDelta;

#[tokio::test]
async fn a_job_that_could_never_be_claimed_is_refused_and_the_field_is_named() {
    let db = database().await;
    let pool = Db::direct(db.pool());
    let later = schedule::now(&pool).await.unwrap() + TimeDelta::hours(1);
    let job = || note("x").at(later);
    let long = "x".repeat(401);
    for (wanted, job) in [
        ("priority", job().priority(12)),
        ("max_attempts", NewJob { max_attempts: 0, ..job() }),
        ("max_attempts", NewJob { max_attempts: 26, ..job() }),
        ("max_attempts", NewJob { max_attempts: 40_000, ..job() }),
        ("kind", NewJob { kind: String::new(), ..job() }),
        ("queue", NewJob { queue: "mail-out".into(), ..job() }),
        ("queue", NewJob { queue: "cancel".into(), ..job() }),
        ("lane", NewJob { lane: "Fast lane".into(), ..job() }),
        ("unique_key", NewJob { unique_key: Some(String::new()), ..job() }),
        ("unique_key", NewJob { unique_key: Some(long.clone()), ..job() }),
    ] {
        let mut tx = pool.begin().await.unwrap();
        let refused =
            bellwether_queue::enqueue_all(&mut *tx, &[note("good"), job]).await.unwrap_err();
        assert!(matches!(&refused, Error::Job { field, .. } if *field == wanted), "{refused}");
        // no statement was sent: the transaction is still usable
        bellwether_queue::enqueue(&mut *tx, note("x").priority(9).tag("last")).await.unwrap();
    }
}

#[tokio::test]
async fn a_priority_that_no_claim_knows_is_refused_before_it_stops_every_queue() {
    let db = database().await;
    let pool = Db::direct(db.pool());
    let refused = sqlx::query(
        "select queue.enqueue_all(array['note'], array['other'], array['default'], array['{}'::jsonb], array[12::smallint],
            array[5::smallint], array[clock_timestamp() + interval '1 second'], array[null], array['pruned'], array[null::jsonb],
            array[null::bigint], array[null])",
    )
    .execute(&pool)
    .await
    .unwrap_err();
    assert_eq!(refused.into_database_error().unwrap().code().unwrap(), "23514");
}

#[tokio::test]
async fn an_invalid_name_of_a_queue_or_lane_is_refused_with_its_rule() {
    let db = database().await;
    let pool = Db::direct(db.pool());
    let mut config = config(&db, "w", &[]);
    config.queues.push(QueueConfig { name: "mail-out".into(), concurrency: 1 });
    let refused = Process::start(config).await.err().expect("it does not start").to_string();
    assert!(refused.contains("mail-out") && refused.contains("a-z, 0-9 and _"), "{refused}");
    for (queue, lane) in [("mail-out", "default"), ("mail", "Default")] {
        let refused = limits::set_lane(&pool, queue, lane, &[]).await.unwrap_err();
        assert!(matches!(refused, Error::Name { .. }), "{refused}");
    }
    let nameless = limits::Limit::new("k".repeat(121), limits::Counts::Finish);
    let refused = limits::define(&pool, &nameless).await.unwrap_err();
    assert!(matches!(refused, Error::Limit { .. }), "{refused}");
}
