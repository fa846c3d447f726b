//! Batches: progress, the job that follows, and families.

use crate::support::*;
use bellwether_queue::{
    Db, Error, JobId, NewJob, OnFailure, Outcome, Process, State,
    batch::{self, BatchId, BatchState, NewBatch},
    control::{self, Commanded, Retention},
    inspect::{self, Family},
};

async fn start(pool: &Db, batch: &NewBatch) -> batch::Started {
    let mut tx = pool.begin().await.unwrap();
    let started = batch::start(&mut tx, batch).await.unwrap();
    tx.commit().await.unwrap();
    started
}

/// Total, done, failed and state, as they are before and after the next fold.
async fn progress(pool: &Db, id: BatchId) -> (u64, u64, u64, BatchState) {
    let before = batch::progress(pool, id).await.unwrap().unwrap();
    sqlx::query("select queue.fold_batches()").execute(pool).await.unwrap();
    let after = batch::progress(pool, id).await.unwrap().unwrap();
    assert_eq!(before, after, "a fold changes nothing that is seen");
    (after.total, after.done, after.failed, after.state)
}

#[tokio::test]
async fn a_batch_reports_its_progress_and_its_job_follows_the_last_member() {
    let db = database().await;
    let pool = Db::direct(db.pool());
    let mut hand = ByHand::register(pool.clone()).await;
    let batch = NewBatch::new("three notes")
        .jobs([note("a"), note("b")])
        .job(note("c"))
        .then(call("after"));
    let started = start(&pool, &batch).await;
    let follows = JobId(started.id.0);
    assert_eq!(progress(&pool, started.id).await, (3, 0, 0, BatchState::Running));
    assert_eq!(state(&pool, follows).await, State::Pending);

    let got = hand.claim("notes", 3).await;
    assert!(hand.complete(got[0].id, false).await);
    assert_eq!(progress(&pool, started.id).await, (3, 1, 0, BatchState::Running));
    hand.fail(got[1].id, "discarded", None).await;
    assert_eq!(progress(&pool, started.id).await, (3, 1, 1, BatchState::Running));
    release(&pool).await;
    assert_eq!(state(&pool, follows).await, State::Pending);
    let of_member = inspect::find(&pool, started.jobs[0].id).await.unwrap().unwrap().batch.unwrap();
    assert_eq!((of_member.id, of_member.name.as_str()), (started.id, "three notes"));

    assert!(hand.complete(got[2].id, false).await);
    assert_eq!(progress(&pool, started.id).await, (3, 2, 1, BatchState::Failed));
    release(&pool).await;
    assert_eq!(
        state(&pool, follows).await,
        State::Available,
        "a failed member is ignored by default"
    );
    assert_eq!(batch::of(&pool, follows).await.unwrap().unwrap().id, started.id);
    assert_eq!(
        count(&pool, "select count(*) from queue.batch where finished_at is not null").await,
        1
    );
}

#[tokio::test]
async fn members_added_while_the_batch_runs_are_waited_for() {
    let db = database().await;
    let pool = Db::direct(db.pool());
    let mut hand = ByHand::register(pool.clone()).await;
    let started =
        start(&pool, &NewBatch::new("grows").job(note("first")).then(call("after"))).await;
    let got = hand.claim("notes", 1).await;
    // In the transaction that completes the member, as a handler does.
    let mut tx = pool.begin().await.unwrap();
    batch::extend(&mut tx, started.id, &[note("second"), note("third")]).await.unwrap();
    sqlx::query(
        "select * from queue.complete($1, $2, $3, '{f}', '{f}', '{null}', '{null}', '{null}')",
    )
    .bind(hand.process)
    .bind(vec![got[0].id])
    .bind(vec![hand.lease])
    .execute(&mut *tx)
    .await
    .unwrap();
    tx.commit().await.unwrap();
    release(&pool).await;
    assert_eq!(progress(&pool, started.id).await, (3, 1, 0, BatchState::Running));
    for got in hand.claim("notes", 2).await {
        assert_eq!(state(&pool, JobId(started.id.0)).await, State::Pending);
        assert!(hand.complete(got.id, false).await);
        release(&pool).await;
    }
    assert_eq!(progress(&pool, started.id).await, (3, 3, 0, BatchState::Completed));
    assert_eq!(state(&pool, JobId(started.id.0)).await, State::Available);
    let mut tx = pool.begin().await.unwrap();
    let error = batch::extend(&mut tx, BatchId(999_999), &[note("x")]).await.unwrap_err();
    assert!(matches!(error, Error::UnknownJob(JobId(999_999))), "{error}");
}

