//! Steps of a bulk command: short transactions with rests in between, in any process.

use std::{collections::BTreeMap, time::Duration};

use serde_json::json;
use sqlx::{Connection, PgConnection};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::{Bulk, Filter, Progress, find};
use crate::{Db, Error, State, audit, db::interval};

/// Most jobs that one step changes.
const STEP: usize = 500;
/// A step searches for jobs no longer than this.
const LOOK: Duration = Duration::from_millis(200);
/// Numbers that one statement of a step searches, at first and at most.
const NARROW: i64 = 2_000;
const WIDE: i64 = 1 << 20;
/// Shortest rest between two steps; after a longer step the rest is as long as the step.
const REST: Duration = Duration::from_millis(20);
/// Time between two searches of a process for commands that another process began.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// Continues a command until it has ended, at most for `patience`. If several processes do so at
/// once, each step is done by one of them.
pub async fn go_on(db: &Db, id: i64, patience: Duration) -> Result<Option<Bulk>, Error> {
    let deadline = Instant::now() + patience;
    loop {
        let stepped = step(db, Some(id)).await?;
        let bulk = find(db, id).await?;
        let ended = bulk.as_ref().is_none_or(|b| b.state != Progress::Running);
        let next = Instant::now() + stepped.unwrap_or(REST);
        if ended || next >= deadline {
            return Ok(bulk);
        }
        tokio::time::sleep_until(next).await;
    }
}

/// Continues every command that is running, until `stop` is cancelled.
pub(crate) async fn run(db: Db, stop: CancellationToken) {
    let mut wait = LOOK_EVERY;
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(wait) => {}
        }
        wait = match step(&db, None).await {
            Ok(rest) => rest.unwrap_or(LOOK_EVERY),
            Err(e) => {
                tracing::debug!("a step of a bulk command failed and will be retried: {e}");
                LOOK_EVERY
            }
        };
    }
}

/// Does one step of a command that is due, and returns the rest after it. `None`: no command is
/// due, or another process does the step.
async fn step(db: &Db, id: Option<i64>) -> Result<Option<Duration>, Error> {
    match try_step(db, id, STEP).await {
        Err(e) if e.is_conflict() => {
            tracing::debug!(
                "a bulk step conflicts with another transaction; continuing job by job"
            );
            for _ in 0..STEP {
                if try_step(db, id, 1).await?.is_none() {
                    break;
                }
            }
            Ok(Some(REST))
        }
        other => other,
    }
}

async fn try_step(db: &Db, id: Option<i64>, most: usize) -> Result<Option<Duration>, Error> {
    let began = Instant::now();
    let mut due = readable(db, id).await?;
    if due.is_empty() {
        return Ok(None);
    }
    let mut tx = db.begin().await?;
    let row = sqlx::query!(
        "select id, action, actor, upto, reached, matched, changed, skipped from queue.bulk
        where state = 'running' and next_at <= clock_timestamp() and id = any ($1)
        order by next_at limit 1 for update skip locked",
        &due.keys().copied().collect::<Vec<_>>()
    )
    .fetch_optional(&mut *tx)
    .await?;
    let Some(row) = row else { return Ok(None) };
    let filter = due.remove(&row.id).expect("it was asked for by number");

    let (jobs, reached) = next(&mut tx, &row.action, &filter, row.reached, row.upto, most).await?;
    let applied = if jobs.len() == 1 {
        apply_alone(&mut tx, &row.action, &jobs, filter.state).await?
    } else {
        apply(&mut tx, &row.action, &jobs, filter.state).await?
    };
    let changed = row.changed + i64::from(applied);
    let mut skipped = row.skipped + jobs.len() as i64 - i64::from(applied);
    let ended = reached >= row.upto;
    if ended {
        // jobs that no longer fitted when the command reached them
        skipped = skipped.max(row.matched - changed);
        let detail = json!({
            "before": { "matched": row.matched },
            "after": { "changed": changed, "skipped": skipped },
        });
        let action = format!("jobs.{}.done", row.action);
        audit::add(&mut *tx, &row.actor, &action, &row.id.to_string(), &detail).await?;
    }
    let rest = if most == 1 { Duration::ZERO } else { began.elapsed().max(REST) };
    sqlx::query!(
        "update queue.bulk set reached = $2, changed = $3, skipped = $4,
            next_at = clock_timestamp() + $5,
            state = case when $6 then 'done' else state end,
            ended_at = case when $6 then clock_timestamp() end
        where id = $1",
        row.id,
        reached,
        changed,
        skipped,
        interval(rest),
        ended,
    )
    .execute(&mut *tx)
    .await?;
    tx.commit().await?;
    Ok(Some(if ended { Duration::ZERO } else { rest }))
}

