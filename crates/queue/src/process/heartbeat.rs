//! Shows that this process lives, watches that its peers do, and looks after its own leases.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
    time::Duration,
};

use rand::RngExt;
use sqlx::{ConnectOptions, Connection, PgConnection};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::{counts, shared::Shared};
use crate::{Error, JobId};

const BEAT: Duration = Duration::from_secs(3);
/// A peer whose beat has stood still for this long, while our own beats got through, is dead.
const DEAD: Duration = Duration::from_secs(15);
/// Beats further apart than this are a gap, even if none of them failed: the machine slept, or we
/// were stopped, and perhaps the peers with us.
const GAP: Duration = Duration::from_secs(6);
/// Between two beats: settings and cancellations are looked at this often.
const LOOK: Duration = Duration::from_secs(1);

/// A peer's beat as this process has seen it; no clocks of others are involved.
struct Seen {
    beat: i64,
    since: Instant,
}

#[derive(Default)]
struct Watch {
    /// Since our own beats have got through without a gap.
    peers: HashMap<Uuid, Seen>,
    /// When our own last beat got through; `None`: it failed, or there was none.
    last_beat: Option<Instant>,
    /// Running rows of ours that nobody here knows, seen at the last look.
    strays: HashSet<(i64, i64)>,
}

impl Watch {
    /// Our own silence says nothing about the peers.
    fn interrupted(&mut self) {
        self.last_beat = None;
        self.peers.clear();
    }

    /// Takes over the peers' beats just after one of our own got through; returns the dead.
    fn beaten(&mut self, now: Instant, beats: impl Iterator<Item = (Uuid, i64)>) -> Vec<Uuid> {
        if self.last_beat.is_some_and(|last| now - last > GAP) {
            self.interrupted();
        }
        self.last_beat = Some(now);
        let mut dead = Vec::new();
        let mut peers = HashMap::new();
        for (id, beat) in beats {
            let seen = match self.peers.remove(&id) {
                Some(seen) if seen.beat == beat => seen,
                _ => Seen { beat, since: now },
            };
            // It stays dead until it is marked so, and listed no longer.
            if now - seen.since >= DEAD {
                dead.push(id);
            }
            peers.insert(id, seen);
        }
        self.peers = peers;
        dead
    }
}

