//! What a source's answers have taught about its plan, and how far its feed is used today.

use chrono::{DateTime, NaiveDate, Utc};
use sqlx::PgExecutor;

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SourceState {
    /// When it last answered inside a session with the price of an older one.
    pub end_of_day_at: Option<DateTime<Utc>>,
    /// The last request to its feed for all symbols, and its day in New York.
    pub feed_asked_at: Option<DateTime<Utc>>,
    pub feed_asked_on: Option<NaiveDate>,
    /// Requests to the feed on that day.
    pub feed_asked: i32,
}

/// The state of a source; a source without answers has the default.
pub async fn find(db: impl PgExecutor<'_>, source: &str) -> sqlx::Result<SourceState> {
    let state = sqlx::query_as!(
        SourceState,
        "select end_of_day_at, feed_asked_at, feed_asked_on, feed_asked from source_state
         where source = $1",
        source,
    )
    .fetch_optional(db)
    .await?;
    Ok(state.unwrap_or_default())
}

/// Records whether an answer inside a session held an older session's price.
pub async fn set_end_of_day(
    db: impl PgExecutor<'_>,
    source: &str,
    end_of_day: bool,
) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into source_state (source, end_of_day_at)
         values ($1, case when $2 then clock_timestamp() end)
         on conflict (source) do update set end_of_day_at = excluded.end_of_day_at",
        source,
        end_of_day,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Records a request to the feed on a day in New York.
pub async fn add_feed_request(
    db: impl PgExecutor<'_>,
    source: &str,
    day: NaiveDate,
) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into source_state (source, feed_asked_at, feed_asked_on, feed_asked)
         values ($1, clock_timestamp(), $2, 1)
         on conflict (source) do update
         set feed_asked_at = excluded.feed_asked_at, feed_asked_on = excluded.feed_asked_on,
             feed_asked = case when source_state.feed_asked_on = $2 then source_state.feed_asked + 1 else 1 end",
        source,
        day,
    )
    .execute(db)
    .await?;
    Ok(())
}
