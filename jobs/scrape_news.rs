//! One search for several companies in, or one topic of a feed; cleaned articles, each in its story
//! and linked to its shares, out.
//!
//! Writes `article`, `article_symbol`, `cluster` and `article_drop`, and `sentiment` where the source
//! has an opinion; leads to [`AnalyzeArticle`].

mod opinion;
mod reading;
mod story;

use std::{borrow::Cow, collections::BTreeSet, sync::Arc, time::Duration};

use bellwether_domain::{Symbol, lexicon, signal::HORIZON, symbols::Dictionary};
use bellwether_providers::{self as providers, News, NewsSource};
use bellwether_queue::{
    Attempt, Failure, Job, JobArgs, event,
    schemars::{Schema, schema_for},
};
use bellwether_store as store;
use chrono::{DateTime, TimeDelta, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sqlx::PgConnection;

use crate::{
    AnalyzeArticle, Error, Services,
    error::{USELESS_TRIES, judged, useless},
    permit::Granted,
};

pub const QUEUE: &str = "scraper";
pub const LANE: &str = "news";
/// Lane in which topics of the market data provider's feed wait for its limit key.
pub const FEED: &str = "feed";

/// A topic is requested once a day.
const FEED_SPAN: TimeDelta = TimeDelta::hours(25);
/// Longest query that the provider accepts, in characters.
const QUERY_CHARS: usize = 500;
/// Stories of one search that are sent to an analyzer; the rest follows after the next search.
const ANALYSES: i64 = 200;

#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct ScrapeNews {
    /// As many as fit into one search of 500 characters.
    #[schemars(with = "Vec<String>", length(min = 1, max = 100))]
    pub symbols: Vec<Symbol>,
    /// The batch that it belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1))]
    pub batch: Option<i64>,
    /// A topic of the market data provider's feed, for example `earnings`, instead of a search; the
    /// symbols are those for which articles are kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 100))]
    pub topic: Option<String>,
}

impl JobArgs for ScrapeNews {
    const KIND: &'static str = "scrape_news";
    const QUEUE: &'static str = QUEUE;
    const TIMEOUT: Duration = Duration::from_secs(90);

    fn lane(&self) -> Cow<'static, str> {
        if self.topic.is_some() { FEED.into() } else { LANE.into() }
    }

    /// A batch requests each symbol once, so the first one names the search.
    fn unique_key(&self) -> Option<String> {
        if let Some(topic) = &self.topic {
            return Some(format!("{}/topic/{topic}", self.batch?));
        }
        Some(format!("{}/{}", self.batch?, self.symbols.first()?))
    }

    fn schema() -> Option<Schema> {
        Some(schema_for!(Self))
    }
}

impl Job for ScrapeNews {
    type Context = Services;
    type Output = ();

    async fn run(self, cx: Services, attempt: &Attempt) -> Result<(), Failure> {
        judged(&cx, attempt, self.work(&cx, attempt)).await
    }
}

impl ScrapeNews {
    async fn work(&self, cx: &Services, attempt: &Attempt) -> Result<(), Error> {
        let now = store::now(&cx.pool).await?;
        let permit = Granted::new(attempt);
        let (source, asked) = if let Some(topic) = &self.topic {
            let feed = cx.feed().ok_or(Error::Off("market data provider"))?;
            (feed, feed.news(topic, now - FEED_SPAN, now, &permit).await)
        } else {
            let search = cx.search().ok_or(Error::Off("news provider"))?;
            let terms = query(&cx.dictionary, &self.symbols);
            (search, search.news(&terms, now - HORIZON, now, &permit).await)
        };
        let news = match asked {
            Ok(news) => news,
            Err(error) if self.topic.is_some() => {
                return Err(note(cx, attempt, &no_feed(source), error.into()).await?);
            }
            Err(error) => return Err(error.into()),
        };

        let answer = Answer::read(cx, &self.symbols, news).await?;
        let mut tx = cx.pool.begin().await?;
        store::instrument::add_unwatched(&mut *tx, &self.symbols).await?;
        answer.keep(&mut tx, cx, attempt, source.key(), source.scorer(), now).await?;
        for symbol in &self.symbols {
            store::instrument::news_seen(&mut *tx, symbol).await?;
        }
        if self.topic.is_some() {
            store::operator::clear(&mut *tx, &no_feed(source)).await?;
        }
        attempt.complete_in(&mut tx).await?;
        tx.commit().await?;
        Ok(())
    }
}

/// A source's answer, prepared for the database.
pub(crate) struct Answer {
    /// Articles that the source has returned.
    count: usize,
    found: Vec<reading::Found>,
    drops: Vec<(String, i64)>,
}

impl Answer {
    /// Prepares the articles about watched symbols and about `asked` ones; the others are dropped and
    /// counted.
    pub(crate) async fn read(cx: &Services, asked: &[Symbol], news: News) -> Result<Self, Error> {
        let watched = store::instrument::list_watched(&cx.pool).await?;
        let known: BTreeSet<Symbol> =
            watched.into_iter().map(|i| i.symbol).chain(asked.iter().cloned()).collect();
        let count = news.stories.len();
        let dictionary = Arc::clone(&cx.dictionary);
        let (found, drops) =
            aside(move || reading::read_all(&dictionary, news.stories, news.dropped, &known)).await;
        Ok(Self { count, found, drops })
    }

