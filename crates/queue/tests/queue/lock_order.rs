//! Runs every statement beside every other on the same few rows until each pair has met often
//! enough: no deadlock, because all take their locks in one order.

use std::{
    sync::{
        Arc, LazyLock, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use crate::support::*;
use bellwether_queue::{
    Db, JobId, NewJob, OnFailure, batch,
    bulk::{self, Action, Filter},
    control::{self, Retention},
    limits::{self, Counts, LaneKey, Limit, Usage, Window},
    schedule,
};
use rand::{RngExt, rngs::StdRng};
use sqlx::{PgConnection, postgres::PgPoolOptions};

const TASKS: usize = 10;
/// Meetings of each pair.
const MEETINGS: usize = 2;
/// Newest jobs, which all statements work on.
const JOBS: i64 = 40;

const OPS: &[&str] = &[
    "enqueue",
    "enqueue_after",
    "batch",
    "extend",
    "claim",
    "claim_limited",
    "complete",
    "handler",
    "fail",
    "permit",
    "rescue",
    "beat",
    "cancel",
    "retry",
    "promote",
    "release",
    "check_edges",
    "fold",
    "fold_batches",
    "prune",
    "detach_day",
    "clear_day",
    "partition",
    "park",
    "resume",
    "trip",
    "record_external_usage",
    "define",
    "set_lane",
    "settings",
    "bulk",
    "tick",
    "leave",
];

struct Ring {
    pool: Db,
    processes: Vec<uuid::Uuid>,
    lease: AtomicUsize,
    running: Mutex<Vec<usize>>,
    met: Mutex<Vec<Vec<usize>>>,
}

type Done = Result<(), bellwether_queue::Error>;

static DICE: LazyLock<Mutex<StdRng>> = LazyLock::new(|| Mutex::new(seeded()));

fn pick(n: usize) -> usize {
    DICE.lock().unwrap().random_range(0..n)
}

impl Ring {
    async fn some_job(&self) -> Result<i64, sqlx::Error> {
        let newest: i64 =
            sqlx::query_scalar("select last_value from queue.job_id").fetch_one(&self.pool).await?;
        Ok((newest - pick(JOBS as usize) as i64).max(1))
    }

    fn process(&self) -> uuid::Uuid {
        self.processes[pick(self.processes.len())]
    }

    fn some_notes() -> Vec<NewJob> {
        (0..6)
            .map(|_| match pick(4) {
                0 => note("plain"),
                1 => note(&format!("unique {}", pick(5))),
                2 => call(["free", "one", "two"][pick(3)]),
                _ => NewJob::of(&Refresh { what: pick(5).to_string() }),
            })
            .collect()
    }

    async fn claim(&self, queue: &str) -> Done {
        let lease = self.lease.fetch_add(1, Ordering::SeqCst) as i64;
        sqlx::query("select * from queue.claim($1, $2, $3, 5, '{note,refresh,call}')")
            .bind(self.process())
            .bind(lease)
            .bind(queue)
            .execute(&self.pool)
            .await?;
        Ok(())
    }

    /// Returns some attempts under way: process, jobs and leases.
    async fn under_way(&self, n: i64) -> Result<(uuid::Uuid, Vec<i64>, Vec<i64>), sqlx::Error> {
        let process = self.process();
        let rows: Vec<(i64, i64)> = sqlx::query_as(
            "select id, lease from queue.running where process = $1 order by random() limit $2",
        )
        .bind(process)
        .bind(n)
        .fetch_all(&self.pool)
        .await?;
        let (jobs, leases) = rows.into_iter().unzip();
        Ok((process, jobs, leases))
    }

    async fn run(&self, op: &str) -> Done {
        let pool = &self.pool;
        let one = |sql: &'static str| async move {
            sqlx::query(sql).execute(pool).await?;
            Done::Ok(())
        };
        match op {
            "enqueue" => {
                let mut tx = pool.begin().await?;
                bellwether_queue::enqueue_all(&mut *tx, &Self::some_notes()).await?;
                tx.commit().await?;
            }
            "enqueue_after" => {
                let parents = [JobId(self.some_job().await?), JobId(self.some_job().await?)];
                let policy = [OnFailure::Cascade, OnFailure::Ignore, OnFailure::Pause][pick(3)];
                let mut tx = pool.begin().await?;
                let jobs: Vec<_> =
                    Self::some_notes().into_iter().map(|job| job.after(&parents, policy)).collect();
                bellwether_queue::enqueue_all(&mut *tx, &jobs).await?;
                tx.commit().await?;
            }
            "batch" => {
                let mut tx = pool.begin().await?;
                let batch = batch::NewBatch::new("b").jobs(Self::some_notes()).then(note("then"));
                batch::start(&mut tx, &batch).await?;
                tx.commit().await?;
            }
            "extend" => {
                let id: Option<i64> =
                    sqlx::query_scalar("select id from queue.batch order by id desc limit 1")
                        .fetch_optional(pool)
                        .await?;
                if let Some(id) = id {
                    let mut tx = pool.begin().await?;
                    batch::extend(&mut tx, batch::BatchId(id), &Self::some_notes()).await?;
                    tx.commit().await?;
                }
            }
            "claim" => self.claim("notes").await?,
            "claim_limited" => self.claim("calls").await?,
            "complete" => {
                let (process, jobs, leases) = self.under_way(4).await?;
                let mut tx = pool.begin().await?;
                complete(&mut tx, process, &jobs, &leases, true).await?;
                tx.commit().await?;
            }
            // Does what a handler does: adds jobs with unique keys and a batch member, and
            // completes.
            "handler" => {
                let (process, jobs, leases) = self.under_way(1).await?;
                let mut tx = pool.begin().await?;
                bellwether_queue::enqueue_all(&mut *tx, &Self::some_notes()).await?;
                complete(&mut tx, process, &jobs, &leases, false).await?;
                tx.commit().await?;
            }
            "fail" => {
                let (process, jobs, leases) = self.under_way(1).await?;
                if let (Some(job), Some(lease)) = (jobs.first(), leases.first()) {
                    let outcomes = [
                        "failed",
                        "snoozed",
                        "throttled",
                        "discarded",
                        "released",
                        "cancelled",
                        "lost",
                    ];
                    sqlx::query("select queue.fail($1, array[$2::bigint], array[$3::bigint], array[$4::text], '{null}', '{x}', '{0 s}', '{null}', '{t}', '{t}', '{null}', '{null}')")
                        .bind(process)
                        .bind(job)
                        .bind(lease)
                        .bind(outcomes[pick(outcomes.len())])
                        .execute(pool)
                        .await?;
                }
            }
            "permit" => {
                let (process, jobs, leases) = self.under_way(1).await?;
                if let (Some(job), Some(lease)) = (jobs.first(), leases.first()) {
                    sqlx::query(
                        "select queue.exchange_permit($1, $2, $3, true, false, null, null)",
                    )
                    .bind(process)
                    .bind(job)
                    .bind(lease)
                    .execute(pool)
                    .await?;
                }
            }
            // The rows come back afterwards: the statement is tested, not the death.
            "rescue" => {
                sqlx::query("select queue.rescue(array[$1::uuid])")
                    .bind(self.process())
                    .execute(pool)
                    .await?;
                one("update queue.process set dead_at = null where dead_at is not null").await?;
            }
            "beat" => {
                sqlx::query("update queue.process set beat = beat + 1, beat_at = clock_timestamp() where id = $1")
                    .bind(self.process())
                    .execute(pool)
                    .await?;
            }
            "cancel" => drop(control::cancel(pool, JobId(self.some_job().await?)).await?),
            "retry" => drop(control::retry(pool, JobId(self.some_job().await?)).await?),
            "promote" => one("select queue.promote()").await?,
            "release" => one("select queue.release_unblocked()").await?,
            "check_edges" => {
                one("update queue.edge_recheck set next_check_at = clock_timestamp() where id = any (array(select id from queue.edge_recheck for update skip locked))").await?;
                one("select queue.recheck_edges()").await?;
            }
            "fold" => one("select queue.fold()").await?,
            "fold_batches" => one("select queue.fold_batches()").await?,
            "prune" => {
                control::prune(pool, Retention { completed_days: 1, failed_days: 1 }).await?;
            }
            // A day that holds jobs which all statements work on.
            "detach_day" => {
                one("select queue.detach_day('failed_' || to_char((clock_timestamp() at time zone 'UTC')::date, 'YYYYMMDD'))").await?;
            }
            "clear_day" => {
                one("select queue.clear_day(name) from queue.detached_partition").await?;
            }
            "partition" => one("select queue.make_partitions()").await?,
            "park" => {
                let mut tx = pool.begin().await?;
                limits::park(&mut tx, key(), Duration::from_millis(1), "x").await?;
                tx.commit().await?;
            }
            "resume" => {
                let mut tx = pool.begin().await?;
                limits::resume(&mut tx, key()).await?;
                tx.commit().await?;
            }
            "trip" => {
                let mut tx = pool.begin().await?;
                let key = key();
                limits::open_breaker(&mut tx, key, Duration::from_millis(1)).await?;
                limits::close_breaker(&mut tx, key).await?;
                tx.commit().await?;
            }
            "record_external_usage" => {
                let mut tx = pool.begin().await?;
                limits::record_external_usage(&mut tx, key(), 1, Usage { tokens: 1, micros: 1 })
                    .await?;
                tx.commit().await?;
            }
            "define" => define(pool, key()).await?,
            "set_lane" => set_lanes(pool).await?,
            "settings" => {
                control::set_cap(pool, "notes", Some(1_000 + pick(5) as u32)).await?;
                control::set_concurrency(pool, "calls", Some(pick(5) as u16)).await?;
                control::pause(pool, "calls").await?;
                control::resume(pool, "calls").await?;
            }
            "bulk" => {
                let action = [Action::Retry, Action::Cancel, Action::Delete][pick(3)];
                let filter = Filter { kind: Some("note".into()), ..Filter::default() };
                let mut tx = pool.begin().await?;
                let begun = bulk::begin(&mut tx, action, &filter, "x").await?;
                tx.commit().await?;
                bulk::go_on(pool, begun.id, Duration::from_millis(50)).await?;
            }
            "tick" => {
                let mut tx = pool.begin().await?;
                schedule::pause(&mut *tx, "s", false).await?;
                tx.commit().await?;
            }
            "leave" => {
                // A client that disconnects in the middle.
                let mut tx = pool.begin().await?;
                bellwether_queue::enqueue_all(&mut *tx, &Self::some_notes()).await?;
                tx.rollback().await?;
            }
            other => unreachable!("{other}"),
        }
        Ok(())
    }
}

fn key() -> &'static str {
    ["one", "two", "account"][pick(3)]
}

