//! Calendar windows, also where clocks change.

use crate::support::*;
use bellwether_queue::limits::{self, Counts, Dimension, LaneKey, Limit, Unit, Window};
use chrono::{DateTime, Utc};

fn at(time: &str) -> DateTime<Utc> {
    time.parse().unwrap()
}

/// A key with ten a day in a zone, and a call at each of these times.
async fn key(pool: &Db, counts: Counts, zone: &str, unit: Unit, calls: &[&str]) {
    let limit =
        Limit::new("k", counts).window(Window::calendar(Dimension::Requests, 10, unit, zone));
    limits::define(pool, &limit).await.unwrap();
    limits::set_lane(pool, "calls", "k", &[LaneKey::new("k")]).await.unwrap();
    for (n, time) in calls.iter().enumerate() {
        sqlx::query("insert into queue.permit_grant (key, at, kind, requests, cum_requests) select id, $1, 'grant', 1, $2 from queue.limit_key")
            .bind(at(time))
            .bind(n as i64 + 1)
            .execute(pool)
            .await
            .unwrap();
    }
}

async fn used(pool: &Db, time: &str) -> i64 {
    sqlx::query_scalar("select used from queue.windows(array(select id from queue.limit_key), $1)")
        .bind(at(time))
        .fetch_one(pool)
        .await
        .unwrap()
}

async fn next(pool: &Db, time: &str, wanted: i64) -> DateTime<Utc> {
    sqlx::query_scalar("select queue.next_permit(id, $1, $2) from queue.limit_key")
        .bind(at(time))
        .bind(wanted)
        .fetch_one(pool)
        .await
        .unwrap()
}

const PACIFIC: &str = "America/Los_Angeles";
const START: Counts = Counts::Start { guard: std::time::Duration::ZERO };

#[tokio::test]
async fn a_day_begins_at_midnight_of_its_zone() {
    let db = database().await;
    let pool = Db::direct(db.pool());
    let calls = ["2026-11-20T07:59:59Z", "2026-11-20T08:00:00Z", "2026-11-20T20:00:00Z"];
    key(&pool, Counts::Finish, PACIFIC, Unit::Day, &calls).await;
    assert_eq!(used(&pool, "2026-11-20T23:00:00Z").await, 2);
    assert_eq!(used(&pool, "2026-11-21T07:59:59Z").await, 2);
    assert_eq!(used(&pool, "2026-11-21T08:00:00Z").await, 0);
    assert_eq!(next(&pool, "2026-11-20T23:00:00Z", 8).await, at("2026-11-20T23:00:00Z"));
    assert_eq!(next(&pool, "2026-11-20T23:00:00Z", 9).await, at("2026-11-21T08:00:00Z"));
}

#[tokio::test]
async fn the_day_on_which_clocks_go_back_has_25_hours() {
    let db = database().await;
    let pool = Db::direct(db.pool());
    // 2026-11-01 in Los Angeles: from 07:00Z until 08:00Z of the next day
    let calls = ["2026-11-01T06:59:59Z", "2026-11-01T07:00:00Z", "2026-11-02T07:30:00Z"];
    key(&pool, Counts::Finish, PACIFIC, Unit::Day, &calls).await;
    assert_eq!(used(&pool, "2026-11-02T07:59:59Z").await, 2);
    assert_eq!(used(&pool, "2026-11-02T08:00:00Z").await, 0);
    assert_eq!(next(&pool, "2026-11-02T07:40:00Z", 9).await, at("2026-11-02T08:00:00Z"));
}

#[tokio::test]
async fn the_day_on_which_clocks_go_forward_has_23() {
    let db = database().await;
    let pool = Db::direct(db.pool());
    // 2027-03-14 in Los Angeles: from 08:00Z until 07:00Z of the next day
    let calls = ["2027-03-14T08:00:00Z", "2027-03-15T06:59:59Z"];
    key(&pool, Counts::Finish, PACIFIC, Unit::Day, &calls).await;
    assert_eq!(used(&pool, "2027-03-15T06:59:59.5Z").await, 2);
    assert_eq!(used(&pool, "2027-03-15T07:00:00Z").await, 0);
    assert_eq!(next(&pool, "2027-03-15T06:59:59.5Z", 9).await, at("2027-03-15T07:00:00Z"));
}

#[tokio::test]
async fn a_month_and_an_hour_are_calendars_too() {
    let db = database().await;
    let pool = Db::direct(db.pool());
    let calls = ["2027-01-31T23:00:00Z", "2027-02-01T00:10:00Z"];
    key(&pool, Counts::Finish, "UTC", Unit::Month, &calls).await;
    assert_eq!(used(&pool, "2027-02-28T23:59:00Z").await, 1);
    assert_eq!(next(&pool, "2027-02-20T00:00:00Z", 10).await, at("2027-03-01T00:00:00Z"));
    key(&pool, Counts::Finish, "UTC", Unit::Hour, &[]).await;
    assert_eq!(used(&pool, "2027-02-01T00:59:59Z").await, 1);
    assert_eq!(used(&pool, "2027-02-01T01:00:00Z").await, 0);
}

/// A permit granted just before midnight may arrive just after it.
#[tokio::test]
async fn a_grant_within_the_guard_before_a_day_counts_in_it_too() {
    let db = database().await;
    let pool = Db::direct(db.pool());
    let counts = Counts::Start { guard: std::time::Duration::from_millis(500) };
    let calls = ["2026-11-20T23:59:59.4Z", "2026-11-20T23:59:59.6Z"];
    key(&pool, counts, "UTC", Unit::Day, &calls).await;
    assert_eq!(used(&pool, "2026-11-20T23:59:59.9Z").await, 2);
    assert_eq!(used(&pool, "2026-11-21T00:00:00Z").await, 1);
}

#[tokio::test]
async fn a_guard_makes_a_rolling_window_longer() {
    let db = database().await;
    let pool = Db::direct(db.pool());
    let guard = std::time::Duration::from_millis(500);
    let limit = Limit::new("k", Counts::Start { guard })
        .window(Window::requests(1, std::time::Duration::from_secs(1)));
    limits::define(&pool, &limit).await.unwrap();
    sqlx::query("insert into queue.permit_grant (key, at, kind, requests, cum_requests) select id, $1, 'grant', 1, 1 from queue.limit_key")
        .bind(at("2026-11-20T12:00:00Z"))
        .execute(&pool)
        .await
        .unwrap();
    assert_eq!(used(&pool, "2026-11-20T12:00:01.499Z").await, 1);
    assert_eq!(used(&pool, "2026-11-20T12:00:01.501Z").await, 0);
    assert_eq!(next(&pool, "2026-11-20T12:00:01Z", 1).await, at("2026-11-20T12:00:01.5Z"));
}

#[tokio::test]
async fn a_full_day_grants_nothing_and_the_next_one_does() {
    let db = database().await;
    let pool = Db::direct(db.pool());
    key(&pool, START, "UTC", Unit::Month, &[]).await;
    add_all(&pool, &(0..15).map(|_| call("k")).collect::<Vec<_>>()).await;
    let mut hand = ByHand::register(pool.clone()).await;
    assert_eq!(hand.claim("calls", 20).await.len(), 10);
    assert!(hand.claim("calls", 20).await.is_empty());
    // the month before: grants of then are no longer in it
    sqlx::raw_sql(
        "update queue.permit_grant set at = at - interval '1 month';
        update queue.limit_key set closed_until = null",
    )
    .execute(&pool)
    .await
    .unwrap();
    assert_eq!(hand.claim("calls", 20).await.len(), 5);
}