    /// Stores the articles of `provider`, each in its story and with the opinion of `scorer`, and adds
    /// the analyses of stories that no analyzer has read.
    pub(crate) async fn keep(
        self,
        tx: &mut PgConnection,
        cx: &Services,
        attempt: &Attempt,
        provider: &str,
        scorer: Option<&str>,
        now: DateTime<Utc>,
    ) -> Result<(), Error> {
        let (news_of, found) = story::keep(tx, self.found, provider).await?;
        let opinions = opinion::keep(tx, &found, scorer).await?;
        store::article::count_drops(&mut *tx, now.date_naive(), provider, &self.drops).await?;
        store::operator::clear(&mut *tx, provider).await?;
        for symbol in &news_of.symbols {
            event::emit(&mut *tx, "article", symbol.as_str()).await?;
        }
        let left_out: Vec<String> =
            self.drops.iter().map(|(why, n)| format!("; {n} {why}")).collect();
        attempt.log(format!(
            "{} of {} articles are new, with {opinions} opinions{}",
            news_of.articles,
            self.count,
            left_out.concat(),
        ));
        pass_on(tx, cx, attempt, now).await
    }
}
/// Key of the operator note that a feed is unusable: the plan does not include it, or its answer
/// cannot be parsed. It is not requested again until the note is cleared.
pub(crate) fn no_feed(source: &dyn NewsSource) -> String {
    format!("{}/news", source.key())
}

/// Notes a failure of a feed that no retry corrects, under the key of its operator note. Without the
/// note each batch would request a topic again.
pub(crate) async fn note(
    cx: &Services,
    attempt: &Attempt,
    key: &str,
    error: Error,
) -> Result<Error, Error> {
    let (reason, detail) = match &error {
        Error::Provider(providers::Error::Refused { reason, detail }) => (reason, detail),
        Error::Provider(providers::Error::Unusable { reason, detail }) => {
            if useless(cx, attempt).await < USELESS_TRIES {
                return Ok(error);
            }
            (reason, detail)
        }
        _ => return Ok(error),
    };
    store::operator::add(&cx.pool, key, reason, detail).await?;
    Ok(error)
}

/// Runs a long computation outside of the runtime's threads: timers, heartbeats and requests would
/// wait for it.
async fn aside<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done,
        Err(error) => std::panic::resume_unwind(error.into_panic()),
    }
}

/// Every story that no analyzer has read: new ones, and those left over while the models were away.
async fn pass_on(
    tx: &mut PgConnection,
    cx: &Services,
    attempt: &Attempt,
    now: DateTime<Utc>,
) -> Result<(), Error> {
    let analyzers = BTreeSet::from([lexicon::ANALYZER.to_owned(), cx.best().name()]);
    for analyzer in analyzers {
        let unread =
            store::article::list_unanalyzed(&mut *tx, &analyzer, now - HORIZON, ANALYSES).await?;
        for story in unread {
            attempt.enqueue(&mut *tx, AnalyzeArticle::first(&story, &analyzer, now)).await?;
        }
    }
    Ok(())
}

/// Search term of a symbol: the company's common name or, failing that, its listing.
fn term(dictionary: &Dictionary, symbol: &Symbol) -> String {
    match dictionary.name(symbol) {
        Some(name) => format!("\"{}\"", name.replace('"', "")),
        None => format!("\"NASDAQ: {symbol}\" OR \"NYSE: {symbol}\""),
    }
}

fn query(dictionary: &Dictionary, symbols: &[Symbol]) -> String {
    symbols.iter().map(|symbol| term(dictionary, symbol)).collect::<Vec<_>>().join(" OR ")
}

/// Distributes the symbols over as few searches as hold them, in their order.
pub(crate) fn pack(dictionary: &Dictionary, symbols: &[Symbol]) -> Vec<Vec<Symbol>> {
    let mut searches: Vec<Vec<Symbol>> = Vec::new();
    for symbol in symbols {
        let fits = searches.last().is_some_and(|last| {
            let longer: Vec<Symbol> = last.iter().chain([symbol]).cloned().collect();
            query(dictionary, &longer).chars().count() <= QUERY_CHARS
        });
        match searches.last_mut() {
            Some(last) if fits => last.push(symbol.clone()),
            _ => searches.push(vec![symbol.clone()]),
        }
    }
    searches
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_search_holds_as_many_companies_as_the_provider_takes() {
        let dictionary = Dictionary::builtin();
        let symbols: Vec<Symbol> = (0..40)
            .map(|n| format!("ZZ{n}").parse().unwrap())
            .chain(["AAPL".parse().unwrap()])
            .collect();
        let searches = pack(&dictionary, &symbols);
        assert_eq!(searches.concat(), symbols);
        assert!(searches.len() < 6);
        for search in &searches {
            assert!(query(&dictionary, search).chars().count() <= QUERY_CHARS);
        }
        assert_eq!(query(&dictionary, &symbols[40..]), "\"Apple\"");
    }

    #[tokio::test]
    async fn what_computes_for_long_leaves_the_runtime_free() {
        let (say, said) = std::sync::mpsc::channel();
        let wait = Duration::from_secs(10);
        let (heard, sent) =
            tokio::join!(aside(move || said.recv_timeout(wait)), async move { say.send(()) });
        assert_eq!((heard, sent), (Ok(()), Ok(())));
    }
}
