//! Clusters of reports that tell one story: the same address, the same headline, or nearly the same
//! words within three days, unless their numbers or names differ.

mod address;
mod fingerprint;

use std::collections::HashMap;

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use url::Url;

use crate::signal::HORIZON;

pub use address::canonical_url;
pub use fingerprint::fingerprint;

/// Reports further apart are different stories.
pub const WINDOW: TimeDelta = HORIZON;

/// Bits by which the hashes of two duplicates may differ.
const NEAR: u32 = 3;
/// Jaccard index of title trigrams from which two titles count as the same.
const ALIKE: f64 = 0.6;
/// Least number of shingles of a text that can be recognised.
const LEAST_SHINGLES: u32 = 8;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Story {
    pub title: String,
    pub description: String,
    pub url: Url,
    pub source: String,
    pub published_at: DateTime<Utc>,
}

/// The compared properties of a report. It can be stored; hashes do not change between versions.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fingerprint {
    pub canonical_url: String,
    pub published_at: DateTime<Utc>,
    /// Of the words of the title, without the outlet's name and editors' marks.
    pub title_hash: u64,
    /// Over three-word shingles of the title and the first 500 characters.
    pub simhash: u64,
    pub shingles: u32,
    /// The same without the title: outlets rewrite headlines over one text.
    pub body_simhash: u64,
    pub body_shingles: u32,
    /// Hashes of the title's trigrams, sorted.
    pub trigrams: Vec<u32>,
    /// The numbers of the title, as written without separators, sorted.
    pub numbers: Vec<String>,
    /// The names of the title, in lower case, sorted.
    pub names: Vec<String>,
    /// An editor's mark: this report corrects an earlier one.
    pub is_correction: bool,
}

/// Returns true if two reports tell one story. Not transitive: compare with a cluster's first
/// report.
pub fn same_story(a: &Fingerprint, b: &Fingerprint) -> bool {
    if a.canonical_url == b.canonical_url {
        return true;
    }
    if (a.published_at - b.published_at).abs() > WINDOW {
        return false;
    }
    if a.title_hash == b.title_hash && !a.trigrams.is_empty() {
        return true;
    }
    let is_copy = |x: u64, of_x: u32, y: u64, of_y: u32| {
        of_x.min(of_y) >= LEAST_SHINGLES && (x ^ y).count_ones() <= NEAR
    };
    (is_copy(a.simhash, a.shingles, b.simhash, b.shingles)
        || is_copy(a.body_simhash, a.body_shingles, b.body_simhash, b.body_shingles)
        || jaccard(&a.trigrams, &b.trigrams) >= ALIKE)
        && !differ(a, b)
}

/// Returns true if each of two titles has a number, or a name, that the other lacks. The numbers of
/// a correction may differ.
fn differ(a: &Fingerprint, b: &Fingerprint) -> bool {
    let apart = |x: &[String], y: &[String]| {
        x.iter().any(|w| y.binary_search(w).is_err())
            && y.iter().any(|w| x.binary_search(w).is_err())
    };
    let corrects = a.is_correction || b.is_correction;
    (!corrects && apart(&a.numbers, &b.numbers)) || apart(&a.names, &b.names)
}

/// Of two sorted sets.
fn jaccard(a: &[u32], b: &[u32]) -> f64 {
    let (small, large) = if a.len() < b.len() { (a.len(), b.len()) } else { (b.len(), a.len()) };
    if small == 0 || (small as f64) < ALIKE * large as f64 {
        return 0.0;
    }
    let (mut i, mut j, mut common) = (0, 0, 0);
    while i < a.len() && j < b.len() {
        match a[i].cmp(&b[j]) {
            std::cmp::Ordering::Less => i += 1,
            std::cmp::Ordering::Greater => j += 1,
            std::cmp::Ordering::Equal => {
                common += 1;
                i += 1;
                j += 1;
            }
        }
    }
    f64::from(common) / (a.len() as f64 + b.len() as f64 - f64::from(common))
}

/// The story of a report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// A known story, by its index.
    Known(usize),
    /// A new story, by the index of the report that represents it.
    New(usize),
}

/// Assigns each report to a story. `known` holds the first reports of the stories so far. The
/// earliest report represents a new story, in any order of input; every other one is compared with
/// first reports only, because similarity is not transitive.
pub fn assign(known: &[Fingerprint], reports: &[Fingerprint]) -> Vec<Place> {
    let mut by_time: Vec<usize> = (0..reports.len()).collect();
    by_time.sort_by_key(|n| (reports[*n].published_at, &reports[*n].canonical_url, *n));

    let mut leaders: Vec<usize> = Vec::new();
    let mut by_url: HashMap<&str, Place> = HashMap::new();
    let mut places = vec![Place::New(0); reports.len()];
    for n in by_time {
        let report = &reports[n];
        let of_known = || known.iter().position(|first| same_story(first, report));
        let of_new = || leaders.iter().copied().find(|m| same_story(&reports[*m], report));
        let place = by_url.get(report.canonical_url.as_str()).copied();
        let place = place
            .or_else(|| of_known().map(Place::Known))
            .or_else(|| of_new().map(Place::New))
            .unwrap_or(Place::New(n));
        if place == Place::New(n) {
            leaders.push(n);
        }
        by_url.entry(&report.canonical_url).or_insert(place);
        places[n] = place;
    }
    places
}

/// The stories of reports that none is known of, numbered from 0 in order of first appearance.
pub fn number(reports: &[Fingerprint]) -> Vec<usize> {
    let mut numbers: HashMap<usize, usize> = HashMap::new();
    let mut numbered = |place| {
        let Place::New(first) = place else { unreachable!("no story is known") };
        let next = numbers.len();
        *numbers.entry(first).or_insert(next)
    };
    assign(&[], reports).into_iter().map(&mut numbered).collect()
}
