//! Values that completed jobs have left behind.

use serde_json::Value;
use sqlx::PgExecutor;

use crate::{Error, Job, JobId, batch::BatchId};

/// The output of a completed job of this kind; `None`: it has none, has not completed, or is no longer
/// kept. A job that waits for others knows them by its arguments.
pub async fn output<J: Job>(
    db: impl PgExecutor<'_>,
    id: JobId,
) -> Result<Option<J::Output>, Error> {
    of_job(db, id, J::KIND).await?.map(|value| read::<J>(id, value)).transpose()
}

/// As [`output`], as JSON.
pub(crate) async fn of_job(
    db: impl PgExecutor<'_>,
    id: JobId,
    kind: &str,
) -> Result<Option<Value>, Error> {
    let output = sqlx::query_scalar!(
        r#"select output as "output!" from queue.done where id = $1 and kind = $2 and output is not null"#,
        id.0,
        kind
    );
    Ok(output.fetch_optional(db).await?)
}

/// The outputs of a batch's completed members of this kind, in the order of their numbers.
pub(crate) async fn of_batch<J: Job>(
    db: impl PgExecutor<'_>,
    batch: BatchId,
) -> Result<Vec<(JobId, J::Output)>, Error> {
    let rows = sqlx::query!(
        r#"select m.job, d.output as "output!"
        from queue.batch_job m
        cross join lateral (select x.output from queue.done x where x.id = m.job and x.kind = $2 limit 1) d
        where m.batch = $1 and d.output is not null order by m.job"#,
        batch.0,
        J::KIND
    );
    let rows = rows.fetch_all(db).await?.into_iter();
    rows.map(|row| Ok((JobId(row.job), read::<J>(JobId(row.job), row.output)?))).collect()
}

fn read<J: Job>(job: JobId, output: Value) -> Result<J::Output, Error> {
    serde_json::from_value(output).map_err(|e| Error::Output { job, reason: e.to_string() })
}
