//! A port: bound first, so that a port in use is reported before anything else starts.

use std::{net::SocketAddr, sync::Arc};

use anyhow::Context;
use bellwether_api::{App, Notice, Service, Settings};
use bellwether_domain::Symbol;
use metrics_exporter_prometheus::PrometheusHandle;
use tokio::net::TcpListener;

use crate::{args::HttpArgs, database::Database};

pub(crate) struct Port {
    pub(crate) listener: TcpListener,
    settings: Settings,
}

impl Port {
    /// Fails with one clear line if the address is taken or must not be served.
    pub(crate) async fn bind(
        service: Service,
        http: &HttpArgs,
        default: SocketAddr,
    ) -> anyhow::Result<Self> {
        let addr = http.http_addr.unwrap_or(default);
        let settings =
            Settings::new(service, env!("CARGO_PKG_VERSION"), addr, http.api_tokens.clone())?;
        let listener = TcpListener::bind(addr).await.with_context(|| {
            format!(
                "cannot listen on {addr}: is another bellwether running? BELLWETHER_HTTP_ADDR chooses another address"
            )
        })?;
        Ok(Self { listener, settings })
    }

    pub(crate) fn addr(&self) -> SocketAddr {
        self.listener.local_addr().unwrap_or(self.settings.addr)
    }

    pub(crate) fn app(
        &self,
        database: &Database,
        watchlist: Vec<Symbol>,
        notices: Vec<Notice>,
        analyzer: String,
        metrics: Option<PrometheusHandle>,
    ) -> Arc<App> {
        Arc::new(
            App::new(self.settings.clone(), database.pool.clone(), bellwether_jobs::registry())
                .with_read_pool(database.read.clone())
                .with_probe_pool(database.probes.clone())
                .with_watchlist(watchlist)
                .with_notices(notices)
                .with_analyzer(analyzer)
                .with_metrics(metrics),
        )
    }
}
