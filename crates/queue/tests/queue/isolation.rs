//! Concurrent transactions: a parent that is not committed yet, two checkers of one child, a
//! snapshot that is too old, keys that are released while a bulk insert waits.

use std::time::Duration;

use crate::support::*;
use bellwether_queue::{
    JobId, NewJob, OnFailure, State,
    batch::{self, NewBatch},
};
use bellwether_testing::wait_until;
use sqlx::{Executor, PgConnection};

async fn check(conn: &mut PgConnection) {
    conn.execute("update queue.edge_recheck set next_check_at = clock_timestamp() where id = any (array(select id from queue.edge_recheck for update skip locked))")
        .await
        .unwrap();
    conn.execute("select queue.recheck_edges()").await.unwrap();
}

#[tokio::test]
async fn a_parent_that_is_not_committed_yet_cancels_no_child() {
    let db = database().await;
    let pool = Db::direct(db.pool());
    let mut tx = pool.begin().await.unwrap();
    let parent = bellwether_queue::enqueue(&mut *tx, note("parent")).await.unwrap().id;
    let child = add_after(&pool, &[parent], OnFailure::Cascade).await;
    for _ in 0..3 {
        check_edges(&pool).await;
        assert_eq!(state(&pool, child).await, State::Pending);
    }
    tx.commit().await.unwrap();
    check_edges(&pool).await;
    let mut hand = ByHand::register(pool.clone()).await;
    assert_eq!(hand.claim("notes", 1).await[0].id, parent.0);
    assert!(hand.complete(parent.0, false).await);
    release(&pool).await;
    assert_eq!(state(&pool, child).await, State::Available);
}

#[tokio::test]
async fn a_parent_whose_transaction_is_rolled_back_counts_as_failed() {
    let db = database().await;
    let pool = Db::direct(db.pool());
    let mut tx = pool.begin().await.unwrap();
    let parent = bellwether_queue::enqueue(&mut *tx, note("parent")).await.unwrap().id;
    let child = add_after(&pool, &[parent], OnFailure::Cascade).await;
    check_edges(&pool).await;
    tx.rollback().await.unwrap();
    settle_edges(&pool).await;
    assert_eq!(state(&pool, child).await, State::Cancelled);
}

#[tokio::test]
async fn an_end_whose_snapshot_may_be_older_than_its_number_is_refused() {
    let db = database().await;
    let pool = Db::direct(db.pool());
    let ids = add_all(&pool, &[note("runs"), note("waits"), note("goes")]).await;
    let mut hand = ByHand::register(pool.clone()).await;
    hand.claim("notes", 1).await;
    let ends = [
        format!(
            "select queue.complete('{}', '{{{}}}', '{{1}}', '{{f}}', '{{f}}', '{{null}}', '{{null}}', '{{null}}')",
            hand.process, ids[0]
        ),
        format!("select queue.cancel({}, 'x')", ids[1]),
        format!("select queue.delete_job({}, null)", ids[2]),
    ];
    for end in ends {
        let mut tx = pool.begin().await.unwrap();
        tx.execute("set transaction isolation level repeatable read").await.unwrap();
        let refused = tx.execute(sqlx::AssertSqlSafe(end.clone())).await;
        let refused = refused.expect_err(&end);
        assert_eq!(refused.as_database_error().unwrap().code().unwrap(), "25001", "{end}");
    }
    assert_eq!(state(&pool, ids[0]).await, State::Running);
}

/// A batch whose second member ends while the edge to it is being written, and two checkers at once.
#[tokio::test]
async fn an_edge_that_another_checker_holds_is_checked_again() {
    let db = database().await;
    let pool = Db::direct(db.pool());
    let mut hand = ByHand::register(pool.clone()).await;
    let member = add(&pool, &note("member")).await;
    hand.claim("notes", 1).await;
    let mut tx = pool.begin().await.unwrap();
    let batch = NewBatch::new("b").jobs(vec![call("first")]).then(call("then"));
    let started = batch::start(&mut tx, &batch).await.unwrap();
    tx.commit().await.unwrap();
    let (first, then) = (started.jobs[0].id, started.then.unwrap().id);
    sqlx::query("delete from queue.edge_recheck").execute(&pool).await.unwrap();

    // An open transaction keeps the first check's row from being settled.
    let mut older = pool.begin().await.unwrap();
    older.execute("select pg_current_xact_id()").await.unwrap();
    sqlx::query("insert into queue.edge_recheck (child) values ($1)")
        .bind(then.0)
        .execute(&pool)
        .await
        .unwrap();
    let mut conn = db.pool().acquire().await.unwrap();
    check(&mut conn).await;
    let mut extends = pool.begin().await.unwrap();
    sqlx::query("select queue.add_to_batch($1, $2)")
        .bind(then.0)
        .bind(vec![member.0])
        .execute(&mut *extends)
        .await
        .unwrap();
    let mut completes = pool.begin().await.unwrap();
    complete_in(&mut completes, &hand, member).await; // it does not see the edge
    extends.commit().await.unwrap();
    check(&mut conn).await;
    older.commit().await.unwrap();
    // the first checker holds the edges, with a snapshot from before the member's end
    sqlx::query("update queue.edge_recheck set next_check_at = clock_timestamp() where id = (select min(id) from queue.edge_recheck)")
        .execute(&pool).await.unwrap();
    let mut checker = pool.begin().await.unwrap();
    checker.execute("select queue.recheck_edges()").await.unwrap();
    completes.commit().await.unwrap();
    sqlx::query("update queue.edge_recheck set next_check_at = clock_timestamp() where id = (select max(id) from queue.edge_recheck)")
        .execute(&pool).await.unwrap();
    conn.execute("select queue.recheck_edges()").await.unwrap();
    checker.commit().await.unwrap();

    hand.claim("calls", 9).await;
    assert!(hand.complete(first.0, false).await);
    for _ in 0..3 {
        check_edges(&pool).await;
    }
    assert_eq!(state(&pool, then).await, State::Available);
}

