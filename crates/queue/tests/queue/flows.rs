//! Flows of jobs: ends that cross the writing of an edge, and retries that keep the order.

use std::time::Duration;

use crate::support::*;
use bellwether_queue::{
    Db, OnFailure, Process, State,
    bulk::{self, Action, Filter},
    control::{self, Commanded},
};
use bellwether_testing::wait_until;

#[tokio::test]
async fn a_parent_that_ended_while_its_edge_was_written_is_found_however_late_it_commits() {
    let db = database().await;
    let pool = Db::direct(db.pool());
    let mut hand = ByHand::register(pool.clone()).await;
    let parents = add_all(&pool, &[note("early"), note("late")]).await;
    hand.claim("notes", 2).await;
    let mut adding = pool.begin().await.unwrap();
    let mut children = Vec::new();
    for parent in &parents {
        let job = call("child").after(&[*parent], OnFailure::Cascade);
        children.push(bellwether_queue::enqueue(&mut *adding, job).await.unwrap().id);
    }
    // The edges are not visible yet. One parent's end commits before the first check, one after it.
    assert!(hand.complete(parents[0].0, false).await);
    let mut late = pool.begin().await.unwrap();
    complete_in(&mut late, &hand, parents[1]).await;
    adding.commit().await.unwrap();
    check_edges(&pool).await;
    assert_eq!(state(&pool, children[0]).await, State::Available);
    assert_eq!(state(&pool, children[1]).await, State::Pending, "its parent may yet roll back");
    late.commit().await.unwrap();
    wait_until("the check after the last transaction of that time", || async {
        check_edges(&pool).await;
        (state(&pool, children[1]).await == State::Available).then_some(())
    })
    .await;
    wait_until("the end of the checks", || async {
        check_edges(&pool).await;
        (count(&pool, "select count(*) from queue.edge_recheck").await == 0).then_some(())
    })
    .await;
}

/// The parent's transaction has its number before the first check, and is the youngest of all that
/// are under way: no later transaction has ended that would reveal it.
#[tokio::test]
async fn an_uncommitted_end_is_waited_for_although_no_later_transaction_has_ended() {
    let db = database().await;
    let pool = Db::direct(db.pool());
    let mut hand = ByHand::register(pool.clone()).await;
    let parent = add(&pool, &note("ends last")).await;
    hand.claim("notes", 1).await;
    let mut adding = pool.begin().await.unwrap();
    let child = call("child").after(&[parent], OnFailure::Cascade);
    let child = bellwether_queue::enqueue(&mut *adding, child).await.unwrap().id;
    let mut ending = pool.begin().await.unwrap();
    complete_in(&mut ending, &hand, parent).await;
    adding.commit().await.unwrap();
    let look =
        || async { sqlx::query("select queue.recheck_edges()").execute(&pool).await.unwrap() };
    look().await;
    assert_eq!(
        count(&pool, "select count(*) from queue.edge_recheck").await,
        1,
        "it is checked again"
    );
    ending.commit().await.unwrap();
    check_edges(&pool).await;
    assert_eq!(state(&pool, child).await, State::Available);
}

#[tokio::test]
async fn a_child_is_released_past_thousands_that_still_wait() {
    let db = database().await;
    let pool = Db::direct(db.pool());
    let mut hand = ByHand::register(pool.clone()).await;
    let parents = add_all(&pool, &[note("runs for long"), note("ends meanwhile")]).await;
    hand.claim("notes", 2).await;
    let mut adding = pool.begin().await.unwrap();
    let crowd: Vec<_> =
        (0..10_000).map(|_| call("crowd").after(&parents[..1], OnFailure::Cascade)).collect();
    bellwether_queue::enqueue_all(&mut *adding, &crowd).await.unwrap();
    let child = call("child").after(&parents[1..], OnFailure::Cascade);
    let child = bellwether_queue::enqueue(&mut *adding, child).await.unwrap().id;
    assert!(hand.complete(parents[1].0, false).await);
    adding.commit().await.unwrap();
    let process = Process::start(config(&db, "w", &[("notes", 1)])).await.unwrap();
    until_state(&pool, child, State::Available).await;
    process.close(Duration::from_secs(5)).await.unwrap();
}

