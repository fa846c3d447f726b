//! Settings that operators change while jobs run, and the queue as other languages use it.

use std::time::{Duration, Instant};

use crate::support::*;
use bellwether_queue::{Db, JobId, Outcome, Process, State, control, inspect};
use bellwether_testing::{wait_until, wait_until_within};

/// Every process follows a setting within this time.
const EFFECT: Duration = Duration::from_secs(2);

async fn running(pool: &Db) -> i64 {
    count(pool, "select count(*) from queue.running").await
}

/// Starts two processes whose handlers end when told to.
async fn two(
    db: &bellwether_testing::Database,
) -> (Process, Process, tokio::sync::watch::Sender<bool>) {
    let (end, ended) = tokio::sync::watch::channel(false);
    let mut processes = Vec::new();
    for name in ["one", "two"] {
        let process = Process::start(config(db, name, &[("notes", 4)])).await.unwrap();
        let ended = ended.clone();
        work(&process, "notes", move |_| {
            let mut ended = ended.clone();
            async move {
                ended.wait_for(|end| *end).await.ok();
                Outcome::Complete
            }
        });
        processes.push(process);
    }
    let two = processes.pop().unwrap();
    (processes.pop().unwrap(), two, end)
}

#[tokio::test]
async fn a_cap_holds_on_all_processes_together_and_changes_within_two_seconds() {
    let db = database().await;
    let pool = Db::direct(db.pool());
    let (one, two, end) = two(&db).await;
    assert!(control::set_cap(&pool, "notes", Some(3)).await.unwrap());
    assert!(!control::set_cap(&pool, "unknown", Some(3)).await.unwrap());
    add_all(&pool, &(0..40).map(|i| note(&i.to_string())).collect::<Vec<_>>()).await;
    wait_until("three attempts", || async { (running(&pool).await == 3).then_some(()) }).await;
    let view =
        inspect::queues(&pool).await.unwrap().into_iter().find(|q| q.name == "notes").unwrap();
    assert_eq!(view.cap, Some(3));
    assert_eq!(
        one.in_use()["notes"] + two.in_use()["notes"],
        3,
        "eight slots, three of them under the cap"
    );

    let raised = Instant::now();
    control::set_cap(&pool, "notes", Some(6)).await.unwrap();
    wait_until_within(EFFECT * 2, "six attempts", || async {
        (running(&pool).await == 6).then_some(())
    })
    .await;
    assert!(raised.elapsed() < EFFECT, "{:?}", raised.elapsed());
    let raised = Instant::now();
    control::set_cap(&pool, "notes", None).await.unwrap();
    wait_until_within(EFFECT * 2, "every slot", || async {
        (running(&pool).await == 8).then_some(())
    })
    .await;
    assert!(raised.elapsed() < EFFECT, "{:?}", raised.elapsed());
    end.send(true).unwrap();
    wait_until("the end", || async {
        (count(&pool, "select count(*) from queue.done").await == 40).then_some(())
    })
    .await;
    one.close(Duration::from_secs(5)).await.unwrap();
    two.close(Duration::from_secs(5)).await.unwrap();
}

