//! Alert rules.

use bellwether_domain::Symbol;
use bellwether_domain::alert as engine;
use bellwether_domain::alert::{Condition, Kind, Metric, Op};
use chrono::{DateTime, Utc};
use serde_json::Value;
use sqlx::{PgConnection, PgExecutor};

use crate::alert::Severity;
use crate::column::Maybe;

/// A rule to add.
#[derive(Clone, Debug)]
pub struct NewRule {
    pub name: String,
    pub kind: String,
    /// `None`: every watched symbol, or none where the kind concerns none.
    pub symbol: Option<Symbol>,
    pub severity: Severity,
    /// [`engine::Rule`] as JSON.
    pub definition: Value,
}

impl NewRule {
    /// A rule of the engine, named by its id.
    pub fn new(rule: &engine::Rule, severity: Severity) -> Self {
        Self {
            name: rule.id.clone(),
            kind: rule.kind.as_str().to_owned(),
            symbol: rule.symbol.clone(),
            severity,
            definition: serde_json::to_value(rule).expect("a rule is plain data with text keys"),
        }
    }
}

/// A rule as it is stored.
#[derive(Clone, Debug, PartialEq)]
pub struct Rule {
    pub id: i64,
    pub name: String,
    pub kind: String,
    pub symbol: Option<Symbol>,
    pub severity: Severity,
    /// [`engine::Rule`] as JSON.
    pub definition: Value,
    pub enabled: bool,
    pub created_at: DateTime<Utc>,
}

/// Adds a rule, unless its name is taken; `Some` is its id.
pub async fn add(db: impl PgExecutor<'_>, rule: &NewRule) -> sqlx::Result<Option<i64>> {
    sqlx::query_scalar!(
        "insert into rule (name, kind, symbol, severity, definition) values ($1, $2, $3, $4, $5)
         on conflict (name) do nothing returning id",
        rule.name,
        rule.kind,
        rule.symbol.as_ref().map(Symbol::as_str),
        rule.severity as Severity,
        rule.definition,
    )
    .fetch_optional(db)
    .await
}

/// Adds those default rules whose names are not taken; returns how many. A default that an operator
/// changed or disabled stays as it is.
pub async fn seed(conn: &mut PgConnection) -> sqlx::Result<usize> {
    let mut added = 0;
    for rule in defaults() {
        added += usize::from(add(&mut *conn, &rule).await?.is_some());
    }
    Ok(added)
}

/// One rule of each kind that needs no threshold chosen by a user, in order of name, so that two
/// processes that seed them cannot deadlock.
pub fn defaults() -> Vec<NewRule> {
    let rule = |kind: Kind| engine::Rule::new(kind.as_str(), kind);
    let recover = |kind, metric, op, value: f64| engine::Rule {
        recover: Some(Condition::test(metric, op, value)),
        ..rule(kind)
    };
    vec![
        // three hours of trading: longer than the interval between a free plan's quotes of a short
        // watchlist
        NewRule::new(
            &engine::Rule { max_age_s: Some(3 * 3600), ..rule(Kind::DataStale) },
            Severity::Warning,
        ),
        NewRule::new(&rule(Kind::Divergence), Severity::Info),
        NewRule::new(&rule(Kind::ModelRetiring), Severity::Warning),
        NewRule::new(
            &recover(Kind::NegativeSentimentTrend, Metric::S24h, Op::Above, -0.2),
            Severity::Warning,
        ),
        NewRule::new(
            &engine::Rule { bands: vec![5.0, 10.0, 15.0], ..rule(Kind::PriceChange) },
            Severity::Critical,
        ),
        NewRule::new(&rule(Kind::QuotaExhausted), Severity::Info),
        NewRule::new(
            &recover(Kind::SentimentShift, Metric::Shift24h, Op::Below, 0.3),
            Severity::Info,
        ),
        NewRule::new(&rule(Kind::SignalEnter), Severity::Warning),
    ]
}

/// Enables or disables a rule; returns true if that changed it.
pub async fn enable(db: impl PgExecutor<'_>, id: i64, enabled: bool) -> sqlx::Result<bool> {
    let done =
        sqlx::query!("update rule set enabled = $2 where id = $1 and enabled <> $2", id, enabled,)
            .execute(db)
            .await?;
    Ok(done.rows_affected() > 0)
}

pub async fn find(db: impl PgExecutor<'_>, id: i64) -> sqlx::Result<Option<Rule>> {
    sqlx::query_as!(
        Rule,
        r#"select id, name, kind, symbol as "symbol!: Maybe<Symbol>",
                  severity as "severity: Severity", definition, enabled, created_at
           from rule where id = $1"#,
        id,
    )
    .fetch_optional(db)
    .await
}

/// The enabled rules that concern a symbol, its own and those of every symbol, by id; without a
/// symbol those of every symbol and of none.
pub async fn list_for(db: impl PgExecutor<'_>, symbol: Option<&Symbol>) -> sqlx::Result<Vec<Rule>> {
    sqlx::query_as!(
        Rule,
        r#"select id, name, kind, symbol as "symbol!: Maybe<Symbol>",
                  severity as "severity: Severity", definition, enabled, created_at
           from rule where enabled and (symbol is null or symbol = $1) order by id"#,
        symbol.map(Symbol::as_str),
    )
    .fetch_all(db)
    .await
}

/// Every rule by id.
pub async fn list(db: impl PgExecutor<'_>) -> sqlx::Result<Vec<Rule>> {
    sqlx::query_as!(
        Rule,
        r#"select id, name, kind, symbol as "symbol!: Maybe<Symbol>",
                  severity as "severity: Severity", definition, enabled, created_at
           from rule order by id"#,
    )
    .fetch_all(db)
    .await
}
