//! Progress of pruning.

use chrono::{DateTime, Utc};
use sqlx::PgExecutor;

/// A run of pruning.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Run {
    pub now: DateTime<Utc>,
    /// The time from which ages are counted: at most two days after that of the last complete run.
    /// It is behind `now` if the database's clock has jumped or nothing was pruned for days.
    pub as_of: DateTime<Utc>,
}

/// Begins a run.
pub async fn begin(db: impl PgExecutor<'_>) -> sqlx::Result<Run> {
    sqlx::query_as!(
        Run,
        r#"select c.now as "now!", least(c.now, p.through + interval '2 days') as "as_of!"
           from prune p, (select clock_timestamp() as now) c"#,
    )
    .fetch_one(db)
    .await
}

/// Stores that a run has completed.
pub async fn end(db: impl PgExecutor<'_>, run: Run) -> sqlx::Result<()> {
    sqlx::query!("update prune set through = $1, ended_at = clock_timestamp()", run.as_of)
        .execute(db)
        .await?;
    Ok(())
}

/// Seconds since the last complete run ended.
pub async fn age_seconds(db: impl PgExecutor<'_>) -> sqlx::Result<f64> {
    sqlx::query_scalar!(
        r#"select extract(epoch from clock_timestamp() - ended_at)::double precision as "age!"
           from prune"#,
    )
    .fetch_one(db)
    .await
}
