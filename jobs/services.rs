//! What jobs run with: the database, the outside world, and the settings of both.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use bellwether_domain::{Symbol, alert::notify, lexicon, symbols::Dictionary};
use bellwether_providers::{
    self as providers, ConfigError, Prompt, Reading,
    alpha_vantage::AlphaVantage,
    gemini::Gemini,
    newsapi::NewsApi,
    openai::OpenAi,
    smtp::{self, Smtp},
    twilio::{self, Twilio},
    webhook::{self, Webhook},
};
use bellwether_queue::control::Retention;
use sqlx::PgPool;

use crate::permit::Granted;

/// The version of the question that `providers` asks a model; a new one reads articles anew.
const PROMPT: &str = "1";
/// A slow-down without a wait is waited for this long at first, then twice that, up to the most.
const FIRST_WAIT: Duration = Duration::from_secs(5);
const LONGEST_WAIT: Duration = Duration::from_mins(5);

/// Who reads articles, beside the lexicon.
#[derive(Clone, Debug)]
pub enum Model {
    Gemini { access: providers::Settings, model: String },
    OpenAi { access: providers::Settings, model: String },
}

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
    pub model: Option<Model>,
    pub sms: Option<Texts>,
    pub email: Option<Mail>,
    pub webhook: Option<webhook::Settings>,
    /// Times of messages; its recipients and its channel are not read.
    pub notify: notify::Settings,
    /// What the amounts of the limit keys are multiplied by: 1 is the free plans.
    pub limit_scale: f64,
    pub retention: Retention,
}

impl Default for Settings {
    /// Nobody outside is asked, and messages go to the log.
    fn default() -> Self {
        Self {
            watchlist: Vec::new(),
            dictionary: Dictionary::builtin(),
            market: None,
            news: None,
            model: None,
            sms: None,
            email: None,
            webhook: None,
            notify: notify::Settings { group_wait_s: 5, ..notify::Settings::default() },
            limit_scale: 1.0,
            retention: Retention { completed_days: 7, failed_days: 30 },
        }
    }
}

/// Who reads articles.
#[derive(Debug)]
pub enum Analyzer {
    Gemini(Gemini),
    OpenAi(OpenAi),
    Lexicon,
}

impl Analyzer {
    /// The name under which its readings are kept: engine, model and prompt.
    pub fn name(&self) -> String {
        match self.key() {
            Some(key) => format!("{key}/{PROMPT}"),
            None => lexicon::ANALYZER.to_owned(),
        }
    }

    /// The limit key; the lexicon has none.
    pub fn key(&self) -> Option<&str> {
        match self {
            Self::Gemini(gemini) => Some(gemini.key()),
            Self::OpenAi(openai) => Some(openai.key()),
            Self::Lexicon => None,
        }
    }

    pub(crate) fn model(&self) -> Option<&str> {
        match self {
            Self::Gemini(gemini) => Some(gemini.model()),
            Self::OpenAi(openai) => Some(openai.model()),
            Self::Lexicon => None,
        }
    }

    pub(crate) const fn prompt_version() -> &'static str {
        PROMPT
    }

    /// `None` from the lexicon, which needs nobody's permit.
    pub(crate) async fn read(
        &self,
        prompt: &Prompt,
        repeats: u32,
        permit: &Granted<'_>,
    ) -> providers::Result<Option<Reading>> {
        match self {
            Self::Gemini(gemini) => gemini.reread(prompt, repeats, permit).await.map(Some),
            Self::OpenAi(openai) => openai.reread(prompt, repeats, permit).await.map(Some),
            Self::Lexicon => Ok(None),
        }
    }
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
    pub pool: PgPool,
    pub market: Option<Arc<AlphaVantage>>,
    pub news: Option<Arc<NewsApi>>,
    pub analyzer: Arc<Analyzer>,
    pub channels: Arc<Channels>,
    pub dictionary: Arc<Dictionary>,
    pub watchlist: Arc<[Symbol]>,
    pub notify: Arc<notify::Settings>,
    pub limit_scale: f64,
    pub retention: Retention,
    patience: Arc<Mutex<HashMap<String, (Instant, Duration)>>>,
}

impl Services {
    /// Calls nobody; fails on settings that no request could be made with.
    pub fn new(pool: PgPool, settings: Settings) -> Result<Self, ConfigError> {
        let analyzer = match &settings.model {
            Some(Model::Gemini { access, model }) => Analyzer::Gemini(Gemini::new(access, model)?),
            Some(Model::OpenAi { access, model }) => Analyzer::OpenAi(OpenAi::new(access, model)?),
            None => Analyzer::Lexicon,
        };
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
            analyzer: Arc::new(analyzer),
            channels: Arc::new(channels),
            dictionary: Arc::new(settings.dictionary),
            watchlist: settings.watchlist.into(),
            notify: Arc::new(settings.notify),
            limit_scale: settings.limit_scale,
            retention: settings.retention,
            patience: Arc::default(),
        })
    }

    /// How long to leave a key alone that asked for it without saying how long: 5 s, and twice
    /// as long each time that it asks again soon after, up to 5 min.
    pub(crate) fn next_wait(&self, key: &str) -> Duration {
        let mut patience = self.patience.lock().expect("no holder of it panics");
        let wait = match patience.get(key) {
            Some((since, wait)) if since.elapsed() < *wait * 3 => (*wait * 2).min(LONGEST_WAIT),
            _ => FIRST_WAIT,
        };
        patience.insert(key.to_owned(), (Instant::now(), wait));
        wait
    }
}
