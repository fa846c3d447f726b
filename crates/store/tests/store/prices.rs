//! Instruments, rounds, quotes and bars.

use bellwether_domain::{Bar, Quote};
use bellwether_store::{bar, batch, instrument, now, quote, summary};
use bellwether_testing::day;

use crate::{dec, knowing, symbol};

fn price(at: &str, price: &str) -> Quote {
    Quote {
        symbol: symbol("AAPL"),
        trading_day: day(at),
        price: dec(price),
        open: Some(dec("99")),
        high: Some(dec("102")),
        low: Some(dec("98.5")),
        previous_close: Some(dec("100")),
        volume: Some(12_345),
    }
}

fn session(at: &str, close: &str) -> Bar {
    Bar {
        day: day(at),
        open: dec("100"),
        high: dec("110"),
        low: dec("90"),
        close: dec(close),
        volume: 1000,
    }
}

#[tokio::test]
async fn a_known_instrument_is_not_added_again() {
    let db = knowing(&["AAPL"]).await;
    let both = [symbol("MSFT"), symbol("AAPL"), symbol("MSFT")];
    assert_eq!(instrument::add_all(&db.pool(), &both).await.unwrap(), 1);
    assert_eq!(instrument::add_all(&db.pool(), &both).await.unwrap(), 0);
    let watched = instrument::list_watched(&db.pool()).await.unwrap();
    assert_eq!(watched.iter().map(|i| i.symbol.as_str()).collect::<Vec<_>>(), ["AAPL", "MSFT"]);
}

