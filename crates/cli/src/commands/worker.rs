//! `bellwether worker`: one role and its port.

use std::{net::Ipv4Addr, time::Duration};

use bellwether_api::{Notice, Service};
use clap::{Args, ValueEnum};
use metrics_exporter_prometheus::PrometheusHandle;

use crate::{
    args::ProviderArgs,
    database::{Database, DatabaseArgs},
    lifecycle::Lifecycle,
    providers,
    runtime::{HttpArgs, Port, Runtime, WatchArgs, WorkArgs},
    work,
};

/// Time that running jobs may take after SIGTERM, unless BELLWETHER_GRACE is set.
const GRACE: Duration = Duration::from_secs(25);

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum, Debug)]
pub(crate) enum Role {
    Scraper,
    Analyzer,
    Alert,
}

impl Role {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Scraper => "scraper",
            Self::Analyzer => "analyzer",
            Self::Alert => "alert",
        }
    }
}

#[derive(Args)]
pub(crate) struct WorkerArgs {
    /// Queues of the role: scraper works scraper and maintenance
    #[arg(value_enum)]
    pub(crate) role: Role,
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
}

pub(crate) async fn run(
    args: WorkerArgs,
    metrics: Option<PrometheusHandle>,
) -> anyhow::Result<bool> {
    let (service, port, queues) = match args.role {
        Role::Scraper => (Service::Scraper, 5000, work::SCRAPER),
        Role::Analyzer => (Service::Analyzer, 5001, work::ANALYZER),
        Role::Alert => (Service::Alert, 5002, work::ALERT),
    };
    let calls = providers::called_by(Some(args.role));
    let lifecycle = Lifecycle::start()?;
    providers::check(&args.providers, Some(args.role))?;
    let port = Port::bind(service, &args.http, (Ipv4Addr::UNSPECIFIED, port)).await?;
    let providers = providers::resolve(&args.providers, &args.watch, None, &calls)?;
    let own = |notice: &&Notice| providers::reaches(Some(args.role), &notice.subject);
    for notice in providers.notices.iter().filter(own) {
        tracing::info!(provider = notice.subject, "{}", notice.reason);
    }
    let database = Database::open(&args.database).await?;
    let symbols = args.watch.symbols;
    let runtime = Runtime::start(lifecycle, port, database, symbols, providers, metrics).await?;
    let name = args.role.name();
    tracing::info!("{name} listening on http://{}", runtime.addr);
    let worked = runtime.run(async |process| {
        tokio::select! {
            () = work::until_migrated(&process.database) => process.work(name, queues, &args.work, GRACE).await,
            () = process.lifecycle.soft.cancelled() => Ok(()),
        }
    });
    worked.await?;
    Ok(true)
}
