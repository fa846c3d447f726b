//! The product behind a transaction pooler, from an empty database to signals.

use std::{process::Command, time::Duration};

use bellwether_sandbox::{Options, Sandbox};
use bellwether_testing::{Pooler, database};

use crate::support::{Running, bellwether, items, output, stderr, stdout, until};

#[tokio::test(flavor = "multi_thread")]
async fn the_whole_product_runs_through_a_transaction_pooler() {
    let db = database(&[]).await;
    let pooler = Pooler::before(&db, 3).await;
    let sandbox = Sandbox::start(Options::default()).await.expect("the sandbox starts");
    let behind = |args: &[&str]| -> Command {
        let mut command = bellwether(args);
        command
            .env("DATABASE_URL", &pooler.url)
            .env("DATABASE_DIRECT_URL", &db.url)
            .env("BELLWETHER_HTTP_ADDR", "127.0.0.1:0")
            .env("NEWSAPI_API_KEY", "test")
            .env("NEWSAPI_BASE_URL", format!("{}/newsapi", sandbox.url()))
            .env("ALPHA_VANTAGE_API_KEY", "test")
            .env("ALPHA_VANTAGE_BASE_URL", format!("{}/alphavantage", sandbox.url()));
        command
    };
    let run = |args: &[&str]| output(&mut behind(args));

    let up = run(&["migrate", "up"]);
    assert!(up.status.success(), "{}", stderr(&up));
    assert!(run(&["wait", "--schema", "--timeout", "10s"]).status.success());
    assert!(run(&["migrate", "status"]).status.success());

    let mut api = Running::start(behind(&["api"]));
    let address = api.address_after("listening on").await;
    until(&format!("{address}/ready"), "readiness", |status, _| status == 200).await;
    let mut workers: Vec<Running> = ["scraper", "analyzer", "alert"]
        .map(|role| Running::start(behind(&["worker", role])))
        .into();

    let args = r#"{"symbols":["AAPL","MSFT"]}"#;
    let added = run(&["enqueue", "scrape_batch", "--args", args, "--wait"]);
    assert!(added.status.success(), "{}", stderr(&added));
    for symbol in ["AAPL", "MSFT"] {
        until(&format!("{address}/api/signals/{symbol}"), "a signal", |status, body| {
            status == 200 && body["current"]["state"] == "ok"
        })
        .await;
    }
    until(&format!("{address}/api/queues"), "the monitor", |_, b| items(b).len() >= 4).await;
    let shown = run(&["jobs", "show", stdout(&added).trim(), "--json"]);
    assert!(shown.status.success(), "{}", stderr(&shown));

    workers.push(api);
    for running in &mut workers {
        running.signal("TERM");
        assert_eq!(running.ended(Duration::from_secs(40)).await, Some(0), "{}", running.said());
        let said = running.said();
        assert!(!said.contains("prepared statement"), "{said}");
    }
    sandbox.stop().await;
}
