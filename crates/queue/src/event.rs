//! Events: changes that a page or a stream should read again.
//!
//! The queue emits events of jobs (`job`) and of limit keys (`limit`); an application emits kinds
//! of its own with [`emit`].

use sqlx::PgExecutor;

use crate::{Db, Error};

/// Position of a reader: the last event that it has read. Opaque to applications, which store it as
/// text ([`Display`](std::fmt::Display), [`FromStr`](std::str::FromStr)).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Position {
    /// Identifies the server and the tables: a restore starts another epoch.
    epoch: u32,
    xid: u64,
    id: i64,
}

/// A change.
#[derive(Clone, Debug)]
pub struct Event {
    pub position: Position,
    /// `job`, `limit`, or an application's own.
    pub kind: String,
    /// Subject of the change: `queue/kind` of a job, the name of a limit key, an application's own.
    pub subject: String,
    /// By the database's clock.
    pub at: chrono::DateTime<chrono::Utc>,
}

/// Emits an event, in the transaction that made the change.
pub async fn emit(db: impl PgExecutor<'_>, kind: &str, subject: &str) -> Result<(), Error> {
    sqlx::query!("insert into queue.event (kind, subject) values ($1, $2)", kind, subject)
        .execute(db)
        .await?;
    Ok(())
}

/// Returns the position for a reader that wants only new events. Notices a restore
/// ([`check_epoch`]).
pub async fn now(pool: &Db) -> Result<Position, Error> {
    loop {
        // Events below this position are committed and visible to all; ids start at 1. If a
        // transaction under way is older than the events that are kept, the floor is the later
        // position.
        let row = sqlx::query!(
            r#"select ('x' || s.epoch)::bit(32)::bigint as "epoch!", x.xid::text::bigint as "xid!", x.id as "id!",
                s.epoch <> queue.epoch() or x.xid > pg_snapshot_xmax(pg_current_snapshot()) as "restored!"
            from queue.server s, (
                select pg_snapshot_xmin(pg_current_snapshot()) as xid, 0::bigint as id
                union all
                select xid, id from queue.event_floor
            ) x
            order by x.xid desc, x.id desc limit 1"#
        )
        .fetch_one(pool)
        .await?;
        if !row.restored {
            return Ok(Position { epoch: row.epoch as u32, xid: row.xid as u64, id: row.id });
        }
        check_epoch(pool).await?;
    }
}

/// Returns up to `limit` events after `position`, in order. No event is skipped: a transaction's
/// events are read once every older transaction has ended. `None`: the position is older than the
/// events that are kept (24 h), or of a database that was restored since, and the reader must read
/// everything again.
pub async fn after(pool: &Db, position: Position, limit: i64) -> Result<Option<Vec<Event>>, Error> {
    // One statement: between two of them the floor could pass events that were not read yet.
    let rows = sqlx::query!(
        r#"select k.known as "known!", e.xid::text::bigint as xid, e.id as "id?", e.kind as "kind?",
            e.subject as "subject?", e.at as "at?"
        from (
            select s.epoch = $1 and (p.xid, $3::bigint) >= (f.xid, f.id)
                and p.xid <= pg_snapshot_xmax(pg_current_snapshot()) as known, p.xid
            from queue.event_floor f, queue.server s, (select $2::text::xid8 as xid) p
        ) k
        left join lateral (
            select xid, id, kind, subject, at from queue.event
            where k.known and (xid, id) > (k.xid, $3)
                and xid < pg_snapshot_xmin(pg_current_snapshot())
            order by xid, id limit $4
        ) e on true
        order by e.xid, e.id"#,
        format!("{:08x}", position.epoch),
        position.xid.to_string(),
        position.id,
        limit
    )
    .fetch_all(pool)
    .await?;
    if rows.first().is_none_or(|row| !row.known) {
        return Ok(None);
    }
    let events = rows.into_iter().filter_map(|r| {
        let (xid, id) = (r.xid? as u64, r.id?);
        let position = Position { xid, id, ..position };
        Some(Event { position, kind: r.kind?, subject: r.subject?, at: r.at? })
    });
    Ok(Some(events.collect()))
}

/// Starts the positions of events over if the database has been restored from a backup since they
/// were written. Returns true if it has: every reader is then told to read everything again.
/// [`Process::start`](crate::Process::start) and [`now`] call it.
pub async fn check_epoch(pool: &Db) -> Result<bool, Error> {
    let restored =
        sqlx::query_scalar!(r#"select queue.check_epoch() as "restored!""#).fetch_one(pool).await?;
    if restored {
        tracing::warn!(
            "the database was restored from a backup: event streams start over, and limit keys \
             are parked for up to a minute"
        );
    }
    Ok(restored)
}

/// Deletes events older than 24 h and records the last deleted position. A
/// [`Process`](crate::Process) calls it every ten minutes.
pub async fn prune(pool: &Db) -> Result<(), Error> {
    sqlx::query!(
        "with gone as (
            delete from queue.event where at < statement_timestamp() - interval '24 hours' returning xid, id
        ), newest as (
            select xid, id from gone order by xid desc, id desc limit 1
        )
        update queue.event_floor f set xid = n.xid, id = n.id from newest n
        where (f.xid, f.id) < (n.xid, n.id)"
    )
    .execute(pool)
    .await?;
    Ok(())
}

impl std::fmt::Display for Position {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:08x}-{}-{}", self.epoch, self.xid, self.id)
    }
}
impl std::str::FromStr for Position {
    type Err = String;
    fn from_str(s: &str) -> Result<Self, String> {
        let invalid = || format!("not an event id: {s:?}");
        let mut parts = s.splitn(3, '-');
        let mut part = || parts.next().ok_or_else(invalid);
        Ok(Self {
            epoch: u32::from_str_radix(part()?, 16).map_err(|_| invalid())?,
            xid: part()?.parse().map_err(|_| invalid())?,
            id: part()?.parse().map_err(|_| invalid())?,
        })
    }
}
