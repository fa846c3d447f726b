//! Episodes of rules.

use bellwether_domain::Symbol;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sqlx::PgExecutor;

use crate::column::Maybe;

#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, sqlx::Type,
)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub enum Severity {
    Info,
    Warning,
    Critical,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, sqlx::Type)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub enum State {
    /// The condition holds, not yet for long enough.
    Pending,
    /// It has held for long enough; messages are sent.
    Firing,
    /// It has ended; final.
    Resolved,
}

/// An episode as it begins.
#[derive(Clone, Debug)]
pub struct NewAlert {
    pub rule_id: i64,
    /// `None` where the rule's kind concerns no symbol.
    pub symbol: Option<Symbol>,
    /// Distinguishes parallel episodes; mostly empty.
    pub key: String,
    /// Counts from 1.
    pub episode: i32,
    pub kind: String,
    pub severity: Severity,
    /// One line with the event.
    pub title: String,
    /// The values that raised it.
    pub detail: Value,
    /// When the condition began to hold.
    pub at: DateTime<Utc>,
    /// True if it fires at once, without a wait.
    pub firing: bool,
}

/// An episode as it is stored.
#[derive(Clone, Debug, PartialEq)]
pub struct Alert {
    pub id: i64,
    pub rule_id: i64,
    pub symbol: Option<Symbol>,
    pub key: String,
    pub episode: i32,
    pub kind: String,
    pub severity: Severity,
    pub state: State,
    pub title: String,
    pub detail: Value,
    pub pending_at: Option<DateTime<Utc>>,
    pub fired_at: Option<DateTime<Utc>>,
    pub resolved_at: Option<DateTime<Utc>>,
    pub acknowledged_at: Option<DateTime<Utc>>,
    pub acknowledged_by: Option<String>,
    pub snoozed_until: Option<DateTime<Utc>>,
}

/// Adds an episode, unless that rule, symbol, key and number have one; `Some` is its id.
pub async fn add(db: impl PgExecutor<'_>, a: &NewAlert) -> sqlx::Result<Option<i64>> {
    sqlx::query_scalar!(
        "insert into alert (rule_id, symbol, key, episode, kind, severity, state, title, detail,
                            pending_at, fired_at)
         values ($1, $2, $3, $4, $5, $6, case when $10 then 'firing' else 'pending' end, $7, $8,
                 case when $10 then null else $9::timestamptz end,
                 case when $10 then $9::timestamptz end)
         on conflict (rule_id, symbol, key, episode) do nothing returning id",
        a.rule_id,
        a.symbol.as_ref().map_or("", Symbol::as_str),
        a.key,
        a.episode,
        a.kind,
        a.severity as Severity,
        a.title,
        a.detail,
        a.at,
        a.firing,
    )
    .fetch_optional(db)
    .await
}

/// Moves a pending episode to firing; returns true if it was pending. Title and detail have the
/// latest values.
pub async fn fire(
    db: impl PgExecutor<'_>,
    id: i64,
    at: DateTime<Utc>,
    title: &str,
    detail: &Value,
) -> sqlx::Result<bool> {
    let done = sqlx::query!(
        "update alert set state = 'firing', fired_at = $2, title = $3, detail = $4
         where id = $1 and state = 'pending'",
        id,
        at,
        title,
        detail,
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected() > 0)
}

/// Resolves a firing episode; returns true if it was firing.
pub async fn resolve(db: impl PgExecutor<'_>, id: i64, at: DateTime<Utc>) -> sqlx::Result<bool> {
    let done = sqlx::query!(
        "update alert set state = 'resolved', resolved_at = $2
         where id = $1 and state = 'firing'",
        id,
        at,
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected() > 0)
}

/// Deletes a pending episode that ended before it fired; returns true if it was pending.
pub async fn withdraw(db: impl PgExecutor<'_>, id: i64) -> sqlx::Result<bool> {
    let done = sqlx::query!("delete from alert where id = $1 and state = 'pending'", id)
        .execute(db)
        .await?;
    Ok(done.rows_affected() > 0)
}

/// Stops the repeats of an episode that has not ended; returns true if that is new.
pub async fn acknowledge(
    db: impl PgExecutor<'_>,
    id: i64,
    by: &str,
    at: DateTime<Utc>,
) -> sqlx::Result<bool> {
    let done = sqlx::query!(
        "update alert set acknowledged_at = $3, acknowledged_by = $2
         where id = $1 and state <> 'resolved' and acknowledged_at is null",
        id,
        by,
        at,
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected() > 0)
}

/// Snoozes the messages of an episode that has not ended; returns true if that changed anything.
pub async fn snooze(db: impl PgExecutor<'_>, id: i64, until: DateTime<Utc>) -> sqlx::Result<bool> {
    let done = sqlx::query!(
        "update alert set snoozed_until = $2
         where id = $1 and state <> 'resolved' and snoozed_until is distinct from $2",
        id,
        until,
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected() > 0)
}

pub async fn find(db: impl PgExecutor<'_>, id: i64) -> sqlx::Result<Option<Alert>> {
    sqlx::query_as!(
        Alert,
        r#"select id, rule_id, nullif(symbol, '') as "symbol!: Maybe<Symbol>", key, episode, kind,
                  severity as "severity: Severity", state as "state: State", title, detail,
                  pending_at, fired_at, resolved_at, acknowledged_at, acknowledged_by,
                  snoozed_until
           from alert where id = $1"#,
        id,
    )
    .fetch_optional(db)
    .await
}

