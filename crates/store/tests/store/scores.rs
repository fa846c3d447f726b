//! Sentiments, signals and what pages read of them.

use bellwether_domain::{EventType, Label, SignalLabel};
use bellwether_store::sentiment::NewSentiment;
use bellwether_store::signal::NewSignal;
use bellwether_store::{article, cluster, flight, now, sentiment, signal, summary};
use bellwether_testing::at;
use serde_json::json;

use crate::{hours, knowing, reading, story, symbol, told};

fn signalled(cause: &str, at_time: &str) -> NewSignal {
    NewSignal {
        symbol: symbol("AAPL"),
        at: at(at_time),
        label: Some(SignalLabel::StrongBuy),
        c: Some(0.5),
        p: Some(0.6),
        s: 0.36,
        q: 0.7,
        terms: json!({"M": 0.74}),
        inputs: json!({"quote": 1}),
        formula_version: "composite/1".to_owned(),
        cause: cause.to_owned(),
        job: Some(3),
    }
}

#[tokio::test]
async fn an_analyzer_reads_an_article_once() {
    let db = knowing(&["AAPL"]).await;
    let pool = db.pool();
    let a = told(&pool, &story("a", at("2026-11-20T12:00:00Z")), None, &[("AAPL", 0.9)]).await;
    let new = NewSentiment {
        event_type: Some(EventType::MergersAcquisitions),
        impact: Some("bullish".to_owned()),
        model: Some("gemini-3.5".to_owned()),
        input_tokens: Some(100),
        ..reading(a.id, "gemini", 30, 0.5)
    };
    let id = sentiment::add(&pool, &new).await.unwrap();
    assert!(id.is_some());
    assert_eq!(sentiment::add(&pool, &new).await.unwrap(), None);
    let kept = sentiment::find(&pool, a.id, "gemini").await.unwrap().unwrap();
    assert_eq!(Some(kept.id), id);
    assert_eq!(kept.cluster_id, a.cluster_id);
    assert_eq!((kept.score, kept.label), (Some(0.5), Some(Label::Positive)));
    assert_eq!(kept.event_type, Some(EventType::MergersAcquisitions));
    assert_eq!(kept.key_points, json!(["a point"]));
    assert_eq!(sentiment::add(&pool, &reading(a.id + 99, "gemini", 30, 0.5)).await.unwrap(), None);
}

#[tokio::test]
async fn a_better_analyzer_outranks_a_newer_reading_and_both_remain() {
    let db = knowing(&["AAPL"]).await;
    let pool = db.pool();
    let a = told(&pool, &story("a", at("2026-11-20T12:00:00Z")), None, &[]).await;
    let current = async || sentiment::find_current(&pool, a.id).await.unwrap().map(|s| s.analyzer);
    assert_eq!(current().await, None);
    sentiment::add(&pool, &reading(a.id, "gemini", 30, 0.5)).await.unwrap();
    sentiment::add(&pool, &reading(a.id, "lexicon/1", 10, 0.1)).await.unwrap();
    assert_eq!(current().await.as_deref(), Some("gemini"));
    sentiment::add(&pool, &reading(a.id, "gemini/2", 30, 0.4)).await.unwrap();
    assert_eq!(current().await.as_deref(), Some("gemini/2"), "of equal rank the newer one");
    assert_eq!(sentiment::list(&pool, a.id).await.unwrap().len(), 3);
}

#[tokio::test]
async fn blocked_and_quarantined_readings_do_not_count() {
    let db = knowing(&["AAPL"]).await;
    let pool = db.pool();
    let a = told(&pool, &story("a", at("2026-11-20T12:00:00Z")), None, &[]).await;
    let blocked = NewSentiment {
        scored: None,
        blocked_reason: Some("SAFETY".to_owned()),
        ..reading(a.id, "gemini", 30, 0.0)
    };
    assert!(sentiment::add(&pool, &blocked).await.unwrap().is_some());
    let odd =
        NewSentiment { flags: vec!["quarantined".to_owned()], ..reading(a.id, "openai", 20, 1.0) };
    sentiment::add(&pool, &odd).await.unwrap();
    assert_eq!(sentiment::find_current(&pool, a.id).await.unwrap(), None);
    sentiment::add(&pool, &reading(a.id, "lexicon/1", 10, 0.1)).await.unwrap();
    let current = sentiment::find_current(&pool, a.id).await.unwrap().unwrap();
    assert_eq!(current.analyzer, "lexicon/1");
    assert_eq!(
        sentiment::list(&pool, a.id).await.unwrap()[0].blocked_reason.as_deref(),
        Some("SAFETY")
    );
}

