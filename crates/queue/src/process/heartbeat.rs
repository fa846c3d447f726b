//! Shows that this process lives, watches that its peers do, and looks after its own leases.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
    time::Duration,
};

use sqlx::{ConnectOptions, Connection, PgConnection};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::shared::Shared;
use crate::{Error, JobId};

const BEAT: Duration = Duration::from_secs(3);
/// A peer whose beat has stood still for this long, while our own beats got through, is dead.
const DEAD: Duration = Duration::from_secs(15);
/// Between two beats: settings and cancellations are looked at this often.
const LOOK: Duration = Duration::from_secs(1);

/// A peer's beat as this process has seen it; no clocks of others are involved.
struct Seen {
    beat: i64,
    since: Instant,
}

#[derive(Default)]
struct Watch {
    peers: HashMap<Uuid, Seen>,
    /// Since when our own beats have got through without a gap.
    steady_since: Option<Instant>,
    /// Running rows of ours that nobody here knows, seen at the last look.
    strays: HashSet<(i64, i64)>,
}

pub(crate) async fn run(shared: Arc<Shared>, stop: CancellationToken) {
    let mut watch = Watch::default();
    let mut connection: Option<PgConnection> = None;
    let mut next_beat = Instant::now();
    loop {
        let due = Instant::now() >= next_beat;
        let result = async {
            let conn = match connection.as_mut() {
                Some(conn) => conn,
                None => connection.insert(
                    tokio::time::timeout(BEAT, shared.direct.connect())
                        .await
                        .map_err(|_| sqlx::Error::PoolTimedOut)??,
                ),
            };
            tokio::time::timeout(BEAT, async {
                if due {
                    beat(&shared, conn, &mut watch).await?;
                }
                look_after(&shared, conn, &mut watch).await
            })
            .await
            .map_err(|_| sqlx::Error::PoolTimedOut)?
        }
        .await;
        match result {
            Ok(()) => {
                if due {
                    next_beat = Instant::now() + BEAT;
                }
            }
            Err(Error::ProcessDead) => {
                tracing::error!("peers have declared this process dead; registering anew");
                watch = Watch::default();
                if let Err(e) = shared.register_anew().await {
                    tracing::warn!("cannot register anew yet: {e}");
                }
            }
            Err(e) => {
                tracing::debug!("heartbeat: {e}");
                // Our own silence says nothing about the peers.
                watch.steady_since = None;
                watch.peers.clear();
                connection = None;
            }
        }
        let wait = next_beat.saturating_duration_since(Instant::now()).min(LOOK);
        tokio::select! {
            () = stop.cancelled() => break,
            () = shared.look.notified() => {}
            () = tokio::time::sleep(wait.max(Duration::from_millis(50))) => {}
        }
    }
    if let Some(conn) = connection {
        conn.close().await.ok();
    }
}

async fn beat(shared: &Shared, conn: &mut PgConnection, watch: &mut Watch) -> Result<(), Error> {
    let me = shared.identity();
    let alive = sqlx::query!(
        "update queue.process set beat = beat + 1, beat_at = clock_timestamp()
        where id = $1 and dead_at is null and ended_at is null",
        me
    )
    .execute(&mut *conn)
    .await?
    .rows_affected();
    if alive == 0 {
        return Err(Error::ProcessDead);
    }
    shared.beaten();

    let rows = sqlx::query!(
        "select id, beat from queue.process where dead_at is null and ended_at is null and id <> $1",
        me
    )
    .fetch_all(&mut *conn)
    .await?;
    let now = Instant::now();
    let steady = *watch.steady_since.get_or_insert(now);
    let mut dead = Vec::new();
    let mut peers = HashMap::with_capacity(rows.len());
    for row in rows {
        let seen = match watch.peers.remove(&row.id) {
            Some(seen) if seen.beat == row.beat => seen,
            _ => Seen { beat: row.beat, since: now },
        };
        if now - seen.since >= DEAD && now - steady >= DEAD {
            dead.push(row.id);
        } else {
            peers.insert(row.id, seen);
        }
    }
    watch.peers = peers;
    let rescued = sqlx::query_scalar!(r#"select queue.rescue_v1($1) as "n!""#, &dead)
        .fetch_one(&mut *conn)
        .await?;
    if !dead.is_empty() || rescued > 0 {
        tracing::warn!(dead = dead.len(), jobs = rescued, "rescued the jobs of dead processes");
    }
    Ok(())
}

/// Compares our running rows with what we know, and takes the queues' settings over.
async fn look_after(
    shared: &Shared,
    conn: &mut PgConnection,
    watch: &mut Watch,
) -> Result<(), Error> {
    // Known before the rows are read: what is claimed meanwhile is not missed.
    let known = shared.known();
    let me = shared.identity();
    let rows = sqlx::query!("select id, lease, cancel from queue.running where process = $1", me)
        .fetch_all(&mut *conn)
        .await?;
    let mut strays = HashSet::new();
    let mut held = HashSet::with_capacity(rows.len());
    for row in rows {
        held.insert((JobId(row.id), row.lease));
        match known.get(&(JobId(row.id), row.lease)) {
            Some(attempt) if row.cancel => attempt.call_off(),
            Some(_) => {}
            None => {
                strays.insert((row.id, row.lease));
            }
        }
    }
    for (key, attempt) in &known {
        if !held.contains(key)
            && shared.is_working(key.0, key.1)
            && !attempt.is_completed_in()
            && attempt.lease().process == me
        {
            attempt.lose("heartbeat");
        }
    }
    // A claim whose answer never arrived, or a handler that forgot to commit: two looks apart, it
    // is neither on its way in nor out.
    for (job, lease) in strays.intersection(&watch.strays) {
        if shared.known().contains_key(&(JobId(*job), *lease)) {
            continue;
        }
        let state = sqlx::query_scalar!(
            "select queue.fail_v1($1, $2, $3, 'lost', 'the worker lost track of it', null, null, true)
            from queue.running r
            where r.id = $2 and r.process = $1 and r.lease = $3
                and r.claimed_at < clock_timestamp() - interval '10 seconds'",
            me,
            job,
            lease
        )
        .fetch_optional(&mut *conn)
        .await?;
        if state.flatten().is_some() {
            tracing::warn!(job.id = job, "gave back a job that nobody here was working on");
        }
    }
    watch.strays = strays;

    let queues =
        sqlx::query!("select name, concurrency from queue.queue").fetch_all(&mut *conn).await?;
    for row in queues {
        if let Some(slots) = shared.slots.get(&row.name) {
            slots.set_capacity(row.concurrency.map(|n| n as usize));
        }
    }
    Ok(())
}
