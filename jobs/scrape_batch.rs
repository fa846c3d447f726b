//! One round of asking: which symbols are stalest and matter most, and what today's quotas allow.
//!
//! Reads the watchlist and the limits; writes `batch`; leads to [`ScrapeQuotes`], [`ScrapeNews`] and,
//! with what the best model has left over, to [`AnalyzeArticle`]. Says how long news waits for a
//! better reading until the next round.

mod budget;
mod choice;
mod leftover;
mod prices;

use std::collections::BTreeSet;

use bellwether_domain::Symbol;
use bellwether_queue::{
    Attempt, Failure, Job, JobArgs, NewJob,
    schemars::{Schema, schema_for},
};
use bellwether_store as store;
use chrono::{DateTime, TimeDelta, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sqlx::PgConnection;

use self::budget::{CallBudget, Open};
use crate::{
    AnalyzeArticle, Error, ScrapeNews, ScrapeQuotes, Services, error::judged, scrape_news::pack,
    scrape_quotes::Part,
};

/// The reason of a round of the schedule; any other stands for a caller that waits for it.
pub(crate) const BY_CLOCK: &str = "schedule";
/// Time between two scheduled batches.
const ROUND: TimeDelta = TimeDelta::minutes(30);
/// Time for which a symbol is not requested again after a provider has refused it.
const REFUSED_FOR: TimeDelta = TimeDelta::hours(24);

#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
pub struct ScrapeBatch {
    /// Symbols to scrape, whatever is known of them; without them the watchlist is planned.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<Vec<String>>", length(min = 1, max = 100))]
    pub symbols: Option<Vec<Symbol>>,
    /// Reason in a word: schedule, request, …
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 200))]
    pub reason: Option<String>,
}

/// The requests of a round: provider and subject of each.
#[derive(Debug, Default)]
struct Plan {
    /// Symbols, and the part of their prices; without one the job decides.
    quotes: Vec<(Symbol, Option<Part>)>,
    news: Vec<Vec<Symbol>>,
    /// Stories to analyze again.
    readings: Vec<NewJob>,
}

impl JobArgs for ScrapeBatch {
    const KIND: &'static str = "scrape_batch";
    const QUEUE: &'static str = "scraper";
    const PRIORITY: u8 = 2;

    fn schema() -> Option<Schema> {
        Some(schema_for!(Self))
    }
}

impl Job for ScrapeBatch {
    type Context = Services;
    type Output = ();

    async fn run(self, cx: Services, attempt: &Attempt) -> Result<(), Failure> {
        judged(&cx, attempt, self.work(&cx, attempt)).await
    }
}