#[tokio::test]
async fn facts_about_an_instrument_are_stored_once() {
    let db = knowing(&["AAPL"]).await;
    let (pool, aapl) = (db.pool(), symbol("AAPL"));
    assert!(instrument::describe(&pool, &aapl, Some("Apple"), None).await.unwrap());
    assert!(!instrument::describe(&pool, &aapl, Some("Apple"), None).await.unwrap());
    assert!(instrument::watch(&pool, &aapl, false).await.unwrap());
    assert!(!instrument::watch(&pool, &aapl, false).await.unwrap());
    assert!(instrument::news_seen(&pool, &aapl).await.unwrap());
    let known = instrument::find(&pool, &aapl).await.unwrap().unwrap();
    assert_eq!((known.name.as_deref(), known.watched), (Some("Apple"), false));
    assert!(known.news_seen_at.is_some());
    assert!(instrument::list_watched(&pool).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_job_makes_one_batch() {
    let db = knowing(&[]).await;
    let chosen = [symbol("MSFT"), symbol("AAPL")];
    let id = batch::add(&db.pool(), Some(7), "schedule", &chosen).await.unwrap();
    assert!(id.is_some());
    assert_eq!(batch::add(&db.pool(), Some(7), "schedule", &chosen).await.unwrap(), None);
    let kept = batch::find_by_job(&db.pool(), 7).await.unwrap().unwrap();
    assert_eq!((Some(kept.id), kept.symbols), (id, vec!["MSFT".to_owned(), "AAPL".to_owned()]));
    assert_eq!(batch::list(&db.pool(), 10).await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_quote_whose_day_and_price_are_unchanged_is_not_added() {
    let db = knowing(&["AAPL"]).await;
    let mut conn = db.pool().acquire().await.unwrap();
    let first =
        quote::add(&mut conn, &price("2026-11-20", "101.5"), "alpha_vantage").await.unwrap();
    assert!(first.is_some());
    let seen = instrument::find(&mut *conn, &symbol("AAPL")).await.unwrap().unwrap().quote_seen_at;

    let other_volume = Quote { volume: Some(99_999), ..price("2026-11-20", "101.50") };
    assert_eq!(quote::add(&mut conn, &other_volume, "alpha_vantage").await.unwrap(), None);
    let again = instrument::find(&mut *conn, &symbol("AAPL")).await.unwrap().unwrap().quote_seen_at;
    assert!(again > seen, "that it was asked is remembered");
}

#[tokio::test]
async fn a_changed_price_of_the_same_day_is_a_new_observation() {
    let db = knowing(&["AAPL"]).await;
    let mut conn = db.pool().acquire().await.unwrap();
    for (at, value, new) in [
        ("2026-11-20", "101", true),
        ("2026-11-20", "102", true),
        ("2026-11-20", "101", true),
        ("2026-11-19", "95", false),
        ("2026-11-23", "101", true),
        ("2026-11-23", "101.0000004", false),
    ] {
        let added = quote::add(&mut conn, &price(at, value), "alpha_vantage").await.unwrap();
        assert_eq!(added.is_some(), new, "{value} on {at}");
    }
    let at = now(&mut *conn).await.unwrap();
    let latest = quote::find_latest(&mut *conn, &symbol("AAPL"), at).await.unwrap().unwrap();
    assert_eq!((latest.trading_day, latest.price), (day("2026-11-23"), dec("101")));
    assert_eq!(quote::find(&mut *conn, latest.id).await.unwrap(), Some(latest));
}

#[tokio::test]
async fn twenty_who_add_the_same_quote_at_once_make_one_observation() {
    let db = knowing(&["AAPL"]).await;
    let adders: Vec<_> = (0..20)
        .map(|_| {
            let pool = db.pool();
            tokio::spawn(async move {
                let mut conn = pool.acquire().await.unwrap();
                quote::add(&mut conn, &price("2026-11-20", "101.5"), "alpha_vantage").await.unwrap()
            })
        })
        .collect();
    let mut added = 0;
    for adder in adders {
        added += usize::from(adder.await.unwrap().is_some());
    }
    assert_eq!(added, 1);
    let rows = sqlx::query_scalar!(r#"select count(*) as "n!" from quote"#)
        .fetch_one(&db.pool())
        .await
        .unwrap();
    assert_eq!(rows, 1);
}

#[tokio::test]
async fn a_quote_belongs_to_the_transaction_that_added_it() {
    let db = knowing(&["AAPL"]).await;
    let mut tx = db.pool().begin().await.unwrap();
    assert!(quote::add(&mut tx, &price("2026-11-20", "101.5"), "a").await.unwrap().is_some());
    tx.rollback().await.unwrap();
    let latest = summary::list_latest_quotes(&db.pool()).await.unwrap();
    assert_eq!((latest.len(), latest[0].price, latest[0].quote_seen_at), (1, None, None));
}

#[tokio::test]
async fn the_latest_quote_of_each_watched_symbol_is_shown() {
    let db = knowing(&["MSFT", "AAPL", "TSLA"]).await;
    let pool = db.pool();
    instrument::watch(&pool, &symbol("TSLA"), false).await.unwrap();
    let mut conn = pool.acquire().await.unwrap();
    quote::add(&mut conn, &price("2026-11-19", "100"), "alpha_vantage").await.unwrap();
    quote::add(&mut conn, &price("2026-11-20", "101.5"), "alpha_vantage").await.unwrap();

    let latest = summary::list_latest_quotes(&pool).await.unwrap();
    let shown: Vec<_> =
        latest.iter().map(|l| (l.symbol.as_str(), l.trading_day, l.price)).collect();
    assert_eq!(
        shown,
        [("AAPL", Some(day("2026-11-20")), Some(dec("101.5"))), ("MSFT", None, None)]
    );
    assert!(latest[0].quote_seen_at.is_some() && latest[0].first_seen_at.is_some());
}

#[tokio::test]
async fn the_same_bars_are_added_once() {
    let db = knowing(&["AAPL"]).await;
    let bars = [session("2026-11-19", "101"), session("2026-11-20", "102.1234567")];
    let (pool, aapl) = (db.pool(), symbol("AAPL"));
    assert_eq!(bar::add_all(&pool, &aapl, &bars, "alpha_vantage").await.unwrap(), 2);
    assert_eq!(bar::add_all(&pool, &aapl, &bars, "alpha_vantage").await.unwrap(), 0);
    assert_eq!(bar::add_all(&pool, &aapl, &[], "alpha_vantage").await.unwrap(), 0);
    assert_eq!(bar::find_last_day(&pool, &aapl).await.unwrap(), Some(day("2026-11-20")));
}

#[tokio::test]
async fn a_corrected_bar_adds_a_revision_and_leaves_what_was_known() {
    let db = knowing(&["AAPL"]).await;
    let (pool, aapl) = (db.pool(), symbol("AAPL"));
    bar::add_all(&pool, &aapl, &[session("2026-11-19", "101"), session("2026-11-20", "102")], "a")
        .await
        .unwrap();
    let before = now(&pool).await.unwrap();
    let added = bar::add_all(
        &pool,
        &aapl,
        &[session("2026-11-19", "101"), session("2026-11-20", "103")],
        "a",
    )
    .await
    .unwrap();
    assert_eq!(added, 1);

    let current = bar::list(&pool, &aapl, None, 10).await.unwrap();
    assert_eq!(current, [session("2026-11-20", "103"), session("2026-11-19", "101")]);

    let after = now(&pool).await.unwrap();
    for (at, close, revision) in [(before, "102", 1), (after, "103", 2)] {
        let closes = bar::list_closes(&pool, &aapl, day("2026-11-20"), at, 250).await.unwrap();
        assert_eq!(closes.len(), 2);
        assert_eq!((closes[1].close, closes[1].revision), (dec(close), revision));
    }
    let earlier = bar::list_closes(&pool, &aapl, day("2026-11-19"), after, 250).await.unwrap();
    assert_eq!(earlier.iter().map(|c| c.day).collect::<Vec<_>>(), [day("2026-11-19")]);
    let newest = bar::list_closes(&pool, &aapl, day("2026-11-20"), after, 1).await.unwrap();
    assert_eq!(newest[0].day, day("2026-11-20"));
}

#[tokio::test]
async fn only_an_empty_database_is_seeded() {
    let db = knowing(&[]).await;
    let pool = db.pool();
    let [aapl, msft] = ["AAPL", "MSFT"].map(symbol);
    assert_eq!(instrument::seed(&pool, &[aapl.clone(), aapl.clone()]).await.unwrap(), 1);
    assert!(instrument::watch(&pool, &aapl, false).await.unwrap());
    assert_eq!(instrument::seed(&pool, &[aapl, msft]).await.unwrap(), 0, "a person has emptied it");
    assert!(instrument::list_watched(&pool).await.unwrap().is_empty());
}