async fn define(pool: &Db, key: &str) -> Done {
    let mut limit = Limit::new(
        key,
        if key == "two" { Counts::Finish } else { Counts::Start { guard: Duration::ZERO } },
    )
    .window(Window::requests(100_000, Duration::from_secs(1)))
    .in_flight(1_000);
    if key == "one" {
        limit = limit.parent("account");
    }
    limits::define(pool, &limit).await
}

async fn set_lanes(pool: &Db) -> Done {
    let orders = [["one", "two"], ["two", "one"]];
    for lane in ["one", "two"] {
        let [first, second] = orders[pick(2)];
        let keys = [LaneKey::new(first).fallback_after(Duration::ZERO), LaneKey::new(second)];
        limits::set_lane(pool, "calls", lane, &keys).await?;
    }
    Ok(())
}

async fn complete(
    conn: &mut PgConnection,
    process: uuid::Uuid,
    jobs: &[i64],
    leases: &[i64],
    used: bool,
) -> Done {
    let n = jobs.len();
    sqlx::query("select * from queue.complete($1, $2, $3, $4, $5, $6, $7, $8)")
        .bind(process)
        .bind(jobs)
        .bind(leases)
        .bind(vec![used; n])
        .bind(vec![false; n])
        .bind(vec![None::<i64>; n])
        .bind(vec![None::<i64>; n])
        .bind(vec![None::<serde_json::Value>; n])
        .execute(conn)
        .await?;
    Ok(())
}

