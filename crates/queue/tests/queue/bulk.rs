//! Bulk commands: one command to many jobs.

use std::time::Duration;

use crate::support::*;
use bellwether_queue::{
    JobId, OnFailure, Process, State, audit,
    bulk::{self, Action, Bulk, Filter, Progress},
    control, inspect,
    limits::{self, Counts, LaneKey, Limit},
};
use bellwether_testing::wait_until;
use serde_json::json;
use sqlx::Executor;

const ONE_STEP: Duration = Duration::ZERO;
const TO_THE_END: Duration = Duration::from_mins(1);

fn notes(n: usize) -> Vec<bellwether_queue::NewJob> {
    (0..n).map(|i| note(&format!("note {i}"))).collect()
}

fn in_state(state: State) -> Filter {
    Filter { state: Some(state), ..Filter::default() }
}

async fn begin(db: &Db, action: Action, filter: &Filter) -> Bulk {
    let mut tx = db.begin().await.unwrap();
    let bulk = bulk::begin(&mut tx, action, filter, "operator/1234abcd").await.unwrap();
    tx.commit().await.unwrap();
    bulk
}

async fn finish(db: &Db, bulk: &Bulk) -> Bulk {
    let bulk = bulk::go_on(db, bulk.id, TO_THE_END).await.unwrap().unwrap();
    assert_eq!(bulk.state, Progress::Done);
    assert!(bulk.ended_at.is_some());
    bulk
}

/// Counts by deletion: no job runs, so every job that fits could be deleted.
async fn fitting(db: &Db, filter: &Filter) -> i64 {
    bulk::count(db, Action::Delete, filter).await.unwrap()
}

/// One job in each state.
async fn one_of_each(db: &Db) -> Vec<JobId> {
    limits::define(db, &Limit::new("k", Counts::Finish)).await.unwrap();
    limits::set_lane(db, "calls", "shut", &[LaneKey::new("k")]).await.unwrap();
    let mut tx = db.begin().await.unwrap();
    limits::park(&mut tx, "k", Duration::from_hours(1), "told to").await.unwrap();
    tx.commit().await.unwrap();
    let mut hand = ByHand::register(db.clone()).await;
    let mut ids = add_all(db, &notes(5)).await;
    hand.claim("notes", 4).await;
    assert!(hand.complete(ids[0].0, false).await);
    hand.fail(ids[1].0, "discarded", None).await;
    hand.fail(ids[2].0, "failed", Some(Duration::from_hours(1))).await;
    let mut later = note("later");
    later.due_at = Some(bellwether_testing::at("2099-01-01T00:00:00Z"));
    ids.push(add(db, &later).await);
    ids.push(add(db, &call("shut")).await);
    ids.push(add(db, &note("waits").after(&[ids[3]], OnFailure::Cascade)).await);
    let off = add(db, &note("off")).await;
    control::cancel(db, off).await.unwrap();
    ids.push(off);
    let states = counted(db).await;
    assert_eq!(states.len(), 9, "{states:?}");
    ids
}

#[tokio::test]
async fn a_count_is_the_number_of_jobs_that_the_command_changes() {
    for (action, changes) in [(Action::Retry, 6), (Action::Cancel, 6), (Action::Delete, 8)] {
        let database = database().await;
        let db = Db::direct(database.pool());
        let ids = one_of_each(&db).await;
        let all = Filter { from: Some(chrono::DateTime::UNIX_EPOCH), ..Filter::default() };
        let named = Filter { ids: Some(ids), ..Filter::default() };
        for filter in [&all, &named] {
            assert_eq!(bulk::count(&db, action, filter).await.unwrap(), changes, "{action:?}");
        }
        let done = finish(&db, &begin(&db, action, &all).await).await;
        assert_eq!((done.matched, done.changed, done.skipped), (changes, changes, 0), "{action:?}");
    }
}

