//! Feeds: when each is due, and the marks by which its server tells whether it has changed.

use chrono::{DateTime, Utc};
use sqlx::PgExecutor;

/// The marks of a feed's last answer that was read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Marks {
    pub etag: Option<String>,
    pub last_modified: Option<String>,
}

/// Those of the named feeds that are due, in the order of their names.
pub async fn list_due(
    db: impl PgExecutor<'_>,
    names: &[String],
    now: DateTime<Utc>,
) -> sqlx::Result<Vec<String>> {
    sqlx::query_scalar!(
        r#"select name as "name!" from unnest($1::text[]) as named (name)
           where not exists (select from feed where feed.name = named.name and due_at > $2)
           order by name"#,
        names,
        now,
    )
    .fetch_all(db)
    .await
}

/// Records that a poll of a feed was enqueued; the next one is due at `due_at`. The marks of another
/// address are forgotten.
pub async fn add_poll(
    db: impl PgExecutor<'_>,
    name: &str,
    url: &str,
    due_at: DateTime<Utc>,
) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into feed (name, url, due_at) values ($1, $2, $3)
         on conflict (name) do update
         set due_at = excluded.due_at, url = excluded.url,
             etag = case when feed.url = excluded.url then feed.etag end,
             last_modified = case when feed.url = excluded.url then feed.last_modified end",
        name,
        url,
        due_at,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// The marks of a feed's last answer from this address; none before the first.
pub async fn find(db: impl PgExecutor<'_>, name: &str, url: &str) -> sqlx::Result<Marks> {
    let marks = sqlx::query_as!(
        Marks,
        "select etag, last_modified from feed where name = $1 and url = $2",
        name,
        url,
    )
    .fetch_optional(db)
    .await?;
    Ok(marks.unwrap_or_default())
}

/// Records an answer. `marks` are those of an answer with items; without them nothing has changed.
pub async fn add_answer(
    db: impl PgExecutor<'_>,
    name: &str,
    marks: Option<&Marks>,
) -> sqlx::Result<()> {
    sqlx::query!(
        "update feed
         set polled_at = clock_timestamp(),
             changed_at = case when $2 then clock_timestamp() else changed_at end,
             etag = case when $2 then $3 else etag end,
             last_modified = case when $2 then $4 else last_modified end
         where name = $1",
        name,
        marks.is_some(),
        marks.and_then(|marks| marks.etag.as_deref()),
        marks.and_then(|marks| marks.last_modified.as_deref()),
    )
    .execute(db)
    .await?;
    Ok(())
}
