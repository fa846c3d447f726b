//! The story that each article tells, and its rows.

use std::collections::{BTreeSet, HashMap};

use bellwether_domain::{
    Symbol,
    cluster::{Fingerprint, Place, WINDOW, assign},
};
use bellwether_store::{self as store, article::Candidate};
use sqlx::PgConnection;

use super::{
    aside,
    reading::{Found, row, title_hash},
};
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
    provider: &str,
) -> Result<(Kept, Vec<Found>), Error> {
    let (Some(first), Some(last)) = (found.first(), found.last()) else {
        return Ok((Kept::default(), found));
    };
    store::cluster::lock(&mut *tx).await?;
    let symbols: BTreeSet<Symbol> =
        found.iter().flat_map(|f| f.article.mentions.iter().map(|m| m.0.clone())).collect();
    let symbols: Vec<Symbol> = symbols.into_iter().collect();
    let hashes: Vec<String> = found.iter().map(|f| title_hash(&f.article)).collect();
    let (from, to) = (first.article.print.published_at, last.article.print.published_at);
    let candidates =
        store::article::find_candidates(&mut *tx, &symbols, &hashes, from - WINDOW, to + WINDOW)
            .await?;
    let (places, found) = aside(move || (place(candidates, &found), found)).await;

    let mut kept = Kept::default();
    // the stories that began with an article of this search
    let mut begun: HashMap<usize, i64> = HashMap::new();
    for (one, place) in found.iter().zip(places) {
        let story = match place {
            Story::Known(id) => Some(id),
            Story::New(leader) => begun.get(&leader).copied(),
        };
        let row = row(&one.article, provider);
        let Some(added) = store::article::add(&mut *tx, &row, story).await? else { continue };
        if let Story::New(leader) = place {
            begun.entry(leader).or_insert(added.cluster_id);
        }
        kept.articles += 1;
        kept.symbols.extend(store::article::link(&mut *tx, added.id, &one.article.mentions).await?);
    }
    Ok((kept, found))
}

/// The story of an article.
#[derive(Clone, Copy)]
enum Story {
    /// A stored story, by its id.
    Known(i64),
    /// A new story, by the index of the article that represents it.
    New(usize),
}

/// Assigns each article to a story: a stored one is represented by its earliest candidate.
fn place(mut candidates: Vec<Candidate>, found: &[Found]) -> Vec<Story> {
    candidates.sort_by_key(|c| (c.published_at, c.id));
    let mut read = BTreeSet::new();
    let (mut ids, mut prints): (Vec<i64>, Vec<Fingerprint>) = (Vec::new(), Vec::new());
    for candidate in candidates {
        if !read.contains(&candidate.cluster_id)
            && let Ok(print) = serde_json::from_value(candidate.fingerprint)
        {
            read.insert(candidate.cluster_id);
            ids.push(candidate.cluster_id);
            prints.push(print);
        }
    }
    let reports: Vec<Fingerprint> = found.iter().map(|one| one.article.print.clone()).collect();
    let story = |place| match place {
        Place::Known(n) => Story::Known(ids[n]),
        Place::New(n) => Story::New(n),
    };
    assign(&prints, &reports).into_iter().map(story).collect()
}
