//! Services that jobs run with: the database, the providers' clients, and the settings of both.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use bellwether_domain::{Symbol, alert::notify, symbols::Dictionary};
use bellwether_providers::{
    self as providers, ConfigError, NewsSource, QuoteSource, Sources,
    catalog::{self, Serves},
    rss::{self, Feed, Rss},
    smtp::{self, Smtp},
    twilio::{self, Twilio},
    webhook::{self, Webhook},
};
use bellwether_queue::{Db, control::Retention};
use bellwether_store::notification::Channel;
use secrecy::SecretString;

use crate::{
    analyzer::{Analyzer, Analyzers, Model},
    credentials::Credentials,
    limits::Plans,
    send_notification,
};

/// First and longest wait for a refusal without a time; each is twice the one before.
const FIRST_WAIT: Duration = Duration::from_secs(5);
const LONGEST_WAIT: Duration = Duration::from_mins(5);

/// Text messages and their recipients.
#[derive(Clone, Debug)]
pub struct Texts {
    pub access: twilio::Settings,
    pub to: Vec<String>,
}

/// E-mail and its recipients.
#[derive(Clone, Debug)]
pub struct Mail {
    pub access: smtp::Settings,
    pub to: Vec<String>,
}

/// Settings of [`Services`]. A part that is `None` is off.
#[derive(Clone, Debug)]
pub struct Settings {
    pub watchlist: Vec<Symbol>,
    pub dictionary: Dictionary,
    /// The sources of prices and news that are on, by the name of their provider.
    pub sources: BTreeMap<&'static str, providers::Settings>,
    /// Feeds that are polled.
    pub feeds: Vec<Feed>,
    /// Analyzers, best first; the lexicon reads when none of them can.
    pub models: Vec<Model>,
    /// Limits of each provider's plan.
    pub plans: Plans,
    /// True to request the whole history of a new symbol, which few plans include.
    pub full_history: bool,
    pub sms: Option<Texts>,
    pub email: Option<Mail>,
    pub webhook: Option<webhook::Settings>,
    /// True if prices, news or readings are simulated; messages are marked then.
    pub simulated: bool,
    /// Times of messages; its recipients and its channel are not used.
    pub notify: notify::Settings,
    /// Factor on the amounts of the plans.
    pub limit_scale: f64,
    /// Retention of finished jobs.
    pub retention: Retention,
    pub keep: Keep,
}

impl Default for Settings {
    /// No service is called, and messages go to the log.
    fn default() -> Self {
        Self {
            watchlist: Vec::new(),
            dictionary: Dictionary::builtin(),
            sources: BTreeMap::new(),
            feeds: Vec::new(),
            models: Vec::new(),
            plans: Plans::default(),
            full_history: false,
            sms: None,
            email: None,
            webhook: None,
            simulated: false,
            notify: notify::Settings { group_wait_s: 5, ..notify::Settings::default() },
            limit_scale: 1.0,
            retention: Retention { completed_days: 7, failed_days: 30 },
            keep: Keep::default(),
        }
    }
}

/// Retention of rows, in days. The prices that a kept signal was made of are kept with it; of its
/// articles it keeps the ids.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Keep {
    /// Quotes and bars.
    pub prices_days: u16,
    pub signals_days: u16,
    /// Articles with their readings.
    pub articles_days: u16,
    /// Alerts since they ended, notes for the operator, and recipients who opted out.
    pub alerts_days: u16,
    /// Messages and their deliveries, with the addresses of people, once their alert is over.
    pub messages_days: u16,
    /// Batches, and counts of dropped articles.
    pub rounds_days: u16,
}

impl Default for Keep {
    fn default() -> Self {
        Self {
            prices_days: 400,
            signals_days: 400,
            articles_days: 180,
            alerts_days: 400,
            messages_days: 90,
            rounds_days: 90,
        }
    }
}

/// A channel with its client and its recipients.
#[derive(Debug)]
pub(crate) struct Wired {
    pub(crate) channel: Channel,
    pub(crate) client: Box<dyn providers::Channel>,
    /// The parts of its credential, by which a start with another one is recognised.
    pub(crate) credential: Vec<SecretString>,
    /// The address of a webhook may contain its password, so it is named by its kind.
    pub(crate) to: Vec<String>,
}

