//! Prices, news, sentiment and signals as the API answers them.

use bellwether_api::Service;
use bellwether_domain::{Bar, Label, Quote, SignalLabel, Symbol};
use bellwether_queue::Db;
use bellwether_store::{
    alert::{self, NewAlert, Severity},
    article::{self, NewArticle},
    bar, instrument, quote, rule,
    sentiment::{self, NewSentiment, Scored},
    signal::{self, NewSignal},
};
use bellwether_testing::{at, day};
use chrono::TimeDelta;
use reqwest::StatusCode;
use serde_json::{Value, json};
use sqlx::postgres::PgPoolOptions;

use crate::door::Door;

const LAG: &str = "bellwether-replica-lag-seconds";

fn symbol(text: &str) -> Symbol {
    text.parse().unwrap()
}

/// A story about a symbol, `hours` old, read if it has a score; its article's id.
pub(crate) async fn story(pool: &Db, about: &str, hours: i64, score: Option<f64>) -> i64 {
    let about = symbol(about);
    instrument::add_all(pool, std::slice::from_ref(&about)).await.unwrap();
    let published_at = bellwether_store::now(pool).await.unwrap() - TimeDelta::hours(hours);
    let url = format!("https://news.example/{}", bellwether_testing::unique("story"));
    let new = NewArticle {
        canonical_url: url.clone(),
        url,
        title: format!("{about} {hours} hours ago"),
        description: None,
        content: None,
        source: "Example".to_owned(),
        provider: "newsapi".to_owned(),
        language: Some("en".to_owned()),
        published_at,
        fingerprint: json!({}),
        simhash: 0,
        title_hash: hours.to_string(),
        flags: Vec::new(),
    };
    let mut conn = pool.pool().acquire().await.unwrap();
    let added = article::add(&mut conn, &new, None).await.unwrap().unwrap();
    article::link(pool, added.id, &[(about, 0.9)]).await.unwrap();
    if let Some(score) = score {
        let reading = NewSentiment {
            article_id: added.id,
            analyzer: "lexicon/1".to_owned(),
            scored: Some(Scored {
                score,
                label: Label::of(score),
                confidence: 0.8,
                calibrated: 0.5,
            }),
            key_points: vec!["a point".to_owned()],
            input_hash: "hash".to_owned(),
            ..NewSentiment::default()
        };
        sentiment::add(pool, &reading).await.unwrap().unwrap();
    }
    added.id
}

#[tokio::test]
async fn latest_data_tells_price_change_and_age() {
    let door = Door::open().await;
    let symbols = [symbol("AAPL"), symbol("MSFT")];
    instrument::add_all(&door.pool, &symbols).await.unwrap();
    let seen = Quote {
        symbol: symbol("AAPL"),
        trading_day: day("2026-01-02"),
        price: "98.73".parse().unwrap(),
        open: None,
        high: None,
        low: None,
        previous_close: Some("100".parse().unwrap()),
        volume: Some(7),
    };
    let mut conn = door.pool.pool().acquire().await.unwrap();
    quote::add(&mut conn, &seen, "alpha_vantage").await.unwrap().unwrap();
    let answer = door.get("/api/latest-data").await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
    let items = answer.body["items"].as_array().unwrap();
    assert_eq!(items.len(), 2);
    let apple = &items[0];
    assert_eq!(apple["symbol"], "AAPL");
    assert_eq!(apple["price"], "98.73");
    assert_eq!(apple["change_percent"], "-1.27");
    assert_eq!(apple["trading_day"], "2026-01-02");
    assert_eq!(apple["source"], "alpha_vantage");
    assert_eq!(apple["stale"], true, "sessions have begun since");
    assert!(apple["as_of"].as_str().unwrap().ends_with('Z'));
    assert_eq!(items[1]["price"], json!(null));
    assert_eq!(items[1]["stale"], true);
    assert_eq!(answer.body["next_cursor"], json!(null));
}

