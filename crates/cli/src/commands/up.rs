//! `bellwether up`: every role in one process, and what is missing beside it.

use std::{
    net::{Ipv4Addr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use anyhow::Context;
use bellwether_api::{App, Service, router, serve};
use bellwether_jobs::Services;
use bellwether_queue::{Db, NewJob, schedule, trace};
use bellwether_sandbox::Running;
use metrics_exporter_prometheus::PrometheusHandle;
use tokio_util::sync::CancellationToken;
use tracing::{Instrument, field::Empty};

use super::sandbox;
use crate::{
    args::UpArgs,
    database::Database,
    http::Port,
    lifecycle::Lifecycle,
    providers::{self, Providers},
    work,
};

/// How long running jobs may go on after the first Ctrl-C.
const GRACE: Duration = Duration::from_secs(10);
const CONCURRENCY: u16 = 8;

pub(crate) async fn run(args: UpArgs, metrics: Option<PrometheusHandle>) -> anyhow::Result<bool> {
    let lifecycle = Lifecycle::start()?;
    let default = SocketAddr::from((Ipv4Addr::LOCALHOST, 3000));
    let port = Port::bind(Service::Api, &args.http, default).await?;
    let sandbox = if providers::all_real(&args.providers) {
        None
    } else {
        Some(sandbox::start(&args.sandbox).await?)
    };
    let providers = providers::resolve(&args.providers, &args.watch, sandbox.as_ref())?;

    // What has been started is stopped in the opposite order, whatever happens in between.
    let result = match tokio::select! {
        opened = Database::own(&args.database) => opened,
        () = lifecycle.soft.cancelled() => Err(anyhow::anyhow!("stopped before the database was up")),
    } {
        Ok(mut database) => {
            let ended = with_database(
                &lifecycle,
                port,
                &mut database,
                &args,
                providers,
                sandbox.as_ref(),
                metrics,
            )
            .await;
            database.close().await.and(ended)
        }
        Err(e) => Err(e),
    };
    if let Some(sandbox) = sandbox {
        sandbox.stop().await;
    }
    result?;
    tracing::info!("stopped");
    Ok(true)
}

async fn with_database(
    lifecycle: &Lifecycle,
    port: Port,
    database: &mut Database,
    args: &UpArgs,
    providers: Providers,
    sandbox: Option<&Running>,
    metrics: Option<PrometheusHandle>,
) -> anyhow::Result<()> {
    database.migrate().await?;
    let services = Services::new(database.pool.clone(), providers.settings)?;
    let app = port.app(
        database,
        args.watch.symbols.clone(),
        providers.notices,
        services.best().name(),
        metrics,
    );
    let addr = port.addr();
    let stop_http = CancellationToken::new();
    let http = tokio::spawn(serve(port.listener, router(Arc::clone(&app)), stop_http.clone()));
    greet(addr, &app, sandbox);

    let stop_work = lifecycle.soft.child_token();
    let mut embedded = database.take_embedded();
    let draining = {
        let (app, soft) = (Arc::clone(&app), lifecycle.soft.clone());
        tokio::spawn(async move {
            soft.cancelled().await;
            app.drain();
        })
    };
    let first = first_round(&database.pool);
    let worked = async {
        first.await?;
        work::run(database, services, "up", work::ALL, CONCURRENCY, stop_work.clone(), GRACE).await
    };
    let result = tokio::select! {
        worked = worked => worked,
        () = lifecycle.hard.cancelled() => Ok(()),
        died = died(embedded.as_mut()) => Err(died),
    };
    draining.abort();
    stop_http.cancel();
    http.await?.context("the API")?;
    if let Some(server) = embedded {
        database.give_back(server);
    }
    result
}

/// Resolves only if the PostgreSQL that this command started ends by itself.
async fn died(server: Option<&mut bellwether_postgres::Server>) -> anyhow::Error {
    match server {
        Some(server) => anyhow::Error::new(server.ended().await).context("PostgreSQL ended"),
        None => std::future::pending().await,
    }
}

/// The round of the current half hour, which the schedule shares: a person who has just started
/// need not wait for it.
async fn first_round(pool: &Db) -> anyhow::Result<()> {
    let mut job: NewJob =
        bellwether_jobs::registry().job("scrape_batch", serde_json::json!({"reason": "start"}))?;
    let now = schedule::now(pool).await?;
    job.unique_key = Some(schedule::slot_key(Duration::from_mins(30), now));
    let mut tx = pool.begin().await?;
    let span = tracing::info_span!("enqueue", job.kind = job.kind, trace_id = Empty);
    let add = bellwether_queue::add(&mut tx, &job);
    trace::within(trace::place(&span, None), add).instrument(span).await?;
    tx.commit().await?;
    Ok(())
}

fn greet(addr: SocketAddr, app: &App, sandbox: Option<&Running>) {
    println!("Bellwether is up at http://{addr}");
    if let Some(sandbox) = sandbox {
        println!(
            "  sandbox: {}/_sandbox/ledger and /_sandbox/outbox show what providers were asked and sent",
            sandbox.url()
        );
    }
    for notice in &app.notices {
        println!("  {}: {}", notice.subject, notice.reason);
    }
    if !app.notices.is_empty() {
        println!("  Put real keys into .env (.env.example lists them) and start again.");
    }
    println!("  Ctrl-C stops everything.");
}
