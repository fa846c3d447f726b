//! How the ends of attempts are written when the database makes it hard.

mod support;

use std::time::Duration;

use bellwether_queue::{Failure, Outcome, Process, State, inspect};
use support::*;

#[tokio::test]
async fn a_report_that_meets_a_lock_keeps_no_other() {
    let db = database().await;
    let pool = Db::direct(db.pool());
    let process = Process::start(config(&db, "w", &[("notes", 3)])).await.unwrap();
    let mut attempts = process.subscribe("notes");
    let ids = add_all(&pool, &[note("held"), note("fails"), note("completes")]).await;
    let mut held = pool.begin().await.unwrap();
    let [first, second, third] = [
        attempts.recv().await.unwrap(),
        attempts.recv().await.unwrap(),
        attempts.recv().await.unwrap(),
    ];
    sqlx::query("select from queue.running where id = $1 for update")
        .bind(ids[0].0)
        .execute(&mut *held)
        .await
        .unwrap();
    let fail = || Outcome::Failed(Failure::discard("no"));
    first.settle(fail());
    second.settle(fail());
    third.settle(Outcome::Complete);
    until_state(&pool, ids[1], State::Discarded).await;
    until_state(&pool, ids[2], State::Completed).await;
    // and those that come later
    let later = add(&pool, &note("later")).await;
    attempts.recv().await.unwrap().settle(fail());
    until_state(&pool, later, State::Discarded).await;
    assert_eq!(state(&pool, ids[0]).await, State::Running);
    held.rollback().await.unwrap();
    until_state(&pool, ids[0], State::Discarded).await;
    process.close(Duration::from_secs(1)).await.unwrap();
    assert_eq!(process.lost_leases(), 0);
}

#[tokio::test]
async fn a_completion_that_the_database_refuses_is_a_failure_of_that_job_alone() {
    let db = database().await;
    let pool = Db::direct(db.pool());
    sqlx::raw_sql(
        "create function refuse() returns trigger language plpgsql as
            $$ begin raise exception 'not this one' using errcode = '22023'; end $$;
        create trigger refuse before insert on queue.done for each row
            when (new.args ->> 'text' = 'refused') execute function refuse()",
    )
    .execute(&pool)
    .await
    .unwrap();
    let mut jobs: Vec<_> = (0..9).map(|i| note(&i.to_string())).collect();
    jobs[4] = note("refused");
    jobs[4].max_attempts = 1;
    let ids = add_all(&pool, &jobs).await;
    let process = Process::start(config(&db, "w", &[("notes", 9)])).await.unwrap();
    work(&process, "notes", |_| async { Outcome::Complete });
    for (i, id) in ids.iter().enumerate() {
        until_state(&pool, *id, if i == 4 { State::Discarded } else { State::Completed }).await;
    }
    let refused = inspect::find(&pool, ids[4]).await.unwrap().unwrap().job;
    assert!(refused.error.as_ref().unwrap().contains("not this one"), "{:?}", refused.error);
    process.close(Duration::from_secs(1)).await.unwrap();
}

#[tokio::test]
async fn words_that_the_database_refuses_do_not_keep_the_outcome() {
    let db = database().await;
    let pool = Db::direct(db.pool());
    sqlx::raw_sql(
        "alter table queue.attempt add constraint plain check (error not like '%odd%' and log is null)",
    )
    .execute(&pool)
    .await
    .unwrap();
    let id = add(&pool, &note("x")).await;
    let process = Process::start(config(&db, "w", &[("notes", 1)])).await.unwrap();
    work(&process, "notes", async |attempt| {
        attempt.log("a line");
        Outcome::Failed(Failure::discard("odd words"))
    });
    until_state(&pool, id, State::Discarded).await;
    let job = inspect::find(&pool, id).await.unwrap().unwrap().job;
    assert!(job.error.as_ref().unwrap().contains("its report was refused"), "{:?}", job.error);
    process.close(Duration::from_secs(1)).await.unwrap();
}