#[tokio::test]
async fn a_count_equals_the_length_of_the_list() {
    let database = database().await;
    let db = Db::direct(database.pool());
    let mut jobs = notes(40);
    for (i, job) in jobs.iter_mut().enumerate() {
        job.tags = vec![if i % 2 == 0 { "even" } else { "odd" }.to_owned()];
        if i % 4 == 0 {
            job.due_at = Some(bellwether_testing::at("2099-01-01T00:00:00Z"));
        }
    }
    let ids = add_all(&db, &jobs).await;
    add(&db, &call("free")).await;
    for id in &ids[1..4] {
        control::cancel(&db, *id).await.unwrap();
    }
    let since = inspect::find(&db, ids[10]).await.unwrap().unwrap().job.created_at;
    let filters = [
        Filter::default(),
        in_state(State::Available),
        in_state(State::Parked),
        in_state(State::Pending),
        in_state(State::Scheduled),
        in_state(State::Cancelled),
        Filter { kind: Some("note".to_owned()), ..Filter::default() },
        Filter { queue: Some("calls".to_owned()), ..Filter::default() },
        Filter { queue: Some("nowhere".to_owned()), ..Filter::default() },
        Filter { tag: Some("odd".to_owned()), ..in_state(State::Available) },
        Filter { q: Some("note 1".to_owned()), ..Filter::default() },
        Filter { q: Some("100%".to_owned()), ..Filter::default() },
        Filter { from: Some(since), ..Filter::default() },
        Filter { to: Some(since), ..Filter::default() },
    ];
    for filter in filters {
        let mut list = inspect::JobFilter {
            state: filter.state,
            kind: filter.kind.clone(),
            queue: filter.queue.clone(),
            tag: filter.tag.clone(),
            q: filter.q.clone(),
            from: filter.from,
            to: filter.to,
            before: None,
            limit: 500,
            args_limit: None,
        };
        let mut listed = 0;
        loop {
            let page = inspect::list(&db, &list).await.unwrap();
            listed += page.items.len() as i64;
            list.before = page.next;
            if page.next.is_none() {
                break;
            }
        }
        assert_eq!(fitting(&db, &filter).await, listed, "{filter:?}");
    }
    let named = Filter { ids: Some(vec![ids[0], ids[0], ids[1]]), ..Filter::default() };
    assert_eq!(fitting(&db, &named).await, 2, "a job named twice is one");
    let both = Filter { ids: Some(vec![ids[0], ids[1]]), ..in_state(State::Cancelled) };
    assert_eq!(fitting(&db, &both).await, 1, "all conditions hold");
}

#[tokio::test]
async fn of_ten_thousand_jobs_each_is_changed_once() {
    let database = database().await;
    let db = Db::direct(database.pool());
    let ids = add_all(&db, &notes(10_000)).await;
    add(&db, &call("free")).await;
    let filter = Filter { kind: Some("note".to_owned()), ..in_state(State::Available) };
    let done = finish(&db, &begin(&db, Action::Cancel, &filter).await).await;
    assert_eq!((done.matched, done.changed, done.skipped), (10_000, 10_000, 0));
    assert_eq!(counted(&db).await["cancelled"], 10_000);

    let every_fifth = ids.iter().copied().step_by(5).rev().collect();
    let named = Filter { ids: Some(every_fifth), ..Filter::default() };
    let done = finish(&db, &begin(&db, Action::Retry, &named).await).await;
    assert_eq!((done.matched, done.changed, done.skipped), (2_000, 2_000, 0));
    assert_eq!(counted(&db).await["available"], 2_001);

    let done = finish(&db, &begin(&db, Action::Delete, &filter).await).await;
    assert_eq!((done.matched, done.changed, done.skipped), (2_000, 2_000, 0));
    let left = [("available".to_owned(), 1), ("cancelled".to_owned(), 8_000)];
    assert_eq!(counted(&db).await, left.into());
    let depth = inspect::queues(&db).await.unwrap().pop().unwrap().depth;
    let left = depth.into_iter().filter(|(_, n)| *n != 0).collect::<Vec<_>>();
    assert_eq!(left, [(State::Cancelled, 8_000)], "the tally forgets them too");
}

#[tokio::test]
async fn a_job_that_has_moved_on_meanwhile_is_left_alone() {
    let database = database().await;
    let db = Db::direct(database.pool());
    let ids = add_all(&db, &notes(3)).await;
    let begun = begin(&db, Action::Cancel, &in_state(State::Available)).await;
    assert_eq!(begun.matched, 3);
    let mut hand = ByHand::register(db.clone()).await;
    let got = hand.claim("notes", 1).await;
    assert_eq!(got[0].id, ids[0].0);
    let done = finish(&db, &begun).await;
    assert_eq!((done.matched, done.changed, done.skipped), (3, 2, 1));
    let job = inspect::find(&db, ids[0]).await.unwrap().unwrap().job;
    assert_eq!((job.state, job.cancelling), (State::Running, false));
}

