//! The alert engine's memory of a rule and a symbol.

use bellwether_domain::Symbol;
use chrono::{DateTime, Utc};
use serde_json::Value;
use sqlx::{PgConnection, PgExecutor};

use crate::column::Maybe;

/// Locks the memory of a rule and a symbol until the end of the caller's transaction, making it
/// if there is none, and returns it; `None` before the first evaluation has ended. The symbol is
/// `None` where the rule's kind concerns no share.
pub async fn lock(
    conn: &mut PgConnection,
    rule: i64,
    symbol: Option<&Symbol>,
) -> sqlx::Result<Option<Value>> {
    let symbol = symbol.map_or("", Symbol::as_str);
    sqlx::query!(
        "insert into alert_state (rule_id, symbol, state) values ($1, $2, 'null')
         on conflict do nothing",
        rule,
        symbol,
    )
    .execute(&mut *conn)
    .await?;
    let state = sqlx::query_scalar!(
        "select state from alert_state where rule_id = $1 and symbol = $2 for update",
        rule,
        symbol,
    )
    .fetch_one(conn)
    .await?;
    Ok(if state.is_null() { None } else { Some(state) })
}

/// Keeps the memory after an evaluation, and when to evaluate again though nothing new arrives.
/// Says whether there was one to keep: [`lock`] makes it.
pub async fn keep(
    db: impl PgExecutor<'_>,
    rule: i64,
    symbol: Option<&Symbol>,
    state: &Value,
    next_timer: Option<DateTime<Utc>>,
) -> sqlx::Result<bool> {
    let done = sqlx::query!(
        "update alert_state set state = $3, next_timer = $4, updated_at = clock_timestamp()
         where rule_id = $1 and symbol = $2",
        rule,
        symbol.map_or("", Symbol::as_str),
        state,
        next_timer,
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected() > 0)
}

/// A rule and a symbol whose timer has run out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Due {
    pub rule_id: i64,
    pub symbol: Option<Symbol>,
    pub next_timer: DateTime<Utc>,
}

/// Timers that have run out at an instant, the oldest first.
pub async fn list_due(
    db: impl PgExecutor<'_>,
    at: DateTime<Utc>,
    limit: i64,
) -> sqlx::Result<Vec<Due>> {
    sqlx::query_as!(
        Due,
        r#"select rule_id, nullif(symbol, '') as "symbol!: Maybe<Symbol>",
                  next_timer as "next_timer!"
           from alert_state where next_timer <= $1 order by next_timer limit $2"#,
        at,
        limit,
    )
    .fetch_all(db)
    .await
}
