//! One process of `up`, `api` or `worker`: start, serve, work, drain, stop.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use anyhow::Context;
use bellwether_api::{App, Service, Settings, Tokens, router, serve};
use bellwether_domain::Symbol;
use bellwether_jobs::Services;
use clap::Args;
use metrics_exporter_prometheus::PrometheusHandle;
use tokio::{net::TcpListener, task::JoinHandle};
use tokio_util::sync::CancellationToken;

use crate::{
    args::value::parse_address,
    database::{self, Database},
    lifecycle::Lifecycle,
    providers::Providers,
    work,
};

#[derive(Args, Clone)]
#[command(next_help_heading = "HTTP")]
pub(crate) struct HttpArgs {
    /// Address to listen on
    #[arg(long, env = "BELLWETHER_HTTP_ADDR", value_parser = parse_address)]
    pub(crate) http_addr: Option<SocketAddr>,
    /// Tokens with their roles: role:token, separated by commas; roles are viewer, operator, admin
    #[arg(
        long,
        env = "BELLWETHER_API_TOKENS",
        hide_env_values = true,
        default_value = "",
        hide_default_value = true
    )]
    pub(crate) api_tokens: Tokens,
}

#[derive(Args, Clone)]
#[command(next_help_heading = "Watchlist and retention")]
pub(crate) struct WatchArgs {
    /// Watchlist, separated by commas
    #[arg(
        long,
        env = "BELLWETHER_SYMBOLS",
        value_delimiter = ',',
        default_value = "AAPL,MSFT,GOOGL,AMZN,TSLA"
    )]
    pub(crate) symbols: Vec<Symbol>,
    /// Days for which quotes and bars are kept
    #[arg(long, env = "BELLWETHER_KEEP_PRICES", default_value_t = 400, value_parser = clap::value_parser!(u16).range(7..))]
    pub(crate) keep_prices: u16,
    /// Days for which signals are kept, with the prices that they are made of
    #[arg(long, env = "BELLWETHER_KEEP_SIGNALS", default_value_t = 400, value_parser = clap::value_parser!(u16).range(7..))]
    pub(crate) keep_signals: u16,
    /// Days for which articles and their readings are kept
    #[arg(long, env = "BELLWETHER_KEEP_ARTICLES", default_value_t = 180, value_parser = clap::value_parser!(u16).range(7..))]
    pub(crate) keep_articles: u16,
    /// Days for which alerts are kept after their end, and notes for the operator
    #[arg(long, env = "BELLWETHER_KEEP_ALERTS", default_value_t = 400, value_parser = clap::value_parser!(u16).range(7..))]
    pub(crate) keep_alerts: u16,
    /// Days for which messages are kept after the end of their alert
    #[arg(long, env = "BELLWETHER_KEEP_MESSAGES", default_value_t = 90, value_parser = clap::value_parser!(u16).range(7..))]
    pub(crate) keep_messages: u16,
    /// Days for which batches and counts of dropped articles are kept
    #[arg(long, env = "BELLWETHER_KEEP_ROUNDS", default_value_t = 90, value_parser = clap::value_parser!(u16).range(7..))]
    pub(crate) keep_rounds: u16,
}

#[derive(Args, Clone)]
#[command(next_help_heading = "Jobs")]
pub(crate) struct WorkArgs {
    /// Attempts at a time in each queue
    #[arg(long, env = "BELLWETHER_CONCURRENCY", default_value_t = 8, value_parser = clap::value_parser!(u16).range(1..=1000))]
    pub(crate) concurrency: u16,
    /// Time that running jobs may take after SIGTERM: 25s in a worker, 10s in `up`
    #[arg(long, env = "BELLWETHER_GRACE", value_parser = humantime::parse_duration)]
    pub(crate) grace: Option<Duration>,
}

/// A port, bound first: a port in use is reported before anything else starts.
pub(crate) struct Port {
    listener: TcpListener,
    settings: Settings,
}

