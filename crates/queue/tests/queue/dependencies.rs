//! Jobs that wait for other jobs.

use std::time::Duration;

use crate::support::*;
use bellwether_queue::{
    Db, Error, JobId, OnFailure, Outcome, Process, State,
    control::{self, Commanded},
    inspect,
};

#[tokio::test]
async fn a_job_is_not_claimed_before_all_that_it_waits_for_have_ended() {
    let db = database().await;
    let pool = Db::direct(db.pool());
    let parents = add_all(&pool, &[note("a"), note("b")]).await;
    let child = add_after(&pool, &parents, OnFailure::Cascade).await;
    assert_eq!(state(&pool, child).await, State::Pending);

    let found = inspect::find(&pool, child).await.unwrap().unwrap();
    assert_eq!(found.waits_for.iter().map(|r| r.id).collect::<Vec<_>>(), parents);
    assert_eq!(found.parents, parents);
    let parent = inspect::find(&pool, parents[0]).await.unwrap().unwrap();
    assert_eq!((parent.waited_by[0].id, parent.waited_by[0].state), (child, State::Pending));
    let why = inspect::why(&pool, child).await.unwrap().unwrap().reason;
    assert!(why.contains(&format!("{} (note, available)", parents[0])), "{why}");

    let mut hand = ByHand::register(pool.clone()).await;
    assert!(hand.claim("calls", 5).await.is_empty());
    hand.claim("notes", 2).await;
    assert!(hand.complete(parents[0].0, false).await);
    release(&pool).await;
    assert_eq!(state(&pool, child).await, State::Pending, "one of two has ended");
    assert!(hand.complete(parents[1].0, false).await);
    assert_eq!(state(&pool, child).await, State::Pending, "not in the completion's transaction");
    release(&pool).await;
    assert_eq!(hand.claim("calls", 5).await[0].id, child.0);
    assert_eq!(count(&pool, "select count(*) from queue.edge").await, 0);
}

#[tokio::test]
async fn two_parents_that_complete_at_once_release_their_child_exactly_once() {
    let db = database().await;
    let pool = Db::direct(db.pool());
    let parents = add_all(&pool, &[note("a"), note("b")]).await;
    let child = add_after(&pool, &parents, OnFailure::Cascade).await;
    let mut hand = ByHand::register(pool.clone()).await;
    hand.claim("notes", 2).await;
    // Neither transaction sees the other's end: each finds an edge left.
    let (mut one, mut two) = (pool.begin().await.unwrap(), pool.begin().await.unwrap());
    complete_in(&mut one, &hand, parents[0]).await;
    complete_in(&mut two, &hand, parents[1]).await;
    one.commit().await.unwrap();
    release(&pool).await;
    assert_eq!(state(&pool, child).await, State::Pending);
    two.commit().await.unwrap();
    let (a, b) = (pool.clone(), pool.clone());
    tokio::join!(release(&a), release(&b));
    assert_eq!(state(&pool, child).await, State::Available);
    let moves = count(&pool, "select sum(n)::bigint from queue.delta where was = 'pending'").await;
    assert_eq!(moves, 1);
}

#[tokio::test]
async fn a_failed_parent_cancels_releases_or_pauses_its_child_by_the_edges_rule() {
    let db = database().await;
    let pool = Db::direct(db.pool());
    let mut hand = ByHand::register(pool.clone()).await;
    let parent = add(&pool, &note("fails")).await;
    let cascade = add_after(&pool, &[parent], OnFailure::Cascade).await;
    let grandchild = add_after(&pool, &[cascade], OnFailure::Cascade).await;
    let ignore = add_after(&pool, &[parent], OnFailure::Ignore).await;
    let pause = add_after(&pool, &[parent], OnFailure::Pause).await;
    let patient = add_after(&pool, &[parent], OnFailure::Pause).await;
    hand.claim("notes", 1).await;
    assert_eq!(hand.fail(parent.0, "failed", None).await.as_deref(), Some("retryable"));
    release(&pool).await;
    assert_eq!(counted(&pool).await["pending"], 5, "an attempt that is tried again is no end");
    control::retry(&pool, parent).await.unwrap();
    hand.claim("notes", 1).await;
    hand.fail(parent.0, "discarded", None).await;
    release(&pool).await;

    assert_eq!(state(&pool, cascade).await, State::Cancelled);
    let error = inspect::find(&pool, cascade).await.unwrap().unwrap().job.error.unwrap();
    assert!(error.contains(&parent.to_string()), "{error}");
    assert_eq!(state(&pool, grandchild).await, State::Cancelled, "a chain falls to its end");
    assert_eq!(state(&pool, ignore).await, State::Available);
    assert_eq!(state(&pool, pause).await, State::Pending);
    let why = inspect::why(&pool, pause).await.unwrap().unwrap().reason;
    assert!(why.contains("discarded") && why.contains("retry"), "{why}");
    check_edges(&pool).await;
    assert_eq!(state(&pool, pause).await, State::Pending, "also after another check");

    // Released without the parent, or after the parent's retry.
    assert_eq!(control::retry(&pool, pause).await.unwrap(), Commanded::Done(State::Available));
    control::retry(&pool, parent).await.unwrap();
    hand.claim("notes", 1).await;
    assert!(hand.complete(parent.0, false).await);
    release(&pool).await;
    assert_eq!(state(&pool, patient).await, State::Available);
    assert_eq!(
        state(&pool, cascade).await,
        State::Cancelled,
        "a retry of the parent does not undo the cancellation"
    );
}