#[tokio::test]
async fn bars_come_newest_first_as_they_are_known_now() {
    let door = Door::open().await;
    let about = symbol("AAPL");
    instrument::add_all(&door.pool, std::slice::from_ref(&about)).await.unwrap();
    let one = |text: &str, close: i64| Bar {
        day: day(text),
        open: 200.into(),
        high: 212.into(),
        low: 199.into(),
        close: close.into(),
        volume: 7,
    };
    let first = [one("2026-11-19", 205), one("2026-11-20", 210)];
    bar::add_all(&door.pool, &about, &first, "alpha_vantage").await.unwrap();
    bar::add_all(&door.pool, &about, &[one("2026-11-20", 211)], "alpha_vantage").await.unwrap();
    let bars = door.get("/api/bars/AAPL?limit=2").await.body["items"].clone();
    assert_eq!(
        bars[0],
        json!({
            "day": "2026-11-20", "open": "200.00", "high": "212.00", "low": "199.00",
            "close": "211.00", "volume": 7,
        })
    );
    assert_eq!(bars[1]["close"], "205.00");
    assert_eq!(bars.as_array().unwrap().len(), 2);
    let newest = door.get("/api/bars/AAPL?limit=1").await.body;
    assert_eq!(newest["items"], json!([bars[0]]));
    let cursor = newest["next_cursor"].as_str().unwrap();
    let older = door.get(&format!("/api/bars/AAPL?cursor={cursor}")).await.body;
    assert_eq!((&older["items"], &older["next_cursor"]), (&json!([bars[1]]), &json!(null)));
    for cursor in ["yesterday", "-9999-01-01"] {
        let nonsense = door.get(&format!("/api/bars/AAPL?cursor={cursor}")).await;
        nonsense.is_problem(400, "bad-query", Some("cursor"));
    }
}

#[tokio::test]
async fn news_come_in_pages_newest_first_with_what_was_made_of_them() {
    let door = Door::open().await;
    let mut ids = Vec::new();
    for hours in 1..=5 {
        let score = (hours == 2).then_some(-0.4);
        ids.push(story(&door.pool, "AAPL", hours, score).await.to_string());
    }
    story(&door.pool, "MSFT", 1, None).await;
    let mut seen = Vec::new();
    let mut path = "/api/news/AAPL?limit=2".to_owned();
    loop {
        let page = door.get(&path).await.body;
        for item in page["items"].as_array().unwrap() {
            seen.push(item["id"].as_str().unwrap().to_owned());
            if item["id"].as_str() == Some(&ids[1]) {
                assert_eq!(item["sentiment"]["score"], -0.4);
                assert_eq!(item["sentiment"]["label"], "negative");
                assert_eq!(item["sentiment"]["key_points"], json!(["a point"]));
            } else {
                assert_eq!(item["sentiment"], json!(null));
            }
        }
        let Some(cursor) = page["next_cursor"].as_str() else { break };
        path = format!("/api/news/AAPL?limit=2&cursor={cursor}");
    }
    assert_eq!(seen, ids);
}

#[tokio::test]
async fn the_summary_counts_stories_by_label() {
    let door = Door::open().await;
    story(&door.pool, "AAPL", 1, Some(0.5)).await;
    story(&door.pool, "AAPL", 2, Some(-0.1)).await;
    story(&door.pool, "AAPL", 3, None).await;
    story(&door.pool, "AAPL", 30, Some(-0.9)).await;
    let answer = door.get("/api/sentiment-summary").await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
    let apple = &answer.body["items"][0];
    assert_eq!(apple["symbol"], "AAPL");
    assert_eq!(
        apple["counts"],
        json!({ "positive": 1, "neutral": 0, "negative": 1, "unanalyzed": 1 })
    );
    assert!((apple["score"].as_f64().unwrap() - 0.2).abs() < 1e-9, "{apple}");
    assert_eq!(apple["label"], "positive");
    assert_eq!(apple["window"]["hours"], 24);
    let wide = door.get("/api/sentiment-summary?hours=48").await.body;
    assert_eq!(wide["items"][0]["counts"]["negative"], 2);
}

