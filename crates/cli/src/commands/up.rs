//! `bellwether up`: every role in one process, with a database and the sandbox if needed.

use std::{
    net::{Ipv4Addr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use anyhow::Context;
use bellwether_api::{App, Service, router, serve};
use bellwether_jobs::Services;
use bellwether_queue::{Db, NewJob, inspect, schedule, trace};
use bellwether_sandbox::Running;
use metrics_exporter_prometheus::PrometheusHandle;
use tokio_util::sync::CancellationToken;
use tracing::{Instrument, field::Empty};

use super::{limits, sandbox};
use crate::{
    args::UpArgs,
    database::{self, Database},
    http::Port,
    lifecycle::Lifecycle,
    providers::{self, Providers},
    work,
};

/// Time that running jobs may take after the first Ctrl-C, unless BELLWETHER_GRACE is set.
const GRACE: Duration = Duration::from_secs(10);
/// Interval of the checks that the workers have begun.
const LOOK: Duration = Duration::from_millis(50);

pub(crate) async fn run(args: UpArgs, metrics: Option<PrometheusHandle>) -> anyhow::Result<bool> {
    let lifecycle = Lifecycle::start()?;
    providers::check(&args.providers, None)?;
    let default = SocketAddr::from((Ipv4Addr::LOCALHOST, 3000));
    let port = Port::bind(Service::Api, &args.http, default).await?;
    let sandbox = if providers::all_real(&args.providers) {
        None
    } else {
        Some(sandbox::start(&args.sandbox).await?)
    };
    let providers = providers::resolve(
        &args.providers,
        &args.watch,
        sandbox.as_ref(),
        &providers::called_by(None),
    )?;

    // Stops what has been started, in the opposite order, also after an error.
    let result = match Database::own(&args.database, lifecycle.soft.cancelled()).await {
        Ok(Some(mut database)) => {
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
        Ok(None) => Ok(()),
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
    tokio::select! {
        migrated = database.migrate() => migrated?,
        () = lifecycle.soft.cancelled() => return Ok(()),
    }
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

    let stop_work = lifecycle.soft.child_token();
    let mut embedded = database.take_embedded();
    let draining = {
        let (app, soft) = (Arc::clone(&app), lifecycle.soft.clone());
        tokio::spawn(async move {
            soft.cancelled().await;
            app.drain();
        })
    };
    let pool = database.pool.clone();
    let first = first_round(&pool);
    let worked = async {
        first.await?;
        bellwether_jobs::prepare(&services, work::ALL).await?;
        let (concurrency, grace) = (args.work.concurrency, args.work.grace.unwrap_or(GRACE));
        work::run(database, services, "up", work::ALL, concurrency, stop_work.clone(), grace).await
    };
    let greeted = async {
        until_working(&pool).await;
        if let Err(error) = greet(addr, &app, sandbox).await {
            tracing::warn!("the parked limits cannot be listed: {error:#}");
        }
        std::future::pending::<()>().await;
    };
    let result = tokio::select! {
        worked = worked => worked,
        () = lifecycle.hard.cancelled() => Ok(()),
        died = database::died(&mut embedded) => Err(died),
        () = greeted => Ok(()),
    };
    draining.abort();
    stop_http.cancel();
    http.await?.context("the API")?;
    database.give_back(embedded);
    result
}

/// Returns once this process is registered as a worker: the limits are then defined, and the next
/// step is a claim.
async fn until_working(pool: &Db) {
    let name = work::name("up");
    loop {
        let workers = inspect::workers(pool).await.unwrap_or_default();
        if workers.iter().any(|worker| worker.name == name && !worker.dead) {
            return;
        }
        tokio::time::sleep(LOOK).await;
    }
}

/// The batch of the current half hour, which the schedule shares: the user need not wait for the
/// next one.
async fn first_round(pool: &Db) -> anyhow::Result<()> {
    let mut job: NewJob =
        bellwether_jobs::registry().job("scrape_batch", &serde_json::json!({"reason": "start"}))?;
    let now = schedule::now(pool).await?;
    job.unique_key = Some(schedule::slot_key(Duration::from_mins(30), now));
    let mut tx = pool.begin().await?;
    let span = tracing::info_span!("enqueue", job.kind = job.kind, trace_id = Empty);
    let add = bellwether_queue::enqueue(&mut *tx, job);
    trace::within(trace::place(&span, None), add).instrument(span).await?;
    tx.commit().await?;
    Ok(())
}

async fn greet(addr: SocketAddr, app: &App, sandbox: Option<&Running>) -> anyhow::Result<()> {
    println!("Bellwether is up at http://{addr}");
    if let Some(sandbox) = sandbox {
        println!(
            "  sandbox: {}/_sandbox/ledger and /_sandbox/outbox show the requests to the providers and the messages sent",
            sandbox.url()
        );
    }
    for notice in &app.notices {
        println!("  {}: {}", notice.subject, notice.reason);
    }
    if !app.notices.is_empty() {
        println!("  Put real keys into .env (.env.example lists them) and start again.");
    }
    let parked = limits::say_parked(&app.pool).await;
    println!("  Ctrl-C stops everything.");
    parked
}
