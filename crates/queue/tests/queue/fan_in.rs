//! Ten thousand jobs and one that waits for all of them, while workers die at every step.

use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicUsize, Ordering},
};

use crate::support::*;
use bellwether_queue::{Db, JobId, OnFailure};

const JOBS: usize = 10_000;
const WORKERS: usize = 6;

/// Ways in which a worker ends its round.
#[derive(Clone, Copy)]
enum Fate {
    Lives,
    /// Before it has completed the jobs that it claimed.
    DiesWorking,
    /// While it completes: the server is told to end its session.
    DiesCompleting,
    /// After the commit, before it has released a dependent.
    DiesCommitted,
}

impl Fate {
    fn of(round: usize) -> Self {
        match round % 9 {
            2 => Self::DiesWorking,
            4 => Self::DiesCompleting,
            5 | 7 => Self::DiesCommitted,
            _ => Self::Lives,
        }
    }
}

async fn round(pool: &Db, fate: Fate) -> usize {
    let mut hand = ByHand::register(pool.clone()).await;
    let got = hand.claim("notes", 150).await;
    if matches!(fate, Fate::DiesWorking) {
        rescue(pool, &hand).await;
        return got.len();
    }
    // Two reports of one process, concurrent with those of the others.
    let (one, two) = got.split_at(got.len() / 2);
    tokio::join!(complete(pool, &hand, one, fate), complete(pool, &hand, two, fate));
    if matches!(fate, Fate::DiesCompleting) {
        rescue(pool, &hand).await;
    }
    got.len()
}

async fn complete(pool: &Db, hand: &ByHand, got: &[Got], fate: Fate) {
    let n = got.len();
    let mut tx = pool.begin().await.unwrap();
    sqlx::query("select * from queue.complete($1, $2, $3, $4, $5, $6, $7, $8)")
        .bind(hand.process)
        .bind(got.iter().map(|g| g.id).collect::<Vec<_>>())
        .bind(vec![hand.lease; n])
        .bind(vec![true; n])
        .bind(vec![false; n])
        .bind(vec![None::<i64>; n])
        .bind(vec![None::<i64>; n])
        .bind(vec![None::<serde_json::Value>; n])
        .execute(&mut *tx)
        .await
        .unwrap();
    if matches!(fate, Fate::DiesCompleting) {
        sqlx::query("select pg_terminate_backend(pg_backend_pid())")
            .execute(&mut *tx)
            .await
            .unwrap_err();
        return;
    }
    tx.commit().await.unwrap();
    if matches!(fate, Fate::Lives) {
        sqlx::query("select queue.release_unblocked()").execute(pool).await.unwrap();
    }
}

async fn rescue(pool: &Db, hand: &ByHand) {
    sqlx::query("select queue.rescue(array[$1::uuid])")
        .bind(hand.process)
        .execute(pool)
        .await
        .unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn ten_thousand_jobs_release_the_one_that_waits_for_them_exactly_once() {
    let db = database().await;
    let pool = Db::direct(db.pool());
    let mut parents = Vec::with_capacity(JOBS);
    for chunk in 0..JOBS / 1_000 {
        let mut jobs: Vec<_> = (0..1_000).map(|i| note(&format!("{chunk}/{i}"))).collect();
        for job in &mut jobs {
            job.max_attempts = 25;
        }
        parents.extend(add_all(&pool, &jobs).await);
    }
    let child = add(&pool, &call("child").after(&parents, OnFailure::Cascade)).await;

    let over = Arc::new(AtomicBool::new(false));
    let fired = tokio::spawn(watch(pool.clone(), child, Arc::clone(&over)));
    let rounds = Arc::new(AtomicUsize::new(0));
    let workers: Vec<_> = (0..WORKERS)
        .map(|_| {
            let (pool, rounds) = (pool.clone(), Arc::clone(&rounds));
            tokio::spawn(async move {
                // Another worker's claim may be rescued at any time: only the number of completed
                // jobs ends the loop.
                while count(&pool, "select count(*) from queue.done where kind = 'note'").await
                    < JOBS as i64
                {
                    round(&pool, Fate::of(rounds.fetch_add(1, Ordering::SeqCst))).await;
                }
            })
        })
        .collect();
    for worker in workers {
        worker.await.unwrap();
    }
    // Dependents that no worker lived to release are found by the sweep of a live one.
    for _ in 0..20 {
        sqlx::query("select queue.release_unblocked()").execute(&pool).await.unwrap();
    }
    over.store(true, Ordering::SeqCst);
    assert_eq!(fired.await.unwrap(), 1, "it ran once");
    let moves = count(&pool, "select sum(n)::bigint from queue.delta where was = 'pending'").await;
    assert_eq!(moves, 1, "and was released once");
    let left = "select (select count(*) from queue.edge) + (select count(*) from queue.unblocked)";
    assert_eq!(count(&pool, left).await, 0);
    let lost = count(&pool, "select count(*) from queue.attempt where outcome = 'lost'").await;
    assert!(lost > 300, "workers did die with jobs in their hands: {lost}");
}

/// Claims the child whenever it can be claimed; returns how often that was.
async fn watch(pool: Db, child: JobId, over: Arc<AtomicBool>) -> usize {
    let mut hand = ByHand::register(pool.clone()).await;
    let mut fired = 0;
    loop {
        let last = over.load(Ordering::SeqCst);
        for got in hand.claim("calls", 10).await {
            assert_eq!(got.id, child.0);
            let done = count(&pool, "select count(*) from queue.done where kind = 'note'").await;
            assert_eq!(done, JOBS as i64, "released before the last of them was done");
            assert!(hand.complete(got.id, false).await);
            fired += 1;
        }
        if last {
            return fired;
        }
    }
}
