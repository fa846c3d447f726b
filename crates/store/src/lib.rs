//! Every statement on the product's tables: one module, one table.
//!
//! Functions take `impl PgExecutor`, or `&mut PgConnection` where they need several
//! statements, so the caller owns the transaction. Writers say whether they wrote.
//! Not found is `None`. Times that are stored come from the database or are arguments.

mod column;

pub mod alert;
pub mod alert_state;
pub mod article;
pub mod bar;
pub mod batch;
pub mod close_search;
pub mod cluster;
pub mod delivery;
pub mod evaluation;
pub mod feed;
pub mod flight;
pub mod idempotency;
pub mod instrument;
pub mod notification;
pub mod operator;
pub mod prune;
pub mod quote;
pub mod replica;
pub mod rule;
pub mod sentiment;
pub mod signal;
pub mod source_state;
pub mod summary;
pub mod suppression;
pub mod turn;
pub mod watchlist;

use chrono::{DateTime, Utc};

/// Migrations of the product's schema. Each has a way down.
pub static MIGRATOR: sqlx::migrate::Migrator = sqlx::migrate!("../../migrations");

/// Position at which a page ended: the next one holds rows older than this instant and id.
pub type Position = (DateTime<Utc>, i64);

/// The database's clock, for callers that need the instant of a decision.
pub async fn now(db: impl sqlx::PgExecutor<'_>) -> sqlx::Result<DateTime<Utc>> {
    sqlx::query_scalar!(r#"select clock_timestamp() as "now!""#).fetch_one(db).await
}
