//! One search for several companies in, or one topic of a feed; cleaned articles, each in its story
//! and linked to its shares, out.
//!
//! Writes `article`, `article_symbol`, `cluster` and `article_drop`, and `sentiment` where the source
//! has an opinion; leads to [`AnalyzeArticle`].

mod opinion;

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use bellwether_domain::{
    Symbol,
    clean::clean,
    cluster::{Fingerprint, Story as Told, canonical_url, fingerprint, same_story},
    lexicon,
    symbols::{Dictionary, LINK},
};
use bellwether_providers::{
    self as providers, Article, alpha_vantage,
    newsapi::{self, Query},
};
use bellwether_queue::{Attempt, Failure, Job, NewJob, event};
use bellwether_store as store;
use chrono::{DateTime, TimeDelta, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sqlx::PgConnection;

use self::opinion::Opinion;
use crate::{
    AnalyzeArticle, Error, Services,
    error::{USELESS_TRIES, judged, useless},
    permit::Granted,
};

pub const QUEUE: &str = "scraper";
pub const LANE: &str = "news";
/// Where topics of the market data provider's feed wait for its limit key.
pub const FEED: &str = "feed";

/// Under which an operator finds that the feed is of no use: the plan does not include it, or it
/// answers with what cannot be read. It is left alone then.
pub(crate) const NO_FEED: &str = "alpha_vantage/news";

/// Older news counts in no score.
const HORIZON: TimeDelta = TimeDelta::hours(72);
/// A topic is asked for once a day.
const FEED_SPAN: TimeDelta = TimeDelta::hours(25);
/// The longest query that the provider takes.
const QUERY_CHARS: usize = 500;
/// Stories that one search sends to an analyzer; what is left follows after the next search.
const ANALYSES: i64 = 200;

#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ScrapeNews {
    /// As many as fit into one search of 500 characters.
    #[schemars(with = "Vec<String>")]
    pub symbols: Vec<Symbol>,
    /// The round that it belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub batch: Option<i64>,
    /// A topic of the market data provider's feed, for example `earnings`, instead of a search; the
    /// symbols are those that it is asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub topic: Option<String>,
}

impl Job for ScrapeNews {
    const KIND: &'static str = "scrape_news";
    const QUEUE: &'static str = QUEUE;
    const LANE: &'static str = LANE;
    const TIMEOUT: Duration = Duration::from_secs(90);
    type Context = Services;

    /// A round asks once about each symbol, so the first one names the search.
    fn unique_key(&self) -> Option<String> {
        if let Some(topic) = &self.topic {
            return Some(format!("{}/topic/{topic}", self.batch?));
        }
        Some(format!("{}/{}", self.batch?, self.symbols.first()?))
    }

    async fn run(self, cx: Services, attempt: &Attempt) -> Result<(), Failure> {
        judged(&cx, attempt, self.work(&cx, attempt)).await
    }
}

/// An article that concerns a share, ready to be kept.
struct Found {
    article: store::article::NewArticle,
    print: Fingerprint,
    mentions: Vec<(Symbol, f64)>,
    opinion: Option<Opinion>,
}

/// What a source had.
struct Batch {
    /// Its name in every article.
    provider: &'static str,
    stories: Vec<Story>,
    dropped: BTreeMap<&'static str, u32>,
    /// Under which it counts.
    key: String,
}

/// An article with what its source makes of it.
struct Story {
    article: Article,
    opinion: Option<Opinion>,
}

impl ScrapeNews {
    async fn work(&self, cx: &Services, attempt: &Attempt) -> Result<(), Error> {
        if self.topic.is_some() && cx.market.is_some() && attempt.key() != Some(alpha_vantage::KEY)
        {
            return self.change_lane(cx, attempt).await;
        }
        let now = store::now(&cx.pool).await?;
        let batch = match &self.topic {
            Some(topic) => match feed(cx, topic, now, attempt).await {
                Ok(batch) => batch,
                Err(error) => return Err(note(cx, attempt, error).await?),
            },
            None => self.search(cx, now, attempt).await?,
        };

        let mut drops: BTreeMap<String, i64> =
            batch.dropped.iter().map(|(why, n)| ((*why).to_owned(), i64::from(*n))).collect();
        let known = self.known(cx).await?;
        let count = batch.stories.len();
        let mut found: Vec<Found> = Vec::new();
        for story in batch.stories {
            match read(&cx.dictionary, story, &known, batch.provider) {
                Ok(one) => found.push(one),
                Err(why) => *drops.entry(why.to_owned()).or_default() += 1,
            }
        }
        // the earliest report speaks for its story
        found.sort_by(|a, b| {
            (a.print.published_at, &a.print.canonical_url)
                .cmp(&(b.print.published_at, &b.print.canonical_url))
        });

        let mut tx = cx.pool.begin().await?;
        store::instrument::add_all(&mut *tx, &self.symbols).await?;
        let news_of = keep(&mut tx, &found).await?;
        let opinions = opinion::keep(&mut tx, &found).await?;
        for symbol in &self.symbols {
            store::instrument::news_seen(&mut *tx, symbol).await?;
        }
        let drops: Vec<(String, i64)> = drops.into_iter().collect();
        store::article::count_drops(&mut *tx, now.date_naive(), batch.provider, &drops).await?;
        store::operator::clear(&mut *tx, &batch.key).await?;
        if self.topic.is_some() {
            store::operator::clear(&mut *tx, NO_FEED).await?;
        }
        for symbol in &news_of.symbols {
            event::emit(&mut *tx, "article", symbol.as_str()).await?;
        }
        let left_out: Vec<String> = drops.iter().map(|(why, n)| format!("; {n} {why}")).collect();
        let left_out = left_out.concat();
        attempt.log(format!(
            "{} of {count} articles are new, with {opinions} opinions{left_out}",
            news_of.articles,
        ));
        pass_on(&mut tx, cx, attempt, now).await?;
        attempt.complete_in(&mut tx).await?;
        tx.commit().await?;
        Ok(())
    }