impl ScrapeBatch {
    async fn work(&self, cx: &Services, attempt: &Attempt) -> Result<(), Error> {
        let mut tx;
        let plan = if let Some(symbols) = &self.symbols {
            tx = cx.pool.begin().await?;
            requested(cx, &mut tx, symbols).await?
        } else {
            // before the transaction: an attempt that holds a connection asks for no second one, so
            // that concurrency may exceed the pool
            let open = Open::find(cx, attempt).await?;
            tx = cx.pool.begin().await?;
            let asked_for = self.reason.as_deref() != Some(BY_CLOCK);
            plan(cx, &mut tx, attempt, &open, asked_for).await?
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
            for (symbol, part) in plan.quotes {
                attempt.enqueue(&mut tx, ScrapeQuotes { symbol, batch, part }).await?;
            }
            for symbols in plan.news {
                attempt.enqueue(&mut tx, ScrapeNews { symbols, batch, topic: None }).await?;
            }
        }
        for reading in plan.readings {
            attempt.enqueue(&mut tx, reading).await?;
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
        let quotes = self.quotes.iter().map(|(symbol, _)| symbol);
        for symbol in quotes.chain(self.news.iter().flatten()) {
            if !symbols.contains(symbol) {
                symbols.push(symbol.clone());
            }
        }
        symbols
    }
}

/// The symbols of a request, as they are.
async fn requested(
    cx: &Services,
    conn: &mut PgConnection,
    symbols: &[Symbol],
) -> Result<Plan, Error> {
    let each_once: BTreeSet<_> = symbols.iter().cloned().collect();
    let symbols: Vec<Symbol> = each_once.into_iter().collect();
    store::instrument::add_unwatched(conn, &symbols).await?;
    let about = if cx.search().is_some() { symbols.as_slice() } else { &[] };
    let news = pack(&cx.dictionary, about);
    let quotes = if cx.quotes().is_some() {
        symbols.into_iter().map(|symbol| (symbol, None)).collect()
    } else {
        Vec::new()
    };
    Ok(Plan { quotes, news, readings: Vec::new() })
}

async fn plan(
    cx: &Services,
    conn: &mut PgConnection,
    attempt: &Attempt,
    open: &Open,
    asked_for: bool,
) -> Result<Plan, Error> {
    let now = store::now(&mut *conn).await?;
    let watched = store::instrument::list_watched(&mut *conn).await?;
    let important = store::instrument::list_important(&mut *conn).await?;
    let refused: BTreeSet<String> = store::operator::list(&mut *conn)
        .await?
        .into_iter()
        .filter(|note| now - note.last_at < REFUSED_FOR)
        .map(|note| note.key)
        .collect();

    let mut quotes = Vec::new();
    if let Some(source) = cx.quotes() {
        let known = prices::Known {
            watched: &watched,
            important: &important,
            refused: &refused,
            open,
            source,
            asked_for,
            now,
        };
        let asked = prices::plan(cx, conn, attempt, &known).await?;
        quotes = asked.into_iter().map(|(symbol, part)| (symbol, Some(part))).collect();
    }

    let mut news = Vec::new();
    if let Some(source) = cx.search() {
        // an open alert or a rule makes a symbol count as if it had waited longer
        let mut by_age: Vec<_> = watched
            .iter()
            .filter(|i| !open.news.contains(&i.symbol))
            .map(|i| {
                let matters = important.contains(&i.symbol);
                (choice::staleness(i.news_seen_at, matters, now), &i.symbol)
            })
            .collect();
        by_age.sort_by(|a, b| b.0.cmp(&a.0).then_with(|| a.1.cmp(b.1)));
        let stalest: Vec<Symbol> = by_age.into_iter().map(|(_, symbol)| symbol.clone()).collect();
        news = pack(&cx.dictionary, &stalest);
        let room = CallBudget::of(&open.limits, &mut *conn, source.key(), now).await?;
        let latest = watched.iter().filter_map(|i| i.news_seen_at).max();
        let share = room.share_of(latest, now).max(room.free.min(asked_for.into()));
        news.truncate(share as usize);
        attempt.log(format!("{room} for news"));
    }
    let readings = readings(cx, conn, open, &important, now, attempt).await?;
    Ok(Plan { quotes, news, readings })
}

/// Stories that a lesser analyzer has read, as many as the best model has quota left over for.
async fn readings(
    cx: &Services,
    conn: &mut PgConnection,
    open: &Open,
    important: &[Symbol],
    now: DateTime<Utc>,
    attempt: &Attempt,
) -> Result<Vec<NewJob>, Error> {
    let Some(key) = cx.best().key() else { return Ok(Vec::new()) };
    let left = leftover::of(&open.limits, conn, key, now).await?;
    if left == 0 {
        return Ok(Vec::new());
    }
    attempt.log(format!("{key} has {left} calls left over"));
    let name = cx.best().name();
    let since = now - leftover::WORTH_KNOWING;
    let stories =
        store::article::list_rereadable(conn, &name, since, important, i64::from(left)).await?;
    let day = bellwether_domain::calendar::local_day(now);
    Ok(stories.iter().map(|story| AnalyzeArticle::anew(story, &name, day)).collect())
}
