//! Articles, their shares and their stories.

use bellwether_domain::EventType;
use bellwether_store::{article, cluster, instrument, now, sentiment};
use bellwether_testing::{at, day};

use crate::{hours, knowing, reading, story, symbol, told};

#[tokio::test]
async fn an_article_about_two_symbols_is_stored_once_and_linked_to_both() {
    let db = knowing(&["AAPL", "MSFT"]).await;
    let pool = db.pool();
    let new = story("one", at("2026-11-20T10:00:00Z"));
    let added = told(&pool, &new, None, &[("AAPL", 0.9), ("MSFT", 0.6), ("XYZ", 1.0)]).await;
    assert!(added.first);

    let mut conn = pool.acquire().await.unwrap();
    assert_eq!(article::add(&mut conn, &new, None).await.unwrap(), None);
    let again = article::link(&mut *conn, added.id, &[(symbol("AAPL"), 0.5)]).await.unwrap();
    assert_eq!(again, [], "a link stays as it is");
    let linked = article::list_symbols(&pool, added.id).await.unwrap();
    assert_eq!(linked, [(symbol("AAPL"), 0.9), (symbol("MSFT"), 0.6)]);
    assert_eq!(article::list_story_symbols(&pool, added.cluster_id).await.unwrap(), linked);

    let known = article::find_known(&pool, std::slice::from_ref(&new.canonical_url)).await.unwrap();
    assert_eq!(known, [(new.canonical_url, added.id)]);
    let clusters = sqlx::query_scalar!(r#"select count(*) as "n!" from cluster"#)
        .fetch_one(&pool)
        .await
        .unwrap();
    assert_eq!(clusters, 1, "the article that was not added left no story");
}

#[tokio::test]
async fn an_article_is_available_when_it_was_published_and_seen() {
    let db = knowing(&["AAPL"]).await;
    let pool = db.pool();
    let past = told(&pool, &story("past", at("2020-01-01T00:00:00Z")), None, &[]).await;
    let future = told(&pool, &story("future", at("2090-01-01T00:00:00Z")), None, &[]).await;
    let past = article::find(&pool, past.id).await.unwrap().unwrap();
    let future = article::find(&pool, future.id).await.unwrap().unwrap();
    assert_eq!(past.available_at, past.first_seen_at);
    assert_eq!(future.available_at, future.published_at);
}

#[tokio::test]
async fn a_story_begins_with_its_earliest_article_and_keeps_its_representative() {
    let db = knowing(&["AAPL"]).await;
    let pool = db.pool();
    let first = told(&pool, &story("first", at("2026-11-20T10:00:00Z")), None, &[]).await;
    let cluster_id = Some(first.cluster_id);
    let earlier = told(&pool, &story("earlier", at("2026-11-20T08:00:00Z")), cluster_id, &[]).await;
    told(&pool, &story("later", at("2026-11-20T12:00:00Z")), cluster_id, &[]).await;
    assert!(!earlier.first);

    assert!(
        cluster::set_event_type(&pool, first.cluster_id, EventType::MergersAcquisitions)
            .await
            .unwrap()
    );
    assert!(
        !cluster::set_event_type(&pool, first.cluster_id, EventType::MergersAcquisitions)
            .await
            .unwrap()
    );
    let kept = cluster::find(&pool, first.cluster_id).await.unwrap().unwrap();
    assert_eq!(kept.first_published_at, at("2026-11-20T08:00:00Z"));
    assert_eq!(kept.representative, Some(first.id));
    assert_eq!(kept.event_type, Some(EventType::MergersAcquisitions));
}

#[tokio::test]
async fn candidates_share_a_symbol_or_a_title_within_a_span() {
    let db = knowing(&["AAPL", "MSFT"]).await;
    let pool = db.pool();
    let noon = at("2026-11-20T12:00:00Z");
    let same_symbol = told(&pool, &story("a", noon - hours(71)), None, &[("AAPL", 0.9)]).await;
    let same_title = told(&pool, &story("b", noon + hours(71)), None, &[]).await;
    told(&pool, &story("c", noon - hours(73)), None, &[("AAPL", 0.9)]).await;
    told(&pool, &story("d", noon), None, &[("MSFT", 0.9)]).await;

    let (from, to) = (noon - hours(72), noon + hours(72));
    let found = article::find_candidates(&pool, &[symbol("AAPL")], &["b".to_owned()], from, to)
        .await
        .unwrap();
    assert_eq!(found.iter().map(|c| c.id).collect::<Vec<_>>(), [same_symbol.id, same_title.id]);
    assert_eq!((found[0].cluster_id, found[0].title_hash.as_str()), (same_symbol.cluster_id, "a"));
}

#[tokio::test]
async fn assignments_to_stories_take_turns() {
    let db = knowing(&[]).await;
    let pool = db.pool();
    let mut first = pool.begin().await.unwrap();
    cluster::lock(&mut first).await.unwrap();
    let free = "select pg_try_advisory_xact_lock(hashtextextended('bellwether.cluster', 0))";
    let taken: bool = sqlx::query_scalar(free).fetch_one(&pool).await.unwrap();
    assert!(!taken, "a second scrape waits");
    first.commit().await.unwrap();
    let taken: bool = sqlx::query_scalar(free).fetch_one(&pool).await.unwrap();
    assert!(taken);
}

#[tokio::test]
async fn one_article_of_a_story_waits_for_an_analyzer() {
    let db = knowing(&["AAPL"]).await;
    let pool = db.pool();
    let t = now(&pool).await.unwrap() - hours(2);
    let first = told(&pool, &story("first", t), None, &[("AAPL", 0.9)]).await;
    told(&pool, &story("reprint", t), Some(first.cluster_id), &[("AAPL", 0.9)]).await;
    told(&pool, &story("unlinked", t), None, &[]).await;
    let newer = told(&pool, &story("newer", t + hours(1)), None, &[("AAPL", 0.9)]).await;

    let waiting = article::list_unanalyzed(&pool, "lexicon/1", t, 10).await.unwrap();
    assert_eq!(waiting.iter().map(|w| w.id).collect::<Vec<_>>(), [newer.id, first.id]);

    sentiment::add(&pool, &reading(first.id, "lexicon/1", 10, 0.5)).await.unwrap();
    let waiting = article::list_unanalyzed(&pool, "lexicon/1", t, 10).await.unwrap();
    assert_eq!(waiting.iter().map(|w| w.id).collect::<Vec<_>>(), [newer.id]);
    assert_eq!(article::list_unanalyzed(&pool, "gemini", t, 10).await.unwrap().len(), 2);
    assert_eq!(article::list_unanalyzed(&pool, "gemini", t + hours(1), 10).await.unwrap().len(), 1);
}

#[tokio::test]
async fn dropped_articles_are_counted_by_reason() {
    let db = knowing(&[]).await;
    let pool = db.pool();
    let today = day("2026-11-20");
    let drops = [("removed".to_owned(), 2), ("untitled".to_owned(), 1), ("none".to_owned(), 0)];
    article::count_drops(&pool, today, "newsapi", &drops).await.unwrap();
    article::count_drops(&pool, today, "newsapi", &drops[..1]).await.unwrap();
    let counted = article::list_drops(&pool, today).await.unwrap();
    let shown: Vec<_> = counted.iter().map(|d| (d.reason.as_str(), d.count)).collect();
    assert_eq!(shown, [("removed", 4), ("untitled", 1)]);
    assert_eq!(article::prune_drops(&pool, today).await.unwrap(), 0);
    assert_eq!(article::prune_drops(&pool, day("2026-11-21")).await.unwrap(), 2);
}

#[tokio::test]
async fn an_instrument_off_the_watchlist_is_still_linked() {
    let db = knowing(&["AAPL"]).await;
    let pool = db.pool();
    instrument::watch(&pool, &symbol("AAPL"), false).await.unwrap();
    let added = told(&pool, &story("a", at("2026-11-20T12:00:00Z")), None, &[("AAPL", 0.9)]).await;
    assert_eq!(article::list_symbols(&pool, added.id).await.unwrap().len(), 1);
}
