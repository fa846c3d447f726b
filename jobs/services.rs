//! What jobs run with: the database, the outside world, and the settings of both.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use bellwether_domain::{Symbol, alert::notify, symbols::Dictionary};
use bellwether_providers::{
    self as providers, ConfigError,
    alpha_vantage::AlphaVantage,
    newsapi::NewsApi,
    smtp::{self, Smtp},
    twilio::{self, Twilio},
    webhook::{self, Webhook},
};
use bellwether_queue::{Db, control::Retention};

use crate::{
    analyzer::{Analyzer, Analyzers, Model},
    limits::Plans,
};

/// A slow-down without a wait is waited for this long at first, then twice that, up to the most.
const FIRST_WAIT: Duration = Duration::from_secs(5);
const LONGEST_WAIT: Duration = Duration::from_mins(5);

/// Text messages, and who gets them.
#[derive(Clone, Debug)]
pub struct Texts {
    pub access: twilio::Settings,
    pub to: Vec<String>,
}

/// E-mail, and who gets it.
#[derive(Clone, Debug)]
pub struct Mail {
    pub access: smtp::Settings,
    pub to: Vec<String>,
}

/// How to build [`Services`]. What is `None` is off.
#[derive(Clone, Debug)]
pub struct Settings {
    pub watchlist: Vec<Symbol>,
    pub dictionary: Dictionary,
    pub market: Option<providers::Settings>,
    pub news: Option<providers::Settings>,
    /// Who reads articles, best first; the lexicon when none of them can.
    pub models: Vec<Model>,
    /// What each provider's plan allows.
    pub plans: Plans,
    /// Ask for all of a new share's past, which few plans include.
    pub full_history: bool,
    pub sms: Option<Texts>,
    pub email: Option<Mail>,
    pub webhook: Option<webhook::Settings>,
    /// Times of messages; its recipients and its channel are not read.
    pub notify: notify::Settings,
    /// What the amounts of the plans are multiplied by.
    pub limit_scale: f64,
    /// How long finished jobs are kept.
    pub retention: Retention,
    pub keep: Keep,
}

impl Default for Settings {
    /// Nobody outside is asked, and messages go to the log.
    fn default() -> Self {
        Self {
            watchlist: Vec::new(),
            dictionary: Dictionary::builtin(),
            market: None,
            news: None,
            models: Vec::new(),
            plans: Plans::default(),
            full_history: false,
            sms: None,
            email: None,
            webhook: None,
            notify: notify::Settings { group_wait_s: 5, ..notify::Settings::default() },
            limit_scale: 1.0,
            retention: Retention { completed_days: 7, failed_days: 30 },
            keep: Keep { prices_days: 400, signals_days: 400, articles_days: 180 },
        }
    }
}

/// How long rows are kept, in days. What a kept signal was made of is kept with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Keep {
    /// Quotes and bars.
    pub prices_days: u16,
    pub signals_days: u16,
    /// Articles with their readings.
    pub articles_days: u16,
}

/// Where messages go. Without any of them they go to the log.
#[derive(Debug, Default)]
pub struct Channels {
    pub sms: Option<(Twilio, Vec<String>)>,
    pub email: Option<(Smtp, Vec<String>)>,
    pub webhook: Option<Webhook>,
}

/// Shared by all jobs of a process; clones are cheap.
#[derive(Clone, Debug)]
pub struct Services {
    pub pool: Db,
    pub market: Option<Arc<AlphaVantage>>,
    pub news: Option<Arc<NewsApi>>,
    pub analyzers: Arc<Analyzers>,
    pub plans: Arc<Plans>,
    pub full_history: bool,
    pub channels: Arc<Channels>,
    pub dictionary: Arc<Dictionary>,
    pub watchlist: Arc<[Symbol]>,
    pub notify: Arc<notify::Settings>,
    pub limit_scale: f64,
    pub retention: Retention,
    pub keep: Keep,
    patience: Arc<Mutex<HashMap<String, (Instant, Duration)>>>,
}

impl Services {
    /// Calls nobody; fails on settings that no request could be made with.
    pub fn new(pool: Db, settings: Settings) -> Result<Self, ConfigError> {
        let channels = Channels {
            sms: match settings.sms {
                Some(sms) => Some((Twilio::new(&sms.access)?, sms.to)),
                None => None,
            },
            email: match settings.email {
                Some(email) => Some((Smtp::new(&email.access)?, email.to)),
                None => None,
            },
            webhook: settings.webhook.as_ref().map(Webhook::new).transpose()?,
        };
        Ok(Self {
            pool,
            market: settings.market.as_ref().map(AlphaVantage::new).transpose()?.map(Arc::new),
            news: settings.news.as_ref().map(NewsApi::new).transpose()?.map(Arc::new),
            analyzers: Arc::new(Analyzers::new(&settings.models)?),
            plans: Arc::new(settings.plans),
            full_history: settings.full_history,
            channels: Arc::new(channels),
            dictionary: Arc::new(settings.dictionary),
            watchlist: settings.watchlist.into(),
            notify: Arc::new(settings.notify),
            limit_scale: settings.limit_scale,
            retention: settings.retention,
            keep: settings.keep,
            patience: Arc::default(),
        })
    }

    /// Who reads articles while every quota holds.
    pub fn best(&self) -> &Analyzer {
        self.analyzers.best()
    }

    /// How long to leave a key alone that asked for it without saying how long: 5 s, and twice
    /// as long each time that it asks again soon after, up to 5 min. `told`: how often others are
    /// known to have been asked before.
    pub(crate) fn next_wait(&self, key: &str, told: u32) -> Duration {
        let mut patience = self.patience.lock().expect("no holder of it panics");
        let here = match patience.get(key) {
            Some((since, wait)) if since.elapsed() < *wait * 3 => *wait * 2,
            _ => FIRST_WAIT,
        };
        let wait = here.max(FIRST_WAIT * 2_u32.pow(told.min(10))).min(LONGEST_WAIT);
        patience.insert(key.to_owned(), (Instant::now(), wait));
        wait
    }
}
