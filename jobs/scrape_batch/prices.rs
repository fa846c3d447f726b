//! The market data provider's calls of a round: closes, quotes of the running session, and its news
//! feed.

use std::collections::BTreeSet;

use bellwether_domain::{
    Symbol, calendar,
    planning::{
        Closes, FeedState, Publication, Quota, Renewal, Tracked, has_session_quotes, is_feed_due,
        plan_closes,
    },
};
use bellwether_providers::{NewsSource, QuoteSource};
use bellwether_queue::{Attempt, NewJob, limits};
use bellwether_store::{self as store, instrument::Instrument, source_state::SourceState};
use chrono::{DateTime, TimeDelta, Utc};
use sqlx::PgConnection;

use super::{
    budget::{CallBudget, Open},
    choice::{Wanted, choose},
};
use crate::{
    Error, ScrapeNews, Services,
    scrape_news::no_feed,
    scrape_quotes::{Part, not_in_plan, refusal_key},
};

/// What a round knows before it plans.
pub(super) struct Known<'a> {
    pub(super) watched: &'a [Instrument],
    pub(super) important: &'a [Symbol],
    /// Keys of the operator notes that refuse something.
    pub(super) refused: &'a BTreeSet<String>,
    pub(super) open: &'a Open,
    pub(super) source: &'a dyn QuoteSource,
    /// True if a caller waits for the round.
    pub(super) asked_for: bool,
    pub(super) now: DateTime<Utc>,
}

/// The symbols to request, and which part of their prices. Adds the job of the news feed.
pub(super) async fn plan(
    cx: &Services,
    conn: &mut PgConnection,
    attempt: &Attempt,
    known: &Known<'_>,
) -> Result<Vec<(Symbol, Part)>, Error> {
    let (now, key) = (known.now, known.source.key());
    let budget = CallBudget::of(&known.open.limits, &mut *conn, key, now).await?;
    let mut quota = quota(conn, key).await?;
    let state = store::source_state::find(&mut *conn, key).await?;
    let searches = store::close_search::list(&mut *conn, key).await?;
    let publication = Publication::new(searches);

    let tracked = if known.refused.contains(&not_in_plan(known.source)) {
        Vec::new()
    } else {
        tracked(conn, known).await?
    };
    let closes = plan_closes(now, &tracked, &publication);
    let waits = |symbol: &Symbol| known.open.quotes.contains(symbol);
    let mut asked: Vec<(Symbol, Part)> = closes
        .due
        .iter()
        .filter(|symbol| !waits(symbol))
        .take(budget.free as usize)
        .map(|symbol| (symbol.clone(), Part::Close))
        .collect();
    quota.spent.extend(std::iter::repeat_n(now, asked.len() + known.open.quotes.len()));

    let mut spare = spare(&quota, &budget, &closes, now).saturating_sub(asked.len() as u32);
    let live = has_session_quotes(state.end_of_day_at, now);
    let mut fed = 0;
    if cx.search().is_none() {
        // the feed is the only source of news, so it comes before quotes
        fed = ask_feed(cx, conn, attempt, known, &state, live, spare).await?;
        spare -= fed;
    }
    if live && calendar::is_open(now) {
        let wanted = tracked
            .iter()
            .filter(|t| !waits(&t.symbol) && !closes.due.contains(&t.symbol))
            .map(|t| Wanted {
                symbol: t.symbol.clone(),
                seen_at: t.asked_at,
                important: t.important,
            })
            .collect();
        let quotes = choose(wanted, spare, known.asked_for, now);
        spare -= quotes.len() as u32;
        asked.extend(quotes.into_iter().map(|symbol| (symbol, Part::Quote)));
    }
    if cx.search().is_some() {
        fed = ask_feed(cx, conn, attempt, known, &state, live, spare).await?;
    }
    attempt.log(format!("{budget} for prices, {fed} went to the news feed"));
    Ok(asked)
}

/// The watched symbols that the provider does not refuse.
async fn tracked(conn: &mut PgConnection, known: &Known<'_>) -> Result<Vec<Tracked>, Error> {
    let mut tracked = Vec::new();
    let asked = known.watched.iter().filter(|i| !known.refused.contains(&refusal_key(&i.symbol)));
    for instrument in asked {
        tracked.push(Tracked {
            symbol: instrument.symbol.clone(),
            last_close: store::bar::find_last_day(&mut *conn, &instrument.symbol).await?,
            asked_at: instrument.quote_seen_at,
            misses: instrument.close_misses.cast_unsigned(),
            important: known.important.contains(&instrument.symbol),
        });
    }
    Ok(tracked)
}

/// The longest window of the provider's key.
async fn quota(conn: &mut PgConnection, key: &str) -> Result<Quota, Error> {
    let window = limits::longest_window(&mut *conn, key).await?;
    Ok(window.map_or(
        Quota { amount: u32::MAX, renewal: Renewal::Rolling(TimeDelta::zero()), spent: Vec::new() },
        |window| Quota {
            amount: u32::try_from(window.amount).unwrap_or(u32::MAX),
            renewal: match window.renewal {
                limits::Renewal::At(at) => Renewal::At(at),
                limits::Renewal::Rolling(period) => {
                    Renewal::Rolling(TimeDelta::from_std(period).unwrap_or(TimeDelta::MAX))
                }
            },
            spent: window.calls,
        },
    ))
}

/// Calls that the next closes will not need, with one more for an answer that comes too early.
fn spare(quota: &Quota, budget: &CallBudget, closes: &Closes, now: DateTime<Utc>) -> u32 {
    quota.spare(now, closes.next_at, closes.then.saturating_add(1)).min(budget.free)
}

/// Adds a request to the feed of all symbols if one is due; returns their number, 0 or 1. Where
/// quotes of the session can be had too, the feed gets one request a day, or one a topic if it is the
/// only source of news; otherwise all that is spare.
async fn ask_feed(
    cx: &Services,
    conn: &mut PgConnection,
    attempt: &Attempt,
    known: &Known<'_>,
    state: &SourceState,
    live: bool,
    spare: u32,
) -> Result<u32, Error> {
    let may_ask = |feed: &&dyn NewsSource| {
        // its calls are counted on the key that was planned
        feed.key() == known.source.key() && !known.refused.contains(&no_feed(*feed))
    };
    let Some(feed) = cx.feed().filter(may_ask) else { return Ok(0) };
    let topics = feed.topics();
    let now = known.now;
    let today = calendar::local_day(now);
    let asked_today =
        if state.feed_asked_on == Some(today) { state.feed_asked.cast_unsigned() } else { 0 };
    let most = match (live, cx.search().is_some()) {
        (false, _) => u32::MAX,
        (true, true) => 1,
        (true, false) => topics.len() as u32,
    };
    let last = FeedState { asked_at: state.feed_asked_at };
    if topics.is_empty()
        || known.watched.is_empty()
        || !is_feed_due(now, last, spare.min(most.saturating_sub(asked_today)))
    {
        return Ok(0);
    }
    let topic = topics[asked_today as usize % topics.len()];
    let news = ScrapeNews {
        symbols: known.watched.iter().map(|i| i.symbol.clone()).collect(),
        batch: None,
        topic: Some(topic.to_owned()),
    };
    let key = format!("feed/{today}/{asked_today}");
    let job = NewJob::of(&news).unique_key(key);
    if attempt.enqueue(&mut *conn, job).await?.duplicate {
        return Ok(0);
    }
    store::source_state::add_feed_request(&mut *conn, feed.key(), today).await?;
    Ok(1)
}
