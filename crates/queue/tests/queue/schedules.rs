//! Schedules fire once per tick, however many processes tick.

use std::time::Duration;

use crate::support::*;
use bellwether_queue::{
    JobArgs, Process,
    schedule::{self, Missed, Schedule, slot_key},
};
use bellwether_testing::at;
use serde_json::json;

fn hourly(name: &str, missed: Missed) -> Schedule {
    Schedule {
        name: name.into(),
        cron: "0 * * * *".into(),
        zone: "UTC".into(),
        kind: "note".into(),
        args: json!({"text": "tick"}),
        slot: None,
        missed,
    }
}

/// Makes it look as if no process had ticked for three hours and a half.
async fn asleep(pool: &Db) {
    sqlx::query("update queue.schedule set since = date_trunc('hour', clock_timestamp()) - interval '150 minutes'")
        .execute(pool)
        .await
        .unwrap();
}

async fn ticks(pool: &Db, name: &'static str) -> i64 {
    sqlx::query_scalar("select count(*) from queue.tick where schedule = $1")
        .bind(name)
        .fetch_one(pool)
        .await
        .unwrap()
}

#[tokio::test]
async fn three_tickers_make_each_tick_once_and_missed_ones_as_the_schedule_says() {
    let db = database().await;
    let pool = Db::direct(db.pool());
    for (name, missed) in [("all", Missed::All), ("one", Missed::One)] {
        schedule::define(&pool, &hourly(name, missed)).await.unwrap();
    }
    asleep(&pool).await;
    let mut processes = Vec::new();
    for name in ["a", "b", "c"] {
        processes.push(Process::start(config(&db, name, &[("calls", 1)])).await.unwrap());
    }
    bellwether_testing::wait_until("the missed ticks", || async {
        (ticks(&pool, "all").await == 3 && ticks(&pool, "one").await == 1).then_some(())
    })
    .await;
    // Defining it again at each start, as deployments do, makes no tick.
    schedule::define(&pool, &hourly("all", Missed::All)).await.unwrap();
    for process in processes {
        process.close(Duration::ZERO).await.unwrap();
    }
    assert_eq!(count(&pool, "select count(*) from queue.ready").await, 4, "one job a tick");
    assert_eq!(count(&pool, "select count(distinct job) from queue.tick").await, 4);
}

#[tokio::test]
async fn a_new_expression_does_not_tick_for_the_time_before_it() {
    let db = database().await;
    let pool = Db::direct(db.pool());
    let mut schedule = hourly("all", Missed::All);
    schedule.cron = "0 0 1 1 *".into();
    schedule::define(&pool, &schedule).await.unwrap();
    asleep(&pool).await;
    schedule.cron = "0 * * * *".into();
    schedule::define(&pool, &schedule).await.unwrap();
    let mut marker = hourly("marker", Missed::One);
    marker.cron = "* * * * *".into();
    schedule::define(&pool, &marker).await.unwrap();
    sqlx::query(
        "update queue.schedule set since = since - interval '2 minutes' where name = 'marker'",
    )
    .execute(&pool)
    .await
    .unwrap();
    let process = Process::start(config(&db, "a", &[("calls", 1)])).await.unwrap();
    bellwether_testing::wait_until("a round of ticks", || async {
        (ticks(&pool, "marker").await >= 1).then_some(())
    })
    .await;
    process.close(Duration::ZERO).await.unwrap();
    assert_eq!(ticks(&pool, "all").await, 0);
}

#[tokio::test]
async fn a_schedule_that_cannot_be_read_delays_no_other() {
    let db = database().await;
    let pool = Db::direct(db.pool());
    for name in ["a", "b"] {
        schedule::define(&pool, &hourly(name, Missed::One)).await.unwrap();
    }
    asleep(&pool).await;
    sqlx::query("update queue.schedule set zone = 'Mars/Base' where name = 'a'")
        .execute(&pool)
        .await
        .unwrap();
    let process = Process::start(config(&db, "a", &[("calls", 1)])).await.unwrap();
    bellwether_testing::wait_until("the other's tick", || async {
        (ticks(&pool, "b").await == 1).then_some(())
    })
    .await;
    process.close(Duration::ZERO).await.unwrap();
}

