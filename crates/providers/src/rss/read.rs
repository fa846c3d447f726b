//! The items of a feed as articles.

use std::borrow::Cow;

use chrono::{DateTime, Utc};
use feed_rs::{model, parser};

use crate::{
    News, Story,
    article::{Article, CLOCK_TOLERANCE, address, text},
};

/// Ends of an item, and what closes the document after it.
const ENDS: [(&str, &str); 2] = [("</item>", "</channel></rss>"), ("</entry>", "</feed>")];

/// The reason that an answer is no feed.
#[derive(Debug)]
pub(super) struct Problem {
    pub(super) reason: &'static str,
    pub(super) detail: String,
}

/// Returns the articles of a feed, newest first, and true if the feed was cut: then the items before
/// the cut are kept.
pub(super) fn feed(body: &str, now: DateTime<Utc>) -> Result<(News, bool), Problem> {
    let body = undeclared(body);
    let (feed, cut) = match parse(body) {
        Ok(feed) => (feed, false),
        Err(error) => match mended(body).map(|mended| parse(&mended)) {
            Some(Ok(feed)) => (feed, true),
            _ => return Err(problem(body, &error)),
        },
    };
    let outlet = feed.title.map(|title| title.content);
    let mut news = News::default();
    for entry in feed.entries {
        match read(entry, outlet.as_deref(), now) {
            Ok(article) => news.stories.push(Story::from(article)),
            Err(reason) => *news.dropped.entry(reason).or_default() += 1,
        }
    }
    news.stories.sort_by_key(|story| std::cmp::Reverse(story.article.published_at));
    Ok((news, cut))
}

fn parse(body: &str) -> parser::ParseFeedResult<model::Feed> {
    // an item without an identity would get a random one at each poll; its address identifies it here
    let parser = parser::Builder::new().id_generator(|_, _, _| String::new()).build();
    parser.parse(body.as_bytes())
}

/// The body without its XML declaration: it is UTF-8 by now, whatever the declaration says.
fn undeclared(body: &str) -> &str {
    let body = body.trim_start_matches('\u{feff}').trim_start();
    match body.strip_prefix("<?xml").and_then(|rest| rest.split_once("?>")) {
        Some((_, rest)) => rest,
        None => body,
    }
}

/// A feed that ended inside an item, ended after the last whole one instead.
fn mended(body: &str) -> Option<Cow<'_, str>> {
    ENDS.iter().find_map(|(end, close)| {
        let at = body.rfind(end)? + end.len();
        Some(Cow::Owned(format!("{}{close}", &body[..at])))
    })
}

fn problem(body: &str, error: &parser::ParseFeedError) -> Problem {
    let head: String = body.chars().take(200).collect::<String>().to_lowercase();
    let is_page = head.contains("<html") || head.contains("<!doctype html");
    let reason = if is_page { "html" } else { "no_feed" };
    Problem { reason, detail: error.to_string() }
}

fn read(
    entry: model::Entry,
    outlet: Option<&str>,
    now: DateTime<Utc>,
) -> Result<Article, &'static str> {
    let title = text(entry.title.map(|title| title.content)).ok_or("no_title")?;
    let link =
        entry.links.iter().find(|link| link.rel.as_deref().unwrap_or("alternate") == "alternate");
    // an RSS item may have a permanent identity in the place of a link
    let url = address(link.map(|link| link.href.as_str()))
        .or_else(|| address(Some(&entry.id)))
        .ok_or("no_url")?;
    // Atom entries may have an update's time only
    let published_at = entry.published.or(entry.updated).ok_or("undated")?;
    if published_at > now + CLOCK_TOLERANCE {
        return Err("future");
    }
    Ok(Article {
        source: text(outlet.map(str::to_owned)),
        author: text(entry.authors.into_iter().find_map(|author| author.name)),
        title,
        description: text(entry.summary.map(|summary| summary.content)),
        url,
        published_at,
        // feeds are read for their headlines; whole texts belong to their publishers
        content: None,
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn now() -> DateTime<Utc> {
        "2026-11-25T22:00:00Z".parse().unwrap()
    }

    fn titles(news: &News) -> Vec<&str> {
        news.stories.iter().map(|story| story.article.title.as_str()).collect()
    }

    /// GlobeNewswire's form: categories with tickers, a permanent link as `guid`, RFC 822 dates.
    const WIRE: &str = include_str!("../../tests/fixtures/rss/globenewswire.xml");
    /// The form of EDGAR's current filings: Atom, with an update's time only.
    const FILINGS: &str = include_str!("../../tests/fixtures/rss/filings.xml");

    #[test]
    fn items_are_read_newest_first_and_unusable_ones_are_counted() {
        let (news, cut) = feed(WIRE, now()).unwrap();
        assert!(!cut);
        assert_eq!(
            titles(&news),
            [
                "Acme Corp Announces Record Third Quarter 2026 Results",
                "An item whose identity is its address",
                "Zeta Holdings to Present at Conference"
            ]
        );
        let first = &news.stories[0].article;
        assert_eq!(first.published_at.to_rfc3339(), "2026-11-25T21:05:00+00:00");
        assert_eq!(
            first.url.as_str(),
            "https://www.globenewswire.com/news-release/2026/11/25/1/0/en/acme.html"
        );
        assert_eq!(first.source.as_deref(), Some("GlobeNewswire - News about Public Companies"));
        let dropped = [("future", 1), ("no_title", 1), ("no_url", 1), ("undated", 1)];
        assert_eq!(news.dropped, BTreeMap::from(dropped));
    }

    #[test]
    fn an_entry_of_atom_may_have_the_time_of_an_update_only() {
        let (news, _) = feed(FILINGS, now()).unwrap();
        assert_eq!(titles(&news), ["8-K - ACME CORP (0001234567) (Filer)"]);
        let published = news.stories[0].article.published_at;
        assert_eq!(published.to_rfc3339(), "2026-11-25T21:05:31+00:00");
    }

    #[test]
    fn a_feed_that_ends_anywhere_keeps_the_items_before_its_end() {
        let (whole, _) = feed(WIRE, now()).unwrap();
        for end in (0..WIRE.len()).filter(|at| WIRE.is_char_boundary(*at)) {
            let before = WIRE[..end].matches("</item>").count();
            match feed(&WIRE[..end], now()) {
                Ok((news, _)) => {
                    let dropped: u32 = news.dropped.values().sum();
                    assert_eq!(news.stories.len() + dropped as usize, before, "cut at {end}");
                    assert!(news.stories.iter().all(|story| whole.stories.contains(story)));
                }
                Err(_) => assert_eq!(before, 0, "cut at {end}"),
            }
        }
    }

    #[test]
    fn a_page_is_no_feed() {
        let page = "<!DOCTYPE html><html><body>Checking your browser</body></html>";
        assert_eq!(feed(page, now()).unwrap_err().reason, "html");
        assert_eq!(feed("{\"a\":1}", now()).unwrap_err().reason, "no_feed");
        assert_eq!(feed("", now()).unwrap_err().reason, "no_feed");
    }

    #[test]
    fn a_declared_encoding_is_not_applied_twice() {
        let body =
            WIRE.replace("encoding=\"utf-8\"", "encoding=\"iso-8859-1\"").replace("Zeta", "Žeta");
        let (news, _) = feed(&body, now()).unwrap();
        assert_eq!(titles(&news)[2], "Žeta Holdings to Present at Conference");
    }
}
