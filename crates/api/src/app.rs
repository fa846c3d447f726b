//! What the routes work with: settings, pools, the kinds of job, and what is switched off.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use bellwether_domain::{Symbol, lexicon};
use bellwether_queue::{Db, Registry};
use metrics_exporter_prometheus::PrometheusHandle;
use serde::Serialize;
use utoipa::ToSchema;

use crate::{Exposure, ExposureError, Tokens, check_exposure, events::Hub};

/// Which routes a port serves.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Service {
    /// All of them.
    Api,
    /// The routes of one worker.
    Scraper,
    Analyzer,
    Alert,
}

impl Service {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Api => "api",
            Self::Scraper => "scraper",
            Self::Analyzer => "analyzer",
            Self::Alert => "alert",
        }
    }
}

/// What one port is told when it starts.
#[derive(Clone, Debug)]
pub struct Settings {
    pub service: Service,
    pub version: String,
    pub addr: SocketAddr,
    pub tokens: Tokens,
    pub(crate) exposure: Exposure,
}

impl Settings {
    /// Fails where [`check_exposure`] does.
    pub fn new(
        service: Service,
        version: impl Into<String>,
        addr: SocketAddr,
        tokens: Tokens,
    ) -> Result<Self, ExposureError> {
        let exposure = check_exposure(addr, &tokens, service)?;
        Ok(Self { service, version: version.into(), addr, tokens, exposure })
    }

    pub fn exposure(&self) -> Exposure {
        self.exposure
    }
}

/// How a part of the outside world is reached when it is not reached as it should be.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// The sandbox answers in its place.
    Simulated,
    /// Nothing answers.
    Off,
}

/// Something people should know before they trust what they see.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, ToSchema)]
pub struct Notice {
    /// The provider or channel.
    #[schema(example = "newsapi")]
    pub subject: String,
    pub mode: Mode,
    /// One sentence, for example which key is not set.
    pub reason: String,
}

/// One port's state, shared by all its requests.
pub struct App {
    pub settings: Settings,
    pub pool: Db,
    /// A replica for the product's reads.
    pub read_pool: Option<Db>,
    pub registry: Registry,
    pub notices: Vec<Notice>,
    pub watchlist: Vec<Symbol>,
    /// Under whose name the readings of articles are kept; `POST /analyze` asks for what it has
    /// not read.
    pub analyzer: String,
    pub metrics: Option<PrometheusHandle>,
    pub(crate) events: Hub,
    draining: AtomicBool,
}

impl App {
    pub fn new(settings: Settings, pool: Db, registry: Registry) -> Self {
        Self {
            events: Hub::new(pool.clone()),
            settings,
            pool,
            read_pool: None,
            registry,
            notices: Vec::new(),
            watchlist: Vec::new(),
            analyzer: lexicon::ANALYZER.to_owned(),
            metrics: None,
            draining: AtomicBool::new(false),
        }
    }

    #[must_use]
    pub fn with_read_pool(mut self, pool: Option<Db>) -> Self {
        self.read_pool = pool;
        self
    }

    #[must_use]
    pub fn with_notices(mut self, notices: Vec<Notice>) -> Self {
        self.notices = notices;
        self
    }

    #[must_use]
    pub fn with_watchlist(mut self, watchlist: Vec<Symbol>) -> Self {
        self.watchlist = watchlist;
        self
    }

    /// The configured model's; without one the lexicon reads.
    #[must_use]
    pub fn with_analyzer(mut self, name: impl Into<String>) -> Self {
        self.analyzer = name.into();
        self
    }

    #[must_use]
    pub fn with_metrics(mut self, metrics: Option<PrometheusHandle>) -> Self {
        self.metrics = metrics;
        self
    }

    /// From now on `/ready` answers 503, so that no new work is sent here; everything else is
    /// still served.
    pub fn drain(&self) {
        self.draining.store(true, Ordering::Release);
    }

    pub fn is_draining(&self) -> bool {
        self.draining.load(Ordering::Acquire)
    }
}

/// What handlers are given.
pub(crate) type Shared = axum::extract::State<Arc<App>>;
