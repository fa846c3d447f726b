//! Questions about stories that are being asked now, so that one story is asked about once.

use std::time::Duration;

use sqlx::{PgExecutor, postgres::types::PgInterval};

/// Takes the question to an analyzer about a story for a job, for at most `lease`; `false`: another
/// job is asking.
pub async fn take(
    db: impl PgExecutor<'_>,
    cluster: i64,
    analyzer: &str,
    job: i64,
    lease: Duration,
) -> sqlx::Result<bool> {
    let lease = PgInterval::try_from(lease).map_err(sqlx::Error::Encode)?;
    let taken = sqlx::query_scalar!(
        "insert into flight (cluster_id, analyzer, job, until)
         values ($1, $2, $3, clock_timestamp() + $4)
         on conflict (cluster_id, analyzer) do update
             set job = excluded.job, until = excluded.until
             where flight.job = excluded.job or flight.until < clock_timestamp()
         returning job",
        cluster,
        analyzer,
        job,
        lease,
    )
    .fetch_optional(db)
    .await?;
    Ok(taken.is_some())
}

/// Ends the questions about a story that a job has taken; returns how many it still had.
pub async fn land(db: impl PgExecutor<'_>, cluster: i64, job: i64) -> sqlx::Result<u64> {
    let done = sqlx::query!("delete from flight where cluster_id = $1 and job = $2", cluster, job)
        .execute(db)
        .await?;
    Ok(done.rows_affected())
}