#[tokio::test]
async fn a_job_added_by_hand_for_the_slot_and_the_schedules_own_are_one() {
    let db = database().await;
    let pool = Db::direct(db.pool());
    let half_hour = Duration::from_mins(30);
    let mut every = hourly("batch", Missed::One);
    every.cron = "*/30 * * * *".into();
    every.slot = Some(half_hour);
    schedule::define(&pool, &every).await.unwrap();
    let now = schedule::now(&pool).await.unwrap();
    let mut job = note("by hand");
    job.unique_key = Some(slot_key(half_hour, now));
    let by_hand = add(&pool, &job).await;
    sqlx::query("update queue.schedule set since = clock_timestamp() - interval '31 minutes'")
        .execute(&pool)
        .await
        .unwrap();
    let process = Process::start(config(&db, "a", &[("calls", 1)])).await.unwrap();
    bellwether_testing::wait_until("the tick", || async {
        (ticks(&pool, "batch").await >= 1).then_some(())
    })
    .await;
    let newest: i64 =
        sqlx::query_scalar("select job from queue.tick order by fire_at desc limit 1")
            .fetch_one(&pool)
            .await
            .unwrap();
    assert_eq!(newest, by_hand.0);
    process.close(Duration::ZERO).await.unwrap();
}

#[test]
fn a_slot_is_named_by_its_length_and_beginning() {
    let half_hour = Duration::from_mins(30);
    assert_eq!(slot_key(half_hour, at("2026-11-22T17:59:59Z")), "slot/30m/2026-11-22T17:30:00Z");
    assert_eq!(slot_key(half_hour, at("2026-11-22T18:00:00Z")), "slot/30m/2026-11-22T18:00:00Z");
    assert_eq!(
        slot_key(Duration::from_hours(1), at("2026-11-22T18:10:00Z")),
        "slot/1h/2026-11-22T18:00:00Z"
    );
}

#[tokio::test]
async fn a_bad_expression_or_zone_is_refused_with_its_reason() {
    let db = database().await;
    let pool = Db::direct(db.pool());
    for (cron, zone, wanted) in [
        ("* * * *", "UTC", "has 4 fields, not 5"),
        ("61 * * * *", "UTC", "not a crontab expression"),
        ("0 0 * * 9", "UTC", "weekday 9"),
        ("0 0 * * *", "Mars/Base", "not a time zone"),
    ] {
        let mut bad = hourly("bad", Missed::Skip);
        bad.cron = cron.into();
        bad.zone = zone.into();
        let error = schedule::define(&pool, &bad).await.unwrap_err().to_string();
        assert!(error.contains(wanted), "{error}");
    }
}

#[tokio::test]
async fn the_next_time_follows_the_zone_across_a_clock_change_and_crontabs_weekdays() {
    let db = database().await;
    let pool = Db::direct(db.pool());
    let mut close = hourly("close", Missed::One);
    close.cron = "5 16 * * 1-5".into();
    close.zone = "America/New_York".into();
    schedule::define(&pool, &close).await.unwrap();
    let mut sunday = hourly("sunday", Missed::One);
    sunday.cron = "0 12 * * 0".into();
    schedule::define(&pool, &sunday).await.unwrap();
    for view in schedule::list(&pool).await.unwrap() {
        let next = view.next_fire_at.unwrap();
        if view.name == "close" {
            let local = next.with_timezone(&chrono_tz::America::New_York);
            assert_eq!(local.format("%H:%M").to_string(), "16:05");
            assert!(!["Sat", "Sun"].contains(&local.format("%a").to_string().as_str()));
        } else {
            assert_eq!(next.format("%a %H:%M").to_string(), "Sun 12:00");
        }
    }
}

#[tokio::test]
async fn a_schedule_whose_job_is_refused_delays_no_other() {
    let db = database().await;
    let pool = Db::direct(db.pool());
    for name in ["a", "b", "c"] {
        schedule::define(&pool, &hourly(name, Missed::One)).await.unwrap();
    }
    asleep(&pool).await;
    sqlx::raw_sql(
        "update queue.schedule set args = '{\"text\": 7}' where name = 'a';
        create function refuse() returns trigger language plpgsql as
            $$ begin raise exception 'not this one' using errcode = '22023'; end $$;
        create trigger refuse before insert on queue.tick for each row when (new.schedule = 'b') execute function refuse()",
    )
    .execute(&pool)
    .await
    .unwrap();
    let process = Process::start(config(&db, "a", &[("calls", 1)])).await.unwrap();
    bellwether_testing::wait_until("the tick of the last", || async {
        (ticks(&pool, "c").await == 1).then_some(())
    })
    .await;
    assert_eq!(ticks(&pool, "a").await + ticks(&pool, "b").await, 0);
    process.close(Duration::ZERO).await.unwrap();
}