#[tokio::test]
async fn signals_tell_the_current_one_with_its_terms_and_the_history() {
    let door = Door::open().await;
    instrument::add_all(&door.pool, &[symbol("AAPL")]).await.unwrap();
    let empty = door.get("/api/signals/MSFT").await;
    assert_eq!(empty.body["current"], json!(null));
    assert_eq!(empty.body["history"]["items"], json!([]));
    for hour in 10..14 {
        let new = NewSignal {
            symbol: symbol("AAPL"),
            at: at(&format!("2026-03-02T{hour}:00:00Z")),
            label: (hour > 10).then_some(SignalLabel::StrongBuy),
            c: (hour > 10).then_some(0.5),
            p: (hour > 10).then_some(0.4),
            s: 0.6,
            q: 0.7,
            terms: json!({ "m": 0.1, "hour": hour }),
            inputs: json!({ "window": 60 }),
            formula_version: "composite/1".to_owned(),
            cause: format!("test/{hour}"),
            job: Some(7),
        };
        signal::add(&door.pool, &new).await.unwrap().unwrap();
    }
    let answer = door.get("/api/signals/AAPL?limit=3").await.body;
    let current = &answer["current"];
    assert_eq!(current["label"], "STRONG_BUY");
    assert_eq!(current["terms"]["hour"], 13);
    assert_eq!(current["inputs"]["window"], 60);
    assert_eq!(current["job"], "7");
    let history = answer["history"]["items"].as_array().unwrap();
    assert_eq!(history.len(), 3);
    assert_eq!(history[0]["id"], current["id"]);
    let cursor = answer["history"]["next_cursor"].as_str().unwrap();
    let rest = door.get(&format!("/api/signals/AAPL?cursor={cursor}")).await.body;
    assert_eq!(rest["history"]["items"].as_array().unwrap().len(), 1);
    assert_eq!(rest["history"]["items"][0]["state"], "insufficient_data");
    assert_eq!(rest["current"]["id"], current["id"], "a page of the past changes nothing");
}

#[tokio::test]
async fn alerts_come_in_pages_newest_first() {
    let door = Door::open().await;
    instrument::add_all(&door.pool, &[symbol("AAPL"), symbol("MSFT")]).await.unwrap();
    let rule = add_rule(&door.pool).await;
    for episode in 1..=5 {
        let about = if episode == 3 { "MSFT" } else { "AAPL" };
        let new = NewAlert {
            rule_id: rule,
            symbol: Some(symbol(about)),
            key: String::new(),
            episode,
            kind: "price_change".to_owned(),
            severity: Severity::Critical,
            title: format!("{about} moved"),
            detail: json!({ "percent": -12.0 }),
            at: at("2026-03-02T15:00:00Z"),
            firing: true,
        };
        alert::add(&door.pool, &new).await.unwrap().unwrap();
    }
    let page = door.get("/api/alerts/recent?limit=4").await.body;
    assert_eq!(page["items"].as_array().unwrap().len(), 4);
    let newest = &page["items"][0];
    assert_eq!(newest["state"], "firing");
    assert_eq!(newest["severity"], "critical");
    assert_eq!(newest["fired_at"], "2026-03-02T15:00:00Z");
    assert!(newest["id"].is_string());
    let cursor = page["next_cursor"].as_str().unwrap();
    let rest = door.get(&format!("/api/alerts/recent?limit=4&cursor={cursor}")).await.body;
    assert_eq!(rest["items"].as_array().unwrap().len(), 1);
    assert_eq!(rest["next_cursor"], json!(null));
    let one = door.get("/api/alerts/MSFT").await.body;
    assert_eq!(one["items"].as_array().unwrap().len(), 1);
    assert_eq!(one["items"][0]["symbol"], "MSFT");
}