#[tokio::test]
async fn a_command_applies_only_to_a_job_that_is_still_in_the_asked_state() {
    let database = database().await;
    let db = Db::direct(database.pool());
    let id = add(&db, &note("one")).await;
    let apply = async |action: &str, state: Option<&str>| -> i32 {
        sqlx::query_scalar("select queue.apply_command($1, $2, $3)")
            .bind(action)
            .bind(vec![id.0])
            .bind(state)
            .fetch_one(&db)
            .await
            .unwrap()
    };
    for elsewhere in
        ["pending", "scheduled", "retryable", "running", "completed", "discarded", "cancelled"]
    {
        for action in ["retry", "cancel", "delete"] {
            assert_eq!(apply(action, Some(elsewhere)).await, 0, "{action} {elsewhere}");
        }
    }
    assert_eq!(state(&db, id).await, State::Available);
    assert_eq!(apply("cancel", Some("available")).await, 1);
    assert_eq!(apply("retry", Some("discarded")).await, 0);
    assert_eq!(apply("retry", Some("cancelled")).await, 1);
    assert_eq!(apply("delete", None).await, 1);
    assert!(inspect::find(&db, id).await.unwrap().is_none());
}

#[tokio::test]
async fn jobs_that_come_later_are_left_alone() {
    let database = database().await;
    let db = Db::direct(database.pool());
    add_all(&db, &notes(5)).await;
    let begun = begin(&db, Action::Cancel, &in_state(State::Available)).await;
    let later = add(&db, &note("later")).await;
    let done = finish(&db, &begun).await;
    assert_eq!((done.matched, done.changed, done.skipped), (5, 5, 0));
    assert_eq!(state(&db, later).await, State::Available);
}

#[tokio::test]
async fn any_process_continues_a_command_that_another_began() {
    let database = database().await;
    let db = Db::direct(database.pool());
    add_all(&db, &notes(1_300)).await;
    let begun = begin(&db, Action::Cancel, &in_state(State::Available)).await;
    let part = bulk::go_on(&db, begun.id, ONE_STEP).await.unwrap().unwrap();
    assert_eq!((part.state, part.changed), (Progress::Running, 500));
    // no process that knows of it is left; another one starts
    let process = Process::start(config(&database, "other", &[])).await.unwrap();
    let done = bellwether_testing::wait_until("the command to end", || async {
        let bulk = bulk::find(&db, begun.id).await.unwrap().unwrap();
        (bulk.state == Progress::Done).then_some(bulk)
    })
    .await;
    assert_eq!((done.changed, done.skipped), (1_300, 0));
    assert_eq!(counted(&db).await, [("cancelled".to_owned(), 1_300)].into());
    process.close(Duration::ZERO).await.unwrap();
}

#[tokio::test]
async fn several_processes_share_the_steps_of_a_command() {
    let database = database().await;
    let db = Db::direct(database.pool());
    add_all(&db, &notes(2_000)).await;
    let begun = begin(&db, Action::Cancel, &in_state(State::Available)).await;
    let go = || bulk::go_on(&db, begun.id, TO_THE_END);
    let (a, b, c) = tokio::join!(go(), go(), go());
    for bulk in [a, b, c] {
        let bulk = bulk.unwrap().unwrap();
        assert_eq!((bulk.state, bulk.changed, bulk.skipped), (Progress::Done, 2_000, 0));
    }
}

#[tokio::test]
async fn a_command_rests_between_two_steps() {
    let database = database().await;
    let db = Db::direct(database.pool());
    add_all(&db, &notes(1_000)).await;
    let begun = begin(&db, Action::Cancel, &in_state(State::Available)).await;
    let once = bulk::go_on(&db, begun.id, ONE_STEP).await.unwrap().unwrap();
    let at_once = bulk::go_on(&db, begun.id, ONE_STEP).await.unwrap().unwrap();
    assert_eq!((once.changed, at_once.changed), (500, 500), "the second step is not due yet");
    let rest: f64 = sqlx::query_scalar(
        "select extract(epoch from next_at - clock_timestamp())::float8 from queue.bulk",
    )
    .fetch_one(&db)
    .await
    .unwrap();
    assert!(rest < 5.0, "{rest}");
}

#[tokio::test]
async fn a_cancelled_command_stops_where_it_is() {
    let database = database().await;
    let db = Db::direct(database.pool());
    add_all(&db, &notes(800)).await;
    let begun = begin(&db, Action::Cancel, &in_state(State::Available)).await;
    bulk::go_on(&db, begun.id, ONE_STEP).await.unwrap();
    let mut tx = db.begin().await.unwrap();
    assert!(bulk::cancel(&mut tx, begun.id, "admin/1").await.unwrap());
    assert!(!bulk::cancel(&mut tx, begun.id, "admin/1").await.unwrap(), "only once");
    tx.commit().await.unwrap();
    let after = bulk::go_on(&db, begun.id, TO_THE_END).await.unwrap().unwrap();
    assert_eq!((after.state, after.changed), (Progress::Cancelled, 500));
    assert_eq!(counted(&db).await["available"], 300);
    let told: Vec<_> = audit::list(&db, None, 10).await.unwrap();
    assert_eq!(told[0].action, "jobs.call_off");
    assert_eq!(told[0].detail["after"]["changed"], 500);
}

