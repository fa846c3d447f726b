//! The watchlist in one request.

use bellwether_domain::{Bar, Quote, SignalLabel, Symbol};
use bellwether_queue::Db;
use bellwether_store::{
    alert::{self, NewAlert, Severity},
    bar, instrument, operator, quote,
    signal::{self, NewSignal},
};
use bellwether_testing::{at, day};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::{
    door::{Answer, Door},
    product::{add_rule, story},
    statements::Statements,
};

fn symbol(text: &str) -> Symbol {
    text.parse().unwrap()
}

async fn items(door: &Door) -> Vec<Value> {
    let answer = door.get("/api/watchlist").await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
    assert_eq!(answer.body["next_cursor"], json!(null));
    answer.body["items"].as_array().unwrap().clone()
}

/// Everything that a row can hold.
async fn fill(pool: &Db, about: &Symbol) {
    instrument::add_all(pool, std::slice::from_ref(about)).await.unwrap();
    let seen = Quote {
        symbol: about.clone(),
        trading_day: day("2026-01-02"),
        price: "98.73".parse().unwrap(),
        open: None,
        high: None,
        low: None,
        previous_close: Some("100".parse().unwrap()),
        volume: Some(7),
    };
    let mut conn = pool.pool().acquire().await.unwrap();
    quote::add(&mut conn, &seen, "alpha_vantage").await.unwrap().unwrap();
    let bars: Vec<Bar> = day("2025-10-01")
        .iter_days()
        .take(40)
        .enumerate()
        .map(|(n, day)| Bar {
            day,
            open: 200.into(),
            high: 300.into(),
            low: 100.into(),
            close: (200 + n as i64).into(),
            volume: 7,
        })
        .collect();
    bar::add_all(pool, about, &bars, "alpha_vantage").await.unwrap();
    let corrected = Bar { close: 111.into(), ..bars[39].clone() };
    bar::add_all(pool, about, &[corrected], "alpha_vantage").await.unwrap();
    for hour in [10, 11] {
        let new = NewSignal {
            symbol: about.clone(),
            at: at(&format!("2026-03-02T{hour}:00:00Z")),
            label: Some(SignalLabel::Buy),
            c: Some(0.3),
            p: Some(0.4),
            s: 0.6,
            q: 0.7,
            terms: json!({}),
            inputs: json!({ "bars": { "count": 100 } }),
            formula_version: "composite/1".to_owned(),
            cause: format!("test/{hour}"),
            job: None,
        };
        signal::add(pool, &new).await.unwrap().unwrap();
    }
}

#[tokio::test]
async fn a_row_tells_all_of_a_symbol() {
    let door = Door::open().await;
    let apple = symbol("AAPL");
    fill(&door.pool, &apple).await;
    story(&door.pool, "AAPL", 1, Some(0.5)).await;
    let rule = add_rule(&door.pool).await;
    for (episode, firing) in [(1, true), (2, true), (3, false)] {
        let new = NewAlert {
            rule_id: rule,
            symbol: Some(apple.clone()),
            key: String::new(),
            episode,
            kind: "price_change".to_owned(),
            severity: Severity::Critical,
            title: "moved".to_owned(),
            detail: json!({}),
            at: at("2026-03-02T15:00:00Z"),
            firing,
        };
        let id = alert::add(&door.pool, &new).await.unwrap().unwrap();
        if episode == 2 {
            assert!(alert::resolve(&door.pool, id, at("2026-03-02T16:00:00Z")).await.unwrap());
        }
    }
    operator::add(&door.pool, "symbol/AAPL", "unknown_symbol", "no such symbol").await.unwrap();
    let rows = items(&door).await;
    let row = &rows[0];
    assert_eq!(rows.len(), 1);
    assert_eq!(row["symbol"], "AAPL");
    let quote = &row["quote"];
    for (name, value) in [
        ("price", "98.73"),
        ("previous_close", "100.00"),
        ("change", "-1.27"),
        ("change_percent", "-1.27"),
        ("source", "alpha_vantage"),
        ("trading_day", "2026-01-02"),
        ("price_time", "2026-01-02T21:00:00Z"),
    ] {
        assert_eq!(quote[name], value, "{name}: {quote}");
    }
    assert_eq!(quote["stale"], true);
    assert!(quote["checked_at"].as_str() > quote["price_time"].as_str(), "{quote}");
    let session = &row["session"];
    let states = ["closed", "pre", "open", "post"];
    assert!(states.contains(&session["state"].as_str().unwrap()), "{session}");
    for name in ["as_of_session", "opens_at", "closes_at"] {
        assert!(session[name].is_string(), "{name}: {session}");
    }
    let closes = row["closes"].as_array().unwrap();
    assert_eq!(closes.len(), 30);
    assert_eq!(closes[0], json!({ "day": "2025-10-11", "close": "210.00" }));
    assert_eq!(closes[29], json!({ "day": "2025-11-09", "close": "111.00" }));
    assert_eq!(row["sentiment"]["score"], 0.5);
    assert_eq!(row["sentiment"]["counts"]["positive"], 1);
    assert_eq!(row["sentiment"]["window"]["hours"], 24);
    let signal = &row["signal"];
    assert_eq!(signal["label"], "BUY");
    assert_eq!((&signal["score"], &signal["quality"]), (&json!(0.3), &json!(0.7)));
    assert_eq!((&signal["at"], &signal["closes"]), (&json!("2026-03-02T11:00:00Z"), &json!(100)));
    assert_eq!(row["alerts"], json!({ "firing": 1, "pending": 1 }));
    assert_eq!(row["refused"]["reason"], "unknown_symbol");
}