#[tokio::test]
async fn a_batch_without_members_or_with_ended_ones_counts_them_at_once() {
    let db = database().await;
    let pool = Db::direct(db.pool());
    let mut hand = ByHand::register(pool.clone()).await;
    let empty = start(&pool, &NewBatch::new("empty").then(call("after"))).await;
    assert_eq!(state(&pool, JobId(empty.id.0)).await, State::Available);
    assert_eq!(progress(&pool, empty.id).await, (0, 0, 0, BatchState::Completed));

    let held = add(&pool, &note("unique k")).await;
    hand.claim("notes", 1).await;
    hand.complete(held.0, false).await;
    let batch = NewBatch::new("mixed").jobs([note("unique k"), note("unique l"), note("unique l")]);
    let started = start(&pool, &batch).await;
    assert_eq!(started.jobs[0].id, held);
    assert_eq!(
        progress(&pool, started.id).await,
        (2, 1, 0, BatchState::Running),
        "a member counts once"
    );
    let got = hand.claim("notes", 5).await;
    hand.complete(got[0].id, false).await;
    assert_eq!(progress(&pool, started.id).await, (2, 2, 0, BatchState::Completed));
    assert!(batch::progress(&pool, BatchId(12_345)).await.unwrap().is_none());
}

#[tokio::test]
async fn a_batch_that_cascades_cancels_its_job_with_the_first_failure() {
    let db = database().await;
    let pool = Db::direct(db.pool());
    let mut hand = ByHand::register(pool.clone()).await;
    let batch = NewBatch::new("strict")
        .jobs([note("a"), note("b")])
        .then(call("after"))
        .on_failure(OnFailure::Cascade);
    let started = start(&pool, &batch).await;
    let got = hand.claim("notes", 2).await;
    hand.fail(got[0].id, "discarded", None).await;
    release(&pool).await;
    assert_eq!(state(&pool, JobId(started.id.0)).await, State::Cancelled);
    assert!(hand.complete(got[1].id, false).await);
    release(&pool).await;
    assert_eq!(progress(&pool, started.id).await, (2, 1, 1, BatchState::Failed));
    assert_eq!(
        state(&pool, JobId(started.id.0)).await,
        State::Cancelled,
        "the last member brings nothing back"
    );
}

#[tokio::test]
async fn a_member_that_is_retried_counts_again_and_is_waited_for() {
    let db = database().await;
    let pool = Db::direct(db.pool());
    let mut hand = ByHand::register(pool.clone()).await;
    let batch = NewBatch::new("second chance").jobs([note("a"), note("b")]).then(call("after"));
    let started = start(&pool, &batch).await;
    let follows = JobId(started.id.0);
    let [a, b] = [started.jobs[0].id, started.jobs[1].id];
    hand.claim("notes", 2).await;
    hand.fail(a.0, "discarded", None).await;
    assert_eq!(progress(&pool, started.id).await, (2, 0, 1, BatchState::Running));
    assert_eq!(control::retry(&pool, a).await.unwrap(), Commanded::Done(State::Available));
    assert_eq!(progress(&pool, started.id).await, (2, 0, 0, BatchState::Running));
    assert!(hand.complete(b.0, false).await);
    release(&pool).await;
    assert_eq!(state(&pool, follows).await, State::Pending, "it waits for the retried member");
    hand.claim("notes", 1).await;
    assert!(hand.complete(a.0, false).await);
    release(&pool).await;
    assert_eq!(progress(&pool, started.id).await, (2, 2, 0, BatchState::Completed));
    assert_eq!(state(&pool, follows).await, State::Available);

    // also a member that had completed, after the batch was over
    assert_eq!(control::retry(&pool, b).await.unwrap(), Commanded::Done(State::Available));
    assert_eq!(progress(&pool, started.id).await, (2, 1, 0, BatchState::Running));
    hand.claim("notes", 1).await;
    hand.fail(b.0, "discarded", None).await;
    assert_eq!(progress(&pool, started.id).await, (2, 1, 1, BatchState::Failed));
    release(&pool).await;
    assert_eq!(state(&pool, follows).await, State::Available, "what follows has begun already");
}