#[tokio::test]
async fn the_audit_holds_the_request_and_its_result() {
    let database = database().await;
    let db = Db::direct(database.pool());
    add_all(&db, &notes(4)).await;
    let filter = Filter { q: Some("note".to_owned()), ..in_state(State::Available) };
    let begun = begin(&db, Action::Delete, &filter).await;
    finish(&db, &begun).await;
    let told = audit::list(&db, None, 10).await.unwrap();
    let actions: Vec<_> = told.iter().map(|e| e.action.as_str()).collect();
    assert_eq!(actions, ["jobs.delete.done", "jobs.delete"], "newest first");
    for entry in &told {
        assert_eq!(entry.actor, "operator/1234abcd");
        assert_eq!(entry.subject, begun.id.to_string());
    }
    let asked = json!({ "filter": { "state": "available", "q": "note" }, "matched": 4 });
    assert_eq!(told[1].detail["before"], asked);
    assert_eq!(told[0].detail["after"], json!({ "changed": 4, "skipped": 0 }));
    // a command that is rolled back has no entry
    let mut tx = db.begin().await.unwrap();
    bulk::begin(&mut tx, Action::Delete, &filter, "admin/2").await.unwrap();
    tx.rollback().await.unwrap();
    assert_eq!(audit::list(&db, None, 10).await.unwrap().len(), 2);
    let page = audit::list(&db, Some(told[0].id), 10).await.unwrap();
    assert_eq!(page.len(), 1, "a page continues below the last id of the previous one");
}

#[tokio::test]
async fn a_deleted_job_leaves_no_trace_and_a_running_one_stays() {
    let database = database().await;
    let db = Db::direct(database.pool());
    let mut hand = ByHand::register(db.clone()).await;
    let failed = add(&db, &note(&format!("unique {}", "x".repeat(300)))).await;
    let mut large = note(&"y".repeat(5_000));
    large.tags = vec!["large".to_owned()];
    let done = add(&db, &large).await;
    for _ in 0..2 {
        let got = hand.claim("notes", 1).await;
        if got[0].id == done.0 {
            assert!(hand.complete(done.0, false).await);
        } else {
            assert_eq!(hand.fail(failed.0, "discarded", None).await.as_deref(), Some("discarded"));
        }
    }
    control::retry(&db, failed).await.unwrap();
    let running = hand.claim("notes", 1).await[0].id;
    assert_eq!(running, failed.0, "it runs again, with an attempt behind it");
    let waiting = add(&db, &note("unique waiting")).await;
    let all = Filter { queue: Some("notes".to_owned()), ..Filter::default() };
    let bulk = finish(&db, &begin(&db, Action::Delete, &all).await).await;
    assert_eq!((bulk.matched, bulk.changed, bulk.skipped), (2, 2, 0));
    assert_eq!(state(&db, failed).await, State::Running);
    for gone in [done, waiting] {
        assert!(inspect::find(&db, gone).await.unwrap().is_none());
    }
    assert_eq!(count(&db, "select count(*) from queue.payload").await, 0);
    assert_eq!(count(&db, "select count(*) from queue.unique_key").await, 1, "the running one's");

    assert_eq!(hand.fail(running, "discarded", None).await.as_deref(), Some("discarded"));
    let bulk = finish(&db, &begin(&db, Action::Delete, &all).await).await;
    assert_eq!((bulk.matched, bulk.changed, bulk.skipped), (1, 1, 0));
    for table in ["attempt", "unique_key", "payload", "failed", "done", "ready"] {
        let rows: i64 =
            sqlx::query_scalar(sqlx::AssertSqlSafe(format!("select count(*) from queue.{table}")))
                .fetch_one(&db)
                .await
                .unwrap();
        assert_eq!(rows, 0, "{table}");
    }
    let again = add(&db, &note("unique waiting")).await;
    assert!(again > waiting, "the key is free again");
}