#[tokio::test]
async fn a_parent_that_is_cancelled_counts_as_failed() {
    let db = database().await;
    let pool = Db::direct(db.pool());
    let mut later = note("later");
    later.due_at =
        Some(bellwether_queue::schedule::now(&pool).await.unwrap() + chrono::TimeDelta::hours(1));
    let mut children = Vec::new();
    let first = add_all(&pool, &[note("ready"), later]).await;
    for parent in &first {
        children.push(add_after(&pool, &[*parent], OnFailure::Cascade).await);
    }
    let pending = add(&pool, &note("pending").after(&first, OnFailure::Pause)).await;
    children.push(add_after(&pool, &[pending], OnFailure::Cascade).await);
    for job in [pending, first[0], first[1]] {
        assert_eq!(control::cancel(&pool, job).await.unwrap(), Commanded::Done(State::Cancelled));
    }
    release(&pool).await;
    for child in children {
        assert_eq!(state(&pool, child).await, State::Cancelled);
    }
}

#[tokio::test]
async fn an_ended_parent_is_not_waited_for_and_an_unknown_one_is_refused() {
    let db = database().await;
    let pool = Db::direct(db.pool());
    let mut hand = ByHand::register(pool.clone()).await;
    let jobs = add_all(&pool, &[note("done"), note("failed"), note("waits")]).await;
    hand.claim("notes", 2).await;
    hand.complete(jobs[0].0, false).await;
    hand.fail(jobs[1].0, "discarded", None).await;
    let at_once = add_after(&pool, &jobs[..1], OnFailure::Cascade).await;
    assert_eq!(state(&pool, at_once).await, State::Available);
    let ignoring = add_after(&pool, &jobs[..2], OnFailure::Ignore).await;
    assert_eq!(state(&pool, ignoring).await, State::Available);
    let falls = add_after(&pool, &jobs, OnFailure::Cascade).await;
    let held = add_after(&pool, &jobs[1..2], OnFailure::Pause).await;
    release(&pool).await;
    assert_eq!(state(&pool, falls).await, State::Cancelled);
    assert_eq!(state(&pool, held).await, State::Pending);

    let mut tx = pool.begin().await.unwrap();
    let job = note("orphan").after(&[JobId(4_711)], OnFailure::Ignore);
    let error = bellwether_queue::enqueue(&mut *tx, job).await.unwrap_err();
    assert!(matches!(error, Error::UnknownJob(JobId(4_711))), "{error}");
    drop(tx);
    // Parents of the same transaction, each named twice.
    let mut tx = pool.begin().await.unwrap();
    let parent = bellwether_queue::enqueue(&mut *tx, note("new")).await.unwrap().id;
    let child = call("child")
        .after(&[parent, parent], OnFailure::Ignore)
        .after(&[parent], OnFailure::Cascade);
    let child = bellwether_queue::enqueue(&mut *tx, child).await.unwrap().id;
    tx.commit().await.unwrap();
    control::cancel(&pool, parent).await.unwrap();
    release(&pool).await;
    assert_eq!(state(&pool, child).await, State::Cancelled, "the stricter word counts");
}

