//! One poll of a feed in; its new articles, each in its story and linked to its shares, out. Without a
//! name it adds the poll of each feed that is due.
//!
//! Reads and writes `feed`; writes what [`crate::ScrapeNews`] does; leads to [`crate::AnalyzeArticle`].

use std::{borrow::Cow, time::Duration};

use bellwether_providers::rss::{self, Polled, Rss, Validators};
use bellwether_queue::{
    Attempt, Failure, Job, JobArgs, UniqueUntil,
    schemars::{Schema, schema_for},
};
use bellwether_store as store;
use chrono::TimeDelta;
use rand::RngExt;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    Error, Services,
    error::judged,
    permit::Granted,
    scrape_news::{Answer, note},
};

pub const QUEUE: &str = "scraper";

/// Time between two polls of a feed, and the longest random addition to it: processes that start
/// together must not poll in step.
const EVERY: TimeDelta = TimeDelta::minutes(5);
const JITTER_S: i64 = 30;

#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
pub struct ScrapeFeed {
    /// The name of a configured feed; without it each feed that is due is polled.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 40))]
    pub feed: Option<String>,
}

impl JobArgs for ScrapeFeed {
    const KIND: &'static str = "scrape_feed";
    const QUEUE: &'static str = QUEUE;
    const TIMEOUT: Duration = Duration::from_secs(90);
    /// Polls that wait for a limit do not pile up.
    const UNIQUE_UNTIL: UniqueUntil = UniqueUntil::Claimed;

    fn lane(&self) -> Cow<'static, str> {
        match &self.feed {
            Some(feed) => format!("{}/{feed}", rss::NAME).into(),
            None => "default".into(),
        }
    }

    fn unique_key(&self) -> Option<String> {
        self.feed.clone()
    }

    fn schema() -> Option<Schema> {
        Some(schema_for!(Self))
    }
}

impl Job for ScrapeFeed {
    type Context = Services;
    type Output = ();

    async fn run(self, cx: Services, attempt: &Attempt) -> Result<(), Failure> {
        judged(&cx, attempt, async {
            match &self.feed {
                Some(name) => {
                    let feed = cx.feeds.iter().find(|feed| feed.feed().name == *name);
                    poll(&cx, attempt, feed.ok_or(Error::Off("feed of this name"))?).await
                }
                None => fan_out(&cx, attempt).await,
            }
        })
        .await
    }
}

/// Adds a poll of each feed that is due.
async fn fan_out(cx: &Services, attempt: &Attempt) -> Result<(), Error> {
    let names: Vec<String> = cx.feeds.iter().map(|feed| feed.feed().name.clone()).collect();
    let mut tx = cx.pool.begin().await?;
    let now = store::now(&mut *tx).await?;
    let due = store::feed::list_due(&mut *tx, &names, now).await?;
    for feed in cx.feeds.iter().map(Rss::feed).filter(|feed| due.contains(&feed.name)) {
        let next = now + EVERY + TimeDelta::seconds(rand::rng().random_range(0..=JITTER_S));
        store::feed::add_poll(&mut *tx, &feed.name, feed.url.as_str(), next).await?;
        attempt.enqueue(&mut tx, ScrapeFeed { feed: Some(feed.name.clone()) }).await?;
    }
    attempt.complete_in(&mut tx).await?;
    tx.commit().await?;
    Ok(())
}

async fn poll(cx: &Services, attempt: &Attempt, rss: &Rss) -> Result<(), Error> {
    let (feed, key) = (rss.feed(), rss.feed().key());
    let now = store::now(&cx.pool).await?;
    let marks = store::feed::find(&cx.pool, &feed.name, feed.url.as_str()).await?;
    let known = Validators { etag: marks.etag, last_modified: marks.last_modified };
    let (news, validators, cut) = match rss.poll(&known, now, &Granted::new(attempt)).await {
        Ok(Polled::Changed { news, validators, cut }) => (news, validators, cut),
        Ok(Polled::Unchanged) => return unchanged(cx, attempt, &feed.name, &key).await,
        Err(error) => return Err(note(cx, attempt, &key, error.into()).await?),
    };
    if cut {
        attempt.log("the feed was cut: the items before its end are kept");
    }
    let answer = Answer::read(cx, &[], news).await?;
    let mut tx = cx.pool.begin().await?;
    answer.keep(&mut tx, cx, attempt, &key, None, now).await?;
    let marks =
        store::feed::Marks { etag: validators.etag, last_modified: validators.last_modified };
    store::feed::add_answer(&mut *tx, &feed.name, Some(&marks)).await?;
    attempt.complete_in(&mut tx).await?;
    tx.commit().await?;
    Ok(())
}

async fn unchanged(cx: &Services, attempt: &Attempt, name: &str, key: &str) -> Result<(), Error> {
    attempt.log("nothing new");
    let mut tx = cx.pool.begin().await?;
    store::feed::add_answer(&mut *tx, name, None).await?;
    store::operator::clear(&mut *tx, key).await?;
    attempt.complete_in(&mut tx).await?;
    tx.commit().await?;
    Ok(())
}
