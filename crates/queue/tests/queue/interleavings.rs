//! The protocols of completion and of edges in every order of their steps. Two or three sessions of one
//! PostgreSQL run a few steps each, a step being what one round trip does; all orders are run, one after
//! the other, and after each the jobs are compared with what the protocol promises. A step that has to
//! wait for another session goes on when that session lets it, as it would by itself. The same orders
//! find a violation if the line that upholds the protocol is taken out.

use std::collections::VecDeque;

use crate::support::*;
use bellwether_queue::{JobId, OnFailure};
use bellwether_testing::Database;
use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection, error::DatabaseError};
use tokio::task::JoinHandle;

/// Statements of one step, in which names stand for the numbers of the order's own jobs.
type Step = &'static [&'static str];
type Names = Vec<(&'static str, String)>;

struct Session {
    conn: Option<PgConnection>,
    backend: i32,
    turns: VecDeque<Vec<String>>,
    under_way: Option<JoinHandle<PgConnection>>,
}

impl Session {
    async fn of(db: &Database) -> Self {
        let mut conn = PgConnection::connect_with(&db.options()).await.unwrap();
        let backend =
            sqlx::query_scalar("select pg_backend_pid()").fetch_one(&mut conn).await.unwrap();
        Self { conn: Some(conn), backend, turns: VecDeque::new(), under_way: None }
    }

    /// Runs the steps whose turn has come. Returns false if one of them waits for another session.
    async fn go_on(&mut self, observer: &mut PgConnection) -> bool {
        loop {
            if let Some(task) = &self.under_way {
                while !task.is_finished() {
                    let waits = sqlx::query_scalar("select cardinality(pg_blocking_pids($1)) > 0");
                    if waits.bind(self.backend).fetch_one(&mut *observer).await.unwrap() {
                        return false;
                    }
                }
                let task = self.under_way.take().unwrap();
                self.conn = Some(task.await.unwrap());
            }
            let Some(step) = self.turns.pop_front() else { return true };
            self.under_way = Some(tokio::spawn(run(self.conn.take().unwrap(), step)));
        }
    }
}

/// A lost lease aborts the transaction, and then its commit rolls it back. A report that has waited too
/// long for a lock is repeated, as workers do.
async fn run(mut conn: PgConnection, step: Vec<String>) -> PgConnection {
    let mut at = 0;
    while let Some(sql) = step.get(at) {
        at += 1;
        let Err(error) = conn.execute(AssertSqlSafe(sql.clone())).await else { continue };
        let code = error.as_database_error().and_then(DatabaseError::code).unwrap_or_default();
        if code == "55P03" && step[0] == "begin" {
            conn.execute("rollback").await.unwrap();
            at = 0;
        } else {
            assert_eq!(code, "QU002", "{sql}: {error}");
        }
    }
    conn
}

/// Every order of so many steps of each session.
fn orders(left: &mut [usize], so_far: &mut Vec<usize>, all: &mut Vec<Vec<usize>>) {
    if left.iter().all(|n| *n == 0) {
        all.push(so_far.clone());
    }
    for session in 0..left.len() {
        if left[session] > 0 {
            left[session] -= 1;
            so_far.push(session);
            orders(left, so_far, all);
            so_far.pop();
            left[session] += 1;
        }
    }
}

/// Runs every order on jobs of its own. Returns their number; an error: the first order after which the
/// check found a violation.
async fn each_order(
    db: &Database,
    steps: &[&[Step]],
    mut setup: impl AsyncFnMut() -> Names,
    mut violation: impl AsyncFnMut(&Names) -> Option<String>,
) -> Result<usize, String> {
    let mut observer = PgConnection::connect_with(&db.options()).await.unwrap();
    let mut sessions = Vec::new();
    for _ in steps {
        sessions.push(Session::of(db).await);
    }
    let mut all = Vec::new();
    let mut left: Vec<_> = steps.iter().map(|steps| steps.len()).collect();
    orders(&mut left, &mut Vec::new(), &mut all);
    for order in &all {
        let names = setup().await;
        let said = |sql: &&str| {
            names.iter().fold((*sql).to_owned(), |sql, (name, value)| sql.replace(name, value))
        };
        let mut next = vec![0; steps.len()];
        for turn in order {
            let step = steps[*turn][next[*turn]].iter().map(said).collect();
            next[*turn] += 1;
            sessions[*turn].turns.push_back(step);
            // what ends in one session lets another go on
            for _ in 0..sessions.len() {
                for session in &mut sessions {
                    session.go_on(&mut observer).await;
                }
            }
        }
        // two sessions that wait for each other would end here, by the server's own detection
        let mut waiting = true;
        while waiting {
            waiting = false;
            for session in &mut sessions {
                waiting |= !session.go_on(&mut observer).await;
            }
        }
        if let Some(what) = violation(&names).await {
            return Err(format!("in the order {order:?}: {what}"));
        }
    }
    Ok(all.len())
}

/// Replaces a part of a function by another.
async fn mutate(pool: &Db, function: &str, part: &str, instead: &str) {
    let definition = "select pg_get_functiondef(oid) from pg_proc
        where pronamespace = 'queue'::regnamespace and proname = $1";
    let is: String = sqlx::query_scalar(definition).bind(function).fetch_one(pool).await.unwrap();
    assert!(is.contains(part), "{function} has no {part:?}");
    pool.execute(AssertSqlSafe(is.replace(part, instead))).await.unwrap();
}

async fn jobs_named(pool: &Db, name: &str) -> Vec<String> {
    sqlx::query_scalar("select state from queue.job where tags = array[$1]")
        .bind(name)
        .fetch_all(pool)
        .await
        .unwrap()
}

/// A running job's names.
async fn running(hand: &mut ByHand) -> Names {
    let job = add(&hand.pool, &note("parent")).await;
    assert_eq!(hand.claim("notes", 1).await[0].id, job.0);
    vec![
        ("JOB", job.to_string()),
        ("ME", hand.process.to_string()),
        ("LEASE", hand.lease.to_string()),
    ]
}

/// Adds a child while its parent may end.
const ADD: &[Step] = &[
    &[
        "begin",
        "select queue.enqueue('call', '{}', queue => 'calls', tags => '{JOB}', after => '{JOB}')",
    ],
    &["commit"],
];
const COMPLETE: Step = &[
    "begin",
    "select queue.complete('ME', '{JOB}', '{LEASE}', '{f}', '{f}', '{null}', '{null}', '{null}')",
];
const DISCARD: Step = &[
    "begin",
    "select queue.fail('ME', '{JOB}', '{LEASE}', '{discarded}', '{null}', '{x}', '{null}', '{null}', '{f}', '{f}', '{null}', '{null}')",
];
/// Checks with a snapshot that grows old.
const RECHECK: &[Step] = &[&["begin", "select queue.recheck_edges()"], &["commit"]];
/// Checks as if the time for the next check had come.
const AGAIN: Step = &[
    "update queue.edge_recheck set next_check_at = clock_timestamp()",
    "select queue.recheck_edges()",
    "select queue.release_unblocked()",
];

/// A child that is added while its parent ends, beside a check of its edges. What is left to do in the
/// end is one check of the edges that are still to be checked.
async fn edges(
    db: &Database,
    end: &[Step],
    recheck: &[Step],
    wanted: &str,
) -> Result<usize, String> {
    let pool = Db::direct(db.pool());
    let mut hand = ByHand::register(pool.clone()).await;
    each_order(
        db,
        &[ADD, end, recheck],
        async || running(&mut hand).await,
        async |names| {
            check_edges(&pool).await;
            sqlx::query("delete from queue.edge_recheck").execute(&pool).await.unwrap();
            let states = jobs_named(&pool, &names[0].1).await;
            (states != [wanted]).then(|| format!("the child is {states:?}, not {wanted}"))
        },
    )
    .await
}

#[tokio::test]
async fn a_child_added_while_its_parent_ends_is_released_in_every_order() {
    let db = database().await;
    let recheck = [RECHECK, &[AGAIN]].concat();
    assert_eq!(edges(&db, &[COMPLETE, &["commit"]], &recheck, "available").await, Ok(210));
}

#[tokio::test]
async fn a_child_added_while_its_parent_fails_is_cancelled_in_every_order() {
    let db = database().await;
    assert_eq!(edges(&db, &[DISCARD, &["commit"]], RECHECK, "cancelled").await, Ok(90));
}

#[tokio::test]
async fn a_child_added_while_its_parents_end_is_rolled_back_waits_in_every_order() {
    let db = database().await;
    assert_eq!(edges(&db, &[COMPLETE, &["rollback"]], RECHECK, "pending").await, Ok(90));
}

#[tokio::test]
async fn an_edge_checked_once_only_would_lose_a_child_in_some_order() {
    let db = database().await;
    let pool = Db::direct(db.pool());
    mutate(&pool, "recheck_edges", "coalesce(u.until, me) <= oldest", "true").await;
    let lost = edges(&db, &[COMPLETE, &["commit"]], RECHECK, "available").await;
    assert!(lost.unwrap_err().contains(r#"the child is ["pending"]"#));
}

/// Two parents that end at once, beside a release.
#[tokio::test]
async fn the_last_of_two_parents_releases_their_child_once_in_every_order() {
    const OTHER: Step = &[
        "begin",
        "select queue.complete('ME', '{OTHER}', '{LEASE}', '{f}', '{f}', '{null}', '{null}', '{null}')",
    ];
    const RELEASE: &[Step] = &[&["begin", "select queue.release_unblocked()"], &["commit"]];
    let db = database().await;
    let pool = Db::direct(db.pool());
    let mut hand = ByHand::register(pool.clone()).await;
    let setup = async || {
        let parents = add_all(&pool, &[note("a"), note("b")]).await;
        let child = add_after(&pool, &parents, OnFailure::Cascade).await;
        assert_eq!(hand.claim("notes", 2).await.len(), 2);
        vec![
            ("JOB", parents[0].to_string()),
            ("OTHER", parents[1].to_string()),
            ("ME", hand.process.to_string()),
            ("LEASE", hand.lease.to_string()),
            ("CHILD", child.to_string()),
        ]
    };
    let violation = async |names: &Names| {
        release(&pool).await;
        let child = JobId(names[4].1.parse().unwrap());
        let found: Vec<String> = sqlx::query_scalar("select state from queue.job where id = $1")
            .bind(child.0)
            .fetch_all(&pool)
            .await
            .unwrap();
        (found != ["available"]).then(|| format!("the child is {found:?}"))
    };
    let steps: &[&[Step]] = &[&[COMPLETE, &["commit"]], &[OTHER, &["commit"]], RELEASE];
    assert_eq!(each_order(&db, steps, setup, violation).await, Ok(90));
}

/// Writes an effect with the completion, as `complete_in` does: a lost lease aborts both.
const EFFECT: Step = &[
    "begin",
    "insert into effect values (JOB, 'ME')",
    "do $$ begin
        perform queue.complete('ME', '{JOB}', '{LEASE}', '{f}', '{f}', '{null}', '{null}', '{null}');
        if not found then perform queue.refuse(JOB); end if;
    end $$",
];
const RESCUE: &[Step] = &[&["begin", "select queue.rescue('{ME}')"], &["commit"]];
const OTHER: &[Step] = &[
    &["select from queue.claim('OTHER', TURN, 'notes', 1, '{note}')"],
    &[
        "begin",
        "insert into effect values (JOB, 'OTHER')",
        "do $$ begin
            perform queue.complete('OTHER', '{JOB}', '{TURN}', '{f}', '{f}', '{null}', '{null}', '{null}');
            if not found then perform queue.refuse(JOB); end if;
        end $$",
    ],
    &["commit"],
];

/// A handler that completes its job with an effect, while a peer takes its process for dead and another
/// process claims the job.
async fn fence(db: &Database) -> Result<usize, String> {
    let pool = Db::direct(db.pool());
    sqlx::query("create table effect (job bigint, by uuid)").execute(&pool).await.unwrap();
    let mut other = ByHand::register(pool.clone()).await;
    let setup = async || {
        // a process that was declared dead claims nothing more
        let mut hand = ByHand::register(pool.clone()).await;
        let mut names = running(&mut hand).await;
        other.lease += 1;
        names.push(("OTHER", other.process.to_string()));
        names.push(("TURN", other.lease.to_string()));
        names
    };
    let violation = async |names: &Names| {
        let job = JobId(names[0].1.parse().unwrap());
        // the job as one row, the process that completed it, its effects, its attempts that were lost
        let (state, by, effects, lost): (Vec<String>, Option<String>, Vec<String>, i64) =
            sqlx::query_as(
                "select array(select state from queue.job where id = $1),
                    (select process::text from queue.done where id = $1),
                    array(select by::text from effect where job = $1),
                    (select count(*) from queue.attempt where job = $1 and outcome = 'lost')",
            )
            .bind(job.0)
            .fetch_one(&pool)
            .await
            .unwrap();
        // what another order would claim first
        let ended = [by.clone()].into_iter().flatten().collect::<Vec<_>>() == effects
            && (by.as_ref() == Some(&names[1].1)) == (lost == 0)
            && [["completed"], ["available"], ["running"]].iter().any(|one| state == *one)
            && (state == ["completed"]) == by.is_some();
        for table in ["ready", "running"] {
            let gone = format!("delete from queue.{table} where id = {job}");
            pool.execute(AssertSqlSafe(gone)).await.unwrap();
        }
        (!ended).then(|| format!("{state:?} by {by:?}, effects {effects:?}, {lost} lost"))
    };
    each_order(db, &[&[EFFECT, &["commit"]], RESCUE, OTHER], setup, violation).await
}

#[tokio::test]
async fn a_job_that_is_rescued_while_it_completes_has_one_effect_in_every_order() {
    let db = database().await;
    assert_eq!(fence(&db).await, Ok(210));
}

#[tokio::test]
async fn a_completion_without_the_fence_would_count_for_another_attempt_in_some_order() {
    let db = database().await;
    let pool = Db::direct(db.pool());
    mutate(&pool, "complete", "and y.process = p_process and y.lease = u.lease", "").await;
    fence(&db).await.unwrap_err();
}
