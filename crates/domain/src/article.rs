//! Preparation of an article before it is read: cleaned, with its symbols and its fingerprint.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use url::Url;

use crate::{
    Symbol,
    clean::{Cleaned, Flag, clean},
    cluster::{Fingerprint, Story, fingerprint},
    symbols::{Dictionary, LINK},
};

/// An article as a source has published it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Raw {
    pub title: String,
    pub description: Option<String>,
    /// Often only its beginning.
    pub content: Option<String>,
    pub url: Url,
    /// The outlet; without one, the host of `url`.
    pub source: Option<String>,
    pub published_at: DateTime<Utc>,
}

/// An article about known symbols, ready to be stored.
#[derive(Clone, Debug, PartialEq)]
pub struct Prepared {
    pub title: String,
    pub description: Option<String>,
    pub content: Option<String>,
    pub url: Url,
    pub source: String,
    /// The symbols with their relevance, from [`LINK`] to 1.
    pub mentions: Vec<(Symbol, f64)>,
    pub print: Fingerprint,
    /// Findings of the cleaning.
    pub flags: BTreeSet<Flag>,
}

/// Reason to drop an article.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Drop {
    NoTitle,
    /// It mentions none of the known symbols.
    Unrelated,
}

impl Drop {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NoTitle => "no_title",
            Self::Unrelated => "unrelated",
        }
    }
}

/// Cleans an article and finds which of the `known` symbols it is about.
pub fn prepare(
    raw: Raw,
    dictionary: &Dictionary,
    known: &BTreeSet<Symbol>,
) -> Result<Prepared, Drop> {
    let title = clean(&raw.title);
    let description = raw.description.as_deref().map(clean);
    let content = raw.content.as_deref().map(clean);
    if title.text.trim().is_empty() {
        return Err(Drop::NoTitle);
    }
    let parts = [Some(&title), description.as_ref(), content.as_ref()];
    let text = parts.iter().flatten().map(|part| part.text.as_str()).collect::<Vec<_>>().join(". ");
    let mentions: Vec<(Symbol, f64)> = dictionary
        .find(&text)
        .into_iter()
        .filter(|mention| mention.relevance >= LINK && known.contains(&mention.symbol))
        .map(|mention| (mention.symbol, mention.relevance))
        .collect();
    if mentions.is_empty() {
        return Err(Drop::Unrelated);
    }
    let flags = parts.iter().flatten().flat_map(|part| part.flags.clone()).collect();

    let text_of =
        |part: Option<Cleaned>| part.map(|part| part.text).filter(|text| !text.trim().is_empty());
    let (description, content) = (text_of(description), text_of(content));
    let host = || raw.url.host_str().unwrap_or("unknown").to_owned();
    let source = raw.source.filter(|source| !source.trim().is_empty()).unwrap_or_else(host);
    let print = fingerprint(&Story {
        title: title.text.clone(),
        description: description.clone().or_else(|| content.clone()).unwrap_or_default(),
        url: raw.url.clone(),
        source: source.clone(),
        published_at: raw.published_at,
    });
    Ok(Prepared {
        title: title.text,
        description,
        content,
        url: raw.url,
        source,
        mentions,
        print,
        flags,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn raw(title: &str) -> Raw {
        Raw {
            title: title.to_owned(),
            description: Some("<p>Shares of <b>Apple</b> rose.</p>".to_owned()),
            content: None,
            url: "https://news.example.com/a?utm_source=x".parse().unwrap(),
            source: Some(" ".to_owned()),
            published_at: "2026-11-23T15:00:00Z".parse().unwrap(),
        }
    }

    fn prepared(title: &str, known: &[&str]) -> Result<Prepared, Drop> {
        let known = known.iter().map(|symbol| symbol.parse().unwrap()).collect();
        prepare(raw(title), &Dictionary::builtin(), &known)
    }

    #[test]
    fn an_article_is_cleaned_and_linked_to_known_symbols_only() {
        let article =
            prepared("Apple (NASDAQ: AAPL) and Microsoft beat estimates", &["AAPL"]).unwrap();
        let symbols: Vec<_> = article.mentions.iter().map(|(symbol, _)| symbol.as_str()).collect();
        assert_eq!(symbols, ["AAPL"]);
        assert_eq!(article.description.as_deref(), Some("Shares of Apple rose."));
        assert_eq!(article.source, "news.example.com");
        assert_eq!(article.print.canonical_url, crate::cluster::canonical_url(&article.url));
    }

    #[test]
    fn an_article_without_a_title_or_a_known_symbol_is_dropped() {
        assert_eq!(prepared("<b> </b>", &["AAPL"]), Err(Drop::NoTitle));
        assert_eq!(prepared("Apple beats estimates", &["MSFT"]), Err(Drop::Unrelated));
    }
}