#[tokio::test]
async fn jobs_that_wait_for_a_deleted_job_are_cancelled() {
    let database = database().await;
    let db = Db::direct(database.pool());
    let after = async |kind: &str, parent: i64, on_failure: &str| -> i64 {
        sqlx::query_scalar(
            "select id from queue.enqueue($1, queue => 'notes', after => array[$2::bigint], on_failure => $3)",
        )
        .bind(kind)
        .bind(parent)
        .bind(on_failure)
        .fetch_one(&db)
        .await
        .unwrap()
    };
    let parent = add(&db, &note("parent")).await;
    let cascades = JobId(after("note", parent.0, "cascade").await);
    let pauses = JobId(after("note", parent.0, "pause").await);
    assert_eq!(state(&db, cascades).await, State::Pending);
    let process = Process::start(config(&database, "keeper", &[])).await.unwrap();
    bellwether_testing::wait_until("new edges to have been looked at", || async {
        (count(&db, "select count(*) from queue.edge_recheck").await == 0).then_some(())
    })
    .await;
    let named = Filter { ids: Some(vec![parent]), ..Filter::default() };
    finish(&db, &begin(&db, Action::Delete, &named).await).await;
    until_state(&db, cascades, State::Cancelled).await;
    until_state(&db, pauses, State::Cancelled).await;
    // a child that is deleted itself leaves no edges behind
    let parent = add(&db, &note("another")).await;
    let child = JobId(after("note", parent.0, "cascade").await);
    let named = Filter { ids: Some(vec![child]), ..Filter::default() };
    finish(&db, &begin(&db, Action::Delete, &named).await).await;
    assert_eq!(count(&db, "select count(*) from queue.edge").await, 0);
    process.close(Duration::ZERO).await.unwrap();
}

#[tokio::test]
async fn a_step_waits_for_no_transaction_that_holds_a_job() {
    let database = database().await;
    let db = Db::direct(database.pool());
    let ids = add_all(&db, &notes(3)).await;
    let mut hand = ByHand::register(db.clone()).await;
    hand.claim("notes", 3).await;
    let mut holder = db.begin().await.unwrap();
    holder
        .execute(sqlx::query("select from queue.running where id = $1 for update").bind(ids[1].0))
        .await
        .unwrap();
    let began = tokio::time::Instant::now();
    let done = finish(&db, &begin(&db, Action::Cancel, &in_state(State::Running)).await).await;
    assert_eq!((done.changed, done.skipped), (2, 1));
    assert!(began.elapsed() < Duration::from_secs(5));
    holder.rollback().await.unwrap();
    let cancelling: Vec<bool> = sqlx::query_scalar("select cancel from queue.running order by id")
        .fetch_all(&db)
        .await
        .unwrap();
    assert_eq!(cancelling, [true, false, true]);
}

#[tokio::test]
async fn a_unique_key_that_another_job_has_meanwhile_is_skipped() {
    let database = database().await;
    let db = Db::direct(database.pool());
    let old = add(&db, &note("unique same")).await;
    control::cancel(&db, old).await.unwrap();
    let new = add(&db, &note("unique same")).await;
    assert_ne!(old, new);
    // and one that another transaction is about to claim
    let busy = add(&db, &note("unique busy")).await;
    control::cancel(&db, busy).await.unwrap();
    let mut holder = db.begin().await.unwrap();
    bellwether_queue::enqueue(&mut *holder, note("unique busy")).await.unwrap();
    let free = add(&db, &note("unique free")).await;
    control::cancel(&db, free).await.unwrap();
    let done = finish(&db, &begin(&db, Action::Retry, &in_state(State::Cancelled)).await).await;
    assert_eq!((done.matched, done.changed, done.skipped), (3, 1, 2));
    assert_eq!(state(&db, free).await, State::Available);
    assert_eq!(state(&db, old).await, State::Cancelled);
    holder.rollback().await.unwrap();
    assert_eq!(state(&db, busy).await, State::Cancelled);
}

#[tokio::test]
async fn a_command_of_a_newer_release_delays_no_other() {
    let db = database().await;
    let pool = Db::direct(db.pool());
    add_all(&pool, &notes(2)).await;
    sqlx::query("insert into queue.bulk (action, filter, actor, upto, matched, next_at) values ('cancel', '{\"mood\": 7}', 'newer', 9, 2, now() - interval '1 hour')")
        .execute(&pool)
        .await
        .unwrap();
    let filter = Filter { kind: Some("note".to_owned()), ..Filter::default() };
    let mut tx = pool.begin().await.unwrap();
    bulk::begin(&mut tx, Action::Cancel, &filter, "me").await.unwrap();
    tx.commit().await.unwrap();
    let process = Process::start(config(&db, "w", &[])).await.unwrap();
    wait_until("the jobs to be cancelled", || async {
        (counted(&pool).await.get("cancelled") == Some(&2)).then_some(())
    })
    .await;
    assert_eq!(count(&pool, "select count(*) from queue.bulk where state = 'running'").await, 1);
    process.close(Duration::from_secs(5)).await.unwrap();
}