impl Port {
    /// Fails with one clear line if the address is taken or must not be served.
    pub(crate) async fn bind(
        service: Service,
        http: &HttpArgs,
        default: impl Into<SocketAddr>,
    ) -> anyhow::Result<Self> {
        let addr = http.http_addr.unwrap_or(default.into());
        let settings =
            Settings::new(service, env!("CARGO_PKG_VERSION"), addr, http.api_tokens.clone())?;
        let listener = TcpListener::bind(addr).await.with_context(|| {
            format!(
                "cannot listen on {addr}: is another bellwether running? --http-addr (BELLWETHER_HTTP_ADDR) chooses another address"
            )
        })?;
        Ok(Self { listener, settings })
    }
}

/// A process that serves its port. Its database and its port close in [`Runtime::run`].
pub(crate) struct Runtime {
    pub(crate) lifecycle: Lifecycle,
    pub(crate) database: Database,
    pub(crate) services: Services,
    pub(crate) app: Arc<App>,
    pub(crate) addr: SocketAddr,
    http: JoinHandle<std::io::Result<()>>,
    close: CancellationToken,
}

impl Runtime {
    /// Serves the port, also while the database cannot be reached or is not migrated: `/ready`
    /// answers 503 until then.
    pub(crate) async fn start(
        lifecycle: Lifecycle,
        Port { listener, settings }: Port,
        database: Database,
        watchlist: Vec<Symbol>,
        providers: Providers,
        metrics: Option<PrometheusHandle>,
    ) -> anyhow::Result<Self> {
        let services = match Services::new(database.pool.clone(), providers.settings) {
            Ok(services) => services,
            Err(e) => {
                database.close().await?;
                return Err(e.into());
            }
        };
        let addr = listener.local_addr().unwrap_or(settings.addr);
        let app = App::new(settings, database.pool.clone(), bellwether_jobs::registry())
            .with_read_pool(database.read.clone())
            .with_probe_pool(database.probes.clone())
            .with_watchlist(watchlist)
            .with_notices(providers.notices)
            .with_analyzer(services.best().name())
            .with_metrics(metrics);
        let app = Arc::new(app);
        let close = CancellationToken::new();
        let http = tokio::spawn(serve(listener, router(Arc::clone(&app)), close.clone()));
        let (draining, soft) = (Arc::clone(&app), lifecycle.soft.clone());
        tokio::spawn(async move {
            soft.cancelled().await;
            draining.drain();
        });
        Ok(Self { lifecycle, database, services, app, addr, http, close })
    }

    /// Works the queues until the first signal, then drains for `grace` unless the user has set
    /// another time.
    pub(crate) async fn work(
        &self,
        role: &str,
        queues: &[&str],
        args: &WorkArgs,
        grace: Duration,
    ) -> anyhow::Result<()> {
        work::run(
            &self.database,
            self.services.clone(),
            role,
            queues,
            args.concurrency,
            self.lifecycle.soft.child_token(),
            args.grace.unwrap_or(grace),
        )
        .await
    }

    /// Runs `work` to its end, or to the second signal or the end of the database; then closes the
    /// port and, last, the database.
    pub(crate) async fn run(
        mut self,
        work: impl AsyncFnOnce(&Self) -> anyhow::Result<()>,
    ) -> anyhow::Result<()> {
        let mut embedded = self.database.take_embedded();
        let result = tokio::select! {
            worked = work(&self) => worked,
            () = self.lifecycle.hard.cancelled() => Ok(()),
            died = database::died(&mut embedded) => Err(died),
        };
        self.close.cancel();
        let served = tokio::select! {
            served = self.http => served.map_err(anyhow::Error::from),
            () = self.lifecycle.hard.cancelled() => Ok(Ok(())),
        };
        self.database.give_back(embedded);
        let closed = self.database.close().await;
        result?;
        served?.context("cannot serve the port")?;
        closed
    }
}
