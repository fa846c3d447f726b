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
async fn old_signals_articles_and_prices_go_and_a_kept_signal_keeps_its_prices() {
    let mut stage = Stage::with(|settings, _| {
        settings.keep = Keep { articles_days: 180, ..Keep::default() };
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
        assert_eq!(articles, ["again", "late", "new"], "whether a kept signal read them or not");
        assert_eq!(stage.count("select count(*) from sentiment").await, 2);
        assert_eq!(stage.count("select count(*) from cluster").await, 2);
    }
}

/// Alerts, messages and what is noted beside them, as old as their names say.
const OLD: &str = "
    insert into alert (rule_id, symbol, key, episode, kind, severity, state, title, detail, fired_at, resolved_at)
    select (select min(id) from rule), 'AAPL', a.key, 1, 'price_change', 'info', a.state, a.key, '{}',
        now() - a.age, case a.state when 'resolved' then now() - a.age end
    from (values ('firing', 'firing', interval '900 days'), ('old', 'resolved', '500 days'),
                 ('new', 'resolved', '100 days')) a (key, state, age);
    insert into notification (alert_id, channel, recipient, kind, sequence, body, created_at)
    select id, 'sms', key, 'firing', 0, '', fired_at from alert;
    insert into delivery (notification_id, attempt, nonce) select id, 1, '' from notification;
    insert into suppression (channel, recipient, reason, since)
    select 'sms', r, 'stop', now() - interval '500 days' from unnest(array['firing', 'old']) r;
    insert into operator_note (key, reason, detail, last_at)
    select k, 'bad_key', '', now() - d * interval '1 day' from (values ('old', 500), ('new', 100)) n (k, d);
    insert into batch (reason, symbols, requested_at)
    select d, '{}', now() - d * interval '1 day' from unnest(array[100, 10]) d;
    insert into alert_state (rule_id, symbol, state, updated_at)
    select (select min(id) from rule), s, '{}', now() - interval '500 days'
    from unnest(array['MSFT', 'GONE']) s";

async fn left(stage: &Stage) -> [String; 6] {
    let mut left = [const { String::new() }; 6];
    for (of, sql) in left.iter_mut().zip([
        "select key from alert order by 1",
        "select recipient from notification join delivery d on d.notification_id = notification.id order by 1",
        "select recipient from suppression order by 1",
        "select key from operator_note where reason = 'bad_key' order by 1",
        "select reason from batch order by 1",
        "select symbol from alert_state where updated_at < now() - interval '499 days' order by 1",
    ]) {
        *of = stage.words(sql).await.join(" ");
    }
    left
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn alerts_messages_notes_and_rounds_have_a_life_and_what_is_firing_has_none() {
    let mut stage = Stage::new().await;
    stage.only::<Prune>().await;
    sqlx::raw_sql(OLD).execute(&stage.pool).await.unwrap();
    for _ in 0..2 {
        stage.run(&Prune {}).await;
        assert_eq!(left(&stage).await, ["firing new", "firing", "firing", "new", "10", "MSFT"]);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_clock_that_jumps_ahead_removes_two_days_a_night() {
    let mut stage = Stage::new().await;
    stage.only::<Prune>().await;
    sqlx::raw_sql(OLD).execute(&stage.pool).await.unwrap();
    // as if the clock had been set 600 days ahead since
    let jump = "update prune set through = now() - interval '600 days', ended_at = through";
    sqlx::query(jump).execute(&stage.pool).await.unwrap();
    let before = left(&stage).await;
    stage.run(&Prune {}).await;
    assert_eq!(left(&stage).await, before);
    let behind = "select (now()::date - through::date)::text from prune
        union all select reason from operator_note where key = 'clock' order by 1";
    assert_eq!(stage.words(behind).await, ["598", "behind"], "an operator is told");
    let mended = "update prune set through = now() - interval '1 day'";
    sqlx::query(mended).execute(&stage.pool).await.unwrap();
    stage.run(&Prune {}).await;
    assert_ne!(left(&stage).await, before);
    assert_eq!(stage.words(behind).await, ["0"]);
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
