//! Which closes to request.

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};

use super::Publication;
use crate::{Symbol, calendar};

/// Waits after an answer without a close that others have; a delisted symbol costs one call a week.
const WAITS: [TimeDelta; 4] =
    [TimeDelta::hours(4), TimeDelta::days(2), TimeDelta::days(4), TimeDelta::days(7)];

/// A symbol whose closes are wanted.
#[derive(Clone, Debug)]
pub struct Tracked {
    pub symbol: Symbol,
    /// Its newest known close.
    pub last_close: Option<NaiveDate>,
    /// When a provider last answered about it.
    pub asked_at: Option<DateTime<Utc>>,
    /// Answers in a row that lacked a close that was published for other symbols.
    pub misses: u32,
    /// True if an open alert or a rule depends on it.
    pub important: bool,
}

/// The requests of a round.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Closes {
    /// Symbols to request now, in order.
    pub due: Vec<Symbol>,
    /// The first request for the next closes that are not published yet.
    pub next_at: DateTime<Utc>,
    /// Calls that will be wanted then.
    pub then: u32,
}

/// Plans the closes of a round at `now`.
///
/// A symbol without any close comes first. Until an answer has held the session's close, one symbol is
/// requested on behalf of all, at the time that `publication` has learned. After that every symbol
/// that lacks it is requested once: those that lag longest first, important ones before others.
/// Symbols that failed to have a published close wait ever longer and come last, so that their
/// repeats spend no other symbol's call.
pub fn plan_closes(now: DateTime<Utc>, tracked: &[Tracked], publication: &Publication) -> Closes {
    let session = calendar::last_completed(now);
    let is_published = publication.is_seen(session.closes);
    let lacks = |t: &&Tracked| t.last_close.is_none_or(|day| day < session.day);
    let mut lacking: Vec<&Tracked> = tracked.iter().filter(lacks).collect();
    lacking.sort_by(|a, b| order(a).cmp(&order(b)));

    let may_be_due = |t: &&&Tracked| is_after_wait(t, now);
    let (unknown, known): (Vec<&Tracked>, Vec<&Tracked>) =
        lacking.into_iter().partition(|t| t.last_close.is_none());
    let mut due: Vec<&Tracked> = unknown.iter().filter(may_be_due).copied().collect();
    let (sound, lagging): (Vec<&Tracked>, Vec<&Tracked>) =
        known.into_iter().partition(|t| t.misses == 0);
    if is_published {
        due.extend(&sound);
        due.extend(lagging.iter().filter(may_be_due));
    } else if due.is_empty() && now >= publication.next_request(session.closes) {
        // the one that has waited longest for an answer, so that a halted symbol scouts only once
        let scout = sound.iter().min_by_key(|t| (t.asked_at, &t.symbol)).copied();
        due.extend(scout.or_else(|| lagging.iter().find(may_be_due).copied()));
    }

    let wanted = tracked.iter().filter(|t| t.misses == 0).count();
    let next_at = if is_published || sound.is_empty() {
        let closes = calendar::next_close(now);
        closes + publication.delay(closes)
    } else {
        publication.next_request(session.closes).max(now)
    };
    Closes {
        due: due.into_iter().map(|t| t.symbol.clone()).collect(),
        next_at,
        then: u32::try_from(wanted).unwrap_or(u32::MAX),
    }
}

fn is_after_wait(tracked: &Tracked, now: DateTime<Utc>) -> bool {
    let wait = match tracked.misses {
        0 => return true,
        misses => WAITS[(misses as usize).min(WAITS.len()) - 1],
    };
    tracked.asked_at.is_none_or(|asked_at| asked_at + wait <= now)
}

/// Those that lag longest first, among these the important ones, then by name.
fn order(tracked: &Tracked) -> (Option<NaiveDate>, bool, &Symbol) {
    (tracked.last_close, !tracked.important, &tracked.symbol)
}