/// True for errors by which a statement refuses to wait, or finds that it came too late.
fn is_an_answer(code: &str) -> bool {
    matches!(
        code,
        "55P03" // another transaction held it: tried again
        | "QU001" | "QU002" // dead, lease lost
        | "QU003" // no such batch, no such job: pruned meanwhile
        | "40001" // the holders of a key changed too often
    )
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn no_two_statements_deadlock() {
    let db = database().await;
    let pool = PgPoolOptions::new()
        .max_connections(TASKS as u32 * 3)
        .connect_with(db.options())
        .await
        .unwrap();
    let pool = Db::direct(pool);
    for key in ["account", "one", "two"] {
        define(&pool, key).await.unwrap();
    }
    set_lanes(&pool).await.unwrap();
    let mut processes = Vec::new();
    for _ in 0..3 {
        processes.push(ByHand::register(pool.clone()).await.process);
    }
    let ring = Arc::new(Ring {
        pool,
        processes,
        lease: AtomicUsize::new(1),
        running: Mutex::new(Vec::new()),
        met: Mutex::new(vec![vec![0; OPS.len()]; OPS.len()]),
    });
    let failed = Arc::new(AtomicBool::new(false));
    let tasks: Vec<_> = (0..TASKS)
        .map(|task| {
            let (ring, failed) = (Arc::clone(&ring), Arc::clone(&failed));
            tokio::spawn(async move {
                while !failed.load(Ordering::SeqCst) {
                    let Some(next) = next_op(&ring, task) else { return };
                    let result = ring.run(OPS[next]).await;
                    leave(&ring, next);
                    if let Err(bellwether_queue::Error::Database(e)) = &result {
                        let code = e
                            .as_database_error()
                            .and_then(sqlx::error::DatabaseError::code)
                            .unwrap_or_default();
                        if !is_an_answer(&code) {
                            failed.store(true, Ordering::SeqCst);
                            let detail = e.as_database_error().map(|d| format!("{d:?}"));
                            panic!("{}: {e} {detail:?}", OPS[next]);
                        }
                    }
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    let jobs = counted(&ring.pool).await.values().sum::<i64>();
    assert!(jobs > 0);
}

/// Returns the operation that has met the fewest of those under way; `None`: every pair has met
/// often enough.
fn next_op(ring: &Ring, task: usize) -> Option<usize> {
    let mut running = ring.running.lock().unwrap();
    let mut met = ring.met.lock().unwrap();
    if met.iter().flatten().all(|n| *n >= MEETINGS) {
        return None;
    }
    let missing = |op: usize| running.iter().filter(|other| met[op][**other] < MEETINGS).count();
    let least = |op: usize| met[op].iter().min().copied().unwrap_or(0);
    // Every third choice is the pair that is missing most overall, so that the rarest operations
    // run at all.
    let next = if task.is_multiple_of(3) {
        (0..OPS.len()).min_by_key(|op| (least(*op), pick(1_000))).unwrap()
    } else {
        (0..OPS.len()).max_by_key(|op| (missing(*op), pick(1_000))).unwrap()
    };
    for other in running.iter() {
        met[next][*other] += 1;
        if *other != next {
            met[*other][next] += 1;
        }
    }
    running.push(next);
    Some(next)
}

fn leave(ring: &Ring, op: usize) {
    let mut running = ring.running.lock().unwrap();
    let at = running.iter().position(|other| *other == op).unwrap();
    running.swap_remove(at);
}

/// A handler has added the next job of its own key and is about to complete. Its process was
/// declared dead, or itself reports the attempt's end: that takes the job's row and then the key,
/// while the handler has the key and waits for the row.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_handler_that_takes_its_own_key_again_wins_against_rescue_and_report() {
    let db = database().await;
    let pool = Db::direct(db.pool());
    let refresh = NewJob::of(&Refresh { what: "x".into() });
    for by_rescue in [true, false] {
        let mut hand = ByHand::register(pool.clone()).await;
        add(&pool, &refresh).await;
        let job = hand.claim("notes", 1).await[0].id;
        let mut handler = pool.begin().await.unwrap();
        let pid: i32 =
            sqlx::query_scalar("select pg_backend_pid()").fetch_one(&mut *handler).await.unwrap();
        bellwether_queue::enqueue(&mut *handler, &refresh).await.unwrap();
        let other = {
            let (pool, process, lease) = (pool.clone(), hand.process, hand.lease);
            tokio::spawn(async move {
                if by_rescue {
                    let n: i32 = sqlx::query_scalar("select queue.rescue(array[$1::uuid])")
                        .bind(process)
                        .fetch_one(&pool)
                        .await
                        .unwrap();
                    assert_eq!(n, 0, "left for the next sweep");
                } else {
                    let ended: Option<String> = sqlx::query_scalar("select state from queue.fail($1, array[$2::bigint], array[$3::bigint], '{released}', '{null}', '{null}', '{null}', '{null}', '{f}', '{f}', '{null}', '{null}')")
                        .bind(process)
                        .bind(job)
                        .bind(lease)
                        .fetch_optional(&pool)
                        .await
                        .unwrap();
                    assert_eq!(ended, None, "left for the next try");
                }
            })
        };
        bellwether_testing::wait_until("the other to wait for the handler, or to have given up", || async {
            let waits: bool = sqlx::query_scalar("select exists (select from pg_stat_activity where $1 = any (pg_blocking_pids(pid)))")
                .bind(pid)
                .fetch_one(&pool)
                .await
                .unwrap();
            (waits || other.is_finished()).then_some(())
        })
        .await;
        complete(&mut handler, hand.process, &[job], &[hand.lease], false).await.unwrap();
        handler.commit().await.unwrap();
        other.await.unwrap();
        assert_eq!(state(&pool, JobId(job)).await, bellwether_queue::State::Completed);
        let next = hand_over(&pool).await;
        assert_ne!(next, job, "the next job of the key is there");
    }
}

/// Claims and completes the waiting job, and returns its number.
async fn hand_over(pool: &Db) -> i64 {
    let mut hand = ByHand::register(pool.clone()).await;
    let got = hand.claim("notes", 1).await;
    assert!(hand.complete(got[0].id, false).await);
    got[0].id
}