    /// One search about all symbols.
    async fn search(
        &self,
        cx: &Services,
        now: DateTime<Utc>,
        attempt: &Attempt,
    ) -> Result<Batch, Error> {
        let news = cx.news.as_ref().ok_or(Error::Off("news provider"))?;
        let query = Query {
            q: query(&cx.dictionary, &self.symbols),
            from: Some(now - HORIZON),
            language: Some("en".to_owned()),
            ..Query::default()
        };
        let page = news.everything(&query, now, &Granted::new(attempt)).await?;
        let stories =
            page.articles.into_iter().map(|article| Story { article, opinion: None }).collect();
        let key = news.key().to_owned();
        Ok(Batch { provider: newsapi::KEY, stories, dropped: page.dropped, key })
    }

    /// Shares that an article may be linked to: an article about none of them is of no use.
    async fn known(&self, cx: &Services) -> Result<BTreeSet<Symbol>, Error> {
        let watched = store::instrument::list_watched(&cx.pool).await?;
        Ok(watched.into_iter().map(|i| i.symbol).chain(self.symbols.iter().cloned()).collect())
    }

    /// Whoever asks for a topic need not know that it has a lane of its own, and outside of it
    /// nothing would hold the provider's limit.
    async fn change_lane(&self, cx: &Services, attempt: &Attempt) -> Result<(), Error> {
        let mut tx = cx.pool.begin().await?;
        let job = NewJob { unique_key: None, ..self.prepared()? };
        attempt.add(&mut tx, job).await?;
        attempt.complete_in(&mut tx).await?;
        tx.commit().await?;
        Ok(())
    }

    /// The job in the lane of its source.
    pub(crate) fn prepared(&self) -> Result<NewJob, Error> {
        let lane = if self.topic.is_some() { FEED } else { LANE };
        Ok(NewJob { lane: lane.to_owned(), ..NewJob::of(self)? })
    }
}

/// All that the market data provider has about a topic: one request for the whole watchlist.
async fn feed(
    cx: &Services,
    topic: &str,
    now: DateTime<Utc>,
    attempt: &Attempt,
) -> Result<Batch, Error> {
    let market = cx.market.as_ref().ok_or(Error::Off("market data provider"))?;
    let feed = market.news(topic, now - FEED_SPAN, now, &Granted::new(attempt)).await?;
    let story = |story: alpha_vantage::Story| {
        let opinion = Opinion { overall: story.overall, of: story.opinions };
        Story { article: story.article, opinion: Some(opinion) }
    };
    Ok(Batch {
        provider: alpha_vantage::KEY,
        stories: feed.stories.into_iter().map(story).collect(),
        dropped: feed.dropped,
        key: market.key().to_owned(),
    })
}

/// Notes what no further try will mend. A topic that was given up is free to be asked for again, and
/// each round would do so.
async fn note(cx: &Services, attempt: &Attempt, error: Error) -> Result<Error, Error> {
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
    store::operator::add(&cx.pool, NO_FEED, reason, detail).await?;
    Ok(error)
}

/// Every story that an analyzer has not read, however it came about: new ones, and those that were
/// left over when the models were away.
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
            attempt.add(&mut *tx, AnalyzeArticle::first(&story, &analyzer, now)?).await?;
        }
    }
    Ok(())
}

/// What was new.
#[derive(Default)]
struct Kept {
    articles: usize,
    symbols: BTreeSet<Symbol>,
}

