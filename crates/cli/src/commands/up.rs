//! `bellwether up`: every role in one process, with a database and the sandbox if needed.

use std::{net::Ipv4Addr, time::Duration};

use bellwether_api::Service;
use bellwether_queue::{Db, NewJob, inspect, schedule, trace};
use bellwether_sandbox::Running;
use clap::Args;
use metrics_exporter_prometheus::PrometheusHandle;
use tracing::{Instrument, field::Empty};

use super::{
    limits,
    sandbox::{self, SandboxArgs},
};
use crate::{
    args::ProviderArgs,
    database::{Database, DatabaseArgs},
    lifecycle::Lifecycle,
    providers::{self, Providers},
    runtime::{HttpArgs, Port, Runtime, WatchArgs, WorkArgs},
    work,
};

/// Time that running jobs may take after the first Ctrl-C, unless BELLWETHER_GRACE is set.
const GRACE: Duration = Duration::from_secs(10);
/// Interval of the checks that the workers have begun.
const LOOK: Duration = Duration::from_millis(50);

#[derive(Args)]
pub(crate) struct UpArgs {
    #[command(flatten)]
    work: WorkArgs,
    #[command(flatten)]
    database: DatabaseArgs,
    #[command(flatten)]
    http: HttpArgs,
    #[command(flatten)]
    watch: WatchArgs,
    #[command(flatten)]
    providers: ProviderArgs,
    #[command(flatten)]
    sandbox: SandboxArgs,
}

pub(crate) async fn run(args: UpArgs, metrics: Option<PrometheusHandle>) -> anyhow::Result<bool> {
    let lifecycle = Lifecycle::start()?;
    providers::check(&args.providers, None)?;
    let port = Port::bind(Service::Api, &args.http, (Ipv4Addr::LOCALHOST, 3000)).await?;
    let sandbox = if providers::all_real(&args.providers) {
        None
    } else {
        Some(sandbox::start(&args.sandbox).await?)
    };
    let calls = providers::called_by(None);
    let providers = providers::resolve(&args.providers, &args.watch, sandbox.as_ref(), &calls)?;
    // stops what has been started, in the opposite order, also after an error
    let result = beside(sandbox.as_ref(), lifecycle, port, args, providers, metrics).await;
    if let Some(sandbox) = sandbox {
        sandbox.stop().await;
    }
    result?;
    tracing::info!("stopped");
    Ok(true)
}

async fn beside(
    sandbox: Option<&Running>,
    lifecycle: Lifecycle,
    port: Port,
    args: UpArgs,
    providers: Providers,
    metrics: Option<PrometheusHandle>,
) -> anyhow::Result<()> {
    let Some(database) = Database::own(&args.database, lifecycle.soft.cancelled()).await? else {
        return Ok(());
    };
    let migrated = tokio::select! {
        migrated = database.migrate() => migrated.map(|()| true),
        () = lifecycle.soft.cancelled() => Ok(false),
    };
    if !matches!(migrated, Ok(true)) {
        return database.close().await.and(migrated.map(|_| ()));
    }
    let symbols = args.watch.symbols;
    let runtime = Runtime::start(lifecycle, port, database, symbols, providers, metrics).await?;
    let worked = runtime.run(async |up| {
        let worked = async {
            first_round(&up.database.pool).await?;
            bellwether_jobs::prepare(&up.services, work::ALL).await?;
            up.work("up", work::ALL, &args.work, GRACE).await
        };
        let greeted = async {
            until_working(&up.database.pool).await;
            if let Err(error) = greet(up, sandbox).await {
                tracing::warn!("the parked limits cannot be listed: {error:#}");
            }
            std::future::pending().await
        };
        tokio::select! {
            worked = worked => worked,
            never = greeted => never,
        }
    });
    worked.await
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

async fn greet(up: &Runtime, sandbox: Option<&Running>) -> anyhow::Result<()> {
    let notices = &up.app.notices;
    println!("Bellwether is up at http://{}", up.addr);
    if let Some(sandbox) = sandbox {
        println!(
            "  sandbox: {}/_sandbox/ledger and /_sandbox/outbox show the requests to the providers and the messages sent",
            sandbox.url()
        );
    }
    for notice in notices {
        println!("  {}: {}", notice.subject, notice.reason);
    }
    if !notices.is_empty() {
        println!("  Put real keys into .env (.env.example lists them) and start again.");
    }
    let parked = limits::say_parked(&up.database.pool).await;
    println!("  Ctrl-C stops everything.");
    parked
}
