//! An article of a news source.

use chrono::{DateTime, TimeDelta, Utc};
use url::Url;

/// Largest lead of a publisher's clock over ours.
pub(crate) const CLOCK_TOLERANCE: TimeDelta = TimeDelta::minutes(5);

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Article {
    pub source: Option<String>,
    pub author: Option<String>,
    pub title: String,
    pub description: Option<String>,
    pub url: Url,
    pub published_at: DateTime<Utc>,
    /// Often only its beginning.
    pub content: Option<String>,
}

/// A text that is not empty and that the database can store.
pub(crate) fn text(text: Option<String>) -> Option<String> {
    let text = text?.replace('\0', "");
    let text = text.trim();
    (!text.is_empty()).then(|| text.to_owned())
}

/// An http or https address.
pub(crate) fn address(url: Option<&str>) -> Option<Url> {
    Url::parse(url?).ok().filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host())
}
