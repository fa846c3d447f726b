//! An analyzer killed in the middle of work loses nothing and doubles nothing.

use std::{process::Command, time::Duration};

use bellwether_queue::{MIGRATOR, State, inspect};
use bellwether_sandbox::{Options, Sandbox};
use bellwether_testing::{database, wait_until, wait_until_within};
use sqlx::PgPool;

use crate::support::{Running, bellwether};

fn worker(role: &str, database: &str, sandbox: &str) -> Command {
    let mut command = bellwether(&["worker", role]);
    command
        .env("DATABASE_URL", database)
        .env("BELLWETHER_HTTP_ADDR", "127.0.0.1:0")
        .env("BELLWETHER_CONCURRENCY", "4")
        .env("GEMINI_API_KEY", "test")
        .env("GEMINI_BASE_URL", format!("{sandbox}/gemini"))
        .env("NEWSAPI_API_KEY", "test")
        .env("NEWSAPI_BASE_URL", format!("{sandbox}/newsapi"))
        .env("ALPHA_VANTAGE_API_KEY", "test")
        .env("ALPHA_VANTAGE_BASE_URL", format!("{sandbox}/alphavantage"));
    command
}

async fn count(pool: &PgPool, sql: &'static str) -> i64 {
    sqlx::query_scalar(sql).fetch_one(pool).await.expect("a count")
}

#[tokio::test]
async fn a_killed_analyzer_loses_nothing_and_doubles_nothing() {
    let db = database(&[&MIGRATOR, &bellwether_store::MIGRATOR]).await;
    let pool = db.pool();
    let sandbox = Sandbox::start(Options::default()).await.expect("the sandbox starts");

    // Articles wait to be analyzed.
    let mut scraper = Running::start(worker("scraper", &db.url, &sandbox.url()));
    let batch = output_id(&db.url, "scrape_batch", r#"{"symbols":["AAPL","MSFT"]}"#);
    wait_until_within(Duration::from_mins(1), "articles to analyze", || async {
        (count(&pool, "select count(*) from queue.job where kind = 'analyze_article'").await >= 6)
            .then_some(())
    })
    .await;

    // The first analyzer is killed while it holds jobs.
    let mut victim = Running::start(worker("analyzer", &db.url, &sandbox.url()));
    wait_until("a job in the analyzer's hands", || async {
        let held = count(
            &pool,
            "select count(*) from queue.running where key is not null and kind = 'analyze_article'",
        )
        .await;
        (held > 0).then_some(())
    })
    .await;
    victim.signal("KILL");
    victim.ended(Duration::from_secs(5)).await;

    // Another one takes over, within 30 s of the kill.
    let mut heir = Running::start(worker("analyzer", &db.url, &sandbox.url()));
    wait_until_within(Duration::from_secs(30), "the victim's jobs to be somewhere else", || async {
        let left = count(
            &pool,
            "select count(*) from queue.running r join queue.process p on p.id = r.process where p.dead_at is not null",
        )
        .await;
        let dead = count(&pool, "select count(*) from queue.process where dead_at is not null").await;
        (left == 0 && dead == 1).then_some(())
    })
    .await;
    // A model that answers 15 a minute is what remains in the way: work on without it.
    sqlx::query("update queue.limit_window set amount = 1000000")
        .execute(&pool)
        .await
        .expect("room");
    let wide = serde_json::json!({"gemini": {"rpm": 1000}});
    let client = bellwether_testing::http_client().build().expect("a client");
    client
        .post(format!("{}/_sandbox/limits", sandbox.url()))
        .json(&wide)
        .send()
        .await
        .expect("wider limits");
    wait_until_within(Duration::from_mins(1), "every article to be analyzed", || async {
        let open = count(
            &pool,
            "select count(*) from queue.job where kind = 'analyze_article' and state not in ('completed', 'discarded', 'cancelled')",
        )
        .await;
        (open == 0).then_some(())
    })
    .await;

    assert_eq!(
        count(
            &pool,
            "select count(*) from queue.job where kind = 'analyze_article' and state <> 'completed'"
        )
        .await,
        0,
        "nothing is lost"
    );
    let doubled = count(
        &pool,
        "select count(*) from (select article_id, analyzer from sentiment group by 1, 2 having count(*) > 1) x",
    )
    .await;
    assert_eq!(doubled, 0, "nothing is doubled");
    // Each job led to the one reading it stands for: the lexicon's or the model's.
    let readings = count(&pool, "select count(*) from sentiment").await;
    let jobs = count(&pool, "select count(*) from queue.job where kind = 'analyze_article'").await;
    assert_eq!(readings, jobs);
    // What the victim held was run again, and a row says why.
    let lost = count(&pool, "select count(*) from queue.attempt where outcome = 'lost'").await;
    assert!(lost > 0, "the kill hit work");

    // Both end in order when asked.
    for running in [&mut scraper, &mut heir] {
        running.signal("TERM");
        assert_eq!(running.ended(Duration::from_secs(40)).await, Some(0), "{}", running.said());
    }
    let found = inspect::find(&pool.clone().into(), bellwether_queue::JobId(batch))
        .await
        .expect("the database")
        .expect("the batch");
    assert_eq!(found.job.state, State::Completed);
    sandbox.stop().await;
}

fn output_id(database: &str, kind: &str, args: &str) -> i64 {
    let added = crate::support::output(
        bellwether(&["enqueue", kind, "--args", args]).env("DATABASE_URL", database),
    );
    assert!(added.status.success(), "{}", crate::support::stderr(&added));
    crate::support::stdout(&added).trim().parse().expect("an id")
}
