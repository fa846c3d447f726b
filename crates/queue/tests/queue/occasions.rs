//! Unique keys that stand for an occasion, and times that are kept.

use std::time::Duration;

use crate::support::*;
use bellwether_queue::{
    Error, NewJob, OnFailure, State, control,
    schedule::{self, Missed, Schedule},
};
use bellwether_testing::at;
use chrono::{DateTime, TimeDelta, Utc};

async fn due(pool: &Db, id: bellwether_queue::JobId) -> Option<DateTime<Utc>> {
    sqlx::query_scalar("select due_at from queue.job where id = $1")
        .bind(id.0)
        .fetch_one(pool)
        .await
        .unwrap()
}

fn refresh(what: &str) -> NewJob {
    NewJob::of(&Refresh { what: what.to_owned() })
}

#[tokio::test]
async fn a_pending_job_that_is_cancelled_and_retried_keeps_its_time() {
    let db = database().await;
    let pool = Db::direct(db.pool());
    let parent = add(&pool, &note("parent")).await;
    let time = schedule::now(&pool).await.unwrap() + TimeDelta::days(1);
    let child = add(&pool, &call("x").after(&[parent], OnFailure::Cascade).at(time)).await;
    control::cancel(&pool, child).await.unwrap();
    control::retry(&pool, child).await.unwrap();
    assert_eq!((state(&pool, child).await, due(&pool, child).await), (State::Pending, Some(time)));
    // and one that was cancelled because of its parent
    control::cancel(&pool, parent).await.unwrap();
    release(&pool).await;
    assert_eq!(state(&pool, child).await, State::Cancelled);
    control::retry(&pool, parent).await.unwrap();
    control::retry(&pool, child).await.unwrap();
    assert_eq!((state(&pool, child).await, due(&pool, child).await), (State::Pending, Some(time)));
}

#[tokio::test]
async fn a_change_of_now_brings_a_job_forward_that_was_planned_for_later() {
    let db = database().await;
    let pool = Db::direct(db.pool());
    let now = schedule::now(&pool).await.unwrap();
    let hour = |n| now + TimeDelta::hours(n);
    let id = add(&pool, &refresh("x").at(hour(3))).await;
    assert_eq!(add(&pool, &refresh("x").at(hour(5))).await, id);
    assert_eq!(due(&pool, id).await, Some(hour(3)), "never later");
    assert_eq!(add(&pool, &refresh("x").at(hour(1))).await, id);
    assert_eq!(due(&pool, id).await, Some(hour(1)));
    assert_eq!(add_all(&pool, &[refresh("y"), refresh("x")]).await[1], id);
    let mut hand = ByHand::register(pool.clone()).await;
    assert!(hand.claim("notes", 5).await.iter().any(|got| got.id == id.0), "it runs now");
    // a job that waits after a failure keeps its backoff
    let day = Duration::from_hours(24);
    assert_eq!(hand.fail(id.0, "failed", Some(day)).await.as_deref(), Some("retryable"));
    let waits = due(&pool, id).await;
    assert_eq!(add(&pool, &refresh("x")).await, id);
    assert_eq!(due(&pool, id).await, waits);
}

#[tokio::test]
async fn jobs_that_wait_for_a_superseded_job_wait_for_the_newer_one() {
    let db = database().await;
    let pool = Db::direct(db.pool());
    let older = add(&pool, &refresh("x")).await;
    let child = add_after(&pool, &[older], OnFailure::Cascade).await;
    check_edges(&pool).await;
    let mut hand = ByHand::register(pool.clone()).await;
    hand.claim("notes", 1).await;
    let newer = add(&pool, &refresh("x")).await;
    assert_ne!(newer, older);
    assert_eq!(hand.fail(older.0, "failed", None).await.as_deref(), Some("cancelled"));
    check_edges(&pool).await;
    assert_eq!(state(&pool, child).await, State::Pending);
    hand.claim("notes", 1).await;
    assert!(hand.complete(newer.0, false).await);
    release(&pool).await;
    assert_eq!(state(&pool, child).await, State::Available);
}

#[tokio::test]
async fn a_time_that_no_calendar_has_is_refused() {
    let db = database().await;
    let pool = Db::direct(db.pool());
    for time in ["'infinity'", "'-infinity'", "'20000-01-01Z'"] {
        let add = format!("select * from queue.enqueue('note', due_at => {time})");
        let refused = sqlx::query(sqlx::AssertSqlSafe(add)).execute(&pool).await;
        let refused = refused.expect_err(time);
        assert_eq!(refused.as_database_error().unwrap().code().unwrap(), "22023", "{time}");
    }
    let mut conn = db.pool().acquire().await.unwrap();
    let far = note("x").at(at("+12000-01-01T00:00:00Z"));
    let refused = bellwether_queue::enqueue(&mut *conn, far).await.unwrap_err();
    assert!(matches!(refused, Error::Job { field: "due_at", .. }), "{refused}");
}

#[tokio::test]
async fn a_schedule_that_waits_for_a_key_delays_no_other_for_long() {
    let db = database().await;
    let pool = Db::direct(db.pool());
    add(&pool, &note("of the same queue")).await;
    let mut tx = pool.begin().await.unwrap();
    sqlx::query("select queue.enqueue('note', '{\"text\": \"x\"}', queue => 'notes', unique_key => 'unique slot')")
        .execute(&mut *tx)
        .await
        .unwrap();
    for name in ["a", "b"] {
        let note = Note { text: "x".to_owned() };
        let schedule = Schedule::of(name, "* * * * *", "UTC", &note).unwrap().missed(Missed::One);
        schedule::define(&pool, &schedule).await.unwrap();
    }
    sqlx::query("update queue.schedule set since = since - interval '5 minutes'")
        .execute(&pool)
        .await
        .unwrap();
    // the first schedule's tick needs the key that an open transaction holds
    sqlx::raw_sql(
        "create function held() returns trigger language plpgsql as $$
        begin
            if new.schedule = 'a' then
                insert into queue.unique_key (kind, key, job, unique_until) values ('note', 'unique slot', 0, 'pruned');
            end if;
            return new;
        end $$;
        create trigger held before insert on queue.tick for each row execute function held()",
    )
    .execute(&pool)
    .await
    .unwrap();
    let process =
        bellwether_queue::Process::start(config(&db, "w", &[("notes", 1)])).await.unwrap();
    bellwether_testing::wait_until("the tick of the other", || async {
        (count(&pool, "select count(*) from queue.tick where schedule = 'b'").await > 0)
            .then_some(())
    })
    .await;
    tx.rollback().await.unwrap();
    process.close(Duration::from_secs(1)).await.unwrap();
}
