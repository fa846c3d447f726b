//! An article as a news source tells of it.

use chrono::{DateTime, Utc};
use url::Url;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Article {
    pub source: Option<String>,
    pub author: Option<String>,
    pub title: String,
    pub description: Option<String>,
    pub url: Url,
    pub published_at: DateTime<Utc>,
    /// Often no more than its beginning.
    pub content: Option<String>,
}

/// A text that says something and that the database can hold.
pub(crate) fn text(text: Option<String>) -> Option<String> {
    let text = text?.replace('\0', "");
    let text = text.trim();
    (!text.is_empty()).then(|| text.to_owned())
}

/// An address that a person can open.
pub(crate) fn address(url: Option<&str>) -> Option<Url> {
    Url::parse(url?).ok().filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host())
}