#[tokio::test]
async fn scores_outside_their_range_are_refused() {
    let db = knowing(&["AAPL"]).await;
    let pool = db.pool();
    let a = told(&pool, &story("a", at("2026-11-20T12:00:00Z")), None, &[]).await;
    for score in [1.5, -1.01, f64::NAN, f64::INFINITY] {
        let refused = sentiment::add(&pool, &reading(a.id, "gemini", 30, score)).await.unwrap_err();
        let constraint = refused.as_database_error().unwrap().constraint().map(str::to_owned);
        assert_eq!(constraint.as_deref(), Some("sentiment_score_in_range"), "{score}");
    }
    let mut empty = reading(a.id, "gemini", 30, 0.0);
    empty.scored = None;
    assert!(sentiment::add(&pool, &empty).await.is_err(), "neither a score nor a reason");
}

#[tokio::test]
async fn a_story_counts_once_with_its_best_readings() {
    let db = knowing(&["AAPL", "MSFT"]).await;
    let pool = db.pool();
    let t = now(&pool).await.unwrap();
    let mut press = story("reprint", t - hours(1));
    press.source = "Some blog".to_owned();
    let a = told(&pool, &story("a", t - hours(3)), None, &[("AAPL", 0.6)]).await;
    let b = told(&pool, &press, Some(a.cluster_id), &[("AAPL", 0.9), ("MSFT", 0.4)]).await;
    let passing = told(&pool, &story("passing", t - hours(1)), None, &[("AAPL", 0.2)]).await;
    let old = told(&pool, &story("old", t - hours(73)), None, &[("AAPL", 0.9)]).await;
    let unread = told(&pool, &story("unread", t - hours(1)), None, &[("AAPL", 0.9)]).await;
    for id in [a.id, b.id, passing.id, old.id] {
        sentiment::add(&pool, &reading(id, "lexicon/1", 10, -0.5)).await.unwrap();
    }
    let best = sentiment::add(&pool, &reading(a.id, "gemini", 30, 0.75)).await.unwrap().unwrap();
    let before = t;
    let t = now(&pool).await.unwrap();

    let visible = cluster::list_visible(&pool, &symbol("AAPL"), t).await.unwrap();
    assert_eq!(visible.iter().map(|v| v.id).collect::<Vec<_>>(), [a.cluster_id], "not {unread:?}");
    let seen = &visible[0];
    assert!((seen.s - 0.75).abs() < 1e-12 && (seen.kappa - 0.8).abs() < 1e-12);
    assert_eq!((seen.r, seen.k), (0.9, 0));
    assert!((seen.age_h - 3.0).abs() < 0.1, "from the earliest outlet: {}", seen.age_h);
    assert_eq!(seen.sources, ["Reuters", "Some blog"]);
    assert_eq!(seen.article_ids, [a.id, b.id]);
    assert_eq!(seen.sentiment_ids, [best], "the lexicon's reading does not dilute the model's");
    let input = seen.input();
    assert_eq!((input.q, input.source.as_str()), (1.0, "Reuters"));

    let other = cluster::list_visible(&pool, &symbol("MSFT"), t).await.unwrap();
    assert_eq!((other.len(), other[0].r), (1, 0.4));
    let unseen = cluster::list_visible(&pool, &symbol("AAPL"), before).await.unwrap();
    assert!(unseen.is_empty(), "nothing looks ahead of its arrival");
}