#[tokio::test]
async fn concurrency_and_pause_take_effect_on_every_process_within_two_seconds() {
    let db = database().await;
    let pool = Db::direct(db.pool());
    let (one, two, end) = two(&db).await;
    control::set_concurrency(&pool, "notes", Some(1)).await.unwrap();
    wait_until("both to have the setting: it is read with each heartbeat", || async {
        (count(&pool, "select min(beat) from queue.process").await >= 3).then_some(())
    })
    .await;
    add_all(&pool, &(0..20).map(|i| note(&i.to_string())).collect::<Vec<_>>()).await;
    let raised = Instant::now();
    control::set_concurrency(&pool, "notes", Some(3)).await.unwrap();
    wait_until_within(EFFECT * 2, "three apiece", || async {
        (one.in_use()["notes"] == 3 && two.in_use()["notes"] == 3).then_some(())
    })
    .await;
    assert!(raised.elapsed() < EFFECT, "{:?}", raised.elapsed());

    control::pause(&pool, "notes").await.unwrap();
    end.send(true).unwrap();
    wait_until("nothing to run", || async { (running(&pool).await == 0).then_some(()) }).await;
    let left = count(&pool, "select count(*) from queue.ready").await;
    assert_eq!(left, 14, "a paused queue starts nothing, on no process");
    let resumed = Instant::now();
    control::resume(&pool, "notes").await.unwrap();
    wait_until("the end", || async {
        (count(&pool, "select count(*) from queue.done").await == 20).then_some(())
    })
    .await;
    assert!(resumed.elapsed() < EFFECT, "{:?}", resumed.elapsed());
    one.close(Duration::from_secs(5)).await.unwrap();
    two.close(Duration::from_secs(5)).await.unwrap();
}

#[tokio::test]
async fn a_job_is_added_from_any_language_by_one_function() {
    let db = database().await;
    let pool = Db::direct(db.pool());
    let mut tx = pool.begin().await.unwrap();
    let (first, duplicate): (i64, bool) = sqlx::query_as(
        r#"select id, duplicate from queue.enqueue('note', '{"text": "from psql"}', queue => 'notes', priority => 0,
            unique_key => 'k', max_attempts => 3, tags => '{a,b}', due_at => clock_timestamp() + interval '1 hour')"#,
    )
    .fetch_one(&mut *tx)
    .await
    .unwrap();
    assert!(!duplicate);
    tx.commit().await.unwrap();
    let job = inspect::find(&pool, JobId(first)).await.unwrap().unwrap().job;
    assert_eq!(
        (job.state, job.queue.as_str(), job.priority, job.max_attempts),
        (State::Scheduled, "notes", 0, 3)
    );
    assert_eq!((job.tags.len(), job.args["text"].as_str()), (2, Some("from psql")));
    let again: (i64, bool) = sqlx::query_as(
        "select id, duplicate from queue.enqueue('note', queue => 'notes', unique_key => 'k')",
    )
    .fetch_one(&pool)
    .await
    .unwrap();
    assert_eq!(again, (first, true));
    let child: i64 = sqlx::query_scalar(
        "select id from queue.enqueue('note', after => array[$1::bigint], on_failure => 'ignore')",
    )
    .bind(first)
    .fetch_one(&pool)
    .await
    .unwrap();
    let job = inspect::find(&pool, JobId(child)).await.unwrap().unwrap().job;
    assert_eq!(
        (job.state, job.queue.as_str(), job.lane.as_str()),
        (State::Pending, "default", "default")
    );
    assert_eq!((job.priority, job.max_attempts), (4, 5));
    // a driver writes null for no value
    let none = "select id from queue.enqueue('note', after => null, tags => null, due_at => null)";
    let id: i64 = sqlx::query_scalar(none).fetch_one(&pool).await.unwrap();
    assert_eq!(state(&pool, JobId(id)).await, State::Available);
    for wrong in [
        "queue.enqueue('')",
        "queue.enqueue('note', priority => 10)",
        "queue.enqueue('note', max_attempts => 26)",
        "queue.enqueue('note', unique_until => 'ever')",
        "queue.enqueue('note', after => '{1}', on_failure => 'panic')",
        "queue.enqueue('note', queue => 'Not a name')",
        // its channel would be that of cancellations
        "queue.enqueue('note', queue => 'cancel')",
    ] {
        let sql = format!("select * from {wrong}");
        let error = sqlx::query(sqlx::AssertSqlSafe(sql)).execute(&pool).await.unwrap_err();
        let code = error.as_database_error().unwrap().code().unwrap().into_owned();
        assert!(code == "22023" || code == "23514", "{wrong}: {error}");
    }
}

