//! Content of the providers' answers: prices, bars, stories.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::desk::{self, OPEN};

const SYMBOLS: [&str; 5] = ["AAPL", "MSFT", "GOOGL", "AMZN", "TSLA"];

fn number(value: &Value) -> f64 {
    value.as_str().expect("Alpha Vantage writes strings").parse().expect("a number")
}

#[tokio::test]
async fn equal_seeds_and_times_give_equal_bytes_in_any_order() {
    let (one, two) = (desk::open().await, desk::open().await);
    let mut bodies = (Vec::new(), Vec::new());
    for symbol in SYMBOLS {
        bodies.0.push(one.market("TIME_SERIES_DAILY", symbol).await.text);
        one.advance("1s").await;
    }
    for symbol in SYMBOLS.iter().rev() {
        bodies.1.push(two.market("TIME_SERIES_DAILY", symbol).await.text);
        two.advance("1s").await;
    }
    bodies.1.reverse();
    assert_eq!(bodies.0, bodies.1);
    let query = "q=Apple&to=2026-11-23T15:00:00Z";
    assert_eq!(one.news(query).await.text, two.news(query).await.text);

    let other = desk::at(OPEN, 7).await;
    assert_ne!(bodies.0[0], other.market("TIME_SERIES_DAILY", "AAPL").await.text);
}

#[tokio::test]
async fn compact_daily_bars_are_100_completed_sessions() {
    let desk = desk::open().await;
    let body = desk.market("TIME_SERIES_DAILY", "AAPL").await.json();
    let series = body["Time Series (Daily)"].as_object().expect("bars");
    assert_eq!(series.len(), 100);
    // Monday is still trading.
    assert_eq!(body["Meta Data"]["3. Last Refreshed"], "2026-11-20");
    assert!(series.contains_key("2026-11-20"));
    assert!(!series.contains_key("2026-09-07"), "Labor Day");
    for (day, bar) in series {
        let [open, high, low, close] =
            ["1. open", "2. high", "3. low", "4. close"].map(|name| number(&bar[name]));
        assert!(low <= open.min(close) && open.max(close) <= high && low > 0.0, "{day}: {bar}");
        assert!(number(&bar["5. volume"]) > 0.0, "{day}");
    }
}

#[tokio::test]
async fn a_quote_moves_with_the_minute_while_the_session_is_open() {
    let desk = desk::open().await;
    let mut prices = BTreeSet::new();
    for _ in 0..5 {
        let quote = desk.quote("AAPL").await["Global Quote"].clone();
        assert_eq!(quote["07. latest trading day"], "2026-11-23");
        prices.insert(quote["05. price"].as_str().expect("a price").to_owned());
        desk.advance("10m").await;
    }
    assert!(prices.len() >= 4, "{prices:?}");
}

#[tokio::test]
async fn a_quote_stands_still_over_the_weekend_and_agrees_with_the_last_bar() {
    let desk = desk::at("2026-11-21T12:00:00Z", 42).await;
    let first = desk.quote("MSFT").await;
    assert_eq!(first["Global Quote"]["07. latest trading day"], "2026-11-20");
    desk.advance("26h").await;
    assert_eq!(desk.quote("MSFT").await, first);
    desk.advance("2s").await;
    let bars = desk.market("TIME_SERIES_DAILY", "MSFT").await.json();
    let last = &bars["Time Series (Daily)"]["2026-11-20"];
    assert_eq!(last["4. close"], first["Global Quote"]["05. price"]);
    let before = &bars["Time Series (Daily)"]["2026-11-19"]["4. close"];
    assert_eq!(*before, first["Global Quote"]["08. previous close"]);
}

#[tokio::test]
async fn thanksgiving_is_closed_and_the_friday_after_ends_at_one() {
    let desk = desk::at("2026-11-26T17:00:00Z", 42).await;
    let day = |quote: &Value| quote["Global Quote"]["07. latest trading day"].clone();
    assert_eq!(day(&desk.quote("AAPL").await), "2026-11-25");
    desk.advance("22h").await;
    assert_eq!(day(&desk.quote("AAPL").await), "2026-11-27");
    desk.advance("3h").await;
    let close = desk.quote("AAPL").await;
    desk.advance("1h").await;
    assert_eq!(desk.quote("AAPL").await, close, "closed since 18:00 UTC");
}