#[tokio::test]
async fn several_readings_of_one_rank_are_weighed_by_their_confidence() {
    let db = knowing(&["AAPL"]).await;
    let pool = db.pool();
    let t = now(&pool).await.unwrap();
    let a = told(&pool, &story("a", t - hours(3)), None, &[("AAPL", 0.6)]).await;
    let b = told(&pool, &story("b", t - hours(2)), Some(a.cluster_id), &[("AAPL", 0.6)]).await;
    let mut weak = reading(b.id, "lexicon/1", 10, -0.5);
    weak.scored = weak.scored.map(|s| sentiment::Scored { calibrated: 0.2, ..s });
    sentiment::add(&pool, &reading(a.id, "lexicon/1", 10, 0.5)).await.unwrap();
    sentiment::add(&pool, &weak).await.unwrap();
    let t = now(&pool).await.unwrap();
    let seen = cluster::list_visible(&pool, &symbol("AAPL"), t).await.unwrap();
    assert!((seen[0].s - 0.3).abs() < 1e-12, "{}", seen[0].s);
    assert!((seen[0].kappa - 0.68).abs() < 1e-12, "{}", seen[0].kappa);
}

#[tokio::test]
async fn repetitions_of_an_event_within_a_day_are_counted() {
    let db = knowing(&["AAPL"]).await;
    let pool = db.pool();
    let t = now(&pool).await.unwrap();
    let mut counted = Vec::new();
    for (name, age, event) in [
        ("before the window", 80, EventType::Legal),
        ("first", 60, EventType::Legal),
        ("second", 50, EventType::Legal),
        ("else", 49, EventType::Earnings),
        ("third", 40, EventType::Legal),
        ("other", 40, EventType::Other),
        ("other again", 39, EventType::Other),
    ] {
        let a = told(&pool, &story(name, t - hours(age)), None, &[("AAPL", 0.9)]).await;
        sentiment::add(&pool, &reading(a.id, "lexicon/1", 10, 0.5)).await.unwrap();
        cluster::set_event_type(&pool, a.cluster_id, event).await.unwrap();
        counted.push(a.cluster_id);
    }
    let t = now(&pool).await.unwrap();
    let seen = cluster::list_visible(&pool, &symbol("AAPL"), t).await.unwrap();
    let k: Vec<_> = seen.iter().map(|v| (v.id, v.k)).collect();
    let expected: Vec<_> = counted[1..].iter().copied().zip([1, 1, 0, 2, 0, 0]).collect();
    assert_eq!(k, expected);
}

#[tokio::test]
async fn a_cause_makes_one_signal() {
    let db = knowing(&["AAPL"]).await;
    let pool = db.pool();
    let id = signal::add(&pool, &signalled("quote/1", "2026-11-20T12:00:00Z")).await.unwrap();
    assert!(id.is_some());
    let again = signal::add(&pool, &signalled("quote/1", "2026-11-20T13:00:00Z")).await.unwrap();
    assert_eq!(again, None);
    let kept = signal::find(&pool, id.unwrap()).await.unwrap().unwrap();
    assert_eq!((Some(kept.id), kept.state.as_str()), (id, "ok"));
    assert_eq!((kept.label, kept.c), (Some(SignalLabel::StrongBuy), Some(0.5)));
}

#[tokio::test]
async fn a_signal_without_a_label_says_that_data_was_insufficient() {
    let db = knowing(&["AAPL"]).await;
    let pool = db.pool();
    let mut without = signalled("quote/1", "2026-11-20T12:00:00Z");
    (without.label, without.c, without.p) = (None, None, None);
    signal::add(&pool, &without).await.unwrap();
    let kept = signal::find_current(&pool, &symbol("AAPL")).await.unwrap().unwrap();
    assert_eq!((kept.state.as_str(), kept.label, kept.s), ("insufficient_data", None, 0.36));
    (without.label, without.cause) = (Some(SignalLabel::Hold), "quote/2".to_owned());
    assert!(signal::add(&pool, &without).await.is_err(), "a label needs its terms");
}

#[tokio::test]
async fn the_history_of_a_signal_is_paged_newest_first() {
    let db = knowing(&["AAPL"]).await;
    let pool = db.pool();
    for n in 0..5 {
        let time = format!("2026-11-20T1{}:00:00Z", n / 2);
        signal::add(&pool, &signalled(&format!("quote/{n}"), &time)).await.unwrap();
    }
    let mut causes = Vec::new();
    let mut before = None;
    loop {
        let page = signal::list(&pool, &symbol("AAPL"), before, 2).await.unwrap();
        let Some(last) = page.last() else { break };
        before = Some((last.at, last.id));
        causes.extend(page.into_iter().map(|s| s.cause));
    }
    assert_eq!(causes, ["quote/4", "quote/3", "quote/2", "quote/1", "quote/0"]);
}