#[tokio::test]
async fn a_retried_member_that_was_paused_for_is_counted_once() {
    let db = database().await;
    let pool = Db::direct(db.pool());
    let mut hand = ByHand::register(pool.clone()).await;
    let batch =
        NewBatch::new("patient").job(note("a")).then(call("after")).on_failure(OnFailure::Pause);
    let started = start(&pool, &batch).await;
    let a = started.jobs[0].id;
    hand.claim("notes", 1).await;
    hand.fail(a.0, "discarded", None).await;
    assert_eq!(progress(&pool, started.id).await, (1, 0, 0, BatchState::Running));
    control::retry(&pool, a).await.unwrap();
    assert_eq!(progress(&pool, started.id).await, (1, 0, 0, BatchState::Running));
    hand.claim("notes", 1).await;
    assert!(hand.complete(a.0, false).await);
    release(&pool).await;
    assert_eq!(progress(&pool, started.id).await, (1, 1, 0, BatchState::Completed));
}

#[tokio::test]
async fn starting_a_batch_twice_under_one_key_is_one_batch() {
    let db = database().await;
    let pool = Db::direct(db.pool());
    let batch = NewBatch::new("once").job(note("unique member")).then(note("unique after"));
    let first = start(&pool, &batch).await;
    let second = start(&pool, &batch).await;
    assert_eq!(first.id, second.id);
    assert!(second.jobs[0].duplicate);
    assert_eq!(progress(&pool, first.id).await, (1, 0, 0, BatchState::Running));
}

#[tokio::test]
async fn no_transaction_of_a_job_updates_a_batchs_row() {
    let db = database().await;
    let pool = Db::direct(db.pool());
    let mut hand = ByHand::register(pool.clone()).await;
    let started =
        start(&pool, &NewBatch::new("b").jobs([note("a"), note("b")]).then(call("after"))).await;
    let mut holder = pool.begin().await.unwrap();
    sqlx::query("select from queue.batch for update").execute(&mut *holder).await.unwrap();
    let got = hand.claim("notes", 2).await;
    let mut tx = pool.begin().await.unwrap();
    sqlx::query("set local lock_timeout = '1s'").execute(&mut *tx).await.unwrap();
    batch::extend(&mut tx, started.id, &[note("c")]).await.unwrap();
    tx.commit().await.unwrap();
    assert!(hand.complete(got[0].id, false).await);
    assert!(hand.complete(got[1].id, false).await);
    holder.rollback().await.unwrap();
    assert_eq!(progress(&pool, started.id).await, (3, 2, 0, BatchState::Running));
}

#[tokio::test]
async fn a_family_is_over_when_children_of_children_are() {
    let db = database().await;
    let pool = Db::direct(db.pool());
    let process = Process::start(config(&db, "w", &[("notes", 8), ("calls", 8)])).await.unwrap();
    let inner = pool.clone();
    // root, 3 children, 2 of each of these; one grandchild fails.
    work(&process, "notes", move |attempt| {
        let pool = inner.clone();
        async move {
            let text = attempt.args()["text"].as_str().unwrap().to_owned();
            let many = match text.len() {
                1 => 3,
                2 => 2,
                _ => 0,
            };
            let mut tx = pool.begin().await.unwrap();
            let children: Vec<NewJob> =
                (0..many).map(|i| attempt.child(note(&format!("{text}{i}")))).collect();
            bellwether_queue::enqueue_all(&mut *tx, &children).await.unwrap();
            if text == "r21" {
                return Outcome::Failed(bellwether_queue::Failure::discard("by design"));
            }
            attempt.complete_in(&mut tx).await.unwrap();
            tx.commit().await.unwrap();
            Outcome::Complete
        }
    });
    let root = add(&pool, &note("r")).await;
    let mut family = Family::of(root);
    while !family.is_over() {
        assert!(family.look(&pool).await.unwrap());
    }
    assert_eq!((family.total(), family.ended()), (10, 10));
    let failures: Vec<_> = family.failures().iter().map(|f| f.error.clone().unwrap()).collect();
    assert_eq!(failures, ["by design"]);
    assert!(!Family::of(JobId(404)).look(&pool).await.unwrap());
    process.close(std::time::Duration::from_secs(1)).await.unwrap();
}

