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
    /// Running rows of this process that no attempt here belongs to, as of the last check.
    strays: HashSet<(i64, i64)>,
    /// The database's clock at the last beat, in seconds, and when that was by ours.
    clock: Option<(f64, Instant)>,
}

/// A database clock that gains more than this between two beats, beyond the time that they took, was set
/// forward: rolling windows would empty early by as much.
const STEP: f64 = 2.0;

impl Watch {
    /// Our own silence says nothing about the peers.
    fn interrupted(&mut self) {
        self.last_beat = None;
        self.peers.clear();
    }

    /// Seconds by which the database's clock was set forward since the last beat. `asked`: just before
    /// it was read.
    fn stepped(&mut self, clock: f64, asked: Instant, now: Instant) -> Option<f64> {
        let before = self.clock.replace((clock, now));
        let (last, at) = before?;
        let gained = clock - last - (now - at).as_secs_f64();
        (gained > STEP && now - asked < GAP).then_some(gained)
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
            () = shared.check_running.notified(), if failures == 0 => {}
            () = tokio::time::sleep(wait) => {}
        }
    }
    if let Some(conn) = connection {
        conn.close().await.ok();
    }
}

async fn beat(shared: &Shared, conn: &mut PgConnection, watch: &mut Watch) -> Result<(), Error> {
    let me = shared.identity();
    let asked = Instant::now();
    let clock = sqlx::query_scalar!(
        r#"update queue.process set beat = beat + 1, beat_at = clock_timestamp()
        where id = $1 and dead_at is null and ended_at is null
        returning extract(epoch from beat_at)::float8 as "at!""#,
        me
    )
    .fetch_optional(&mut *conn)
    .await?
    .ok_or(Error::ProcessDead)?;
    shared.beaten();
    if let Some(gained) = watch.stepped(clock, asked, Instant::now()) {
        tracing::warn!(
            seconds = gained,
            "the database's clock was set forward: every limit key is parked for its longest window, a minute at most"
        );
        sqlx::query!("select queue.park_all('the clock was set forward')")
            .fetch_one(&mut *conn)
            .await?;
    }

    let rows = sqlx::query!(
        "select id, beat from queue.process where dead_at is null and ended_at is null and id <> $1",
        me
    )
    .fetch_all(&mut *conn)
    .await?;
    let dead = watch.beaten(Instant::now(), rows.into_iter().map(|row| (row.id, row.beat)));
    let rescued = sqlx::query_scalar!(r#"select queue.rescue($1) as "n!""#, &dead)
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
    let began = Instant::now();
    // Known before the rows are read: what is claimed meanwhile is not missed.
    let known = shared.unwritten();
    let me = shared.identity();
    let rows = sqlx::query!("select id, lease, cancel from queue.running where process = $1", me)
        .fetch_all(&mut *conn)
        .await?;
    let mut strays = HashSet::new();
    let mut held = HashSet::with_capacity(rows.len());
    for row in rows {
        held.insert((JobId(row.id), row.lease));
        match known.get(&(JobId(row.id), row.lease)) {
            Some(attempt) if row.cancel && attempt.lease().process == me => attempt.cancel(),
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
        let unconfirmed = shared.is_unconfirmed(*lease);
        // A handler that forgot to commit: two looks apart, it is neither on its way in nor out.
        let forgotten = watch.strays.contains(&(*job, *lease))
            && !shared.unwritten().contains_key(&(JobId(*job), *lease));
        if unconfirmed || forgotten {
            give_back(conn, me, *job, *lease, unconfirmed).await?;
        }
    }
    watch.strays = strays;
    shared.has_checked(began);

    let queues =
        sqlx::query!("select name, concurrency from queue.queue").fetch_all(&mut *conn).await?;
    for row in queues {
        if let Some(slots) = shared.slots.get(&row.name) {
            slots.set_capacity(row.concurrency.map(|n| n as usize));
        }
    }
    Ok(())
}

/// Ends an attempt that no task of this process works on.
async fn give_back(
    conn: &mut PgConnection,
    me: Uuid,
    job: i64,
    lease: i64,
    unconfirmed: bool,
) -> Result<(), Error> {
    let (outcome, code, why) = if unconfirmed {
        ("released", "claim_unconfirmed", "the answer to its claim was lost")
    } else {
        ("lost", "worker_lost_track", "the worker lost track of it")
    };
    // A row that its handler still holds is left for the next time.
    let state = sqlx::query_scalar!(
        "select queue.end_running(r.id, r.process, r.lease, $4, $5, $6, null, null, not $7, false, null, null, false, clock_timestamp())
        from queue.running r
        where r.id = $2 and r.process = $1 and r.lease = $3
            and ($7 or r.claimed_at < clock_timestamp() - interval '10 seconds')",
        me,
        job,
        lease,
        outcome,
        code,
        why,
        unconfirmed
    )
    .fetch_optional(conn)
    .await?;
    if state.flatten().is_some() {
        tracing::warn!(job.id = job, "gave back a job that no task of this process worked on");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const PEER: Uuid = Uuid::from_u128(7);

    /// True if the peer is dead after our beats at these seconds, each with the peer's own number.
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
    fn a_suspended_machine_rescues_no_peer() {
        assert!(!dead(&[(0, 1), (3, 1), (60, 1)]));
        assert!(!dead(&[(0, 1), (3, 1), (60, 1), (63, 1), (66, 1), (69, 1), (72, 1)]));
        assert!(dead(&[(0, 1), (3, 1), (60, 1), (63, 1), (66, 1), (69, 1), (72, 1), (75, 1)]));
    }

    #[test]
    fn a_clock_that_is_set_forward_is_noticed_and_a_slow_answer_is_not() {
        let start = Instant::now();
        let mut watch = Watch::default();
        let at = |second: u64| start + Duration::from_secs(second);
        assert_eq!(watch.stepped(100.0, at(0), at(0)), None);
        assert_eq!(watch.stepped(103.1, at(3), at(3)), None);
        assert_eq!(watch.stepped(166.0, at(6), at(6)).map(f64::round), Some(60.0));
        assert_eq!(watch.stepped(169.0, at(9), at(9)), None);
        assert_eq!(watch.stepped(150.0, at(12), at(12)), None, "nor one that is set back");
    }

    #[test]
    fn a_failed_beat_starts_the_watch_anew() {
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
