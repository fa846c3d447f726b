//! The scored news of Alpha Vantage: numbers as texts, labels in two spellings, several tickers in
//! a story.

use chrono::{DateTime, NaiveDateTime, Utc};
use serde::Deserialize;
use serde_json::Value;

use crate::{
    News, Opinion, Story,
    article::{Article, CLOCK_TOLERANCE, address, text},
};

/// The provider's topics that together mention most listed companies, the widest first.
pub(super) const TOPICS: [&str; 3] = ["financial_markets", "earnings", "technology"];

#[derive(Deserialize)]
struct Raw {
    title: Option<String>,
    url: Option<String>,
    time_published: Option<String>,
    #[serde(default)]
    authors: Vec<String>,
    summary: Option<String>,
    source: Option<String>,
    #[serde(default)]
    overall_sentiment_score: Value,
    #[serde(default)]
    ticker_sentiment: Vec<Value>,
}

/// Keeps articles with a text and a date; counts the rest by reason.
pub(super) fn sift(stories: Vec<Value>, now: DateTime<Utc>) -> News {
    let mut feed = News::default();
    for value in stories {
        match read(value, now) {
            Ok(story) => feed.stories.push(story),
            Err(reason) => *feed.dropped.entry(reason).or_default() += 1,
        }
    }
    feed
}

fn read(value: Value, now: DateTime<Utc>) -> Result<Story, &'static str> {
    let raw: Raw = serde_json::from_value(value).map_err(|_| "malformed")?;
    let title = text(raw.title).ok_or("no_title")?;
    let url = address(raw.url.as_deref()).ok_or("no_url")?;
    let published_at = raw.time_published.as_deref().and_then(time).ok_or("undated")?;
    if published_at > now + CLOCK_TOLERANCE {
        return Err("future");
    }
    Ok(Story {
        article: Article {
            source: text(raw.source),
            author: text(raw.authors.into_iter().next()),
            title,
            description: text(raw.summary),
            url,
            published_at,
            content: None,
        },
        overall: number(&raw.overall_sentiment_score, -1.0),
        opinions: raw.ticker_sentiment.iter().filter_map(opinion).collect(),
    })
}

fn opinion(value: &Value) -> Option<Opinion> {
    Some(Opinion {
        ticker: value["ticker"].as_str()?.to_owned(),
        relevance: number(&value["relevance_score"], 0.0)?,
        score: number(&value["ticker_sentiment_score"], -1.0)?,
    })
}

/// A number, or a text that is one, from `least` to 1.
fn number(value: &Value, least: f64) -> Option<f64> {
    let number = match value {
        Value::String(text) => text.trim().parse().ok()?,
        value => value.as_f64()?,
    };
    (least..=1.0).contains(&number).then_some(number)
}

/// `20261120T143000`, or without seconds; UTC.
fn time(text: &str) -> Option<DateTime<Utc>> {
    let text = text.trim();
    ["%Y%m%dT%H%M%S", "%Y%m%dT%H%M"]
        .iter()
        .find_map(|form| NaiveDateTime::parse_from_str(text, form).ok())
        .map(|time| time.and_utc())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn a_feed_is_read_whether_its_numbers_are_numbers_or_texts() {
        let body: Value =
            serde_json::from_str(include_str!("../../tests/fixtures/alpha_vantage/feed.json"))
                .unwrap();
        let now = "2026-11-22T12:00:00Z".parse().unwrap();
        let feed = sift(body["feed"].as_array().unwrap().clone(), now);
        let titles: Vec<_> = feed.stories.iter().map(|s| s.article.title.as_str()).collect();
        assert_eq!(titles, ["Apple raises its outlook", "A story of an unknown label"]);
        let first = &feed.stories[0];
        assert_eq!(first.overall, Some(0.213));
        assert_eq!(first.article.published_at.to_rfc3339(), "2026-11-20T14:30:00+00:00");
        assert_eq!(first.article.source.as_deref(), Some("Reuters"));
        let tickers: Vec<_> = first.opinions.iter().map(|o| (o.ticker.as_str(), o.score)).collect();
        assert_eq!(tickers, [("AAPL", 0.31), ("CRYPTO:BTC", -0.02)]);
        assert_eq!(feed.stories[1].overall, Some(-0.4), "a text that is a number");
        assert_eq!(feed.stories[1].opinions.len(), 1, "one is out of range, one is no number");
        let dropped =
            [("future", 1), ("malformed", 1), ("no_title", 1), ("no_url", 1), ("undated", 1)];
        assert_eq!(feed.dropped, BTreeMap::from(dropped));
    }
}