#[tokio::test]
async fn a_schedule_that_is_removed_or_not_kept_ticks_no_more() {
    let db = database().await;
    let pool = Db::direct(db.pool());
    for name in ["a", "b", "c"] {
        schedule::define(&pool, &hourly(name, Missed::One)).await.unwrap();
    }
    assert!(schedule::remove(&pool, "a").await.unwrap());
    assert!(!schedule::remove(&pool, "a").await.unwrap());
    assert_eq!(schedule::keep_only(&pool, &["c", "of a later release"]).await.unwrap(), ["b"]);
    let left: Vec<String> =
        schedule::list(&pool).await.unwrap().into_iter().map(|s| s.name).collect();
    assert_eq!(left, ["c"]);
    // a definition is part of its transaction
    let mut tx = pool.begin().await.unwrap();
    schedule::define(&mut *tx, &hourly("d", Missed::One)).await.unwrap();
    tx.rollback().await.unwrap();
    assert_eq!(schedule::list(&pool).await.unwrap().len(), 1);
}

#[test]
fn a_schedule_of_a_job_adds_that_job() {
    let tick = Note { text: "tick".into() };
    let made = Schedule::of("every", "0 * * * *", "UTC", &tick).unwrap();
    let made = made.slot(Duration::from_hours(1)).missed(Missed::All);
    assert_eq!((made.kind.as_str(), &made.args), (Note::KIND, &json!({"text": "tick"})));
    assert_eq!((made.slot, made.missed), (Some(Duration::from_hours(1)), Missed::All));
}

#[test]
fn the_next_fire_after_a_moment_needs_no_database() {
    let next = |cron, t| schedule::next_after(cron, "Europe/Zurich", at(t)).unwrap();
    assert_eq!(next("0 9 * * 0-7", "2026-03-02T09:00:00Z"), Some(at("2026-03-03T08:00:00Z")));
    assert_eq!(next("0 9 * * sat-sun", "2026-03-02T09:00:00Z"), Some(at("2026-03-07T08:00:00Z")));
    assert_eq!(next("0 9 1 * mon", "2026-03-02T09:00:00Z"), Some(at("2026-03-09T08:00:00Z")));
    assert_eq!(next("0 0 30 2 *", "2026-03-02T09:00:00Z"), None, "there is no such day");
    assert!(schedule::next_after("0 9 * * *", "Mars/Base", at("2026-03-02T09:00:00Z")).is_err());
}

#[tokio::test]
async fn a_resume_leaves_out_the_ticks_of_a_pause_and_no_others() {
    let db = database().await;
    let pool = Db::direct(db.pool());
    let late = async |name: &'static str, pauses: &[bool]| {
        schedule::define(&pool, &hourly(name, Missed::All)).await.unwrap();
        asleep(&pool).await;
        for paused in pauses {
            assert!(schedule::pause(&pool, name, *paused).await.unwrap());
        }
    };
    late("resumed twice", &[false]).await;
    late("paused for a while", &[true, false]).await;
    let process = Process::start(config(&db, "a", &[("calls", 1)])).await.unwrap();
    bellwether_testing::wait_until("the missed ticks", || async {
        (ticks(&pool, "resumed twice").await == 3).then_some(())
    })
    .await;
    assert_eq!(ticks(&pool, "paused for a while").await, 0);
    process.close(Duration::ZERO).await.unwrap();
}

#[tokio::test]
async fn a_clock_that_jumped_ahead_and_back_silences_no_schedule() {
    let db = database().await;
    let pool = Db::direct(db.pool());
    schedule::define(&pool, &hourly("all", Missed::All)).await.unwrap();
    let ahead = "update queue.schedule set since = clock_timestamp() + interval '1 year'";
    sqlx::query(ahead).execute(&pool).await.unwrap();
    let process = Process::start(config(&db, "a", &[("calls", 1)])).await.unwrap();
    bellwether_testing::wait_until("the last tick to be taken back", || async {
        let future = "select count(*) from queue.schedule where since > clock_timestamp()";
        (count(&pool, future).await == 0).then_some(())
    })
    .await;
    asleep(&pool).await;
    bellwether_testing::wait_until("the missed ticks", || async {
        (ticks(&pool, "all").await == 3).then_some(())
    })
    .await;
    process.close(Duration::ZERO).await.unwrap();
}