#[tokio::test]
async fn news_is_paged_newest_first_and_a_reprint_shows_its_storys_reading() {
    let db = knowing(&["AAPL", "MSFT"]).await;
    let pool = db.pool();
    let t = at("2026-11-20T12:00:00Z");
    let a = told(&pool, &story("a", t), None, &[("AAPL", 0.9)]).await;
    let b = told(&pool, &story("b", t), Some(a.cluster_id), &[("AAPL", 0.8)]).await;
    let c = told(&pool, &story("c", t - hours(1)), None, &[("AAPL", 0.7)]).await;
    told(&pool, &story("d", t), None, &[("MSFT", 0.7)]).await;
    sentiment::add(&pool, &reading(a.id, "lexicon/1", 10, -0.5)).await.unwrap();

    let first = summary::list_news(&pool, &symbol("AAPL"), None, 2).await.unwrap();
    assert_eq!(first.iter().map(|n| n.id).collect::<Vec<_>>(), [b.id, a.id]);
    for shown in &first {
        assert_eq!((shown.outlets, shown.score), (2, Some(-0.5)));
        assert_eq!(shown.label, Some(Label::Negative));
        assert_eq!(shown.analyzer.as_deref(), Some("lexicon/1"));
    }
    let before = Some((first[1].published_at, first[1].id));
    let rest = summary::list_news(&pool, &symbol("AAPL"), before, 2).await.unwrap();
    assert_eq!(rest.len(), 1);
    assert_eq!((rest[0].id, rest[0].outlets, rest[0].score, rest[0].label), (c.id, 1, None, None));
}

#[tokio::test]
async fn the_mood_of_a_symbol_counts_each_story_once() {
    let db = knowing(&["AAPL", "MSFT"]).await;
    let pool = db.pool();
    let t = at("2026-11-20T12:00:00Z");
    let a = told(&pool, &story("a", t), None, &[("AAPL", 1.0)]).await;
    told(&pool, &story("b", t), Some(a.cluster_id), &[("AAPL", 1.0)]).await;
    let c = told(&pool, &story("c", t), None, &[("AAPL", 0.5)]).await;
    told(&pool, &story("unread", t), None, &[("AAPL", 0.5)]).await;
    told(&pool, &story("old", t - hours(30)), None, &[("AAPL", 0.5)]).await;
    sentiment::add(&pool, &reading(a.id, "lexicon/1", 10, -0.9)).await.unwrap();
    sentiment::add(&pool, &reading(a.id, "gemini", 30, 0.6)).await.unwrap();
    sentiment::add(&pool, &reading(c.id, "lexicon/1", 10, 0.0)).await.unwrap();

    let moods = summary::list_moods(&pool, t - hours(24), t).await.unwrap();
    assert_eq!(moods.len(), 2);
    let aapl = &moods[0];
    assert_eq!((aapl.positive, aapl.neutral, aapl.negative, aapl.unanalyzed), (1, 1, 0, 1));
    assert!((aapl.score.unwrap() - 0.4).abs() < 1e-12);
    assert_eq!((moods[1].symbol.as_str(), moods[1].score, moods[1].unanalyzed), ("MSFT", None, 0));
}

#[tokio::test]
async fn a_reading_says_which_one_it_took_the_place_of() {
    let db = knowing(&["AAPL"]).await;
    let pool = db.pool();
    let a = told(&pool, &story("a", at("2026-11-20T12:00:00Z")), None, &[]).await;
    let replaced = async |new: NewSentiment| {
        let analyzer = new.analyzer.clone();
        let id = sentiment::add(&pool, &new).await.unwrap().unwrap();
        let kept = sentiment::find(&pool, a.id, &analyzer).await.unwrap().unwrap();
        assert_eq!(kept.id, id);
        (id, kept.replaces)
    };
    let (lexicon, none) = replaced(reading(a.id, "lexicon/1", 10, 0.1)).await;
    assert_eq!(none, None);
    let blocked = NewSentiment {
        scored: None,
        blocked_reason: Some("SAFETY".to_owned()),
        ..reading(a.id, "openai/x", 45, 0.0)
    };
    assert_eq!(replaced(blocked).await.1, None, "it does not count itself");
    let odd = NewSentiment {
        flags: vec!["quarantined".to_owned()],
        ..reading(a.id, "openai/y", 45, 1.0)
    };
    assert_eq!(replaced(odd).await.1, None);
    let (model, before) = replaced(reading(a.id, "gemini/x", 50, 0.5)).await;
    assert_eq!(before, Some(lexicon));
    assert_eq!(replaced(reading(a.id, "gemini/y", 50, 0.4)).await.1, Some(model));
    assert_eq!(replaced(reading(a.id, "alphavantage/1", 5, 0.9)).await.1, None);
    assert_eq!(sentiment::list(&pool, a.id).await.unwrap().len(), 6);
}