/// Lists the commands that are due and that this release can read. A command of a newer release is
/// left to processes of that release, and delays no other command.
async fn readable(db: &Db, id: Option<i64>) -> Result<BTreeMap<i64, Filter>, Error> {
    let due = sqlx::query!(
        "select id, filter from queue.bulk
        where state = 'running' and next_at <= clock_timestamp() and ($1::bigint is null or id = $1)
        order by next_at limit 100",
        id
    )
    .fetch_all(db)
    .await?;
    Ok(due
        .into_iter()
        .filter_map(|row| Some((row.id, serde_json::from_value(row.filter).ok()?)))
        .collect())
}

async fn apply(
    tx: &mut PgConnection,
    action: &str,
    jobs: &[i64],
    state: Option<State>,
) -> Result<i32, Error> {
    let applied = sqlx::query_scalar!(
        r#"select queue.apply_command($1, $2, $3) as "n!""#,
        action,
        jobs,
        state.map(State::as_str)
    )
    .fetch_one(tx)
    .await?;
    Ok(applied)
}

/// Changes a single job, which holds no other lock while it waits; skips it if another transaction
/// holds it three times.
async fn apply_alone(
    tx: &mut PgConnection,
    action: &str,
    jobs: &[i64],
    state: Option<State>,
) -> Result<i32, Error> {
    for _ in 0..3 {
        let mut part = tx.begin().await?;
        match apply(&mut part, action, jobs, state).await {
            Err(e) if e.is_conflict() => part.rollback().await?,
            other => {
                let applied = other?;
                part.commit().await?;
                return Ok(applied);
            }
        }
    }
    Ok(0)
}

/// Returns the next jobs, at most `most`, and the number up to which the filter has been searched
/// then.
async fn next(
    tx: &mut PgConnection,
    action: &str,
    filter: &Filter,
    reached: i64,
    upto: i64,
    most: usize,
) -> Result<(Vec<i64>, i64), Error> {
    if let Some(ids) = filter.ids() {
        let part: Vec<i64> =
            ids.into_iter().filter(|id| *id > reached && *id <= upto).take(most).collect();
        let to = part.last().copied().filter(|_| part.len() == most).unwrap_or(upto);
        return Ok((matching(tx, action, filter, Some(&part), reached, to).await?, to));
    }
    let (began, mut jobs, mut after, mut width) = (Instant::now(), Vec::new(), reached, NARROW);
    while jobs.len() < most && after < upto && began.elapsed() < LOOK {
        let asked = Instant::now();
        let to = after.saturating_add(width).min(upto);
        let mut found = matching(tx, action, filter, None, after, to).await?;
        let room = most - jobs.len();
        after = to;
        if found.len() > room {
            found.truncate(room);
            after = found[room - 1];
        }
        jobs.append(&mut found);
        width =
            if asked.elapsed() < REST { (width * 2).min(WIDE) } else { (width / 2).max(NARROW) };
    }
    Ok((jobs, after))
}

async fn matching(
    tx: &mut PgConnection,
    action: &str,
    filter: &Filter,
    ids: Option<&[i64]>,
    after: i64,
    to: i64,
) -> Result<Vec<i64>, Error> {
    let found = sqlx::query_scalar!(
        r#"select queue.list_matching($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) as "id!""#,
        action,
        filter.state.map(State::as_str),
        filter.kind,
        filter.queue,
        filter.tag,
        filter.text(),
        filter.from,
        filter.to,
        ids,
        after,
        to,
    )
    .fetch_all(tx)
    .await?;
    Ok(found)
}