pub(crate) async fn run(shared: Arc<Shared>, stop: CancellationToken) {
    let mut watch = Watch::default();
    let mut connection: Option<PgConnection> = None;
    let mut next_beat = Instant::now();
    let mut failures = 0_u32;
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
        if due || result.is_err() {
            counts::beat(result.is_ok());
        }
        failures = if result.is_ok() { 0 } else { failures + 1 };
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
                watch.interrupted();
                connection = None;
            }
        }
        let wait = if failures == 0 {
            let wait = next_beat.saturating_duration_since(Instant::now()).min(LOOK);
            wait.max(Duration::from_millis(50))
        } else {
            // a server that is full or coming up is not pressed
            Duration::from_millis(rand::rng().random_range(25..=50) << failures.min(5))
        };
        tokio::select! {
            () = stop.cancelled() => break,
            () = shared.look.notified(), if failures == 0 => {}
            () = tokio::time::sleep(wait) => {}
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
    let dead = watch.beaten(Instant::now(), rows.into_iter().map(|row| (row.id, row.beat)));
    let rescued = sqlx::query_scalar!(r#"select queue.rescue_v2($1) as "n!""#, &dead)
        .fetch_one(&mut *conn)
        .await?;
    counts::rescue(dead.len(), u64::try_from(rescued).unwrap_or(0));
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
            Some(attempt) if row.cancel && attempt.lease().process == me => attempt.call_off(),
            Some(_) => {}
            None => {
                strays.insert((row.id, row.lease));
            }
        }
    }
    for (key, attempt) in &known {
        // Also a claim that came in just after its process had been declared dead.
        let ours = attempt.lease().process == me && held.contains(key);
        if !ours && shared.is_working(key.0, key.1) && !attempt.is_completed_in() {
            attempt.lose("heartbeat");
        }
    }
    for (job, lease) in &strays {
        // A claim whose answer never arrived: its jobs were never begun, and no attempt is spent.
        let unheard = shared.is_unheard(*lease);
        // A handler that forgot to commit: two looks apart, it is neither on its way in nor out.
        let forgotten = watch.strays.contains(&(*job, *lease))
            && !shared.known().contains_key(&(JobId(*job), *lease));
        if unheard || forgotten {
            give_back(conn, me, *job, *lease, unheard).await?;
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

/// Ends an attempt that nobody here is working on.
async fn give_back(
    conn: &mut PgConnection,
    me: Uuid,
    job: i64,
    lease: i64,
    unheard: bool,
) -> Result<(), Error> {
    let state = sqlx::query_scalar!(
        "select case when $4
            then queue.fail_v2($1, $2, $3, 'released', 'the answer to its claim was lost', null, null, false, false, null, null)
            else queue.fail_v2($1, $2, $3, 'lost', 'the worker lost track of it', null, null, true, false, null, null) end
        from queue.running r
        where r.id = $2 and r.process = $1 and r.lease = $3
            and ($4 or r.claimed_at < clock_timestamp() - interval '10 seconds')",
        me,
        job,
        lease,
        unheard
    )
    .fetch_optional(conn)
    .await
    .map_err(Error::from);
    match state {
        Ok(Some(Some(_))) => {
            tracing::warn!(job.id = job, "gave back a job that nobody here was working on");
            Ok(())
        }
        Ok(_) => Ok(()),
        // Its handler is still writing: next time.
        Err(e) if e.met_another() => Ok(()),
        Err(e) => Err(e),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PEER: Uuid = Uuid::from_u128(7);

    /// Whether the peer is dead after our beats at these seconds, each with the peer's own number.
    fn dead(beats: &[(u64, i64)]) -> bool {
        let start = Instant::now();
        let mut watch = Watch::default();
        let mut dead = Vec::new();
        for (second, beat) in beats {
            let now = start + Duration::from_secs(*second);
            dead = watch.beaten(now, [(PEER, *beat)].into_iter());
        }
        !dead.is_empty()
    }

    #[test]
    fn a_beat_that_stands_still_for_five_of_ours_is_a_death() {
        assert!(!dead(&[(0, 1), (3, 1), (6, 1), (9, 1), (12, 1)]));
        assert!(dead(&[(0, 1), (3, 1), (6, 1), (9, 1), (12, 1), (15, 1)]));
        assert!(!dead(&[(0, 1), (3, 1), (6, 1), (9, 1), (12, 2), (15, 2)]));
    }

    #[test]
    fn who_could_not_be_marked_dead_is_named_again_at_the_next_beat() {
        assert!(dead(&[(0, 1), (3, 1), (6, 1), (9, 1), (12, 1), (15, 1), (18, 1)]));
    }

    #[test]
    fn what_slept_with_us_is_not_dead() {
        assert!(!dead(&[(0, 1), (3, 1), (60, 1)]));
        assert!(!dead(&[(0, 1), (3, 1), (60, 1), (63, 1), (66, 1), (69, 1), (72, 1)]));
        assert!(dead(&[(0, 1), (3, 1), (60, 1), (63, 1), (66, 1), (69, 1), (72, 1), (75, 1)]));
    }

    #[test]
    fn an_outage_of_ours_starts_the_watch_anew() {
        let start = Instant::now();
        let mut watch = Watch::default();
        let at = |second| start + Duration::from_secs(second);
        for second in [0, 3, 6, 9, 12] {
            assert!(watch.beaten(at(second), [(PEER, 1)].into_iter()).is_empty());
        }
        watch.interrupted();
        for second in [15, 18, 21, 24, 27] {
            assert!(watch.beaten(at(second), [(PEER, 1)].into_iter()).is_empty());
        }
        assert_eq!(watch.beaten(at(30), [(PEER, 1)].into_iter()), [PEER]);
    }
}
