//! Prepares an article: cleaned, with its symbols and its fingerprint.

use std::collections::{BTreeMap, BTreeSet};

use bellwether_domain::{
    Symbol,
    clean::{Cleaned, clean},
    cluster::{Fingerprint, Story as Told, canonical_url, fingerprint},
    symbols::{Dictionary, LINK},
};
use bellwether_store as store;

use super::{Story, opinion::Opinion};

/// An article about a known symbol, ready to be stored.
pub(super) struct Found {
    pub(super) article: store::article::NewArticle,
    pub(super) print: Fingerprint,
    pub(super) mentions: Vec<(Symbol, f64)>,
    pub(super) opinion: Option<Opinion>,
}

/// Returns the usable articles, the earliest report first because it represents its story, and the
/// number of dropped ones by reason; `dropped` counts those that the client has dropped.
pub(super) fn read_all(
    dictionary: &Dictionary,
    stories: Vec<Story>,
    dropped: BTreeMap<&'static str, u32>,
    known: &BTreeSet<Symbol>,
    provider: &str,
) -> (Vec<Found>, Vec<(String, i64)>) {
    let mut drops: BTreeMap<&str, i64> =
        dropped.into_iter().map(|(why, n)| (why, i64::from(n))).collect();
    let mut found: Vec<Found> = Vec::new();
    for story in stories {
        match read(dictionary, story, known, provider) {
            Ok(one) => found.push(one),
            Err(why) => *drops.entry(why).or_default() += 1,
        }
    }
    found.sort_by(|a, b| {
        (a.print.published_at, &a.print.canonical_url)
            .cmp(&(b.print.published_at, &b.print.canonical_url))
    });
    (found, drops.into_iter().map(|(why, n)| (why.to_owned(), n)).collect())
}

/// Cleans an article and finds its symbols; `Err` has the reason to drop it.
fn read(
    dictionary: &Dictionary,
    story: Story,
    known: &BTreeSet<Symbol>,
    provider: &str,
) -> Result<Found, &'static str> {
    let Story { article, opinion } = story;
    let title = clean(&article.title);
    let description = article.description.as_deref().map(clean);
    let content = article.content.as_deref().map(clean);
    if title.text.trim().is_empty() {
        return Err("no_title");
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
        return Err("unrelated");
    }
    let flags: BTreeSet<_> = parts.iter().flatten().flat_map(|part| part.flags.clone()).collect();

    let text_of =
        |part: Option<Cleaned>| part.map(|part| part.text).filter(|text| !text.trim().is_empty());
    let (description, content) = (text_of(description), text_of(content));
    let host = || article.url.host_str().unwrap_or("unknown").to_owned();
    let source = article.source.clone().filter(|s| !s.trim().is_empty()).unwrap_or_else(host);
    let print = fingerprint(&Told {
        title: title.text.clone(),
        description: description.clone().or_else(|| content.clone()).unwrap_or_default(),
        url: article.url.clone(),
        source: source.clone(),
        published_at: article.published_at,
    });
    let article = store::article::NewArticle {
        canonical_url: canonical_url(&article.url),
        url: article.url.to_string(),
        title: title.text,
        description,
        content,
        source,
        provider: provider.to_owned(),
        language: Some("en".to_owned()),
        published_at: article.published_at,
        fingerprint: serde_json::to_value(&print).expect("a fingerprint is plain data"),
        simhash: print.simhash as i64,
        title_hash: format!("{:016x}", print.title_hash),
        flags: flags.into_iter().map(|flag| flag.as_str().to_owned()).collect(),
    };
    Ok(Found { article, print, mentions, opinion })
}