/// The episode of a rule, a symbol, a key and a number.
pub async fn find_episode(
    db: impl PgExecutor<'_>,
    rule: i64,
    symbol: Option<&Symbol>,
    key: &str,
    episode: i32,
) -> sqlx::Result<Option<Alert>> {
    sqlx::query_as!(
        Alert,
        r#"select id, rule_id, nullif(symbol, '') as "symbol!: Maybe<Symbol>", key, episode, kind,
                  severity as "severity: Severity", state as "state: State", title, detail,
                  pending_at, fired_at, resolved_at, acknowledged_at, acknowledged_by,
                  snoozed_until
           from alert where rule_id = $1 and symbol = $2 and key = $3 and episode = $4"#,
        rule,
        symbol.map_or("", Symbol::as_str),
        key,
        episode,
    )
    .fetch_optional(db)
    .await
}

/// The episodes of a rule and a symbol that have not ended, oldest first.
pub async fn list_open(
    db: impl PgExecutor<'_>,
    rule: i64,
    symbol: Option<&Symbol>,
) -> sqlx::Result<Vec<Alert>> {
    sqlx::query_as!(
        Alert,
        r#"select id, rule_id, nullif(symbol, '') as "symbol!: Maybe<Symbol>", key, episode, kind,
                  severity as "severity: Severity", state as "state: State", title, detail,
                  pending_at, fired_at, resolved_at, acknowledged_at, acknowledged_by,
                  snoozed_until
           from alert where rule_id = $1 and symbol = $2 and state <> 'resolved' order by id"#,
        rule,
        symbol.map_or("", Symbol::as_str),
    )
    .fetch_all(db)
    .await
}

/// Alerts of all symbols, newest first; `before` is the id at which the last page ended.
pub async fn list_recent(
    db: impl PgExecutor<'_>,
    before: Option<i64>,
    limit: i64,
) -> sqlx::Result<Vec<Alert>> {
    sqlx::query_as!(
        Alert,
        r#"select id, rule_id, nullif(symbol, '') as "symbol!: Maybe<Symbol>", key, episode, kind,
                  severity as "severity: Severity", state as "state: State", title, detail,
                  pending_at, fired_at, resolved_at, acknowledged_at, acknowledged_by,
                  snoozed_until
           from alert where id < coalesce($1, 9223372036854775807) order by id desc limit $2"#,
        before,
        limit,
    )
    .fetch_all(db)
    .await
}

/// Alerts of one symbol, newest first; `before` is the id at which the last page ended.
pub async fn list_by_symbol(
    db: impl PgExecutor<'_>,
    symbol: &Symbol,
    before: Option<i64>,
    limit: i64,
) -> sqlx::Result<Vec<Alert>> {
    sqlx::query_as!(
        Alert,
        r#"select id, rule_id, nullif(symbol, '') as "symbol!: Maybe<Symbol>", key, episode, kind,
                  severity as "severity: Severity", state as "state: State", title, detail,
                  pending_at, fired_at, resolved_at, acknowledged_at, acknowledged_by,
                  snoozed_until
           from alert where symbol = $1 and id < coalesce($2, 9223372036854775807)
           order by id desc limit $3"#,
        symbol.as_str(),
        before,
        limit,
    )
    .fetch_all(db)
    .await
}

/// Alerts in one state, of one symbol or (`None`) all, newest first; `before` is the id at which the
/// last page ended.
pub async fn list_in(
    db: impl PgExecutor<'_>,
    state: State,
    symbol: Option<&Symbol>,
    before: Option<i64>,
    limit: i64,
) -> sqlx::Result<Vec<Alert>> {
    let symbol = symbol.map(Symbol::as_str);
    if state == State::Resolved {
        return sqlx::query_as!(
            Alert,
            r#"select id, rule_id, nullif(symbol, '') as "symbol!: Maybe<Symbol>", key, episode, kind,
                      severity as "severity: Severity", state as "state: State", title, detail,
                      pending_at, fired_at, resolved_at, acknowledged_at, acknowledged_by,
                      snoozed_until
               from alert
               where state = 'resolved' and ($1::text is null or symbol = $1)
                     and id < coalesce($2, 9223372036854775807)
               order by id desc limit $3"#,
            symbol,
            before,
            limit,
        )
        .fetch_all(db)
        .await;
    }
    // the condition of the index of open episodes: however old one is, there are few
    sqlx::query_as!(
        Alert,
        r#"select id, rule_id, nullif(symbol, '') as "symbol!: Maybe<Symbol>", key, episode, kind,
                  severity as "severity: Severity", state as "state: State", title, detail,
                  pending_at, fired_at, resolved_at, acknowledged_at, acknowledged_by,
                  snoozed_until
           from alert
           where state <> 'resolved' and state = $1 and ($2::text is null or symbol = $2)
                 and id < coalesce($3, 9223372036854775807)
           order by id desc limit $4"#,
        state as State,
        symbol,
        before,
        limit,
    )
    .fetch_all(db)
    .await
}

/// Deletes at most `limit` episodes that ended before an instant, with their messages; returns how
/// many. Those that have not ended stay, however old they are.
pub async fn prune(
    db: impl PgExecutor<'_>,
    before: DateTime<Utc>,
    limit: i64,
) -> sqlx::Result<u64> {
    let done = sqlx::query!(
        "delete from alert where id in (
             select id from alert where state = 'resolved' and resolved_at < $1
             order by id limit $2)",
        before,
        limit,
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected())
}
