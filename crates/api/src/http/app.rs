//! State of the routes: settings, pools, the kinds of job, and what is switched off.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use bellwether_domain::{Symbol, lexicon};
use bellwether_queue::{Db, Registry};
use metrics_exporter_prometheus::PrometheusHandle;
use serde::Serialize;
use tokio::sync::{Semaphore, SemaphorePermit};
use utoipa::ToSchema;

use crate::{
    Exposure, ExposureError, Problem, Tokens, check_exposure,
    http::{cached::Cached, extract::cut, failures::Failures},
    live::hub::Hub,
};

const READY_KEPT: Duration = Duration::from_secs(1);
const FIGURES_KEPT: Duration = Duration::from_secs(3);
/// Requests at a time that may occupy the database for seconds.
const SLOW: usize = 2;
const SLOW_WAIT: Duration = Duration::from_secs(5);

/// Service of a port, which selects its routes.
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

/// Settings of one port.
#[derive(Clone, Debug)]
pub struct Settings {
    pub service: Service,
    pub version: String,
    pub addr: SocketAddr,
    pub tokens: Tokens,
    pub(crate) exposure: Exposure,
}

impl Settings {
    /// Fails if [`check_exposure`] does.
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

/// State of a service that is not reached with its own key.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// The sandbox answers in its place.
    Simulated,
    /// Nothing answers.
    Off,
}

/// A fact to know before trusting the pages.
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
    /// A replica for the product's read routes.
    pub read_pool: Option<Db>,
    /// For `/ready` and `/metrics`, which must answer while every connection of `pool` is in use.
    pub probe_pool: Db,
    pub registry: Registry,
    pub notices: Vec<Notice>,
    pub watchlist: Vec<Symbol>,
    /// The analyzer whose readings count as done; `POST /analyze` adds jobs for the stories that it
    /// has not read.
    pub analyzer: String,
    pub metrics: Option<PrometheusHandle>,
    pub(crate) events: Arc<Hub>,
    pub(crate) failures: Failures,
    /// The reason why the process is not ready.
    pub(crate) ready: Cached<Result<(), String>>,
    /// The cluster's figures; `None` while the database does not answer.
    pub(crate) figures: Cached<Option<String>>,
    /// Permits for routes whose statements may take seconds.
    pub(crate) slow: Semaphore,
    draining: AtomicBool,
}

impl App {
    pub fn new(settings: Settings, pool: Db, registry: Registry) -> Self {
        Self {
            events: Arc::new(Hub::new(pool.clone())),
            settings,
            read_pool: None,
            probe_pool: pool.clone(),
            pool,
            failures: Failures::default(),
            ready: Cached::new(READY_KEPT),
            figures: Cached::new(FIGURES_KEPT),
            slow: Semaphore::new(SLOW),
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

    /// A small pool for probes alone.
    #[must_use]
    pub fn with_probe_pool(mut self, pool: Db) -> Self {
        self.probe_pool = pool;
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

    /// The analyzer of the configured model; without one the lexicon.
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

    /// The name and the reason of a parameter that names a kind or a queue unknown to this server.
    pub(crate) fn misnamed(
        &self,
        kind: Option<&str>,
        queue: Option<&str>,
    ) -> Option<(&'static str, String)> {
        if let Some(kind) = kind.filter(|kind| self.registry.get(kind).is_none()) {
            return Some((
                "kind",
                format!("there is no kind {:?}; /api/kinds lists them", cut(kind)),
            ));
        }
        let known = |queue: &str| self.registry.kinds().any(|kind| kind.queue == queue);
        let queue = queue.filter(|queue| !known(queue))?;
        Some(("queue", format!("there is no queue {:?}; /api/queues lists them", cut(queue))))
    }

    /// Waits for a permit to occupy the database; 503 if none becomes free.
    pub(crate) async fn slow(&self) -> Result<SemaphorePermit<'_>, Problem> {
        match tokio::time::timeout(SLOW_WAIT, self.slow.acquire()).await {
            Ok(Ok(place)) => Ok(place),
            _ => Err(Problem::busy("too many expensive requests are running; try again")),
        }
    }

    /// Makes `/ready` answer 503 from now on, so that no new requests are sent here; all routes
    /// still answer.
    pub fn drain(&self) {
        self.draining.store(true, Ordering::Release);
    }

    pub fn is_draining(&self) -> bool {
        self.draining.load(Ordering::Acquire)
    }
}

/// State of the handlers.
pub(crate) type Shared = axum::extract::State<Arc<App>>;
