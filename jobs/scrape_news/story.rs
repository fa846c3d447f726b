//! The story that each article tells, and its rows.

use std::collections::BTreeSet;

use bellwether_domain::{
    Symbol,
    cluster::{Fingerprint, same_story},
};
use bellwether_store::{self as store, article::Candidate};
use sqlx::PgConnection;

use super::{aside, reading::Found};
use crate::Error;

/// The articles that were new.
#[derive(Default)]
pub(super) struct Kept {
    pub(super) articles: usize,
    pub(super) symbols: BTreeSet<Symbol>,
}

/// Stores the articles, each in its story, and returns them.
pub(super) async fn keep(
    tx: &mut PgConnection,
    found: Vec<Found>,
) -> Result<(Kept, Vec<Found>), Error> {
    let (Some(first), Some(last)) = (found.first(), found.last()) else {
        return Ok((Kept::default(), found));
    };
    store::cluster::lock(&mut *tx).await?;
    let symbols: BTreeSet<Symbol> =
        found.iter().flat_map(|f| f.mentions.iter().map(|m| m.0.clone())).collect();
    let symbols: Vec<Symbol> = symbols.into_iter().collect();
    let hashes: Vec<String> = found.iter().map(|f| f.article.title_hash.clone()).collect();
    let span = (first.print.published_at, last.print.published_at);
    let candidates =
        store::article::find_candidates(&mut *tx, &symbols, &hashes, span.0, span.1).await?;
    let (same, found) = aside(move || (compare(candidates, &found), found)).await;

    let mut kept = Kept::default();
    // a story that begins with another article of this search
    let mut begun: Vec<Option<i64>> = vec![None; found.len()];
    for (n, (one, same)) in found.iter().zip(same).enumerate() {
        let story = same.known.or_else(|| same.earlier.iter().find_map(|m| begun[*m]));
        let Some(added) = store::article::add(&mut *tx, &one.article, story).await? else {
            continue;
        };
        begun[n] = added.first.then_some(added.cluster_id);
        kept.articles += 1;
        kept.symbols.extend(store::article::link(&mut *tx, added.id, &one.mentions).await?);
    }
    Ok((kept, found))
}

/// The stories that an article repeats.
struct Same {
    /// A stored story.
    known: Option<i64>,
    /// Articles before it in this search, by their index, if the story is new.
    earlier: Vec<usize>,
}

/// Compares each article with the first report of each story, because similarity does not chain.
fn compare(mut candidates: Vec<Candidate>, found: &[Found]) -> Vec<Same> {
    candidates.sort_by_key(|c| (c.published_at, c.id));
    let mut read = BTreeSet::new();
    let mut stories: Vec<(i64, Fingerprint)> = Vec::new();
    for candidate in candidates {
        if !read.contains(&candidate.cluster_id)
            && let Ok(print) = serde_json::from_value(candidate.fingerprint)
        {
            read.insert(candidate.cluster_id);
            stories.push((candidate.cluster_id, print));
        }
    }
    let same = |(n, one): (usize, &Found)| {
        let known = stories.iter().find(|(_, print)| same_story(print, &one.print));
        let is_same = |m: &usize| same_story(&found[*m].print, &one.print);
        Same {
            known: known.map(|(id, _)| *id),
            earlier: if known.is_some() { vec![] } else { (0..n).filter(is_same).collect() },
        }
    };
    found.iter().enumerate().map(same).collect()
}
