//! Messages that the system under test has sent: the newest texts, mails and webhook calls.

use std::collections::VecDeque;

use chrono::{DateTime, Utc};
use serde::{Serialize, Serializer};
use serde_json::Value;

/// Messages of a channel that are kept, and their approximate bytes; the newest is always kept.
const MOST: usize = 1_000;
const BYTES: usize = 8 << 20;

#[derive(Clone, Debug, Serialize)]
pub(crate) struct Sms {
    pub(crate) sid: String,
    pub(crate) account: String,
    pub(crate) at: DateTime<Utc>,
    pub(crate) to: String,
    pub(crate) from: Option<String>,
    pub(crate) messaging_service_sid: Option<String>,
    pub(crate) body: String,
}

#[derive(Clone, Debug, Serialize)]
pub(crate) struct Email {
    pub(crate) at: DateTime<Utc>,
    pub(crate) from: String,
    pub(crate) to: Vec<String>,
    pub(crate) message_id: Option<String>,
    pub(crate) subject: Option<String>,
    /// The message after dot-unstuffing: headers, empty line, body.
    pub(crate) raw: String,
}

#[derive(Clone, Debug, Serialize)]
pub(crate) struct Hook {
    pub(crate) at: DateTime<Utc>,
    pub(crate) path: String,
    pub(crate) idempotency_key: Option<String>,
    /// The body as JSON, or as a string if it is not JSON.
    pub(crate) payload: Value,
}

#[derive(Debug, Default, Serialize)]
pub(crate) struct Outbox {
    pub(crate) sms: Newest<Sms>,
    pub(crate) email: Newest<Email>,
    pub(crate) webhook: Newest<Hook>,
}

/// The newest messages, oldest first, each with its size.
#[derive(Debug)]
pub(crate) struct Newest<T> {
    items: VecDeque<(usize, T)>,
    bytes: usize,
}

impl<T> Default for Newest<T> {
    fn default() -> Self {
        Self { items: VecDeque::new(), bytes: 0 }
    }
}

impl<T> Newest<T> {
    /// `size`: approximate bytes of the message.
    pub(crate) fn push(&mut self, size: usize, item: T) {
        self.items.push_back((size, item));
        self.bytes += size;
        while self.items.len() > 1 && (self.items.len() > MOST || self.bytes > BYTES) {
            self.bytes -= self.items.pop_front().map_or(0, |(size, _)| size);
        }
    }

    pub(crate) fn iter(&self) -> impl DoubleEndedIterator<Item = &T> {
        self.items.iter().map(|(_, item)| item)
    }

    pub(crate) fn len(&self) -> usize {
        self.items.len()
    }
}

impl<T: Serialize> Serialize for Newest<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.iter())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_outbox_keeps_the_newest_messages_up_to_a_number_and_a_size() {
        let mut kept = Newest::default();
        for n in 0..MOST + 5 {
            kept.push(100, n);
        }
        assert_eq!((kept.len(), kept.iter().next()), (MOST, Some(&5)));
        kept.push(BYTES - 1_000, 7_001);
        assert_eq!((kept.len(), kept.iter().next_back()), (11, Some(&7_001)));
        kept.push(2 * BYTES, 7_002);
        assert_eq!(kept.iter().collect::<Vec<_>>(), [&7_002]);
    }
}
