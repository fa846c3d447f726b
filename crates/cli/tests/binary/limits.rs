//! The providers' limits in a terminal.

use std::time::Duration;

use bellwether_queue::{
    Db, MIGRATOR,
    limits::{Counts, Limit, Window, define},
};
use bellwether_testing::{Database, database};
use serde_json::Value;

use crate::support::{Running, bellwether, folder, output, stderr, stdout, until};

async fn with_a_limit() -> Database {
    let db = database(&[&MIGRATOR, &bellwether_store::MIGRATOR]).await;
    let limit = Limit::new("newsapi", Counts::Finish)
        .window(Window::requests(50, Duration::from_hours(12)));
    define(&Db::direct(db.pool()), &limit).await.unwrap();
    db
}

#[tokio::test]
async fn a_key_is_parked_and_resumed_and_both_are_in_the_audit() {
    let db = with_a_limit().await;
    let run = |args: &[&str]| output(bellwether(args).env("DATABASE_URL", &db.url));
    let listed: Value = serde_json::from_str(&stdout(&run(&["limits", "list", "--json"]))).unwrap();
    assert_eq!(listed["items"][0]["key"], "newsapi");
    assert_eq!(listed["items"][0]["windows"][0]["remaining"], 50, "as the API tells it");

    let parked = run(&["limits", "park", "newsapi", "--for", "30m", "--reason", "a new plan"]);
    assert!(parked.status.success(), "{}", stderr(&parked));
    let said = stdout(&run(&["limits", "list"]));
    assert!(said.contains("50 of 50 requests/12h"), "{said}");
    assert!(said.contains("parked until") && said.contains("a new plan"), "{said}");

    let resumed = run(&["limits", "resume", "newsapi", "--json"]);
    let limit: Value = serde_json::from_str(&stdout(&resumed)).unwrap();
    assert_eq!((&limit["key"], &limit["parked_until"]), (&"newsapi".into(), &Value::Null));

    let told: Vec<(String, String, String)> =
        sqlx::query_as("select actor, action, subject from queue.audit order by id")
            .fetch_all(&db.pool())
            .await
            .unwrap();
    let entry = |action: &str| ("cli".to_owned(), action.to_owned(), "newsapi".to_owned());
    assert_eq!(told, [entry("limit.park"), entry("limit.resume")]);
}

#[tokio::test]
async fn a_key_that_does_not_exist_and_a_time_that_is_over_are_refused() {
    let db = with_a_limit().await;
    let run = |args: &[&str]| output(bellwether(args).env("DATABASE_URL", &db.url));
    let unknown = run(&["limits", "park", "newsap"]);
    assert_eq!(unknown.status.code(), Some(1));
    assert!(stderr(&unknown).contains("known are newsapi"), "{}", stderr(&unknown));
    let over = run(&["limits", "park", "newsapi", "--until", "2020-01-01T00:00:00Z"]);
    assert_eq!(over.status.code(), Some(1));
    let both = ["--for", "1h", "--until", "2099-01-01T00:00:00Z"];
    let both = run(&[&["limits", "park", "newsapi"], both.as_slice()].concat());
    assert_eq!(both.status.code(), Some(2));
    assert_eq!(run(&["limits", "park", "newsapi", "--for", "31d"]).status.code(), Some(2));
}

#[tokio::test]
async fn a_start_names_the_keys_that_are_parked() {
    let db = with_a_limit().await;
    let parked = output(
        bellwether(&["limits", "park", "newsapi", "--reason", "a new plan"])
            .env("DATABASE_URL", &db.url),
    );
    assert!(parked.status.success(), "{}", stderr(&parked));
    let folder = folder();
    let mut command = bellwether(&["up", "--http-addr", "127.0.0.1:0"]);
    command
        .current_dir(folder.path())
        .env("DATABASE_URL", &db.url)
        .env("BELLWETHER_DATA_DIR", folder.path())
        .env("BELLWETHER_SANDBOX_ADDR", "127.0.0.1:0")
        .env("BELLWETHER_SANDBOX_SMTP_ADDR", "127.0.0.1:0");
    let mut up = Running::start(command);
    let api = up.address_after("up at").await;
    until(&format!("{api}/ready"), "readiness", |status, _| status == 200).await;
    up.until_said("Ctrl-C stops everything").await;
    let said = up.said();
    assert!(said.contains("newsapi is parked until") && said.contains("a new plan"), "{said}");
    assert!(said.contains("bellwether limits resume newsapi"), "{said}");
    assert!(said.find("is up at") < said.find("is parked until"), "{said}");
    up.signal("TERM");
    assert_eq!(up.ended(Duration::from_secs(30)).await, Some(0));
}
