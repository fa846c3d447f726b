//! Stories: clusters of articles about one event.

use bellwether_domain::{EventType, Symbol, signal::ClusterInput, source_trust, symbols};
use chrono::{DateTime, Utc};
use sqlx::{PgConnection, PgExecutor};

use crate::column::{Maybe, word};

/// Serialises assignments of articles to stories until the end of the caller's transaction, so that
/// two scrapes of one event cannot make two stories of it. Take it before reading
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

/// Stores an analyzer's event type of the story; returns true if that changed it.
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

/// A story as it counts in one symbol's score at one instant.
#[derive(Clone, Debug, PartialEq)]
pub struct Visible {
    pub id: i64,
    /// The earliest publication among its articles that were known.
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
    /// The story as the formula reads it. Its trust is that of its best source.
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

/// Deletes at most `limit` stories, with their articles and readings, that were first published before an
/// instant and of which nothing arrived later, the oldest first. Returns how many stories and articles.
/// A signal keeps its terms and the ids of what it read, also when that is gone.
pub async fn prune(
    conn: &mut PgConnection,
    before: DateTime<Utc>,
    limit: i64,
) -> sqlx::Result<(u64, u64)> {
    lock(&mut *conn).await?;
    let old = sqlx::query_scalar!(
        "select c.id from cluster c
         where c.first_published_at < $1 and not exists (
             select from article a where a.cluster_id = c.id and a.available_at >= $1)
         order by c.id limit $2",
        before,
        limit,
    )
    .fetch_all(&mut *conn)
    .await?;
    sqlx::query!("update cluster set representative = null where id = any ($1)", &old)
        .execute(&mut *conn)
        .await?;
    let articles = sqlx::query!("delete from article where cluster_id = any ($1)", &old)
        .execute(&mut *conn)
        .await?;
    let stories =
        sqlx::query!("delete from cluster where id = any ($1)", &old).execute(&mut *conn).await?;
    Ok((stories.rows_affected(), articles.rows_affected()))
}
