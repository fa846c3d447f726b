//! The index behind every hot read: the plan of the very statement that a function sends.

use bellwether_store::{
    MIGRATOR, alert, alert_state, article, bar, cluster, idempotency, instrument, now, quote,
    sentiment, signal, summary,
};
use bellwether_testing::{database, day};
use sqlx::{AssertSqlSafe, PgConnection};

use crate::{hours, symbol};

/// The generic plan of the statement that this connection prepared last.
async fn plan(conn: &mut PgConnection) -> String {
    let (name, parameters): (String, i32) = sqlx::query_as(
        "select name, coalesce(cardinality(parameter_types), 0) from pg_prepared_statements
         where statement not like '%pg_prepared_statements%' order by prepare_time desc limit 1",
    )
    .persistent(false)
    .fetch_one(&mut *conn)
    .await
    .unwrap();
    let nulls = vec!["null"; parameters as usize].join(", ");
    let nulls = if nulls.is_empty() { nulls } else { format!("({nulls})") };
    let lines: Vec<String> =
        sqlx::query_scalar(AssertSqlSafe(format!("explain (costs off) execute {name}{nulls}")))
            .persistent(false)
            .fetch_all(conn)
            .await
            .unwrap();
    lines.join("\n")
}

/// Calls a read, then asserts that its plan uses these indexes and reads no table from end to end.
macro_rules! assert_uses {
    ($conn:ident, $call:expr, $sorts:expr, $($index:literal),+) => {{
        let _ = $call.await.unwrap();
        let plan = plan(&mut $conn).await;
        let what = stringify!($call);
        assert!(!plan.contains("Seq Scan"), "{what}\n{plan}");
        assert!($sorts || !plan.contains("Sort"), "{what}: the index gives no order\n{plan}");
        $(assert!(plan.contains(concat!($index, " on ")), "{what}: {}\n{plan}", $index);)+
    }};
}

#[tokio::test]
async fn hot_reads_use_their_index() {
    let db = database(&[&MIGRATOR]).await;
    sqlx::raw_sql(include_str!("fill.sql")).execute(&db.pool()).await.unwrap();
    let mut conn = db.pool().acquire().await.unwrap();
    // penalties, not prohibitions: what is left of a scan or a sort has no index to replace it
    for setting in [
        "set enable_seqscan = off",
        "set enable_sort = off",
        "set enable_bitmapscan = off",
        "set plan_cache_mode = force_generic_plan",
    ] {
        sqlx::query(setting).execute(&mut *conn).await.unwrap();
    }
    let t = now(&mut *conn).await.unwrap();
    let s = &symbol("S7");
    let urls = ["https://example.org".to_owned()];

    assert_uses!(conn, instrument::list_watched(&mut *conn), false, "instrument_watched");
    assert_uses!(conn, quote::find_latest(&mut *conn, s, t), false, "quote_latest");
    assert_uses!(conn, summary::list_latest_quotes(&mut *conn), false, "quote_latest");
    assert_uses!(conn, bar::list_closes(&mut *conn, s, day("2026-11-20"), t, 250), false, "bar_pk");
    assert_uses!(conn, bar::list(&mut *conn, s, None, 250), false, "bar_pk");
    assert_uses!(conn, article::find_known(&mut *conn, &urls), true, "article_once_per_address");
    assert_uses!(
        conn,
        article::find_candidates(&mut *conn, std::slice::from_ref(s), &urls, t, t),
        true,
        "article_symbol_news",
        "article_title"
    );
    assert_uses!(
        conn,
        article::list_unanalyzed(&mut *conn, "lexicon/1", t - hours(72), 100),
        false,
        "article_published",
        "cluster_representative"
    );
    assert_uses!(conn, sentiment::find_current(&mut *conn, 1), false, "sentiment_best");
    assert_uses!(
        conn,
        cluster::list_visible(&mut *conn, s, t),
        true,
        "article_symbol_news",
        "article_cluster",
        "sentiment_best"
    );
    assert_uses!(
        conn,
        summary::list_news(&mut *conn, s, Some((t, 7)), 20),
        true,
        "article_symbol_news",
        "sentiment_best"
    );
    assert_uses!(
        conn,
        summary::list_moods(&mut *conn, t - hours(24), t),
        true,
        "article_symbol_news",
        "sentiment_cluster"
    );
    assert_uses!(conn, signal::find_current(&mut *conn, s), false, "signal_history");
    assert_uses!(conn, signal::list(&mut *conn, s, Some((t, 7)), 20), false, "signal_history");
    assert_uses!(conn, alert::list_recent(&mut *conn, Some(7), 20), false, "alert_pk");
    assert_uses!(conn, alert::list_by_symbol(&mut *conn, s, Some(7), 20), false, "alert_by_symbol");
    assert_uses!(conn, alert::list_open(&mut *conn, 1, Some(s)), false, "alert_open");
    assert_uses!(conn, alert_state::list_due(&mut *conn, t, 20), false, "alert_state_due");
    assert_uses!(conn, idempotency::prune(&mut *conn), true, "idempotency_key_age");
}
