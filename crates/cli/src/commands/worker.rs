//! `bellwether worker`: one role and its port.

use std::net::{Ipv4Addr, SocketAddr};

use bellwether_api::{Service, router, serve};
use bellwether_jobs::Services;
use metrics_exporter_prometheus::PrometheusHandle;
use tokio_util::sync::CancellationToken;

use crate::{
    args::{Role, WorkerArgs},
    database::Database,
    http::Port,
    lifecycle::Lifecycle,
    providers, work,
};

pub(crate) async fn run(
    args: WorkerArgs,
    metrics: Option<PrometheusHandle>,
) -> anyhow::Result<bool> {
    let (service, name, port, queues) = match args.role {
        Role::Scraper => (Service::Scraper, "scraper", 5000, work::SCRAPER),
        Role::Analyzer => (Service::Analyzer, "analyzer", 5001, work::ANALYZER),
        Role::Alert => (Service::Alert, "alert", 5002, work::ALERT),
    };
    let lifecycle = Lifecycle::start()?;
    let default = SocketAddr::from((Ipv4Addr::UNSPECIFIED, port));
    let port = Port::bind(service, &args.http, default).await?;
    let providers = providers::resolve(&args.providers, &args.watch, None)?;
    for notice in &providers.notices {
        tracing::info!(provider = notice.subject, "{}", notice.reason);
    }
    let database = Database::open(&args.database).await?;
    let services = Services::new(database.pool.clone(), providers.settings)?;
    let app =
        port.app(&database, args.watch.symbols, providers.notices, services.best().name(), metrics);
    tracing::info!("{name} listening on http://{}", port.addr());
    let stop_http = CancellationToken::new();
    let http = tokio::spawn(serve(port.listener, router(app.clone()), stop_http.clone()));

    let draining = lifecycle.soft.clone();
    let drained_app = app.clone();
    tokio::spawn(async move {
        draining.cancelled().await;
        drained_app.drain();
    });
    // The port answers for its health while the database or its schema is still awaited.
    let result = tokio::select! {
        () = work::until_migrated(&database) => tokio::select! {
            worked = work::run(&database, services, name, queues, args.concurrency, lifecycle.soft.clone(), args.grace) => worked,
            () = lifecycle.hard.cancelled() => Ok(()),
        },
        () = lifecycle.soft.cancelled() => Ok(()),
    };
    stop_http.cancel();
    http.await??;
    database.close().await?;
    result?;
    Ok(true)
}