/// Shared by all jobs of a process; clones are cheap.
#[derive(Clone, Debug)]
pub struct Services {
    pub pool: Db,
    sources: Arc<Sources>,
    pub(crate) feeds: Arc<[Rss]>,
    pub analyzers: Arc<Analyzers>,
    pub(crate) credentials: Credentials,
    pub plans: Arc<Plans>,
    pub full_history: bool,
    /// Channels for messages. Without any of them messages go to the log.
    pub(crate) channels: Arc<Vec<Wired>>,
    pub simulated: bool,
    pub dictionary: Arc<Dictionary>,
    pub watchlist: Arc<[Symbol]>,
    pub notify: Arc<notify::Settings>,
    pub limit_scale: f64,
    pub retention: Retention,
    pub keep: Keep,
    patience: Arc<Mutex<HashMap<String, (Instant, Duration)>>>,
}

impl Services {
    /// Makes no network calls. Fails if no request could be made with the settings.
    pub fn new(pool: Db, settings: Settings) -> Result<Self, ConfigError> {
        let analyzers = Analyzers::new(&settings.models)?;
        let sources = connect(&settings.sources)?;
        let feed = |feed: &Feed| Rss::new(feed.clone(), rss::ENTRY.timeout);
        let feeds = settings.feeds.iter().map(feed).collect::<Result<Vec<_>, _>>()?;
        let mut channels = Vec::new();
        if let Some(Texts { access, to }) = &settings.sms {
            let address = SecretString::from(access.base_url.to_string());
            let account = SecretString::from(access.account_sid.clone());
            channels.push(Wired {
                channel: Channel::Sms,
                client: Box::new(Twilio::new(access)?),
                credential: vec![address, account, access.auth_token.clone()],
                to: to.clone(),
            });
        }
        if let Some(Mail { access, to }) = &settings.email {
            channels.push(Wired {
                channel: Channel::Email,
                client: Box::new(Smtp::new(access)?),
                credential: vec![access.url.clone()],
                to: to.clone(),
            });
        }
        if let Some(access) = &settings.webhook {
            channels.push(Wired {
                channel: Channel::Webhook,
                client: Box::new(Webhook::new(access)?),
                credential: vec![access.url.clone()],
                to: vec![send_notification::WEBHOOK.to_owned()],
            });
        }
        let credentials = Credentials::of(&settings, &analyzers, &channels);
        Ok(Self {
            pool,
            sources: Arc::new(sources),
            feeds: feeds.into(),
            analyzers: Arc::new(analyzers),
            credentials,
            plans: Arc::new(settings.plans),
            full_history: settings.full_history,
            channels: Arc::new(channels),
            simulated: settings.simulated,
            dictionary: Arc::new(settings.dictionary),
            watchlist: settings.watchlist.into(),
            notify: Arc::new(settings.notify),
            limit_scale: settings.limit_scale,
            retention: settings.retention,
            keep: settings.keep,
            patience: Arc::default(),
        })
    }

    /// The preferred source of prices.
    pub(crate) fn quotes(&self) -> Option<&dyn QuoteSource> {
        self.sources.quotes.first().map(AsRef::as_ref)
    }

    /// The preferred source that searches news.
    pub(crate) fn search(&self) -> Option<&dyn NewsSource> {
        self.sources.searches.first().map(AsRef::as_ref)
    }

    /// The preferred source of news by topic.
    pub(crate) fn feed(&self) -> Option<&dyn NewsSource> {
        self.sources.feeds.first().map(AsRef::as_ref)
    }

    /// The best analyzer, which reads while every quota holds.
    pub fn best(&self) -> &Analyzer {
        self.analyzers.best()
    }

    /// Wait for a key whose provider refused without naming a time: 5 s, and twice as long for each
    /// refusal soon after, up to 5 min. `told`: refusals that other processes are known to have had
    /// before.
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

/// Clients of the sources that are on, in the order of the catalog.
fn connect(on: &BTreeMap<&'static str, providers::Settings>) -> Result<Sources, ConfigError> {
    let mut sources = Sources::default();
    for entry in catalog::ALL {
        if let (Some(access), Serves::Market(connect) | Serves::News(connect)) =
            (on.get(entry.name), entry.serves)
        {
            connect(access, &mut sources)?;
        }
    }
    Ok(sources)
}