#[tokio::test]
async fn a_firing_alert_is_found_however_many_are_newer() {
    let door = Door::open().await;
    instrument::add_all(&door.pool, &[symbol("AAPL"), symbol("MSFT")]).await.unwrap();
    let rule = add_rule(&door.pool).await;
    sqlx::query(
        "insert into alert (rule_id, symbol, key, episode, kind, severity, state, title, detail, pending_at, fired_at, resolved_at)
        select $1, case when i in (1, 2) then 'MSFT' else 'AAPL' end, '', i, 'price_change', 'critical',
            case i when 1 then 'firing' when 2 then 'pending' when 3 then 'firing' else 'resolved' end,
            'moved', '{}', now(), case when i <> 2 then now() end, case when i > 3 then now() end
        from generate_series(1, 300) i",
    )
    .bind(rule)
    .execute(&door.pool)
    .await
    .unwrap();
    let newest = door.get("/api/alerts/recent?limit=200").await.body;
    let items = newest["items"].as_array().unwrap();
    assert!(items.iter().all(|alert| alert["state"] == "resolved"), "it is older than those");
    for (path, count) in [
        ("recent?state=firing", 2),
        ("recent?state=pending", 1),
        ("recent?state=resolved&limit=200", 200),
        ("MSFT?state=firing", 1),
        ("MSFT?state=resolved", 0),
        ("AAPL?state=firing", 1),
    ] {
        let answer = door.get(&format!("/api/alerts/{path}")).await;
        assert_eq!(answer.body["items"].as_array().unwrap().len(), count, "{path}");
    }
    let first = door.get("/api/alerts/recent?state=firing&limit=1").await.body;
    assert_eq!(first["items"][0]["symbol"], "AAPL");
    let cursor = first["next_cursor"].as_str().unwrap();
    let rest = door.get(&format!("/api/alerts/recent?state=firing&limit=1&cursor={cursor}")).await;
    assert_eq!(rest.body["items"][0]["symbol"], "MSFT");
    assert_eq!(rest.body["next_cursor"], json!(null));
    for path in ["recent?state=burning", "MSFT?state=burning"] {
        let answer = door.get(&format!("/api/alerts/{path}")).await;
        answer.is_problem(400, "bad-query", Some("state"));
    }
}

pub(crate) async fn add_rule(pool: &Db) -> i64 {
    rule::add(
        pool,
        &rule::NewRule {
            name: "moves".to_owned(),
            kind: "price_change".to_owned(),
            symbol: None,
            severity: Severity::Critical,
            definition: json!({}),
        },
    )
    .await
    .unwrap()
    .unwrap()
}

#[tokio::test]
async fn reads_go_to_the_replica_and_to_the_primary_where_it_is_away() {
    let with = async |away: bool| {
        let door = Door::with(Service::Api, "127.0.0.1:0", "", |app| {
            let (options, pool) = (app.pool.pool().connect_options(), PgPoolOptions::new());
            let replica = if away { options.as_ref().clone().port(1) } else { (*options).clone() };
            app.with_read_pool(Some(Db::direct(pool.connect_lazy_with(replica))))
        })
        .await;
        story(&door.pool, "AAPL", 1, None).await;
        let answer = door.get("/api/news/AAPL").await;
        assert_eq!(answer.body["items"].as_array().unwrap().len(), 1, "{}", answer.text);
        assert!(door.get("/api/jobs").await.header(LAG).is_empty(), "jobs are never behind");
        answer.header(LAG).to_owned()
    };
    assert_eq!(with(false).await, "0.000");
    assert_eq!(with(true).await, "");
}

#[tokio::test]
async fn a_notice_tells_that_nothing_was_pruned_for_two_days() {
    let door = Door::open().await;
    let subjects = |body: Value| -> Vec<String> {
        let items = body["items"].as_array().unwrap().iter();
        items.map(|item| item["subject"].as_str().unwrap().to_owned()).collect()
    };
    assert!(!subjects(door.get("/api/notices").await.body).contains(&"prune".to_owned()));
    sqlx::query("update prune set ended_at = now() - interval '49 hours'")
        .execute(&door.pool)
        .await
        .unwrap();
    assert!(subjects(door.get("/api/notices").await.body).contains(&"prune".to_owned()));
}

#[tokio::test]
async fn notices_tell_what_is_simulated() {
    let door = Door::open().await;
    let answer = door.get("/api/notices").await.body;
    assert_eq!(
        answer["items"],
        json!([{
            "subject": "newsapi", "mode": "simulated", "reason": "NEWSAPI_API_KEY is not set",
        }])
    );
}