#[tokio::test]
async fn a_parent_that_is_no_longer_kept_counts_as_failed() {
    let db = database().await;
    let pool = Db::direct(db.pool());
    let parent = add(&pool, &note("forgotten")).await;
    let mut tx = pool.begin().await.unwrap();
    let minds =
        bellwether_queue::enqueue(&mut *tx, call("child").after(&[parent], OnFailure::Pause))
            .await
            .unwrap()
            .id;
    let ignores =
        bellwether_queue::enqueue(&mut *tx, call("child").after(&[parent], OnFailure::Ignore))
            .await
            .unwrap()
            .id;
    sqlx::query("delete from queue.ready where kind = 'note'").execute(&mut *tx).await.unwrap();
    tx.commit().await.unwrap();
    settle_edges(&pool).await;
    assert_eq!(state(&pool, minds).await, State::Cancelled);
    assert_eq!(state(&pool, ignores).await, State::Available);
}

#[tokio::test]
async fn a_live_process_releases_children_of_a_dead_one_and_its_own_at_once() {
    let db = database().await;
    let pool = Db::direct(db.pool());
    let mut hand = ByHand::register(pool.clone()).await;
    let parent = add(&pool, &note("its process dies after the commit")).await;
    let child = add_after(&pool, &[parent], OnFailure::Cascade).await;
    hand.claim("notes", 1).await;
    assert!(hand.complete(parent.0, false).await);
    let process = Process::start(config(&db, "w", &[("notes", 4), ("calls", 4)])).await.unwrap();
    let finish = pool.clone();
    work(&process, "notes", move |attempt| {
        let pool = finish.clone();
        async move {
            let mut tx = pool.begin().await.unwrap();
            attempt.complete_in(&mut tx).await.unwrap();
            tx.commit().await.unwrap();
            Outcome::Complete
        }
    });
    work(&process, "calls", |_| async { Outcome::Complete });
    until_state(&pool, child, State::Completed).await;

    // A chain needs no sweep, whether a link completes in its own transaction or in a batch.
    let began = std::time::Instant::now();
    let mut last = child;
    let mut tx = pool.begin().await.unwrap();
    for i in 0..12 {
        let job = if i % 2 == 0 { note(&i.to_string()) } else { call("child") };
        last = bellwether_queue::enqueue(&mut *tx, job.after(&[last], OnFailure::Cascade))
            .await
            .unwrap()
            .id;
    }
    tx.commit().await.unwrap();
    until_state(&pool, last, State::Completed).await;
    assert!(began.elapsed() < Duration::from_secs(6), "{:?}", began.elapsed());
    process.close(Duration::from_secs(5)).await.unwrap();
}

#[tokio::test]
async fn waiting_jobs_hold_their_key_their_time_and_their_place_in_the_counts() {
    let db = database().await;
    let pool = Db::direct(db.pool());
    let parent = add(&pool, &note("parent")).await;
    let mut job = note("unique child").after(&[parent], OnFailure::Cascade);
    job.due_at =
        Some(bellwether_queue::schedule::now(&pool).await.unwrap() + chrono::TimeDelta::hours(1));
    let child = add(&pool, &job).await;
    let large =
        add(&pool, &note(&"large ".repeat(1_000)).after(&[parent], OnFailure::Cascade)).await;
    assert_eq!(add(&pool, &note("unique child")).await, child, "the key is held");
    let filter =
        inspect::JobFilter { state: Some(State::Pending), limit: 10, ..Default::default() };
    let listed: Vec<_> =
        inspect::list(&pool, &filter).await.unwrap().items.iter().map(|j| j.id).collect();
    assert_eq!(listed, [large, child]);
    let mut hand = ByHand::register(pool.clone()).await;
    hand.claim("notes", 1).await;
    hand.complete(parent.0, false).await;
    release(&pool).await;
    assert_eq!(
        (state(&pool, child).await, state(&pool, large).await),
        (State::Scheduled, State::Available)
    );
    control::cancel(&pool, child).await.unwrap();
    assert_ne!(add(&pool, &note("unique child").after(&[large], OnFailure::Cascade)).await, child);
    assert_eq!(hand.claim("notes", 1).await[0].id, large.0);
    hand.fail(large.0, "discarded", None).await;
    release(&pool).await;
    for fold in [false, true] {
        if fold {
            sqlx::query("select queue.fold()").execute(&pool).await.unwrap();
        }
        let depth = inspect::queues(&pool).await.unwrap().remove(0).depth;
        let counted = counted(&pool).await;
        for state in State::ALL {
            let told = depth.get(&state).copied().unwrap_or(0);
            assert_eq!(told, counted.get(state.as_str()).copied().unwrap_or(0), "{state}");
        }
    }
    assert_eq!(
        count(&pool, "select count(*) from queue.unique_key").await,
        0,
        "cascaded jobs give keys up"
    );
}
