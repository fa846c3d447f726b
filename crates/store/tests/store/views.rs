//! The views for people who know the system by other names.

use bellwether_domain::alert as engine;
use bellwether_domain::{Quote, SignalLabel};
use bellwether_store::alert::{NewAlert, Severity};
use bellwether_store::rule::NewRule;
use bellwether_store::signal::NewSignal;
use bellwether_store::{alert, quote, rule, sentiment, signal};
use bellwether_testing::{at, day};
use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, PgPool};

use crate::{dec, knowing, reading, story, symbol, told};

const VIEWS: [&str; 5] =
    ["market_data", "news_articles", "sentiment_analysis", "trading_signals", "alerts"];

async fn one_of_each(pool: &PgPool) {
    let t = at("2026-11-20T12:00:00Z");
    let seen = Quote {
        symbol: symbol("AAPL"),
        trading_day: day("2026-11-20"),
        price: dec("105"),
        open: None,
        high: None,
        low: None,
        previous_close: Some(dec("100")),
        volume: Some(7),
    };
    let mut conn = pool.acquire().await.unwrap();
    quote::add(&mut conn, &seen, "alpha_vantage").await.unwrap();
    let a = told(pool, &story("a", t), None, &[("AAPL", 0.9)]).await;
    sentiment::add(pool, &reading(a.id, "lexicon/1", 10, 0.5)).await.unwrap();
    let derived = NewSignal {
        symbol: symbol("AAPL"),
        at: t,
        label: Some(SignalLabel::Hold),
        c: Some(0.1),
        p: Some(0.2),
        s: -0.1,
        q: 0.5,
        terms: json!({}),
        inputs: json!({}),
        formula_version: "composite/1".to_owned(),
        cause: "quote/1".to_owned(),
        job: None,
    };
    signal::add(pool, &derived).await.unwrap();
    let watch =
        NewRule::new(&engine::Rule::new("r", engine::Kind::ModelRetiring), Severity::Warning);
    let rule_id = rule::add(pool, &watch).await.unwrap().unwrap();
    let raised = NewAlert {
        rule_id,
        symbol: None,
        key: String::new(),
        episode: 1,
        kind: "model_retiring".to_owned(),
        severity: Severity::Warning,
        title: "soon gone".to_owned(),
        detail: json!({}),
        at: t,
        firing: true,
    };
    alert::add(pool, &raised).await.unwrap();
}

async fn rows(pool: &PgPool, view: &str) -> Vec<Value> {
    let all = format!("select to_jsonb(v) from {view} v");
    sqlx::query_scalar(AssertSqlSafe(all)).fetch_all(pool).await.unwrap()
}

#[tokio::test]
async fn the_views_show_the_tables_in_plain_terms() {
    let db = knowing(&["AAPL"]).await;
    let pool = db.pool();
    one_of_each(&pool).await;
    let mut shown = serde_json::Map::new();
    for view in VIEWS {
        let mut all = rows(&pool, view).await;
        assert_eq!(all.len(), 1, "{view}");
        shown.insert(view.to_owned(), all.remove(0));
    }
    for (pointer, value) in [
        ("/market_data/symbol", json!("AAPL")),
        ("/market_data/change_percent", json!(5.0)),
        ("/market_data/trading_day", json!("2026-11-20")),
        ("/market_data/source", json!("alpha_vantage")),
        ("/news_articles/symbol", json!("AAPL")),
        ("/news_articles/source", json!("Reuters")),
        ("/sentiment_analysis/sentiment_label", json!("positive")),
        ("/sentiment_analysis/market_impact", json!(null)),
        ("/trading_signals/signal_type", json!("HOLD")),
        ("/trading_signals/composite_score", json!(0.1)),
        ("/trading_signals/confidence", json!(0.5)),
        ("/alerts/symbol", json!(null)),
        ("/alerts/alert_type", json!("model_retiring")),
        ("/alerts/message", json!("soon gone")),
        ("/alerts/created_at", json!("2026-11-20T12:00:00+00:00")),
    ] {
        let found = Value::Object(shown.clone()).pointer(pointer).cloned();
        assert_eq!(found, Some(value), "{pointer}");
    }
}

#[tokio::test]
async fn the_views_cannot_be_written() {
    let db = knowing(&["AAPL"]).await;
    let pool = db.pool();
    one_of_each(&pool).await;
    for view in VIEWS {
        let written =
            sqlx::query(AssertSqlSafe(format!("delete from {view}"))).execute(&pool).await;
        let refused = written.expect_err(view).to_string();
        assert!(refused.contains("cannot delete from view"), "{refused}");
        assert_eq!(rows(&pool, view).await.len(), 1);
    }
}
