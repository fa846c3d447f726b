//! History past its time.

use bellwether_jobs::{Keep, Prune};
use bellwether_store as store;
use chrono::{DateTime, Days, TimeDelta, Utc};
use serde_json::json;

use crate::stage::{Stage, symbol};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn old_counts_go_and_a_second_run_finds_nothing_to_do() {
    let mut stage = Stage::new().await;
    stage.only::<Prune>().await;
    let today = store::now(&stage.pool).await.unwrap().date_naive();
    let drops = [("removed".to_owned(), 3)];
    for day in [today, today - Days::new(400)] {
        store::article::count_drops(&stage.pool, day, "newsapi", &drops).await.unwrap();
    }
    stage.run(&Prune {}).await;
    assert_eq!(stage.count("select count(*) from article_drop").await, 1);
    stage.run(&Prune {}).await;
    assert_eq!(stage.count("select count(*) from article_drop").await, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn old_prices_signals_and_articles_go_unless_a_kept_row_was_made_of_them() {
    let mut stage = Stage::with(|settings, _| {
        settings.keep = Keep { prices_days: 400, signals_days: 400, articles_days: 180 };
    })
    .await;
    stage.only::<Prune>().await;
    let now = store::now(&stage.pool).await.unwrap();
    // AAPL has a signal of 300 days ago and one of 900, MSFT only one of 900
    sqlx::raw_sql(
        "insert into signal (symbol, at, state, s, q, terms, inputs, formula_version, cause)
         select s.symbol, now() - s.age, 'insufficient_data', 0, 0, '{}', '{}', 'f', s.age::text
         from (values ('AAPL', interval '300 days'), ('AAPL', '900 days'), ('AAPL', '901 days'),
                      ('MSFT', '900 days'), ('MSFT', '901 days')) s (symbol, age);
         insert into quote (symbol, trading_day, price, provider)
         select s, (now() - d * interval '1 day')::date, 1, 'p'
         from unnest(array['AAPL', 'MSFT']) s, unnest(array[1, 300, 450, 900, 901, 2000]) d;
         insert into bar (symbol, day, open, high, low, close, volume, provider)
         select s, (now() - d * interval '1 day')::date, 1, 1, 1, 1, 1, 'p'
         from unnest(array['AAPL', 'MSFT']) s, unnest(array[1, 300, 600, 2000]) d",
    )
    .execute(stage.pool.pool())
    .await
    .unwrap();
    for (name, days, about) in [
        ("new", 1, "AAPL"),
        ("read", 301, "AAPL"),
        ("unread", 250, "AAPL"),
        ("late", 250, "MSFT"),
        ("newest-signal", 901, "MSFT"),
    ] {
        old_article(&stage, name, now - TimeDelta::days(days), about).await;
    }
    let late = "insert into article (canonical_url, url, title, source, provider, published_at,
            first_seen_at, cluster_id, fingerprint, simhash, title_hash)
        select 'again', 'u', 't', 's', 'p', published_at, now(), cluster_id, '{}', 0, 'h'
        from article where canonical_url = 'late'";
    sqlx::query(late).execute(&stage.pool).await.unwrap();

    for _ in 0..2 {
        stage.run(&Prune {}).await;
        let ages = stage
            .words("select symbol || ' ' || (now()::date - at::date) from signal order by 1")
            .await;
        assert_eq!(ages, ["AAPL 300", "MSFT 900"], "the newest of a share stays");
        let quotes = "select symbol || ' ' || ((now()::date) - trading_day) from quote order by 1";
        let quotes = stage.words(quotes).await;
        assert_eq!(
            quotes,
            ["AAPL 1", "AAPL 300", "MSFT 1", "MSFT 300", "MSFT 900", "MSFT 901"],
            "those of the day of a kept signal stay"
        );
        let bars = "select symbol || ' ' || ((now()::date) - day) from bar order by 1";
        let bars = stage.words(bars).await;
        assert_eq!(bars, ["AAPL 1", "AAPL 300", "AAPL 600", "MSFT 1", "MSFT 300"]);
        let articles = stage.words("select canonical_url from article order by 1").await;
        assert_eq!(articles, ["again", "late", "new", "newest-signal", "read"]);
        assert_eq!(stage.count("select count(*) from sentiment").await, 4);
        assert_eq!(stage.count("select count(*) from cluster").await, 4);
    }
}

/// An article with a reading, as old as it says.
async fn old_article(stage: &Stage, name: &str, at: DateTime<Utc>, about: &str) {
    let mut conn = stage.pool.pool().acquire().await.unwrap();
    let new = store::article::NewArticle {
        canonical_url: name.to_owned(),
        url: name.to_owned(),
        title: name.to_owned(),
        description: None,
        content: None,
        source: "Reuters".to_owned(),
        provider: "newsapi".to_owned(),
        language: None,
        published_at: at,
        fingerprint: json!({}),
        simhash: 1,
        title_hash: name.to_owned(),
        flags: Vec::new(),
    };
    let added = store::article::add(&mut conn, &new, None).await.unwrap().unwrap();
    store::article::link(&mut *conn, added.id, &[(symbol(about), 1.0)]).await.unwrap();
    let seen = "update article set first_seen_at = published_at where id = $1";
    sqlx::query(seen).bind(added.id).execute(&mut *conn).await.unwrap();
    let reading = store::sentiment::NewSentiment {
        article_id: added.id,
        analyzer: "lexicon/1".to_owned(),
        rank: 10,
        blocked_reason: Some("none".to_owned()),
        input_hash: "h".to_owned(),
        ..store::sentiment::NewSentiment::default()
    };
    store::sentiment::add(&mut *conn, &reading).await.unwrap().unwrap();
}
