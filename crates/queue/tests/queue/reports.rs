//! Ends of attempts that the database blocks or refuses.

use std::{sync::Arc, time::Duration};

use crate::support::*;
use bellwether_queue::{
    Attempt, Failure, Handlers, Job, JobArgs, NewJob, Outcome, Process, State, Verdict, inspect,
};
use serde::{Deserialize, Serialize};

#[tokio::test]
async fn a_failure_that_meets_a_lock_delays_no_other() {
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
    first.finish(fail());
    second.finish(fail());
    third.finish(Outcome::Complete);
    until_state(&pool, ids[1], State::Discarded).await;
    until_state(&pool, ids[2], State::Completed).await;
    // and later reports
    let later = add(&pool, &note("later")).await;
    attempts.recv().await.unwrap().finish(fail());
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
async fn a_text_that_the_database_refuses_does_not_lose_the_outcome() {
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

/// Fails, and its own code panics wherever the queue calls it.
#[derive(Clone, Serialize, Deserialize)]
struct Clumsy {
    discard: bool,
}

impl JobArgs for Clumsy {
    const KIND: &'static str = "clumsy";
    const QUEUE: &'static str = "notes";

    fn unique_key(&self) -> Option<String> {
        panic!("it has no name")
    }

    fn backoff(attempt: u16) -> Option<Duration> {
        Some(Duration::MAX * (attempt + 1).into())
    }
}

impl Job for Clumsy {
    type Context = ();
    type Output = ();

    async fn run(self, (): (), _attempt: &Attempt) -> Result<(), Failure> {
        Err(if self.discard { Failure::discard("it fell") } else { Failure::retry("it fell") })
    }
}

#[tokio::test]
async fn a_kind_whose_own_code_panics_blocks_no_report() {
    let db = database().await;
    let pool = Db::direct(db.pool());
    let handlers = Arc::new(Handlers::new().with::<Clumsy>(()).with::<Note>(()));
    let process = Process::start(config(&db, "w", &[("notes", 1)])).await.unwrap();
    process.work("notes", handlers);
    let clumsy = |discard: bool| NewJob {
        kind: Clumsy::KIND.into(),
        args: serde_json::json!({"discard": discard}),
        ..note("x")
    };
    let ids = add_all(&pool, &[clumsy(false), clumsy(true), note("after them")]).await;
    until_state(&pool, ids[2], State::Completed).await;
    until_state(&pool, ids[0], State::Retryable).await;
    until_state(&pool, ids[1], State::Discarded).await;
    let failed = inspect::find(&pool, ids[0]).await.unwrap().unwrap();
    let error = failed.job.error.unwrap();
    assert!(error.starts_with("it fell; and its backoff panicked: "), "{error}");
    let wait = failed.job.due_at.unwrap() - failed.attempts[0].ended_at.unwrap();
    assert!(wait.num_seconds() <= 2, "the default backoff: {wait}");
    let discarded = inspect::find(&pool, ids[1]).await.unwrap().unwrap();
    assert_eq!(discarded.attempts[0].outcome, "discarded", "its arguments fit");
    process.close(Duration::from_secs(1)).await.unwrap();
    assert_eq!(process.lost_leases(), 0);
}

#[tokio::test]
async fn a_wait_past_the_end_of_the_calendar_is_capped() {
    let db = database().await;
    let pool = Db::direct(db.pool());
    let ids = add_all(&pool, &[note("snooze"), note("retry")]).await;
    let process = Process::start(config(&db, "w", &[("notes", 2)])).await.unwrap();
    work(&process, "notes", async |attempt| {
        let forever = Duration::MAX;
        Outcome::Failed(match attempt.args()["text"].as_str() {
            Some("snooze") => Failure::snooze(forever, "not now"),
            _ => Failure::retry_after(forever, "not now"),
        })
    });
    until_state(&pool, ids[0], State::Scheduled).await;
    until_state(&pool, ids[1], State::Retryable).await;
    process.close(Duration::from_secs(1)).await.unwrap();
}

#[tokio::test]
async fn a_conflict_in_the_database_is_snoozed_and_other_errors_are_retried() {
    let db = database().await;
    for (code, lost_a_race) in [("40P01", true), ("40001", true), ("55P03", true), ("22023", false)]
    {
        let raise = format!("do $$ begin raise exception 'no' using errcode = '{code}'; end $$");
        let error = sqlx::query(sqlx::AssertSqlSafe(raise)).execute(&db.pool()).await.unwrap_err();
        let verdict = Failure::from(error).verdict;
        assert_eq!(matches!(verdict, Verdict::Snooze { .. }), lost_a_race, "{code}: {verdict:?}");
        assert_eq!(matches!(verdict, Verdict::Retry { after: None }), !lost_a_race);
    }
}
