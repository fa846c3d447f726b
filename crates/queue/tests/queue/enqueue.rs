//! Adding jobs.

use crate::support::*;
use bellwether_queue::{JobId, NewJob, State, UniqueUntil, control, inspect, schedule};
use bellwether_testing::wait_until;
use chrono::TimeDelta;

#[tokio::test]
async fn a_job_exists_exactly_when_its_transaction_commits() {
    let db = database().await;
    let pool = Db::direct(db.pool());
    let mut tx = pool.begin().await.unwrap();
    let rolled_back = bellwether_queue::enqueue(&mut *tx, Note { text: "a".into() }).await.unwrap();
    tx.rollback().await.unwrap();
    let mut tx = pool.begin().await.unwrap();
    let kept = bellwether_queue::enqueue(&mut *tx, Note { text: "b".into() }).await.unwrap();
    assert!(inspect::find(&pool, kept.id).await.unwrap().is_none(), "seen before the commit");
    tx.commit().await.unwrap();
    assert_eq!(state(&pool, kept.id).await, State::Available);
    assert!(inspect::find(&pool, rolled_back.id).await.unwrap().is_none());
}

#[tokio::test]
async fn sixty_four_inserters_of_one_key_make_one_job_and_all_learn_its_id() {
    let db = database().await;
    let pool = Db::direct(db.pool());
    let tasks: Vec<_> = (0..64)
        .map(|_| {
            let pool = pool.clone();
            tokio::spawn(async move {
                let mut conn = pool.pool().acquire().await.unwrap();
                bellwether_queue::enqueue(&mut *conn, note("unique k")).await.unwrap()
            })
        })
        .collect();
    let mut answers = Vec::new();
    for task in tasks {
        answers.push(task.await.unwrap());
    }
    let id = answers[0].id;
    assert!(answers.iter().all(|a| a.id == id), "{answers:?}");
    assert_eq!(answers.iter().filter(|a| !a.duplicate).count(), 1);
    assert_eq!(count(&pool, "select count(*) from queue.ready").await, 1);
}

#[tokio::test]
async fn a_duplicate_inside_a_bulk_insert_does_not_fail_the_others() {
    let db = database().await;
    let pool = Db::direct(db.pool());
    let held = add(&pool, &note("unique x")).await;
    let jobs: Vec<NewJob> =
        ["unique y", "unique x", "plain", "unique y", "plain"].iter().map(|t| note(t)).collect();
    let mut conn = pool.pool().acquire().await.unwrap();
    let answers = bellwether_queue::enqueue_all(&mut *conn, &jobs).await.unwrap();
    let duplicates: Vec<bool> = answers.iter().map(|a| a.duplicate).collect();
    assert_eq!(duplicates, [false, true, false, true, false]);
    assert_eq!(answers[1].id, held);
    assert_eq!(answers[3].id, answers[0].id);
    assert_eq!(count(&pool, "select count(*) from queue.ready").await, 4);
}

#[tokio::test]
async fn bulk_inserts_of_the_same_keys_in_opposite_orders_do_not_deadlock() {
    let db = database().await;
    let pool = Db::direct(db.pool());
    let forward: Vec<NewJob> = (0..200).map(|i| note(&format!("unique {i:03}"))).collect();
    let backward: Vec<NewJob> = forward.iter().rev().cloned().collect();
    let tasks: Vec<_> = (0..8)
        .map(|i| {
            let (pool, jobs) =
                (pool.clone(), if i % 2 == 0 { forward.clone() } else { backward.clone() });
            tokio::spawn(async move { add_all(&pool, &jobs).await })
        })
        .collect();
    for task in tasks {
        assert_eq!(task.await.unwrap().len(), 200);
    }
    assert_eq!(count(&pool, "select count(*) from queue.ready").await, 200);
}

#[tokio::test]
async fn a_bulk_insert_takes_its_keys_in_sorted_order() {
    let db = database().await;
    let pool = Db::direct(db.pool());
    add_all(&pool, &["unique c", "unique a", "unique d", "unique b"].map(note)).await;
    let keys: Vec<String> = sqlx::query_scalar("select key from queue.unique_key order by ctid")
        .fetch_all(&pool)
        .await
        .unwrap();
    assert_eq!(keys, ["a", "b", "c", "d"]);
}

#[tokio::test]
async fn a_completed_job_keeps_its_key_and_a_cancelled_one_gives_it_up() {
    let db = database().await;
    let pool = Db::direct(db.pool());
    let mut hand = ByHand::register(pool.clone()).await;
    let first = add(&pool, &note("unique k")).await;
    let got = hand.claim("notes", 1).await;
    assert!(hand.complete(got[0].id, false).await);
    assert_eq!(add(&pool, &note("unique k")).await, first, "completed jobs hold the key");

    let second = add(&pool, &note("unique l")).await;
    control::cancel(&pool, second).await.unwrap();
    assert_ne!(add(&pool, &note("unique l")).await, second, "cancelled jobs give it up");

    let third = hand.claim("notes", 1).await[0].id;
    hand.fail(third, "discarded", None).await;
    assert_ne!(add(&pool, &note("unique l")).await.0, third, "and discarded ones");
}