#[tokio::test]
async fn a_jump_moves_the_price_from_now_on() {
    let desk = desk::open().await;
    let price = |quote: &Value| number(&quote["Global Quote"]["05. price"]);
    let before = desk.quote("AAPL").await;
    desk.control("jump", json!({"symbol": "AAPL", "percent": -12})).await;
    let after = desk.quote("AAPL").await;
    let ratio = price(&after) / price(&before);
    assert!((ratio - 0.88).abs() < 0.01, "{ratio}");
    let previous = "08. previous close";
    assert_eq!(after["Global Quote"][previous], before["Global Quote"][previous]);
    // The close of the day and the days after keep it.
    let calm = desk::open().await;
    for desk in [&desk, &calm] {
        desk.advance("2d").await;
    }
    let ratio = price(&desk.quote("AAPL").await) / price(&calm.quote("AAPL").await);
    assert!((ratio - 0.88).abs() < 0.002, "{ratio}");
    assert_eq!(desk.quote("MSFT").await, calm.quote("MSFT").await);
}

#[tokio::test]
async fn a_jump_while_the_exchange_is_closed_moves_the_last_close() {
    let desk = desk::at("2026-11-22T12:00:00Z", 42).await;
    let before = desk.quote("TSLA").await["Global Quote"].clone();
    desk.control("jump", json!({"symbol": "TSLA", "percent": 12})).await;
    let after = desk.quote("TSLA").await["Global Quote"].clone();
    assert_eq!(after["07. latest trading day"], before["07. latest trading day"]);
    let ratio = number(&after["05. price"]) / number(&before["05. price"]);
    assert!((ratio - 1.12).abs() < 0.001, "{ratio}");
}

#[tokio::test]
async fn every_default_symbol_has_several_stories_in_72_hours_naming_the_company() {
    for (seed, now) in [(42, OPEN), (1, "2026-11-22T01:00:00Z"), (9, "2027-03-28T12:00:00Z")] {
        let desk = desk::at(now, seed).await;
        let truth = desk.get("/_sandbox/truth").await.json();
        let stories = |symbol: &str| {
            let events = truth["events"].as_array().expect("events").iter();
            let real = events.filter(|e| e["symbol"] == symbol && e["noise"].is_null());
            real.flat_map(|e| e["urls"].as_array().expect("urls").clone()).collect::<Vec<_>>()
        };
        for (symbol, name) in [
            ("AAPL", "Apple"),
            ("MSFT", "Microsoft"),
            ("GOOGL", "Alphabet"),
            ("AMZN", "Amazon"),
            ("TSLA", "Tesla"),
        ] {
            let from = now.parse::<chrono::DateTime<chrono::Utc>>().expect("a time")
                - chrono::TimeDelta::hours(72);
            let query = format!("q={symbol}&from={}", from.format("%Y-%m-%dT%H:%M:%S"));
            let page = desk.news(&query).await.json();
            let known = stories(symbol);
            let real: BTreeSet<_> = page["articles"]
                .as_array()
                .expect("articles")
                .iter()
                .filter(|article| known.contains(&article["url"]))
                .inspect(|article| {
                    let text = article.to_string();
                    assert!(text.contains(name) && text.contains(symbol), "{text}");
                })
                .map(|article| article["description"].to_string())
                .collect();
            assert!(real.len() >= 3, "{symbol} at {now}: {real:?}");
        }
    }
}

#[tokio::test]
async fn a_search_finds_what_it_asks_for_and_nothing_else() {
    let desk = desk::open().await;
    let titles = |page: Value| -> Vec<String> {
        let articles = page["articles"].as_array().expect("articles").clone();
        articles.iter().map(|a| format!("{} {}", a["title"], a["description"])).collect()
    };
    let both = titles(desk.news("q=%22Apple%20Inc%22%20OR%20tesla").await.json());
    assert!(both.iter().any(|t| t.contains("Apple Inc")));
    assert!(both.iter().any(|t| t.to_lowercase().contains("tesla")));
    for text in &both {
        assert!(text.contains("Apple Inc") || text.to_lowercase().contains("tesla"), "{text}");
    }
    let without = titles(desk.news("q=tesla%20-coil").await.json());
    assert!(!without.is_empty() && without.iter().all(|t| !t.to_lowercase().contains("coil")));
    let none = desk.news("q=zzzzzz").await.json();
    assert_eq!(none["totalResults"], 0);
}

