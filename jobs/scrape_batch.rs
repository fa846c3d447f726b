//! One round of asking: which symbols are stalest, and what today's quotas allow.
//!
//! Reads the watchlist and the limits; writes `batch`; leads to [`ScrapeQuotes`] and
//! [`ScrapeNews`].

use std::collections::{BTreeSet, HashMap};

use bellwether_domain::{Symbol, calendar};
use bellwether_providers::{alpha_vantage, newsapi};
use bellwether_queue::{Attempt, Failure, Job, limits};
use bellwether_store as store;
use chrono::{DateTime, TimeDelta, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sqlx::PgConnection;

use crate::{
    Error, ScrapeNews, ScrapeQuotes, Services,
    error::judged,
    scrape_news::pack,
    scrape_quotes::{Need, need, refusal_key},
};

/// Rounds of the schedule in the window of the news provider.
const NEWS_ROUNDS: u32 = 24;
/// A symbol that a provider refused is left alone this long.
const REFUSED_FOR: TimeDelta = TimeDelta::hours(24);

#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ScrapeBatch {
    /// Asked for as they are, whatever is known of them; without them the watchlist is planned.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<Vec<String>>")]
    pub symbols: Option<Vec<Symbol>>,
    /// Who wanted it, in a word: schedule, request, …
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// Whom to ask about what.
#[derive(Debug, Default)]
struct Plan {
    quotes: Vec<Symbol>,
    news: Vec<Vec<Symbol>>,
}

impl Job for ScrapeBatch {
    const KIND: &'static str = "scrape_batch";
    const QUEUE: &'static str = "scraper";
    const PRIORITY: u8 = 2;
    type Context = Services;

    async fn run(self, cx: Services, attempt: &Attempt) -> Result<(), Failure> {
        judged(&cx, attempt, self.work(&cx, attempt)).await
    }
}

impl ScrapeBatch {
    async fn work(&self, cx: &Services, attempt: &Attempt) -> Result<(), Error> {
        let mut tx = cx.pool.begin().await?;
        let plan = match &self.symbols {
            Some(symbols) => {
                let each_once: BTreeSet<_> = symbols.iter().cloned().collect();
                let symbols: Vec<Symbol> = each_once.into_iter().collect();
                store::instrument::add_all(&mut *tx, &symbols).await?;
                let about = if cx.news.is_some() { symbols.as_slice() } else { &[] };
                let news = pack(&cx.dictionary, about);
                Plan { quotes: if cx.market.is_some() { symbols } else { Vec::new() }, news }
            }
            None => plan(cx, &mut tx, attempt).await?,
        };
        let reason = self.reason.as_deref().unwrap_or("request");
        attempt.log(format!(
            "{reason}: {} quotes, {} news searches",
            plan.quotes.len(),
            plan.news.len()
        ));

        if !plan.quotes.is_empty() || !plan.news.is_empty() {
            let symbols = plan.symbols();
            let batch =
                store::batch::add(&mut *tx, Some(attempt.job().0), reason, &symbols).await?;
            for symbol in plan.quotes {
                attempt.enqueue(&mut tx, &ScrapeQuotes { symbol, batch }).await?;
            }
            for symbols in plan.news {
                attempt.enqueue(&mut tx, &ScrapeNews { symbols, batch }).await?;
            }
        }
        attempt.complete_in(&mut tx).await?;
        tx.commit().await?;
        Ok(())
    }
}

impl Plan {
    /// Each symbol once, in the order of the plan.
    fn symbols(&self) -> Vec<Symbol> {
        let mut symbols: Vec<Symbol> = Vec::new();
        for symbol in self.quotes.iter().chain(self.news.iter().flatten()) {
            if !symbols.contains(symbol) {
                symbols.push(symbol.clone());
            }
        }
        symbols
    }
}

async fn plan(cx: &Services, conn: &mut PgConnection, attempt: &Attempt) -> Result<Plan, Error> {
    let now = store::now(&mut *conn).await?;
    let watched = store::instrument::list_watched(&mut *conn).await?;
    let refused: Vec<String> = store::operator::list(&mut *conn)
        .await?
        .into_iter()
        .filter(|note| now - note.last_at < REFUSED_FOR)
        .map(|note| note.key)
        .collect();

    let mut quotes = Vec::new();
    if cx.market.is_some() {
        let latest = store::summary::list_latest_quotes(&mut *conn).await?;
        let days: HashMap<_, _> = latest.into_iter().map(|l| (l.symbol, l.trading_day)).collect();
        let mut wanted = Vec::new();
        for known in watched.iter().filter(|i| !refused.contains(&refusal_key(&i.symbol))) {
            let last_bar = store::bar::find_last_day(&mut *conn, &known.symbol).await?;
            let last_quote = days.get(&known.symbol).copied().flatten();
            wanted.push(Wanted {
                symbol: known.symbol.clone(),
                need: need(now, last_bar, last_quote, known.quote_seen_at),
                seen_at: known.quote_seen_at,
            });
        }
        let free = free(&mut *conn, alpha_vantage::KEY).await?;
        quotes = choose(wanted, free, now);
        attempt.log(format!("{free} calls are free for quotes"));
    }

    let mut news = Vec::new();
    if cx.news.is_some() {
        let mut by_age: Vec<_> = watched.iter().map(|i| (i.news_seen_at, &i.symbol)).collect();
        by_age.sort();
        let stalest: Vec<Symbol> = by_age.into_iter().map(|(_, symbol)| symbol.clone()).collect();
        news = pack(&cx.dictionary, &stalest);
        let free = free(&mut *conn, newsapi::KEY).await?;
        news.truncate(free.div_ceil(NEWS_ROUNDS) as usize);
        attempt.log(format!("{free} calls are free for news"));
    }
    Ok(Plan { quotes, news })
}

/// What the longest window of a key has left for jobs that do not wait yet.
async fn free(conn: &mut PgConnection, key: &str) -> Result<u32, Error> {
    let room = limits::room(conn, key).await?;
    Ok(room.map_or(u32::MAX, |room| room.longest.saturating_sub(room.waiting)))
}

struct Wanted {
    symbol: Symbol,
    need: Need,
    seen_at: Option<DateTime<Utc>>,
}

/// Bars first, the stalest first. Quotes of a running session share what is left until its close,
/// after one call for each symbol's bar has been put aside.
fn choose(mut wanted: Vec<Wanted>, free: u32, now: DateTime<Utc>) -> Vec<Symbol> {
    let reserve = wanted.len() as u32;
    wanted.sort_by(|a, b| (a.seen_at, &a.symbol).cmp(&(b.seen_at, &b.symbol)));
    let of = |need: Need| wanted.iter().filter(move |w| w.need == need).map(|w| w.symbol.clone());

    let mut chosen: Vec<Symbol> = of(Need::Bars).take(free as usize).collect();
    let spare = (free - chosen.len() as u32).saturating_sub(reserve);
    let rounds = if calendar::is_open(now) {
        let minutes = (calendar::next_close(now) - now).num_minutes();
        u32::try_from(minutes / 30 + 1).unwrap_or(1)
    } else {
        1
    };
    chosen.extend(of(Need::Quote).take(spare.div_ceil(rounds) as usize));
    chosen
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wanted(symbol: &str, need: Need, seen_at: Option<&str>) -> Wanted {
        let seen_at = seen_at.map(|at| at.parse().unwrap());
        Wanted { symbol: symbol.parse().unwrap(), need, seen_at }
    }

    fn names(chosen: &[Symbol]) -> Vec<&str> {
        chosen.iter().map(Symbol::as_str).collect()
    }

    const NOON: &str = "2026-11-23T17:00:00Z";

    #[test]
    fn what_was_never_seen_comes_first_and_what_is_current_not_at_all() {
        let wanted = vec![
            wanted("OLD", Need::Bars, Some("2026-11-20T15:00:00Z")),
            wanted("NEW", Need::Bars, None),
            wanted("DONE", Need::Nothing, None),
        ];
        assert_eq!(names(&choose(wanted, 10, NOON.parse().unwrap())), ["NEW", "OLD"]);
    }

    #[test]
    fn no_more_is_asked_than_is_free() {
        let wanted = (0..30).map(|n| wanted(&format!("S{n}"), Need::Bars, None)).collect();
        assert_eq!(choose(wanted, 7, NOON.parse().unwrap()).len(), 7);
    }

    #[test]
    fn quotes_of_a_session_leave_a_call_for_each_closing_bar() {
        let five = || ["A", "B", "C", "D", "E"].map(|s| wanted(s, Need::Quote, None)).into();
        // 4 h to go are 9 rounds; 20 of 25 calls are to spare
        assert_eq!(choose(five(), 25, NOON.parse().unwrap()).len(), 3);
        assert_eq!(choose(five(), 5, NOON.parse().unwrap()).len(), 0);
    }
}
