//! The market data provider's news feed: a few topics a day, each one request for the whole
//! watchlist.

use bellwether_domain::{Symbol, calendar};
use bellwether_providers::NewsSource;
use bellwether_queue::{Attempt, NewJob};
use chrono::{DateTime, Utc};
use sqlx::PgConnection;

use crate::{Error, ScrapeNews};

/// Hour in New York from which each topic is due: before the open, at midday, after the close.
const HOURS: [u32; 3] = [7, 12, 17];
/// Hour in New York from which the widest topic is due, once a day, as a second source where another
/// one searches news.
const SECOND_OPINION: u32 = 17;

/// The due topics of a day, and the number of later ones.
fn due(
    topics: &[&'static str],
    now: DateTime<Utc>,
    second_opinion: bool,
) -> (Vec<&'static str>, u32) {
    let hour = calendar::local_hour(now);
    let hours: &[u32] = if second_opinion { &[SECOND_OPINION] } else { &HOURS };
    let all: Vec<_> = topics.iter().copied().zip(hours.iter().copied()).collect();
    let count = all.len();
    let due: Vec<_> = all.into_iter().filter(|(_, from)| *from <= hour).map(|(t, _)| t).collect();
    let later = (count - due.len()) as u32;
    (due, later)
}

/// Adds the jobs of the topics that are due and were not asked for today, at most `free`; returns how
/// many that were, and how many calls the day's other topics will want.
pub(super) async fn ask(
    conn: &mut PgConnection,
    attempt: &Attempt,
    feed: Option<&dyn NewsSource>,
    symbols: &[Symbol],
    second_opinion: bool,
    free: u32,
    now: DateTime<Utc>,
) -> Result<(u32, u32), Error> {
    let Some(feed) = feed.filter(|_| !symbols.is_empty()) else { return Ok((0, 0)) };
    let (due, later) = due(feed.topics(), now, second_opinion);
    let mut asked = 0;
    for topic in due {
        if asked == free {
            break;
        }
        let news =
            ScrapeNews { symbols: symbols.to_vec(), batch: None, topic: Some(topic.to_owned()) };
        let key = format!("feed/{}/{topic}", calendar::local_day(now));
        let job = NewJob::of(&news).unique_key(key);
        if !attempt.enqueue(&mut *conn, job).await?.duplicate {
            asked += 1;
        }
    }
    Ok((asked, later))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOPICS: [&str; 3] = ["financial_markets", "earnings", "technology"];

    #[test]
    fn topics_are_spread_over_the_day_and_a_second_opinion_comes_at_its_end() {
        let at = |t: &str| t.parse().unwrap();
        assert_eq!(due(&TOPICS, at("2026-11-23T11:00:00Z"), false), (vec![], 3));
        assert_eq!(due(&TOPICS, at("2026-11-23T12:30:00Z"), false), (vec!["financial_markets"], 2));
        assert_eq!(due(&TOPICS, at("2026-11-23T17:30:00Z"), false).1, 1);
        assert_eq!(due(&TOPICS, at("2026-11-23T22:30:00Z"), false).0, TOPICS);
        assert_eq!(due(&TOPICS, at("2026-11-23T21:30:00Z"), true), (vec![], 1));
        assert_eq!(due(&TOPICS, at("2026-11-23T22:30:00Z"), true), (vec!["financial_markets"], 0));
        // the hour is New York's, in summer too
        assert_eq!(due(&TOPICS, at("2026-07-06T11:30:00Z"), false).0, ["financial_markets"]);
    }
}
