//! Leases on analyses of stories, so that one job at a time asks an analyzer about a story.

use std::time::Duration;

use sqlx::{PgExecutor, postgres::types::PgInterval};

/// Acquires the lease on a story and an analyzer for a job, for at most `lease`; `false` if another
/// job holds it.
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

/// Releases the leases that a job has acquired on a story; returns how many it still held.
pub async fn land(db: impl PgExecutor<'_>, cluster: i64, job: i64) -> sqlx::Result<u64> {
    let done = sqlx::query!("delete from flight where cluster_id = $1 and job = $2", cluster, job)
        .execute(db)
        .await?;
    Ok(done.rows_affected())
}