#[tokio::test]
async fn a_batch_whose_job_was_deleted_still_counts_its_members() {
    let db = database().await;
    let pool = Db::direct(db.pool());
    let mut hand = ByHand::register(pool.clone()).await;
    let batch = NewBatch::new("b").jobs([note("a"), note("b")]).then(call("after"));
    let started = start(&pool, &batch).await;
    let deleted: bool = sqlx::query_scalar("select queue.delete_job($1, null)")
        .bind(started.then.unwrap().id.0)
        .fetch_one(&pool)
        .await
        .unwrap();
    assert!(deleted);
    for got in hand.claim("notes", 2).await {
        assert!(hand.complete(got.id, false).await);
    }
    release(&pool).await;
    assert_eq!(progress(&pool, started.id).await, (2, 2, 0, BatchState::Completed));
}

/// Does step by step what `batch::start` does.
#[tokio::test]
async fn a_member_that_ends_while_the_batch_is_being_started_is_counted_once() {
    let db = database().await;
    let pool = Db::direct(db.pool());
    let mut hand = ByHand::register(pool.clone()).await;
    let running = add(&pool, &note("unique k")).await;
    hand.claim("notes", 1).await;
    let mut tx = pool.begin().await.unwrap();
    let members = [note("unique k"), note("other")];
    let members: Vec<JobId> = bellwether_queue::enqueue_all(&mut *tx, &members)
        .await
        .unwrap()
        .into_iter()
        .map(|member| member.id)
        .collect();
    assert_eq!(members[0], running);
    let then = call("after").after(&members, OnFailure::Ignore);
    let then = bellwether_queue::enqueue(&mut *tx, then).await.unwrap().id;
    assert!(hand.complete(running.0, false).await);
    sqlx::query("insert into queue.batch (id, name, on_failure) values ($1, 'b', 'ignore')")
        .bind(then.0)
        .execute(&mut *tx)
        .await
        .unwrap();
    sqlx::query("select queue.add_to_batch($1, $2)")
        .bind(then.0)
        .bind(members.iter().map(|m| m.0).collect::<Vec<_>>())
        .execute(&mut *tx)
        .await
        .unwrap();
    tx.commit().await.unwrap();
    sqlx::query("select queue.recheck_edges()").execute(&pool).await.unwrap();
    release(&pool).await;
    let batch = BatchId(then.0);
    assert_eq!(progress(&pool, batch).await, (2, 1, 0, BatchState::Running));
    hand.claim("notes", 1).await;
    assert!(hand.complete(members[1].0, false).await);
    release(&pool).await;
    assert_eq!(progress(&pool, batch).await, (2, 2, 0, BatchState::Completed));
    assert_eq!(state(&pool, then).await, State::Available);
}

#[tokio::test]
async fn a_job_that_has_begun_cannot_follow_a_batch() {
    let db = database().await;
    let pool = Db::direct(db.pool());
    let mut hand = ByHand::register(pool.clone()).await;
    let begun = add(&pool, &note("unique then")).await;
    let batch = NewBatch::new("b").job(call("member")).then(note("unique then"));
    let refused = || async {
        let mut tx = pool.begin().await.unwrap();
        batch::start(&mut tx, &batch).await.unwrap_err()
    };
    assert!(matches!(refused().await, Error::FollowUpBegun(job) if job == begun));
    hand.claim("notes", 1).await;
    assert!(hand.complete(begun.0, false).await);
    assert!(matches!(refused().await, Error::FollowUpBegun(job) if job == begun));
    assert_eq!(counted(&pool).await.get("available").copied().unwrap_or(0), 0, "nothing was added");
}

#[tokio::test]
async fn a_batch_that_paused_for_a_member_ends_when_that_is_no_longer_kept() {
    let db = database().await;
    let pool = Db::direct(db.pool());
    let mut hand = ByHand::register(pool.clone()).await;
    let batch = NewBatch::new("b")
        .jobs([note("a"), note("b")])
        .on_failure(OnFailure::Pause)
        .then(call("after"));
    let started = start(&pool, &batch).await;
    let got = hand.claim("notes", 2).await;
    assert!(hand.complete(got[0].id, false).await);
    hand.fail(got[1].id, "discarded", None).await;
    assert_eq!(progress(&pool, started.id).await, (2, 1, 0, BatchState::Running));
    sqlx::query("update queue.failed set finished_at = finished_at - interval '40 days'")
        .execute(&pool)
        .await
        .unwrap();
    let keep = Retention { completed_days: 7, failed_days: 30 };
    assert_eq!(control::prune(&pool, keep).await.unwrap().jobs, 1);
    settle_edges(&pool).await;
    release(&pool).await;
    assert_eq!(progress(&pool, started.id).await, (2, 1, 1, BatchState::Failed));
    assert_eq!(state(&pool, started.then.unwrap().id).await, State::Cancelled);
}
