//! `bellwether api`: the HTTP API alone.

use std::net::Ipv4Addr;

use bellwether_api::Service;
use clap::Args;
use metrics_exporter_prometheus::PrometheusHandle;

use crate::{
    args::ProviderArgs,
    database::{Database, DatabaseArgs},
    lifecycle::Lifecycle,
    providers,
    runtime::{HttpArgs, Port, Runtime, WatchArgs},
    work,
};

#[derive(Args)]
pub(crate) struct ApiArgs {
    #[command(flatten)]
    database: DatabaseArgs,
    #[command(flatten)]
    http: HttpArgs,
    #[command(flatten)]
    watch: WatchArgs,
    #[command(flatten)]
    providers: ProviderArgs,
}

pub(crate) async fn run(args: ApiArgs, metrics: Option<PrometheusHandle>) -> anyhow::Result<bool> {
    let lifecycle = Lifecycle::start()?;
    let port = Port::bind(Service::Api, &args.http, (Ipv4Addr::UNSPECIFIED, 3000)).await?;
    let providers = providers::resolve(&args.providers, &args.watch, None, &[])?;
    let database = Database::open(&args.database).await?;
    let symbols = args.watch.symbols;
    let runtime = Runtime::start(lifecycle, port, database, symbols, providers, metrics).await?;
    tracing::info!("listening on http://{}", runtime.addr);
    let served = runtime.run(async |api| {
        let stop = &api.lifecycle.soft;
        tokio::select! {
            () = work::until_migrated(&api.database) => stop.cancelled().await,
            () = stop.cancelled() => {}
        }
        Ok(())
    });
    served.await?;
    Ok(true)
}
