//! `bellwether up`, from nothing to an alert, stopped and started again.

use std::time::Duration;

use bellwether_testing::wait_until_within;
use serde_json::json;

use crate::support::{bellwether, folder, get, items, output, post, stderr, stdout, until, up};

const SYMBOLS: [&str; 5] = ["AAPL", "MSFT", "GOOGL", "AMZN", "TSLA"];

#[tokio::test]
async fn one_command_leads_to_signals_an_alert_and_a_message_and_work_continues_after_a_restart() {
    let folder = folder();
    let mut first = up(folder.path());
    let api = first.address_after("up at").await;
    let sandbox = first.address_after("sandbox:").await;
    until(&format!("{api}/ready"), "readiness", |status, _| status == 200).await;
    let ready_at = std::time::Instant::now();

    // A first signal for every symbol.
    for symbol in SYMBOLS {
        let body = until(&format!("{api}/api/signals/{symbol}"), "a signal", |status, body| {
            status == 200 && body["current"]["state"] == "ok"
        })
        .await;
        assert!(body["current"]["label"].is_string(), "{body}");
    }
    assert!(ready_at.elapsed() < Duration::from_mins(1), "took {:?}", ready_at.elapsed());

    // Every original route answers with data.
    let latest =
        until(&format!("{api}/api/latest-data"), "quotes", |_, b| items(b).len() == 5).await;
    for item in items(&latest) {
        assert!(item["price"].is_string(), "decimals are strings: {item}");
        assert!(item["as_of"].is_string() && item["stale"].is_boolean(), "{item}");
    }
    let news = until(&format!("{api}/api/news/AAPL"), "articles with sentiment", |_, b| {
        items(b).iter().any(|article| !article["sentiment"].is_null())
    })
    .await;
    assert!(items(&news)[0]["title"].is_string());
    until(&format!("{api}/api/sentiment-summary"), "the summary", |_, b| !items(b).is_empty())
        .await;
    assert_eq!(get(&format!("{api}/health")).await.1["status"], "healthy");
    assert_eq!(get(&format!("{api}/api/alerts/recent")).await.0, 200);
    assert_eq!(get(&format!("{api}/api/alerts/AAPL")).await.0, 200);
    for route in ["scrape", "analyze", "check-alerts"] {
        let (status, body) = post(&format!("{api}/{route}"), &json!({})).await;
        assert_eq!(status, 202, "{route}: {body}");
        assert!(body["jobs"].is_array(), "{route}: {body}");
    }

    // A price falls: new quotes, an alert, a message.
    let (status, _) =
        post(&format!("{sandbox}/_sandbox/jump"), &json!({"symbol": "TSLA", "percent": -12})).await;
    assert!(status < 300, "the jump is planted: {status}");
    let (status, job) = post(
        &format!("{api}/jobs"),
        &json!({"kind": "scrape_batch", "args": {"symbols": ["TSLA"]}}),
    )
    .await;
    assert_eq!(status, 201, "{job}");
    let alerts = until(&format!("{api}/api/alerts/TSLA"), "the alert", |_, b| {
        items(b).iter().any(|alert| alert["kind"] == "price_change")
    })
    .await;
    assert!(items(&alerts).iter().any(|alert| alert["symbol"] == "TSLA"));
    let told = |body: &serde_json::Value| {
        ["sms", "email"].iter().any(|channel| {
            body[*channel]
                .as_array()
                .is_some_and(|sent| sent.iter().any(|m| m.to_string().contains("TSLA")))
        })
    };
    let outbox =
        until(&format!("{sandbox}/_sandbox/outbox"), "the message", |_, body| told(body)).await;
    for (channel, field) in [("sms", "body"), ("email", "subject")] {
        for message in outbox[channel].as_array().expect("a list") {
            let text = message[field].as_str().expect("text");
            assert!(text.starts_with("[SIMULATED] "), "prices are invented here: {message}");
        }
    }

    // The same data folder answers a second command meanwhile.
    let id = job["id"].as_str().expect("ids are strings");
    let shown = output(
        bellwether(&["jobs", "show", id, "--json"])
            .current_dir(folder.path())
            .env("BELLWETHER_DATA_DIR", folder.path()),
    );
    assert!(shown.status.success(), "{}", stderr(&shown));
    assert!(stdout(&shown).contains("scrape_batch"));

    // Ctrl-C ends all of it.
    first.signal("INT");
    assert_eq!(first.ended(Duration::from_secs(40)).await, Some(0), "{}", first.said());
    assert!(no_process_names(folder.path()).await, "a process of the folder is left");

    // And a second start goes on where the first one stopped.
    let mut second = up(folder.path());
    let api = second.address_after("up at").await;
    until(&format!("{api}/ready"), "readiness again", |status, _| status == 200).await;
    let (status, found) = get(&format!("{api}/api/jobs/{id}")).await;
    assert_eq!((status, found["state"].as_str()), (200, Some("completed")), "{found}");
    let alerts = get(&format!("{api}/api/alerts/TSLA")).await.1;
    assert!(!items(&alerts).is_empty());
    second.signal("TERM");
    assert_eq!(second.ended(Duration::from_secs(40)).await, Some(0), "{}", second.said());
}

async fn no_process_names(folder: &std::path::Path) -> bool {
    let name = folder.to_string_lossy().into_owned();
    wait_until_within(Duration::from_secs(10), "its processes to be gone", || async {
        let ps = std::process::Command::new("ps").args(["-eo", "args"]).output().expect("ps");
        (!String::from_utf8_lossy(&ps.stdout).contains(&name)).then_some(true)
    })
    .await
}

#[tokio::test]
async fn a_port_in_use_is_one_clear_line() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let addr = taken.local_addr().expect("its address").to_string();
    let folder = folder();
    let ended = output(
        bellwether(&["up"])
            .current_dir(folder.path())
            .env("BELLWETHER_DATA_DIR", folder.path())
            .env("BELLWETHER_HTTP_ADDR", &addr),
    );
    assert_eq!(ended.status.code(), Some(1));
    let said = stderr(&ended);
    assert!(said.contains(&format!("cannot listen on {addr}")), "{said}");
    assert!(said.contains("BELLWETHER_HTTP_ADDR"), "it says what to do: {said}");
    assert_eq!(said.trim().lines().count(), 1, "{said}");
}

#[tokio::test]
async fn a_data_folder_that_is_not_ours_is_one_clear_line() {
    let folder = folder();
    std::fs::create_dir(folder.path().join("postgres")).expect("a folder");
    std::fs::write(folder.path().join("postgres/somebody-elses"), "data").expect("a file");
    let ended = output(
        bellwether(&["up"])
            .current_dir(folder.path())
            .env("BELLWETHER_DATA_DIR", folder.path())
            .env("BELLWETHER_HTTP_ADDR", "127.0.0.1:0")
            .env("BELLWETHER_SANDBOX_ADDR", "127.0.0.1:0")
            .env("BELLWETHER_SANDBOX_SMTP_ADDR", "127.0.0.1:0"),
    );
    assert_eq!(ended.status.code(), Some(1));
    let said = stderr(&ended);
    assert!(said.contains("bellwether: ") && said.contains("postgres"), "{said}");
    assert!(folder.path().join("postgres/somebody-elses").exists(), "nothing of it is touched");
}