#[tokio::test]
async fn a_reading_of_any_article_counts_for_its_story() {
    let db = knowing(&["AAPL"]).await;
    let pool = db.pool();
    let a = told(&pool, &story("a", at("2026-11-20T12:00:00Z")), None, &[]).await;
    let b = told(&pool, &story("b", at("2026-11-20T13:00:00Z")), Some(a.cluster_id), &[]).await;
    let read = async |by: &str| sentiment::is_story_read(&pool, a.cluster_id, by).await.unwrap();
    assert!(!read("gemini/x").await);
    sentiment::add(&pool, &reading(b.id, "gemini/x", 50, 0.5)).await.unwrap();
    assert!(read("gemini/x").await);
    assert!(!read("lexicon/1").await);
}

#[tokio::test]
async fn a_question_about_a_story_is_asked_by_one_job_at_a_time() {
    let db = knowing(&["AAPL"]).await;
    let pool = db.pool();
    let a = told(&pool, &story("a", at("2026-11-20T12:00:00Z")), None, &[]).await;
    let long = std::time::Duration::from_secs(100);
    let take =
        async |job, lease| flight::take(&pool, a.cluster_id, "gemini/x", job, lease).await.unwrap();
    assert!(take(1, long).await);
    assert!(!take(2, long).await);
    assert!(take(1, std::time::Duration::ZERO).await, "its own again, and over at once");
    assert!(take(2, long).await, "what is over is free");
    assert!(flight::take(&pool, a.cluster_id, "openai/x", 2, long).await.unwrap());
    assert_eq!(flight::land(&pool, a.cluster_id, 1).await.unwrap(), 0);
    assert_eq!(flight::land(&pool, a.cluster_id, 2).await.unwrap(), 2);
    assert!(take(3, long).await);
}

#[tokio::test]
async fn stories_that_deserve_a_better_reading_come_by_age_and_importance() {
    let db = knowing(&["AAPL", "MSFT"]).await;
    let pool = db.pool();
    let t = now(&pool).await.unwrap();
    let mut ids = Vec::new();
    for (name, age, about) in [
        ("fresh", 3, "AAPL"),
        ("older", 20, "MSFT"),
        ("oldest", 40, "AAPL"),
        ("ancient", 90, "AAPL"),
    ] {
        let added = told(&pool, &story(name, t - hours(age)), None, &[(about, 0.9)]).await;
        sentiment::add(&pool, &reading(added.id, "lexicon/1", 10, 0.1)).await.unwrap();
        ids.push(added.id);
    }
    let list = async |important: &[&str]| -> Vec<i64> {
        let important: Vec<_> = important.iter().map(|s| symbol(s)).collect();
        article::list_rereadable(&pool, "gemini/x", t - hours(72), &important, 10)
            .await
            .unwrap()
            .into_iter()
            .map(|story| story.id)
            .collect()
    };
    assert!(list(&[]).await.is_empty(), "what has just come has its own turn");
    sqlx::query("update article set first_seen_at = first_seen_at - interval '2 hours'")
        .execute(&pool)
        .await
        .unwrap();
    assert_eq!(list(&[]).await, [ids[0], ids[1], ids[2]]);
    assert_eq!(list(&["MSFT"]).await, [ids[1], ids[0], ids[2]]);
    sentiment::add(&pool, &reading(ids[0], "gemini/x", 50, 0.1)).await.unwrap();
    assert_eq!(list(&[]).await, [ids[1], ids[2]]);
    assert_eq!(article::count_stories(&pool, t - hours(24)).await.unwrap(), 4);
    assert_eq!(article::count_stories(&pool, t + hours(1)).await.unwrap(), 0);
}