#[tokio::test]
async fn a_key_held_until_claimed_lets_a_change_during_the_run_enqueue_another() {
    let db = database().await;
    let pool = Db::direct(db.pool());
    let mut hand = ByHand::register(pool.clone()).await;
    let refresh = NewJob::of(&Refresh { what: "AAPL".into() });
    assert_eq!(refresh.unique_until, UniqueUntil::Claimed);
    let first = add(&pool, &refresh).await;
    assert_eq!(add(&pool, &refresh).await, first, "waiting, it stands for the change");
    let got = hand.claim("notes", 1).await;
    let second = add(&pool, &refresh).await;
    assert_ne!(second, first, "running, it may have read the old state");

    // The older job, waiting again, finds its key taken.
    assert_eq!(hand.fail(got[0].id, "failed", None).await.as_deref(), Some("cancelled"));
    let older = inspect::find(&pool, first).await.unwrap().unwrap().job;
    assert_eq!((older.state, older.error.as_deref()), (State::Cancelled, Some("superseded")));
    assert_eq!(add(&pool, &refresh).await, second, "the younger holds the key still");
}

#[tokio::test]
async fn a_future_job_waits_outside_the_claim_until_its_time() {
    let db = database().await;
    let pool = Db::direct(db.pool());
    let mut hand = ByHand::register(pool.clone()).await;
    let mut job = note("later");
    job.due_at = Some(schedule::now(&pool).await.unwrap() + TimeDelta::hours(1));
    let id = add(&pool, &job).await;
    assert_eq!(state(&pool, id).await, State::Scheduled);
    assert!(hand.claim("notes", 10).await.is_empty());
    sqlx::query("update queue.scheduled set due_at = clock_timestamp()")
        .execute(&pool)
        .await
        .unwrap();
    assert_eq!(hand.claim("notes", 10).await[0].id, id.0);
}

#[tokio::test]
async fn large_arguments_come_back_whole() {
    let db = database().await;
    let pool = Db::direct(db.pool());
    let text: String = (0..20_000).map(|i| char::from(b'a' + (i * i % 26) as u8)).collect();
    let id = add(&pool, &note(&text)).await;
    let found = inspect::find(&pool, id).await.unwrap().unwrap().job;
    assert_eq!(found.args["text"], text);
    let stored = count(&pool, "select count(*) from queue.ready where args is null").await;
    assert_eq!(stored, 1, "large arguments are not moved with the job");
}

#[tokio::test]
async fn tags_parent_and_trace_are_kept() {
    let db = database().await;
    let pool = Db::direct(db.pool());
    let mut job = note("tagged");
    job.tags = vec!["a".into(), "b c".into()];
    job.parent = Some(JobId(7));
    job.trace = Some("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01".into());
    let id = add(&pool, &job).await;
    let found = inspect::find(&pool, id).await.unwrap().unwrap().job;
    assert_eq!((found.tags, found.parent, found.trace), (job.tags, job.parent, job.trace));
}

/// A change and its enqueue in one transaction: a waiting job that stands for the change must not
/// be claimed before the commit.
#[tokio::test]
async fn a_job_that_stands_for_a_change_is_not_claimed_before_the_change_is_committed() {
    let db = database().await;
    let pool = Db::direct(db.pool());
    let mut hand = ByHand::register(pool.clone()).await;
    let refresh = NewJob::of(&Refresh { what: "AAPL".into() });
    let first = add(&pool, &refresh).await;
    let mut change = pool.begin().await.unwrap();
    let again = bellwether_queue::enqueue(&mut *change, &refresh).await.unwrap();
    assert_eq!((again.id, again.duplicate), (first, true));
    assert!(hand.claim("notes", 1).await.is_empty(), "it would read what was before");
    change.commit().await.unwrap();
    assert_eq!(hand.claim("notes", 1).await.len(), 1);
    // From here on the key belongs to another job.
    let next = add(&pool, &refresh).await;
    assert_ne!(next, first);

    // A job that waits for its time is not made ready either.
    let mut hold = pool.begin().await.unwrap();
    sqlx::query("with r as (delete from queue.ready where id = $1 returning *)
        insert into queue.scheduled (id, due_at, retry, lane, priority, kind, attempt, max_attempts, args, unique_key, unique_until, created_at)
        select id, now(), false, lane, priority, kind, attempt, max_attempts, args, unique_key, unique_until, created_at from r")
        .bind(next.0)
        .execute(&mut *hold)
        .await
        .unwrap();
    hold.commit().await.unwrap();
    let mut change = pool.begin().await.unwrap();
    assert_eq!(bellwether_queue::enqueue(&mut *change, &refresh).await.unwrap().id, next);
    assert!(hand.claim("notes", 1).await.is_empty());
    change.rollback().await.unwrap();
    assert_eq!(hand.claim("notes", 1).await.len(), 1);
}

#[tokio::test]
async fn a_duplicate_of_a_job_that_is_being_claimed_is_a_new_job() {
    let db = database().await;
    let pool = Db::direct(db.pool());
    let hand = ByHand::register(pool.clone()).await;
    let refresh = NewJob::of(&Refresh { what: "AAPL".into() });
    let first = add(&pool, &refresh).await;
    let mut claim = pool.begin().await.unwrap();
    let claimed: i64 =
        sqlx::query_scalar("select id from queue.claim($1, 1, 'notes', 1, '{refresh}')")
            .bind(hand.process)
            .fetch_one(&mut *claim)
            .await
            .unwrap();
    assert_eq!(claimed, first.0);
    let adding = tokio::spawn({
        let pool = pool.clone();
        async move { add(&pool, &refresh).await }
    });
    wait_until("the other to wait for the claim", || async {
        let waiting = "select count(*) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'";
        (count(&pool, waiting).await > 0).then_some(())
    })
    .await;
    claim.commit().await.unwrap();
    assert_ne!(adding.await.unwrap(), first);
}
