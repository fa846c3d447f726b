//! Events: what people watching should look at again.
//!
//! The queue tells of jobs (`job`) and of limit keys (`limit`) by itself; an application adds kinds of
//! its own with [`emit`].

use sqlx::PgExecutor;

use crate::{Db, Error};

/// Where a reader stands: the transaction and the number of the last event it has seen.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Position {
    pub xid: u64,
    pub id: i64,
}

/// Something changed.
#[derive(Clone, Debug)]
pub struct Event {
    pub position: Position,
    /// `job`, `limit`, or an application's own.
    pub kind: String,
    /// What changed: `queue/kind` of a job, the name of a limit key, an application's own.
    pub subject: String,
    /// By the database's clock.
    pub at: chrono::DateTime<chrono::Utc>,
}

/// Announces a change, in the transaction that made it.
pub async fn emit(db: impl PgExecutor<'_>, kind: &str, subject: &str) -> Result<(), Error> {
    sqlx::query!("insert into queue.event (kind, subject) values ($1, $2)", kind, subject)
        .execute(db)
        .await?;
    Ok(())
}

/// Where a reader that wants only news begins.
pub async fn now(pool: &Db) -> Result<Position, Error> {
    // Everything below is settled and told; ids start at 1. Where a transaction is older than what is
    // kept, what is kept begins later than that.
    let row = sqlx::query!(
        r#"select x.xid::text::bigint as "xid!", x.id as "id!" from (
            select pg_snapshot_xmin(pg_current_snapshot()) as xid, 0::bigint as id
            union all
            select xid, id from queue.event_floor
        ) x
        order by x.xid desc, x.id desc limit 1"#
    )
    .fetch_one(pool)
    .await?;
    Ok(Position { xid: row.xid as u64, id: row.id })
}

/// Up to `limit` events after `position`, in order; none is ever skipped: a transaction is read
/// once every older one has ended. `None`: the position is older than what is kept (24 h), so the
/// reader has to look at everything again.
pub async fn after(pool: &Db, position: Position, limit: i64) -> Result<Option<Vec<Event>>, Error> {
    let known = sqlx::query_scalar!(
        r#"select ($1::text::xid8, $2::bigint) >= (xid, id) as "known!" from queue.event_floor"#,
        position.xid.to_string(),
        position.id
    )
    .fetch_one(pool)
    .await?;
    if !known {
        return Ok(None);
    }
    let rows = sqlx::query!(
        r#"select xid::text::bigint as "xid!", id, kind, subject, at from queue.event
        where (xid, id) > ($1::text::xid8, $2::bigint)
            and xid < pg_snapshot_xmin(pg_current_snapshot())
        order by xid, id limit $3"#,
        position.xid.to_string(),
        position.id,
        limit
    )
    .fetch_all(pool)
    .await?;
    Ok(Some(
        rows.into_iter()
            .map(|r| Event {
                position: Position { xid: r.xid as u64, id: r.id },
                kind: r.kind,
                subject: r.subject,
                at: r.at,
            })
            .collect(),
    ))
}

/// Removes events older than 24 h and remembers how far.
pub(crate) async fn prune(pool: &Db) -> Result<(), Error> {
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
        write!(f, "{}-{}", self.xid, self.id)
    }
}
impl std::str::FromStr for Position {
    type Err = String;
    fn from_str(s: &str) -> Result<Self, String> {
        let (xid, id) = s.split_once('-').ok_or_else(|| format!("not an event id: {s:?}"))?;
        Ok(Self {
            xid: xid.parse().map_err(|_| format!("not an event id: {s:?}"))?,
            id: id.parse().map_err(|_| format!("not an event id: {s:?}"))?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_slower_pruner_does_not_move_the_floor_back() {
        let db = bellwether_testing::database(&[&crate::MIGRATOR]).await;
        let pool = Db::direct(db.pool());
        emit(&pool, "quote", "AAPL").await.unwrap();
        let position = now(&pool).await.unwrap();
        sqlx::query("update queue.event set at = at - interval '25 hours'")
            .execute(&pool)
            .await
            .unwrap();
        sqlx::query("update queue.event_floor set xid = '9000000000', id = 3")
            .execute(&pool)
            .await
            .unwrap();
        prune(&pool).await.unwrap();
        let kept: i64 =
            sqlx::query_scalar("select count(*) from queue.event").fetch_one(&pool).await.unwrap();
        assert_eq!(kept, 0);
        assert!(after(&pool, position, 10).await.unwrap().is_none(), "the floor stands");
    }
}
