//! The provider's own word: one worker hears 429 with a time, and all of them obey.

use std::time::Duration;

use bellwether_testing::wait_until_within;
use chrono::TimeDelta;
use serde_json::json;

use crate::{referee, stage::Stage};

#[derive(Debug)]
pub(crate) struct Word {
    /// Calls that still came, and the last of them, in ms after the refusal.
    pub(crate) stragglers: Vec<i64>,
    /// The first call after the time, in ms after it; negative: too early.
    pub(crate) first_after_ms: i64,
    pub(crate) attempts_spent: i64,
}

/// Seconds in the sandbox's Retry-After.
const ASKED: i64 = 8;

/// The news key has permits to spare here, so that only the provider's word stands in the way.
pub(crate) async fn spoken(stage: &Stage) -> Word {
    let key = &stage.keys[1];
    let wide = json!({"newsapi": {"per_12h": 100_000}});
    let post = async |what: &str, body: &serde_json::Value| {
        let url = format!("{}/_sandbox/{what}", stage.sandbox.url());
        let sent = stage.http.post(url).json(body).send().await.expect("the sandbox answers");
        assert!(sent.status().is_success(), "{}", sent.text().await.unwrap_or_default());
    };
    post("limits", &wide).await;
    sqlx::query("update queue.limit_window w set amount = 100000 from queue.limit_key k where k.id = w.key and k.name = $1")
        .bind(key.name)
        .execute(&stage.db)
        .await
        .expect("room");
    stage.fill().await;
    let before = referee::book(stage, key).await.len();
    // one refusal, with a time in its header
    post("faults", &json!([{"id": "F14", "match": "/newsapi/", "count": 1}])).await;
    let refusal = wait_until_within(Duration::from_secs(30), "the refusal", || async {
        stage.fill().await;
        let book = referee::book(stage, key).await;
        book[before..].iter().find(|e| e.status == Some(429)).cloned()
    })
    .await;
    let free = refusal.time + TimeDelta::seconds(ASKED);
    let after = wait_until_within(Duration::from_secs(40), "a call after the time", || async {
        stage.fill().await;
        let book = referee::book(stage, key).await;
        let later: Vec<_> = book.into_iter().filter(|e| e.time > refusal.time).collect();
        later
            .iter()
            .any(|e| e.time > refusal.time + TimeDelta::milliseconds(1_500))
            .then_some(later)
    })
    .await;
    let ms = |t: TimeDelta| t.num_milliseconds();
    let (stragglers, later): (Vec<_>, Vec<_>) =
        after.iter().partition(|e| e.time - refusal.time <= TimeDelta::milliseconds(1_500));
    let spent: i64 = sqlx::query_scalar(
        "select count(*) from queue.attempt t where t.outcome not in ('throttled', 'snoozed', 'released', 'lost')
            and t.started_at > $1 - interval '30 seconds' and t.error like '%429%'",
    )
    .bind(refusal.time)
    .fetch_one(&stage.db)
    .await
    .expect("a count");
    Word {
        stragglers: stragglers.iter().map(|e| ms(e.time - refusal.time)).collect(),
        first_after_ms: later.first().map_or(i64::MIN, |e| ms(e.time - free)),
        attempts_spent: spent,
    }
}
