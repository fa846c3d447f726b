//! Malformed articles, for faults of content.

use chrono::{SecondsFormat, TimeDelta};
use serde_json::{Value, json};

use crate::app::Arrival;
use crate::fixtures;
use crate::world::Article;

/// The newest story repeatedly, each time under another address.
pub(super) fn storm(found: &[Article]) -> Vec<Article> {
    let Some(story) = found.first() else { return Vec::new() };
    let copy = |k: i64| {
        let mut copy = story.clone();
        copy.url = format!("https://outlet-{k}.example/{k}/story");
        copy.published_at -= TimeDelta::seconds(k);
        copy
    };
    (0..200).map(copy).collect()
}

/// Faults of content.
pub(super) fn shape(arrival: &Arrival, articles: &mut Vec<Value>) {
    if arrival.has("F48") {
        let again = articles.clone().into_iter().map(|mut article| {
            let url = article["url"].as_str().unwrap_or_default();
            article["url"] = json!(url.replacen("https://www.", "https://amp.", 1) + "#again");
            article
        });
        articles.extend(again);
    }
    for (index, article) in articles.iter_mut().enumerate() {
        if arrival.has("F43") && index % 2 == 0 {
            let removed = json!("[Removed]");
            *article = json!({
                "source": {"id": null, "name": removed},
                "author": null,
                "title": removed,
                "description": removed,
                "url": "https://removed.com",
                "urlToImage": null,
                "publishedAt": article["publishedAt"],
                "content": removed,
            });
            continue;
        }
        if arrival.has("F44") {
            for field in ["author", "description", "urlToImage", "content"] {
                article[field] = Value::Null;
            }
            article["source"] = json!({"id": null, "name": null});
        }
        if let Some(fault) = arrival.fault("F47") {
            if fault.mode == "missing" {
                article["publishedAt"] = Value::Null;
            } else {
                let future = arrival.at + TimeDelta::days(2);
                article["publishedAt"] = json!(future.to_rfc3339_opts(SecondsFormat::Secs, true));
            }
        }
        if arrival.has("F49") {
            let title = article["title"].as_str().unwrap_or_default();
            article["title"] = json!(format!("Laut Bericht gilt für die Aktie: {title}"));
        }
        if let Some(fault) = arrival.fault("F90") {
            let description = article["description"].as_str().unwrap_or_default();
            article["description"] =
                json!(format!("{description} {}", fixtures::injection(fault.mode)));
        }
        if arrival.has("F92") && index == 0 {
            article["title"] = json!("Breaking ".repeat(116_509));
        }
    }
}
