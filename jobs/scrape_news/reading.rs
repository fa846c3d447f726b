//! Articles of one answer, prepared for the database.

use std::collections::{BTreeMap, BTreeSet};

use bellwether_domain::{
    Symbol,
    article::{Prepared, Raw, prepare},
    symbols::Dictionary,
};
use bellwether_providers::Story;
use bellwether_store::article::NewArticle;

use super::opinion::Opinion;

/// An article about a known symbol, ready to be stored.
pub(super) struct Found {
    pub(super) article: Prepared,
    pub(super) opinion: Opinion,
}

/// Returns the usable articles, the earliest report first because it represents its story, and the
/// number of dropped ones by reason; `dropped` counts those that the client has dropped.
pub(super) fn read_all(
    dictionary: &Dictionary,
    stories: Vec<Story>,
    dropped: BTreeMap<&'static str, u32>,
    known: &BTreeSet<Symbol>,
) -> (Vec<Found>, Vec<(String, i64)>) {
    let mut drops: BTreeMap<&str, i64> =
        dropped.into_iter().map(|(why, n)| (why, i64::from(n))).collect();
    let mut found: Vec<Found> = Vec::new();
    for Story { article, overall, opinions } in stories {
        let raw = Raw {
            title: article.title,
            description: article.description,
            content: article.content,
            url: article.url,
            source: article.source,
            published_at: article.published_at,
        };
        match prepare(raw, dictionary, known) {
            Ok(article) => {
                let opinion = Opinion { overall, of: opinions };
                found.push(Found { article, opinion });
            }
            Err(why) => *drops.entry(why.as_str()).or_default() += 1,
        }
    }
    found.sort_by(|a, b| {
        let (a, b) = (&a.article.print, &b.article.print);
        (a.published_at, &a.canonical_url).cmp(&(b.published_at, &b.canonical_url))
    });
    (found, drops.into_iter().map(|(why, n)| (why.to_owned(), n)).collect())
}

/// The row of an article.
pub(super) fn row(article: &Prepared, provider: &str) -> NewArticle {
    let print = &article.print;
    NewArticle {
        canonical_url: print.canonical_url.clone(),
        url: article.url.to_string(),
        title: article.title.clone(),
        description: article.description.clone(),
        content: article.content.clone(),
        source: article.source.clone(),
        provider: provider.to_owned(),
        language: Some("en".to_owned()),
        published_at: print.published_at,
        fingerprint: serde_json::to_value(print).expect("a fingerprint is plain data"),
        simhash: print.simhash as i64,
        title_hash: title_hash(article),
        flags: article.flags.iter().map(|flag| flag.as_str().to_owned()).collect(),
    }
}

/// The hash of a title as it is stored.
pub(super) fn title_hash(article: &Prepared) -> String {
    format!("{:016x}", article.print.title_hash)
}