#[tokio::test]
async fn the_sweep_finds_every_child_whose_release_was_lost() {
    let db = database().await;
    let pool = Db::direct(db.pool());
    let mut hand = ByHand::register(pool.clone()).await;
    let parents = add_all(&pool, &(0..5).map(|i| note(&i.to_string())).collect::<Vec<_>>()).await;
    let children: Vec<JobId> = {
        let mut all = Vec::new();
        for parent in &parents {
            all.push(add_after(&pool, &[*parent], OnFailure::Ignore).await);
        }
        all
    };
    hand.claim("notes", 5).await;
    for parent in &parents {
        assert!(hand.complete(parent.0, false).await);
    }
    // as if neither the end nor a check had seen the edges
    sqlx::raw_sql("delete from queue.unblocked; delete from queue.edge_recheck")
        .execute(&pool)
        .await
        .unwrap();
    sqlx::query("insert into queue.edge (parent, child, on_failure) values ($1, $2, 'ignore')")
        .bind(parents[0].0)
        .bind(children[0].0)
        .execute(&pool)
        .await
        .unwrap();
    let mut after = Some(0_i64);
    while let Some(from) = after {
        after = sqlx::query_scalar("select queue.sweep_pending($1, 2)")
            .bind(from)
            .fetch_one(&pool)
            .await
            .unwrap();
    }
    check_edges(&pool).await;
    for child in children {
        assert_eq!(state(&pool, child).await, State::Available);
    }
}

/// A bulk insert finds a key taken and takes the next key; by then the first is free again. It must
/// not wait for the first key while it holds the second.
#[tokio::test]
async fn bulk_inserts_whose_keys_are_given_up_meanwhile_do_not_deadlock() {
    let db = database().await;
    let pool = Db::direct(db.pool());
    let refresh = |what: &str| NewJob::of(&Refresh { what: what.to_owned() });
    sqlx::raw_sql(
        "create function slow() returns trigger language plpgsql as $$
        begin
            if current_setting('test.slow', true) = 'on' then
                set local test.slow = 'off';
                perform pg_advisory_xact_lock(7);
            end if;
            return new;
        end $$;
        create trigger slow after insert on queue.unique_key for each row when (new.key = 'c') execute function slow()",
    )
    .execute(&pool)
    .await
    .unwrap();
    let mut hand = ByHand::register(pool.clone()).await;
    let b = add(&pool, &refresh("b")).await;
    let mut gate = pool.begin().await.unwrap();
    gate.execute("select pg_advisory_xact_lock(7)").await.unwrap();

    let both = || [refresh("b"), refresh("c")];
    let first = tokio::spawn({
        let pool = pool.clone();
        let jobs = both();
        async move {
            let mut tx = pool.begin().await.unwrap();
            tx.execute("set local test.slow = 'on'").await.unwrap();
            let added = bellwether_queue::enqueue_all(&mut *tx, &jobs).await;
            tx.commit().await.unwrap();
            added
        }
    });
    let waits = "select count(*) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'";
    wait_until("the first to reach the second key", || async {
        (count(&pool, waits).await == 1).then_some(())
    })
    .await;
    assert_eq!(hand.claim("notes", 1).await[0].id, b.0, "and with that its key is free");
    let second = tokio::spawn({
        let pool = pool.clone();
        let jobs = both();
        async move {
            let mut tx = pool.begin().await.unwrap();
            let added = bellwether_queue::enqueue_all(&mut *tx, &jobs).await;
            tx.commit().await.unwrap();
            added
        }
    });
    wait_until("the second to wait for it", || async {
        (count(&pool, waits).await == 2).then_some(())
    })
    .await;
    gate.commit().await.unwrap();
    let limit = Duration::from_secs(20);
    let first = tokio::time::timeout(limit, first).await.unwrap().unwrap().unwrap();
    let second = tokio::time::timeout(limit, second).await.unwrap().unwrap().unwrap();
    let ids = |added: &[bellwether_queue::Enqueued]| added.iter().map(|a| a.id).collect::<Vec<_>>();
    assert_eq!(ids(&first), ids(&second), "both inserts return the same two jobs");
}
