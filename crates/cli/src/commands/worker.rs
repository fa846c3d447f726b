//! `bellwether worker`: one role and its port.

use std::{
    net::{Ipv4Addr, SocketAddr},
    time::Duration,
};

use bellwether_api::{Notice, Service, router, serve};
use bellwether_jobs::Services;
use metrics_exporter_prometheus::PrometheusHandle;
use tokio_util::sync::CancellationToken;

use crate::{
    args::{Role, WorkerArgs},
    database::{self, Database},
    http::Port,
    lifecycle::Lifecycle,
    providers, work,
};

/// Time that running jobs may take after SIGTERM, unless BELLWETHER_GRACE is set.
const GRACE: Duration = Duration::from_secs(25);

pub(crate) async fn run(
    args: WorkerArgs,
    metrics: Option<PrometheusHandle>,
) -> anyhow::Result<bool> {
    let (service, name, port, queues) = match args.role {
        Role::Scraper => (Service::Scraper, "scraper", 5000, work::SCRAPER),
        Role::Analyzer => (Service::Analyzer, "analyzer", 5001, work::ANALYZER),
        Role::Alert => (Service::Alert, "alert", 5002, work::ALERT),
    };
    let calls = providers::called_by(Some(args.role));
    let lifecycle = Lifecycle::start()?;
    providers::check(&args.providers, Some(args.role))?;
    let default = SocketAddr::from((Ipv4Addr::UNSPECIFIED, port));
    let port = Port::bind(service, &args.http, default).await?;
    let providers = providers::resolve(&args.providers, &args.watch, None, &calls)?;
    let own = |notice: &&Notice| providers::reaches(Some(args.role), &notice.subject);
    for notice in providers.notices.iter().filter(own) {
        tracing::info!(provider = notice.subject, "{}", notice.reason);
    }
    let mut database = Database::open(&args.database).await?;
    let services = Services::new(database.pool.clone(), providers.settings)?;
    let app =
        port.app(&database, args.watch.symbols, providers.notices, services.best().name(), metrics);
    tracing::info!("{name} listening on http://{}", port.addr());
    let grace = args.work.grace.unwrap_or(GRACE);
    let stop_http = CancellationToken::new();
    let http = tokio::spawn(serve(port.listener, router(app.clone()), stop_http.clone()));

    let draining = lifecycle.soft.clone();
    let drained_app = app.clone();
    tokio::spawn(async move {
        draining.cancelled().await;
        drained_app.drain();
    });
    let mut embedded = database.take_embedded();
    // Serves the port while the database or its schema is not ready yet.
    let result = tokio::select! {
        () = work::until_migrated(&database) => tokio::select! {
            worked = work::run(&database, services, name, queues, args.work.concurrency, lifecycle.soft.clone(), grace) => worked,
            () = lifecycle.hard.cancelled() => Ok(()),
        },
        () = lifecycle.soft.cancelled() => Ok(()),
        died = database::died(&mut embedded) => Err(died),
    };
    database.give_back(embedded);
    stop_http.cancel();
    http.await??;
    database.close().await?;
    result?;
    Ok(true)
}
