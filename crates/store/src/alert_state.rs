//! The alert engine's state of a rule and a symbol.

use bellwether_domain::Symbol;
use chrono::{DateTime, Utc};
use serde_json::Value;
use sqlx::{PgConnection, PgExecutor};

use crate::column::Maybe;

/// Locks the state of a rule and a symbol until the end of the caller's transaction, adding it if
/// there is none, and returns it; `None` before the first evaluation has ended. The symbol is
/// `None` if the rule's kind concerns no symbol.
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

/// Stores the state after an evaluation, and the time of the next evaluation without a new row.
/// Returns true if there was one to store: [`lock`] adds it.
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

/// A rule and a symbol whose timer is due.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Due {
    pub rule_id: i64,
    pub symbol: Option<Symbol>,
    pub next_timer: DateTime<Utc>,
}

/// Timers that are due at an instant, the oldest first.
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

/// Deletes the state of disabled rules and of symbols that are not watched, if nothing was
/// evaluated since an instant and no episode is open; returns the number of rows.
pub async fn prune(db: impl PgExecutor<'_>, before: DateTime<Utc>) -> sqlx::Result<u64> {
    let done = sqlx::query!(
        "delete from alert_state s using rule r
         where r.id = s.rule_id and s.updated_at < $1
           and (not r.enabled or s.symbol <> '' and not exists (
               select from instrument i where i.symbol = s.symbol and i.watched))
           and not exists (
               select from alert a
               where a.rule_id = s.rule_id and a.symbol = s.symbol and a.state <> 'resolved')",
        before,
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected())
}
