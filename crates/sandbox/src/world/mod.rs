//! The world that the providers report on: companies, a calendar, prices and news.

mod calendar;
mod chance;
mod companies;
mod news;
mod phrases;
mod prices;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};

pub(crate) use calendar::{KNOWN_SPAN, knows};
pub(crate) use chance::{chance, hash, normal};
pub(crate) use companies::Company;
pub(crate) use news::{Article, Event, searchable, words};
pub(crate) use prices::Bar;

/// Correlation between a session's news and the return of the next one.
pub(crate) const PLANTED_IC: f64 = 0.05;

pub(crate) struct World {
    pub(crate) seed: u64,
    calendar: Arc<[calendar::Session]>,
    memo: Arc<Mutex<Memo>>,
    jumps: Mutex<Vec<prices::Jump>>,
}

/// Cache of computed values; all of them follow from the seed.
#[derive(Default)]
struct Memo {
    closes: HashMap<&'static str, Arc<Vec<prices::Daily>>>,
    paths: HashMap<(&'static str, usize), Arc<Vec<f64>>>,
    news: HashMap<NaiveDate, Arc<news::Day>>,
}

impl World {
    pub(crate) fn new(seed: u64) -> Self {
        Self {
            seed,
            calendar: calendar::sessions().into(),
            memo: Arc::default(),
            jumps: Mutex::default(),
        }
    }

    /// The world without jumps; cached values of its seed are kept.
    pub(crate) fn again(&self, seed: u64) -> Self {
        let memo = if seed == self.seed { Arc::clone(&self.memo) } else { Arc::default() };
        Self { seed, calendar: Arc::clone(&self.calendar), memo, jumps: Mutex::default() }
    }

    fn jumps(&self) -> MutexGuard<'_, Vec<prices::Jump>> {
        self.jumps.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn memo(&self) -> MutexGuard<'_, Memo> {
        self.memo.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn company(symbol: &str) -> Option<&'static Company> {
        companies::COMPANIES.iter().find(|c| c.symbol == symbol)
    }

    pub(crate) fn symbols() -> impl Iterator<Item = &'static str> {
        companies::COMPANIES.iter().map(|company| company.symbol)
    }

    fn day(&self, day: NaiveDate) -> Arc<news::Day> {
        if let Some(found) = self.memo().news.get(&day) {
            return Arc::clone(found);
        }
        let made = Arc::new(news::Day::new(self.seed, day));
        Arc::clone(self.memo().news.entry(day).or_insert(made))
    }

    /// Events whose day lies between these, in order of day and company.
    pub(crate) fn events(&self, from: NaiveDate, to: NaiveDate) -> Vec<Arc<Event>> {
        let days = from.iter_days().take_while(|day| *day <= to);
        days.flat_map(|day| self.day(day).events.clone()).collect()
    }

    /// All articles published in `from..=to`, newest first.
    pub(crate) fn articles(
        &self,
        from: DateTime<Utc>,
        to: DateTime<Utc>,
    ) -> Vec<(Arc<Event>, usize)> {
        // An outlet may be up to a day behind its event.
        let first = (from - TimeDelta::days(2)).date_naive();
        let mut found: Vec<_> = self
            .events(first, to.date_naive())
            .into_iter()
            .flat_map(|event| {
                let count = event.articles.len();
                (0..count).map(move |index| (Arc::clone(&event), index))
            })
            .filter(|(event, index)| (from..=to).contains(&event.articles[*index].published_at))
            .collect();
        found.sort_by(|(a, i), (b, j)| {
            let (a, b) = (&a.articles[*i], &b.articles[*j]);
            b.published_at.cmp(&a.published_at).then_with(|| a.url.cmp(&b.url))
        });
        found
    }

    /// The story of a text, if it contains a headline of the last 35 days, the newest first.
    pub(crate) fn story_in(&self, text: &str, now: DateTime<Utc>) -> Option<Arc<Event>> {
        let words = news::words(text);
        let places: Vec<_> = words.windows(news::START).map(news::key).zip(0_usize..).collect();
        let last = now.date_naive();
        (0..35).map(|back| self.day(last - TimeDelta::days(back))).find_map(|day| {
            let found = places.iter().find_map(|(key, place)| {
                let candidates = day.by_start.get(key)?;
                candidates.iter().find(|c| words[*place..].starts_with(&c.title)).map(|c| c.event)
            });
            found.map(|event| Arc::clone(&day.events[event]))
        })
    }
}
