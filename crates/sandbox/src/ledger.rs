//! The referee's ledger: every request in order of arrival. It shows no key.

use std::collections::{BTreeMap, VecDeque};
use std::hash::{BuildHasher, RandomState};

use chrono::{DateTime, Utc};
use serde::Serialize;

/// Requests that are kept; a new one removes the oldest.
pub(crate) const MOST: usize = 50_000;
/// Bytes of a route that are kept.
const ROUTE: usize = 2_048;

#[derive(Clone, Debug, Serialize)]
pub(crate) struct Entry {
    pub(crate) seq: u64,
    /// Arrival, by the sandbox's clock.
    pub(crate) time: DateTime<Utc>,
    pub(crate) provider: &'static str,
    /// A name that equal keys share while the sandbox runs, and that reveals nothing of the key.
    pub(crate) key: Option<String>,
    pub(crate) model: Option<String>,
    pub(crate) source: String,
    pub(crate) method: String,
    /// Path and query, with the values of keys and tokens removed.
    pub(crate) route: String,
    pub(crate) tokens: u64,
    /// Null while the answer is held back, and for ever if the client left before it.
    pub(crate) status: Option<u16>,
    pub(crate) verdict: String,
    pub(crate) answered: Option<DateTime<Utc>>,
}

/// Provider, status and verdict of an answer.
pub(crate) type Answered = (&'static str, Option<u16>, String);

#[derive(Debug, Default)]
pub(crate) struct Ledger {
    entries: VecDeque<Entry>,
    /// Number of entries before the oldest that is kept. It rises with each reset, so that an
    /// answer to an old request finds no entry of a new book.
    before: u64,
    /// Entries that were removed because the ledger was full, not by a reset.
    dropped: u64,
    counts: BTreeMap<Answered, u64>,
    names: RandomState,
}

impl Ledger {
    pub(crate) fn next_seq(&self) -> u64 {
        self.before + self.entries.len() as u64 + 1
    }

    /// Records a request; its key and its route are redacted.
    pub(crate) fn add(&mut self, mut entry: Entry) {
        entry.key = entry.key.map(|key| format!("key-{:016x}", self.names.hash_one(key)));
        entry.route = without_keys(&entry.route);
        if self.entries.len() == MOST {
            self.entries.pop_front();
            self.before += 1;
            self.dropped += 1;
        }
        self.entries.push_back(entry);
    }

    pub(crate) fn close(
        &mut self,
        seq: u64,
        status: Option<u16>,
        verdict: &str,
        at: DateTime<Utc>,
    ) {
        let place = seq.checked_sub(self.before + 1);
        let entry = place.and_then(|index| self.entries.get_mut(index as usize));
        if let Some(entry) = entry {
            entry.status = status;
            verdict.clone_into(&mut entry.verdict);
            entry.answered = Some(at);
            let answered = (entry.provider, status, verdict.to_owned());
            *self.counts.entry(answered).or_default() += 1;
        }
    }

    pub(crate) fn entries(&self) -> impl Iterator<Item = &Entry> {
        self.entries.iter()
    }

    /// Number of requests that were removed because the book was full.
    pub(crate) fn dropped(&self) -> u64 {
        self.dropped
    }

    /// Answers since the start or the last reset.
    pub(crate) fn counts(&self) -> &BTreeMap<Answered, u64> {
        &self.counts
    }

    pub(crate) fn clear(&mut self) {
        self.before = self.next_seq() - 1;
        self.dropped = 0;
        self.entries.clear();
        self.counts.clear();
    }
}

fn without_keys(route: &str) -> String {
    let route = &route[..route.floor_char_boundary(ROUTE)];
    let Some((path, query)) = route.split_once('?') else { return route.to_owned() };
    let shown = query.split('&').map(|pair| match pair.split_once('=') {
        Some((name, _)) if names_a_secret(name) => format!("{name}=hidden"),
        _ => pair.to_owned(),
    });
    format!("{path}?{}", shown.collect::<Vec<_>>().join("&"))
}

/// Returns true if a parameter of this name, which may be encoded, holds a credential.
fn names_a_secret(name: &str) -> bool {
    let name = url::form_urlencoded::parse(name.as_bytes()).next();
    let name = name.map(|(name, _)| name.to_ascii_lowercase()).unwrap_or_default();
    ["key", "token", "secret", "password"].iter().any(|part| name.contains(part))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(ledger: &Ledger, key: &str, route: &str) -> Entry {
        Entry {
            seq: ledger.next_seq(),
            time: DateTime::UNIX_EPOCH,
            provider: "gemini",
            key: Some(key.to_owned()),
            model: None,
            source: "127.0.0.1".to_owned(),
            method: "GET".to_owned(),
            route: route.to_owned(),
            tokens: 0,
            status: None,
            verdict: "unanswered".to_owned(),
            answered: None,
        }
    }

    #[test]
    fn a_book_that_is_full_loses_its_oldest_entry_and_no_count() {
        let mut ledger = Ledger::default();
        for _ in 0..MOST + 3 {
            let one = entry(&ledger, "k", "/x");
            let seq = one.seq;
            ledger.add(one);
            ledger.close(seq, Some(200), "ok", DateTime::UNIX_EPOCH);
        }
        assert_eq!((ledger.entries().count(), ledger.dropped()), (MOST, 3));
        assert_eq!(ledger.entries().next().map(|oldest| oldest.seq), Some(4));
        let answered = ("gemini", Some(200), "ok".to_owned());
        assert_eq!(ledger.counts()[&answered], MOST as u64 + 3);
        ledger.close(1, Some(500), "late", DateTime::UNIX_EPOCH);
        assert!(ledger.entries().all(|entry| entry.status == Some(200)));
        ledger.clear();
        assert_eq!((ledger.next_seq(), ledger.dropped()), (MOST as u64 + 4, 0));
    }

    #[test]
    fn equal_keys_have_equal_names_and_no_entry_shows_one() {
        let mut ledger = Ledger::default();
        for (key, route) in [
            ("real-key-4711", "/q?function=X&apikey=real-key-4711"),
            ("real-key-4711", "/q?api%4Bey=real-key-4711&symbol=A&access_token=real-key-4711"),
            ("other", "/q?KEY=other"),
        ] {
            ledger.add(entry(&ledger, key, route));
        }
        let shown: Vec<_> = ledger.entries().cloned().collect();
        assert!(!format!("{ledger:?}").contains("4711"));
        assert_eq!(shown[0].key, shown[1].key);
        assert_ne!(shown[0].key, shown[2].key);
        assert_eq!(shown[0].route, "/q?function=X&apikey=hidden");
        assert_eq!(shown[1].route, "/q?api%4Bey=hidden&symbol=A&access_token=hidden");
    }
}