#[tokio::test]
async fn a_locked_child_is_released_later_and_never_lost() {
    let db = database().await;
    let pool = Db::direct(db.pool());
    let parents = add_all(&pool, &[note("a"), note("b")]).await;
    let goes = add_after(&pool, &parents[..1], OnFailure::Cascade).await;
    let falls = add_after(&pool, &parents[1..], OnFailure::Cascade).await;
    let mut holder = pool.begin().await.unwrap();
    sqlx::query("select from queue.pending for update").execute(&mut *holder).await.unwrap();
    let mut hand = ByHand::register(pool.clone()).await;
    hand.claim("notes", 2).await;
    hand.complete(parents[0].0, false).await;
    hand.fail(parents[1].0, "discarded", None).await;
    release(&pool).await;
    assert_eq!(state(&pool, goes).await, State::Pending);
    holder.rollback().await.unwrap();
    release(&pool).await;
    assert_eq!(
        (state(&pool, goes).await, state(&pool, falls).await),
        (State::Available, State::Cancelled)
    );
}

#[tokio::test]
async fn a_flow_that_is_retried_as_a_whole_keeps_its_order() {
    let db = database().await;
    let pool = Db::direct(db.pool());
    let mut hand = ByHand::register(pool.clone()).await;
    let first = add_all(&pool, &[note("a"), note("b")]).await;
    let second = add_after(&pool, &first, OnFailure::Cascade).await;
    let third = add_after(&pool, &[second], OnFailure::Cascade).await;
    for got in hand.claim("notes", 2).await {
        hand.fail(got.id, "discarded", None).await;
    }
    release(&pool).await;
    assert_eq!(state(&pool, third).await, State::Cancelled);

    let filter = Filter { ids: Some(vec![first[0], first[1], second, third]), ..Filter::default() };
    let mut tx = pool.begin().await.unwrap();
    let begun = bulk::begin(&mut tx, Action::Retry, &filter, "me").await.unwrap();
    tx.commit().await.unwrap();
    let ended = bulk::go_on(&pool, begun.id, Duration::from_secs(20)).await.unwrap().unwrap();
    assert_eq!(ended.changed, 4);
    assert_eq!(state(&pool, second).await, State::Pending);
    assert_eq!(state(&pool, third).await, State::Pending);
    for (got, last) in hand.claim("notes", 2).await.into_iter().zip([false, true]) {
        assert!(hand.complete(got.id, false).await);
        release(&pool).await;
        let goes = if last { State::Available } else { State::Pending };
        assert_eq!(state(&pool, second).await, goes);
    }
    assert_eq!(state(&pool, third).await, State::Pending, "it waits for the second");
    assert_eq!(count(&pool, "select count(*) from queue.cascaded_edge").await, 0);
}

#[tokio::test]
async fn a_child_that_is_retried_alone_waits_for_those_that_run_and_no_longer_for_those_that_failed()
 {
    let db = database().await;
    let pool = Db::direct(db.pool());
    let mut hand = ByHand::register(pool.clone()).await;
    let parents = add_all(&pool, &[note("fails"), note("runs")]).await;
    let child = add_after(&pool, &parents, OnFailure::Cascade).await;
    hand.claim("notes", 2).await;
    hand.fail(parents[0].0, "discarded", None).await;
    release(&pool).await;
    assert_eq!(control::retry(&pool, child).await.unwrap(), Commanded::Done(State::Pending));
    check_edges(&pool).await;
    assert_eq!(state(&pool, child).await, State::Pending);
    assert_eq!(counted(&pool).await["pending"], 1);
    assert!(hand.complete(parents[1].0, false).await);
    release(&pool).await;
    assert_eq!(state(&pool, child).await, State::Available);
    assert_eq!(counted(&pool).await.get("cancelled").copied().unwrap_or(0), 0);
}