async fn keep(tx: &mut PgConnection, found: &[Found]) -> Result<Kept, Error> {
    let (Some(first), Some(last)) = (found.first(), found.last()) else {
        return Ok(Kept::default());
    };
    store::cluster::lock(&mut *tx).await?;
    let symbols: BTreeSet<Symbol> =
        found.iter().flat_map(|f| f.mentions.iter().map(|m| m.0.clone())).collect();
    let symbols: Vec<Symbol> = symbols.into_iter().collect();
    let hashes: Vec<String> = found.iter().map(|f| f.article.title_hash.clone()).collect();
    let span = (first.print.published_at, last.print.published_at);
    let candidates =
        store::article::find_candidates(&mut *tx, &symbols, &hashes, span.0, span.1).await?;

    // a story is compared by its first report, because similarity does not chain
    let mut stories: Vec<(i64, Fingerprint)> = Vec::new();
    let mut by_age: Vec<_> = candidates.iter().collect();
    by_age.sort_by_key(|c| (c.published_at, c.id));
    for candidate in by_age {
        if stories.iter().all(|(id, _)| *id != candidate.cluster_id)
            && let Ok(print) = serde_json::from_value(candidate.fingerprint.clone())
        {
            stories.push((candidate.cluster_id, print));
        }
    }

    let mut kept = Kept::default();
    for one in found {
        let story = stories.iter().find(|(_, print)| same_story(print, &one.print));
        let story = story.map(|(id, _)| *id);
        let Some(added) = store::article::add(&mut *tx, &one.article, story).await? else {
            continue;
        };
        if added.first {
            stories.push((added.cluster_id, one.print.clone()));
        }
        kept.articles += 1;
        kept.symbols.extend(store::article::link(&mut *tx, added.id, &one.mentions).await?);
    }
    Ok(kept)
}

/// Cleans an article and finds out whom it concerns, or says why it is not kept.
fn read(
    dictionary: &Dictionary,
    story: Story,
    known: &BTreeSet<Symbol>,
    provider: &str,
) -> Result<Found, &'static str> {
    let Story { article, opinion } = story;
    let title = clean(&article.title);
    let description = article.description.as_deref().map(clean);
    let content = article.content.as_deref().map(clean);
    if title.text.trim().is_empty() {
        return Err("no_title");
    }
    let parts = [Some(&title), description.as_ref(), content.as_ref()];
    let text = parts.iter().flatten().map(|part| part.text.as_str()).collect::<Vec<_>>().join(". ");
    let mentions: Vec<(Symbol, f64)> = dictionary
        .find(&text)
        .into_iter()
        .filter(|mention| mention.relevance >= LINK && known.contains(&mention.symbol))
        .map(|mention| (mention.symbol, mention.relevance))
        .collect();
    if mentions.is_empty() {
        return Err("unrelated");
    }
    let flags: BTreeSet<_> = parts.iter().flatten().flat_map(|part| part.flags.clone()).collect();

    let text_of = |part: Option<bellwether_domain::clean::Cleaned>| {
        part.map(|part| part.text).filter(|text| !text.trim().is_empty())
    };
    let (description, content) = (text_of(description), text_of(content));
    let host = || article.url.host_str().unwrap_or("unknown").to_owned();
    let source = article.source.clone().filter(|s| !s.trim().is_empty()).unwrap_or_else(host);
    let print = fingerprint(&Told {
        title: title.text.clone(),
        description: description.clone().or_else(|| content.clone()).unwrap_or_default(),
        url: article.url.clone(),
        source: source.clone(),
        published_at: article.published_at,
    });
    let article = store::article::NewArticle {
        canonical_url: canonical_url(&article.url),
        url: article.url.to_string(),
        title: title.text,
        description,
        content,
        source,
        provider: provider.to_owned(),
        language: Some("en".to_owned()),
        published_at: article.published_at,
        fingerprint: serde_json::to_value(&print).expect("a fingerprint is plain data"),
        simhash: print.simhash as i64,
        title_hash: format!("{:016x}", print.title_hash),
        flags: flags.into_iter().map(|flag| flag.as_str().to_owned()).collect(),
    };
    Ok(Found { article, print, mentions, opinion })
}

/// What to search for to hear of a share: what people call it or, failing that, its listing.
fn term(dictionary: &Dictionary, symbol: &Symbol) -> String {
    match dictionary.name(symbol) {
        Some(name) => format!("\"{}\"", name.replace('"', "")),
        None => format!("\"NASDAQ: {symbol}\" OR \"NYSE: {symbol}\""),
    }
}

fn query(dictionary: &Dictionary, symbols: &[Symbol]) -> String {
    symbols.iter().map(|symbol| term(dictionary, symbol)).collect::<Vec<_>>().join(" OR ")
}

/// The symbols in as few searches as hold them, in their order.
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
}
