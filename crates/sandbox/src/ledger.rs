//! Every request in order of arrival: the referee's book.

use chrono::{DateTime, Utc};
use serde::Serialize;

use crate::call::Provider;

#[derive(Clone, Debug, Serialize)]
pub(crate) struct Entry {
    pub(crate) seq: u64,
    /// Arrival, by the sandbox's clock.
    pub(crate) time: DateTime<Utc>,
    pub(crate) provider: Provider,
    pub(crate) key: Option<String>,
    pub(crate) model: Option<String>,
    pub(crate) source: String,
    pub(crate) method: String,
    pub(crate) route: String,
    pub(crate) tokens: u64,
    /// Null while the answer is being held back, and for ever if the client left before it.
    pub(crate) status: Option<u16>,
    pub(crate) verdict: String,
    pub(crate) answered: Option<DateTime<Utc>>,
}

#[derive(Debug, Default)]
pub(crate) struct Ledger {
    entries: Vec<Entry>,
    /// Rises with each reset, so that an answer to an old request finds no entry of a new book.
    first: u64,
}

impl Ledger {
    pub(crate) fn next_seq(&self) -> u64 {
        self.first + self.entries.len() as u64 + 1
    }

    pub(crate) fn add(&mut self, entry: Entry) {
        self.entries.push(entry);
    }

    pub(crate) fn close(
        &mut self,
        seq: u64,
        status: Option<u16>,
        verdict: &str,
        at: DateTime<Utc>,
    ) {
        let entry =
            seq.checked_sub(self.first + 1).and_then(|index| self.entries.get_mut(index as usize));
        if let Some(entry) = entry {
            entry.status = status;
            verdict.clone_into(&mut entry.verdict);
            entry.answered = Some(at);
        }
    }

    pub(crate) fn entries(&self) -> &[Entry] {
        &self.entries
    }

    pub(crate) fn clear(&mut self) {
        self.first = self.next_seq() - 1;
        self.entries.clear();
    }
}