#[tokio::test]
async fn articles_come_newest_first_within_their_bounds() {
    let desk = desk::open().await;
    let query = "q=Apple%20OR%20Microsoft&from=2026-11-20T00:00:00Z&to=2026-11-22T00:00:00Z";
    let page = desk.news(query).await.json();
    let times: Vec<_> = page["articles"]
        .as_array()
        .expect("articles")
        .iter()
        .map(|a| a["publishedAt"].as_str().expect("a time").to_owned())
        .collect();
    assert!(times.len() > 5);
    assert!(times.windows(2).all(|pair| pair[0] >= pair[1]));
    assert!(times.iter().all(|t| ("2026-11-20".."2026-11-22T00:00:01").contains(&t.as_str())));
    let total = page["totalResults"].as_u64().expect("a number") as usize;
    assert_eq!(times.len(), total.min(100));
}

#[tokio::test]
async fn searches_that_do_not_fit_are_refused_by_code() {
    let desk = desk::open().await;
    for (query, status, code) in [
        ("", 400, "parametersMissing"),
        ("q=apple&pageSize=500", 400, "parameterInvalid"),
        ("q=apple&from=2026-09-01", 400, "parameterInvalid"),
        ("q=%22apple", 400, "parameterInvalid"),
        ("q=apple&page=2", 426, "maximumResultsReached"),
    ] {
        let answer = desk.news(query).await;
        assert_eq!((answer.status, &answer.json()["code"]), (status, &json!(code)), "{query}");
    }
}

#[tokio::test]
async fn scored_news_mixes_strings_and_numbers_and_filters_by_ticker() {
    let desk = desk::open().await;
    let path = "/alphavantage/query?function=NEWS_SENTIMENT&tickers=AAPL&apikey=k";
    let body = desk.get(path).await.json();
    let feed = body["feed"].as_array().expect("a feed");
    assert!(!feed.is_empty() && feed.len() <= 50);
    assert_eq!(body["items"], feed.len().to_string());
    for item in feed {
        assert!(item["overall_sentiment_score"].is_number());
        assert_eq!(item["ticker_sentiment"][0]["ticker"], "AAPL");
        assert!(item["ticker_sentiment"][0]["ticker_sentiment_score"].is_string());
    }
    desk.advance("2s").await;
    let path = "/alphavantage/query?function=NEWS_SENTIMENT&tickers=AAPL,MSFT&apikey=k";
    assert_eq!(desk.get(path).await.json()["items"], "0", "several tickers mean all of them");
}

#[tokio::test]
async fn headlines_and_rss_tell_the_same_stories() {
    let desk = desk::open().await;
    let url = desk.url("/newsapi/v2/top-headlines?country=us&category=business");
    let page = desk.send(desk.client.get(url).header("X-Api-Key", "k")).await.json();
    let first = page["articles"][0]["title"].as_str().expect("a headline").to_owned();
    assert_eq!(page["articles"].as_array().map(Vec::len), Some(20));
    let rss = desk.get("/rss/google/search?q=Apple%20OR%20Microsoft%20OR%20Tesla").await;
    assert!(rss.text.starts_with("<?xml") && rss.text.contains("<source url=\"https://"));
    assert!(rss.text.matches("<item>").count() > 5);
    assert!(!first.is_empty());
}

#[tokio::test]
async fn unknown_symbols_and_functions_get_alpha_vantages_own_answers() {
    let desk = desk::open().await;
    assert_eq!(desk.quote("ZZZZ").await, json!({"Global Quote": {}}));
    desk.advance("2s").await;
    let daily = desk.market("TIME_SERIES_DAILY", "ZZZZ").await;
    assert_eq!(daily.status, 200);
    let text = daily.json()["Error Message"].as_str().expect("a message").to_owned();
    assert!(text.starts_with("Invalid API call."), "{text}");
    desk.advance("2s").await;
    assert!(desk.market("NOTHING", "AAPL").await.text.contains("does not exist"));
}
