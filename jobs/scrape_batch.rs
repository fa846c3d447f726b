//! One round of asking: which symbols are stalest and matter most, and what today's quotas allow.
//!
//! Reads the watchlist and the limits; writes `batch`; leads to [`ScrapeQuotes`], [`ScrapeNews`] and,
//! with what the best model has left over, to [`AnalyzeArticle`]. Says how long news waits for a
//! better reading until the next round.

mod choice;
mod leftover;
mod room;
mod topics;

use std::collections::{BTreeSet, HashMap};

use bellwether_domain::Symbol;
use bellwether_providers::{alpha_vantage, newsapi};
use bellwether_queue::{Attempt, Failure, Job, NewJob};
use bellwether_store as store;
use chrono::{DateTime, TimeDelta, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sqlx::PgConnection;

use self::{
    choice::{Wanted, choose},
    room::{Room, waiting},
};
use crate::{
    AnalyzeArticle, Error, ScrapeNews, ScrapeQuotes, Services,
    error::judged,
    limits,
    scrape_news::{NO_FEED, pack},
    scrape_quotes::{NOT_IN_PLAN, need, refusal_key},
};

/// The reason of a round of the schedule; any other stands for somebody who waits for it.
pub(crate) const BY_CLOCK: &str = "schedule";
/// Between two rounds of the schedule.
const ROUND: TimeDelta = TimeDelta::minutes(30);
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
    /// Stories to be read again.
    readings: Vec<NewJob>,
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
                let quotes = if cx.market.is_some() { symbols } else { Vec::new() };
                Plan { quotes, news, readings: Vec::new() }
            }
            None => plan(cx, &mut tx, attempt, self.reason.as_deref() != Some(BY_CLOCK)).await?,
        };
        let reason = self.reason.as_deref().unwrap_or("request");
        attempt.log(format!(
            "{reason}: {} quotes, {} news searches, {} stories to read again",
            plan.quotes.len(),
            plan.news.len(),
            plan.readings.len()
        ));

        if !plan.quotes.is_empty() || !plan.news.is_empty() {
            let symbols = plan.symbols();
            let batch =
                store::batch::add(&mut *tx, Some(attempt.job().0), reason, &symbols).await?;
            for symbol in plan.quotes {
                attempt.enqueue(&mut tx, &ScrapeQuotes { symbol, batch }).await?;
            }
            for symbols in plan.news {
                attempt.enqueue(&mut tx, &ScrapeNews { symbols, batch, topic: None }).await?;
            }
        }
        for reading in plan.readings {
            attempt.add(&mut tx, reading).await?;
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

async fn plan(
    cx: &Services,
    conn: &mut PgConnection,
    attempt: &Attempt,
    asked_for: bool,
) -> Result<Plan, Error> {
    let now = store::now(&mut *conn).await?;
    let watched = store::instrument::list_watched(&mut *conn).await?;
    let important = store::instrument::list_important(&mut *conn).await?;
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
        let is_refused = |key: &str| refused.iter().any(|refused| refused == key);
        let may_ask = !is_refused(NOT_IN_PLAN);
        let open = waiting::<ScrapeQuotes>(&cx.pool).await?;
        let asked = watched.iter().filter(|i| {
            may_ask && !is_refused(&refusal_key(&i.symbol)) && !open.contains(&i.symbol)
        });
        for known in asked {
            let last_bar = store::bar::find_last_day(&mut *conn, &known.symbol).await?;
            let last_quote = days.get(&known.symbol).copied().flatten();
            wanted.push(Wanted {
                symbol: known.symbol.clone(),
                need: need(now, last_bar, last_quote, known.quote_seen_at),
                seen_at: known.quote_seen_at,
                important: important.contains(&known.symbol),
            });
        }
        let room = Room::of(cx, &mut *conn, alpha_vantage::KEY, now).await?;
        let free = room.free;
        let symbols: Vec<Symbol> = if is_refused(NO_FEED) {
            Vec::new()
        } else {
            watched.iter().map(|i| i.symbol.clone()).collect()
        };
        // where it is the only news, the feed comes before prices; else it gets what they leave
        let bars = if cx.news.is_none() { 0 } else { wanted.len() as u32 };
        let (asked, later) =
            topics::ask(conn, attempt, &symbols, cx.news.is_some(), free.saturating_sub(bars), now)
                .await?;
        let free = free.saturating_sub(asked);
        quotes = choose(wanted, free, later, asked_for, now);
        attempt.log(format!("{room} for quotes, {asked} went to the news feed"));
    }

    let mut news = Vec::new();
    if cx.news.is_some() {
        // what hangs on a share makes it as if it had waited longer
        let open = waiting::<ScrapeNews>(&cx.pool).await?;
        let mut by_age: Vec<_> = watched
            .iter()
            .filter(|i| !open.contains(&i.symbol))
            .map(|i| {
                let matters = important.contains(&i.symbol);
                (choice::staleness(i.news_seen_at, matters, now), &i.symbol)
            })
            .collect();
        by_age.sort_by(|a, b| b.0.cmp(&a.0).then_with(|| a.1.cmp(b.1)));
        let stalest: Vec<Symbol> = by_age.into_iter().map(|(_, symbol)| symbol.clone()).collect();
        news = pack(&cx.dictionary, &stalest);
        let room = Room::of(cx, &mut *conn, newsapi::KEY, now).await?;
        let latest = watched.iter().filter_map(|i| i.news_seen_at).max();
        let share = room.share_of(latest, now).max(room.free.min(asked_for.into()));
        news.truncate(share as usize);
        attempt.log(format!("{room} for news"));
    }
    match limits::adapt(&cx.pool, now).await {
        Ok(worth) => {
            if let Some(minutes) = worth.map(|worth| worth.as_secs() / 60) {
                attempt.log(format!("a better reading is worth {minutes} min of waiting"));
            }
        }
        Err(error) => tracing::warn!("cannot say how long readings wait: {error}"),
    }
    let readings = readings(cx, conn, &important, now, attempt).await?;
    Ok(Plan { quotes, news, readings })
}

/// Stories that a lesser analyzer has read, as many as the best model has quota left over for.
async fn readings(
    cx: &Services,
    conn: &mut PgConnection,
    important: &[Symbol],
    now: DateTime<Utc>,
    attempt: &Attempt,
) -> Result<Vec<NewJob>, Error> {
    let Some(key) = cx.best().key() else { return Ok(Vec::new()) };
    let left = leftover::of(cx, conn, key, now).await?;
    if left == 0 {
        return Ok(Vec::new());
    }
    attempt.log(format!("{key} has {left} calls left over"));
    let name = cx.best().name();
    let since = now - leftover::WORTH_KNOWING;
    let stories =
        store::article::list_rereadable(conn, &name, since, important, i64::from(left)).await?;
    let day = bellwether_domain::calendar::local_day(now);
    stories.iter().map(|story| AnalyzeArticle::anew(story, &name, day)).collect()
}
