//! Stories: which articles tell the same one, and what it weighs.

use bellwether_domain::{EventType, Symbol, signal::ClusterInput, source_trust, symbols};
use chrono::{DateTime, Utc};
use sqlx::{PgConnection, PgExecutor};

use crate::column::{Maybe, word};

/// Makes assignments of articles to stories take turns until the end of the caller's transaction,
/// so that two scrapes of one event cannot make two stories of it. Take it before reading
/// [`crate::article::find_candidates`].
pub async fn lock(conn: &mut PgConnection) -> sqlx::Result<()> {
    sqlx::query!("select pg_advisory_xact_lock(hashtextextended('bellwether.cluster', 0))")
        .execute(conn)
        .await?;
    Ok(())
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cluster {
    pub id: i64,
    pub first_published_at: DateTime<Utc>,
    pub representative: Option<i64>,
    pub event_type: Option<EventType>,
}

pub async fn find(db: impl PgExecutor<'_>, id: i64) -> sqlx::Result<Option<Cluster>> {
    sqlx::query_as!(
        Cluster,
        r#"select id, first_published_at, representative,
                  event_type as "event_type!: Maybe<EventType>"
           from cluster where id = $1"#,
        id,
    )
    .fetch_optional(db)
    .await
}

/// Keeps what an analyzer says the story is about; says whether that changed it.
pub async fn set_event_type(
    db: impl PgExecutor<'_>,
    id: i64,
    event: EventType,
) -> sqlx::Result<bool> {
    let done = sqlx::query!(
        "update cluster set event_type = $2 where id = $1 and event_type is distinct from $2",
        id,
        word(&event),
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected() > 0)
}

/// A story as one symbol's score sees it at one instant.
#[derive(Clone, Debug, PartialEq)]
pub struct Visible {
    pub id: i64,
    /// The earliest publication among its outlets that were known.
    pub first_published_at: DateTime<Utc>,
    pub age_h: f64,
    /// Mean score of its best readings, weighted by calibrated confidence.
    pub s: f64,
    /// Their calibrated confidence, weighted by itself.
    pub kappa: f64,
    /// The highest relevance for the symbol.
    pub r: f64,
    /// Earlier stories of the symbol with the same event type within 24 h.
    pub k: i64,
    pub event_type: Option<EventType>,
    /// Of its representative.
    pub source: String,
    pub sources: Vec<String>,
    pub article_ids: Vec<i64>,
    pub sentiment_ids: Vec<i64>,
}

impl Visible {
    /// What the formula reads. The story is trusted as far as its best source.
    pub fn input(&self) -> ClusterInput {
        ClusterInput {
            id: self.id,
            s: self.s,
            r: self.r,
            kappa: self.kappa,
            q: self.sources.iter().map(|source| source_trust(source)).fold(0.0, f64::max),
            k: u32::try_from(self.k).expect("a count is not negative and not in the billions"),
            age_h: self.age_h,
            source: self.source.clone(),
        }
    }
}

/// The analysed stories that may count for a symbol at an instant: known by then, first published
/// at most 72 h before; by id.
pub async fn list_visible(
    db: impl PgExecutor<'_>,
    symbol: &Symbol,
    at: DateTime<Utc>,
) -> sqlx::Result<Vec<Visible>> {
    sqlx::query_file_as!(
        Visible,
        "src/cluster_list_visible.sql",
        symbol.as_str(),
        at,
        symbols::LINK,
    )
    .fetch_all(db)
    .await
}

/// What one step of [`prune`] did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pruned {
    /// The last story that was looked at; the next step begins after it.
    pub last: i64,
    pub articles: u64,
}

/// Looks at the next `limit` stories after `after` that were first published before an instant, and
/// forgets those, with their articles and readings, of which nothing arrived later and which no kept
/// signal can have read. `None`: there is none to look at.
pub async fn prune(
    conn: &mut PgConnection,
    after: i64,
    before: DateTime<Utc>,
    limit: i64,
) -> sqlx::Result<Option<Pruned>> {
    lock(&mut *conn).await?;
    let step = sqlx::query_file!("src/cluster_prune.sql", after, before, limit)
        .fetch_all(&mut *conn)
        .await?;
    let Some(last) = step.last().map(|row| row.id) else { return Ok(None) };
    let goes: Vec<i64> = step.into_iter().filter(|row| row.goes).map(|row| row.id).collect();
    sqlx::query!("update cluster set representative = null where id = any ($1)", &goes)
        .execute(&mut *conn)
        .await?;
    let articles = sqlx::query!("delete from article where cluster_id = any ($1)", &goes)
        .execute(&mut *conn)
        .await?
        .rows_affected();
    sqlx::query!("delete from cluster where id = any ($1)", &goes).execute(&mut *conn).await?;
    Ok(Some(Pruned { last, articles }))
}