#[tokio::test]
async fn a_claim_whose_answer_is_lost_costs_no_attempt() {
    let db = database().await;
    let pool = Db::direct(db.pool());
    // The second claim succeeds on the server, and its answer is an error for the client.
    sqlx::raw_sql(
        "create sequence claims;
        alter function queue.claim rename to claim_heard;
        create function queue.claim(p_process uuid, p_lease bigint, p_queue text, p_limit integer, p_kinds text[],
            p_lanes integer[], p_priorities smallint[], p_ids bigint[])
        returns setof queue.claimed
        language plpgsql as $$
        begin
            return query select c.id, case when nextval('claims') = 1 then null else c.kind end, c.lane, c.lane_id, c.priority, c.attempt, c.max_attempts, c.args, c.unique_key,
                c.tags, c.parent, c.trace, c.created_at, c.available_at, c.key, c.guard, c.tokens, c.micros
            from queue.claim_heard(p_process, p_lease, p_queue, p_limit, p_kinds, p_lanes, p_priorities, p_ids) c;
        end $$",
    )
    .execute(&pool)
    .await
    .unwrap();
    let process = Process::start(config(&db, "w", &[("notes", 1)])).await.unwrap();
    let mut attempts = process.subscribe("notes");
    let began = Instant::now();
    let id = add(&pool, &note("unheard")).await;
    let attempt = attempts.recv().await.unwrap();
    assert_eq!((attempt.job(), attempt.number()), (id, 1), "the first attempt is not spent");
    assert!(
        began.elapsed() < Duration::from_secs(8),
        "without the wait for a forgotten one: {:?}",
        began.elapsed()
    );
    attempt.finish(Outcome::Complete);
    until_state(&pool, id, State::Completed).await;
    let outcomes =
        count(&pool, "select count(*) from queue.attempt where outcome = 'released'").await;
    assert_eq!(outcomes, 1, "and its row says so");
    process.close(Duration::from_secs(1)).await.unwrap();
}

#[tokio::test]
async fn claims_whose_answers_never_arrive_hold_one_batch_of_jobs_and_lose_none() {
    let db = database().await;
    let pool = Db::direct(db.pool());
    // Eight claims succeed on the server, and their answers are errors for the client.
    sqlx::raw_sql(
        "create sequence claims;
        create table held (jobs bigint);
        alter function queue.claim rename to claim_heard;
        create function queue.claim(p_process uuid, p_lease bigint, p_queue text, p_limit integer, p_kinds text[],
            p_lanes integer[], p_priorities smallint[], p_ids bigint[])
        returns setof queue.claimed
        language plpgsql as $$
        declare
            heard boolean := nextval('claims') > 8;
        begin
            return query select c.id, case when heard then c.kind end, c.lane, c.lane_id, c.priority, c.attempt, c.max_attempts, c.args, c.unique_key,
                c.tags, c.parent, c.trace, c.created_at, c.available_at, c.key, c.guard, c.tokens, c.micros
            from queue.claim_heard(p_process, p_lease, p_queue, p_limit, p_kinds, p_lanes, p_priorities, p_ids) c;
            insert into held select count(*) from queue.running where not heard;
        end $$",
    )
    .execute(&pool)
    .await
    .unwrap();
    let ids = add_all(&pool, &(0..200).map(|i| note(&i.to_string())).collect::<Vec<_>>()).await;
    let process = Process::start(config(&db, "w", &[("notes", 50)])).await.unwrap();
    let mut attempts = process.subscribe("notes");
    for _ in &ids {
        let attempt = attempts.recv().await.unwrap();
        assert_eq!(attempt.number(), 1, "no attempt is spent");
        attempt.finish(Outcome::Complete);
    }
    bellwether_testing::wait_until("every job to be completed", || async {
        (counted(&pool).await.get("completed") == Some(&200)).then_some(())
    })
    .await;
    assert_eq!(count(&pool, "select max(jobs) from held").await, 50);
    let released =
        count(&pool, "select count(*) from queue.attempt where outcome = 'released'").await;
    assert_eq!(released, 8 * 50);
    process.close(Duration::from_secs(1)).await.unwrap();
}
