//! Lag of a replica.

use sqlx::PgExecutor;

/// Seconds between the last transaction this server has replayed and now; 0 on a primary, and on
/// a replica that has replayed everything its primary is sending.
pub async fn lag(db: impl PgExecutor<'_>) -> sqlx::Result<f64> {
    sqlx::query_scalar!(
        r#"select case
               when not pg_is_in_recovery() then 0
               -- without a receiver the lag is unknown
               when pg_last_wal_receive_lsn() = pg_last_wal_replay_lsn()
                    and exists (select from pg_stat_wal_receiver) then 0
               else greatest(0, extract(epoch from clock_timestamp()
                                                   - pg_last_xact_replay_timestamp()))
           end::float8 as "lag!""#,
    )
    .fetch_one(db)
    .await
}
