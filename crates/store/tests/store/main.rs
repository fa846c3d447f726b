//! Every writer twice, every rule of the schema, and the index behind every hot read.

mod alerts;
mod articles;
mod migrations;
mod notes;
mod notifications;
mod plans;
mod prices;
mod scores;
mod views;

use bellwether_domain::{Label, Symbol};
use bellwether_store::article::NewArticle;
use bellwether_store::sentiment::{NewSentiment, Scored};
use bellwether_store::{MIGRATOR, article, cluster, instrument};
use bellwether_testing::{Database, database};
use chrono::{DateTime, TimeDelta, Utc};
use rust_decimal::Decimal;
use serde_json::json;
use sqlx::PgPool;

/// A database of this test alone that knows these symbols.
async fn knowing(symbols: &[&str]) -> Database {
    let db = database(&[&MIGRATOR]).await;
    let symbols: Vec<Symbol> = symbols.iter().map(|s| symbol(s)).collect();
    instrument::add_all(&db.pool(), &symbols).await.unwrap();
    db
}

fn symbol(s: &str) -> Symbol {
    s.parse().unwrap()
}

fn dec(s: &str) -> Decimal {
    s.parse().unwrap()
}

fn hours(n: i64) -> TimeDelta {
    TimeDelta::hours(n)
}

/// An article under its own address.
fn story(name: &str, published_at: DateTime<Utc>) -> NewArticle {
    NewArticle {
        canonical_url: format!("https://example.org/{name}"),
        url: format!("https://example.org/{name}?utm_source=test"),
        title: format!("A title of {name}"),
        description: Some("What it is about".to_owned()),
        content: None,
        source: "Reuters".to_owned(),
        provider: "newsapi".to_owned(),
        language: Some("en".to_owned()),
        published_at,
        fingerprint: json!({"title": name}),
        simhash: -1,
        title_hash: name.to_owned(),
        flags: vec![],
    }
}

/// Adds an article about symbols, to a story or as the first of its own.
async fn told(
    pool: &PgPool,
    article: &NewArticle,
    cluster: Option<i64>,
    about: &[(&str, f64)],
) -> article::Added {
    let mut tx = pool.begin().await.unwrap();
    cluster::lock(&mut tx).await.unwrap();
    let added = article::add(&mut tx, article, cluster).await.unwrap().expect("it is new");
    let about: Vec<(Symbol, f64)> = about.iter().map(|(s, r)| (symbol(s), *r)).collect();
    article::link(&mut *tx, added.id, &about).await.unwrap();
    tx.commit().await.unwrap();
    added
}

/// A reading with a score, weighed fully unless the test says otherwise.
fn reading(article_id: i64, analyzer: &str, rank: i16, score: f64) -> NewSentiment {
    NewSentiment {
        article_id,
        analyzer: analyzer.to_owned(),
        rank,
        scored: Some(Scored { score, label: Label::of(score), confidence: 0.9, calibrated: 0.8 }),
        key_points: vec!["a point".to_owned()],
        input_hash: "hash".to_owned(),
        ..NewSentiment::default()
    }
}