#[tokio::test]
async fn a_new_symbol_has_a_row_without_figures() {
    let door = Door::open().await;
    instrument::add_all(&door.pool, &[symbol("NEW"), symbol("OLD")]).await.unwrap();
    instrument::watch(&door.pool, &symbol("OLD"), false).await.unwrap();
    let rows = items(&door).await;
    assert_eq!(rows.len(), 1);
    assert_eq!(rows[0]["symbol"], "NEW");
    for name in ["quote", "signal", "refused", "name"] {
        assert_eq!(rows[0][name], json!(null), "{name}");
    }
    assert_eq!(rows[0]["closes"], json!([]));
    assert_eq!(rows[0]["alerts"], json!({ "firing": 0, "pending": 0 }));
}

#[tokio::test]
async fn the_number_of_statements_does_not_grow_with_the_watchlist() {
    let door = Door::open().await;
    let counted = async |rows: usize| {
        // a new connection of the pool asks for its settings
        assert_eq!(items(&door).await.len(), rows);
        let statements = Statements::count();
        assert_eq!(items(&door).await.len(), rows);
        statements.seen()
    };
    fill(&door.pool, &symbol("AAPL")).await;
    let one = counted(1).await;
    for n in 0..39 {
        fill(&door.pool, &symbol(&format!("S{n}"))).await;
    }
    assert_eq!(counted(40).await, one);
    assert!((1..=10).contains(&one), "{one} statements");
}

#[tokio::test]
async fn a_symbol_is_added_once_scraped_and_removed() {
    let door = Door::open().await;
    let answer = door.post("/api/watchlist", &json!({ "symbol": "NVDA" })).await;
    assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.text);
    assert_eq!(answer.body["symbol"], "NVDA");
    let id = answer.body["jobs"][0]["id"].as_str().unwrap();
    let job = door.get(&format!("/api/jobs/{id}")).await;
    assert_eq!(job.body["kind"], "scrape_batch");
    assert_eq!(job.body["args"], json!({ "symbols": ["NVDA"], "reason": "watchlist" }));
    assert_eq!(items(&door).await[0]["symbol"], "NVDA");

    let again = door.post("/api/watchlist", &json!({ "symbol": "NVDA" })).await;
    assert_eq!((again.status, &again.body["jobs"]), (StatusCode::OK, &json!([])));
    let wrong = door.post("/api/watchlist", &json!({ "symbol": "nvda!" })).await;
    wrong.is_problem(422, "invalid-field", Some("symbol"));

    let remove = async || {
        let request = door.request(Method::DELETE, "/api/watchlist/NVDA");
        Answer::of(request.send().await.unwrap()).await
    };
    assert_eq!(remove().await.status, StatusCode::NO_CONTENT);
    assert!(items(&door).await.is_empty());
    remove().await.is_problem(404, "not-found", Some("symbol"));
    let audit = door.get("/api/audit").await;
    let actions: Vec<_> =
        audit.body["items"].as_array().unwrap().iter().map(|e| e["action"].clone()).collect();
    assert_eq!(actions, ["watchlist.remove", "watchlist.add"]);
}
