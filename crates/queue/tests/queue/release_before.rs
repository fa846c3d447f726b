//! Runs the statements of the previous release on this release's schema: both work side by side
//! while a deployment rolls, in either direction.

use crate::support::*;
use sqlx::{AssertSqlSafe, Executor};

#[tokio::test]
async fn every_statement_of_the_release_before_is_understood() {
    let db = database().await;
    let mut conn = db.pool().acquire().await.unwrap();
    for statement in include_str!("release_before.sql").split("\n-- §").skip(1).map(str::trim) {
        let prepared = conn.execute(AssertSqlSafe(format!("prepare once as {statement}"))).await;
        assert!(prepared.is_ok(), "{statement}: {}", prepared.unwrap_err());
        conn.execute("deallocate once").await.unwrap();
    }
}
