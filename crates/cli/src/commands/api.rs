//! `bellwether api`: the HTTP API alone.

use std::net::{Ipv4Addr, SocketAddr};

use bellwether_api::{Service, router, serve};
use bellwether_jobs::Services;
use metrics_exporter_prometheus::PrometheusHandle;

use crate::{
    args::ApiArgs,
    database::{self, Database},
    http::Port,
    lifecycle::Lifecycle,
    providers, work,
};

pub(crate) async fn run(args: ApiArgs, metrics: Option<PrometheusHandle>) -> anyhow::Result<bool> {
    let lifecycle = Lifecycle::start()?;
    let default = SocketAddr::from((Ipv4Addr::UNSPECIFIED, 3000));
    let port = Port::bind(Service::Api, &args.http, default).await?;
    let providers = providers::resolve(&args.providers, &args.watch, None, &[])?;
    // The API starts without its database: /ready answers 503 until it is there.
    let mut database = Database::open(&args.database).await?;
    let services = Services::new(database.pool.clone(), providers.settings)?;
    let app =
        port.app(&database, args.watch.symbols, providers.notices, services.best().name(), metrics);
    tracing::info!("listening on http://{}", port.addr());
    let draining = app.clone();
    let soft = lifecycle.soft.clone();
    tokio::spawn(async move {
        soft.cancelled().await;
        draining.drain();
    });
    let mut embedded = database.take_embedded();
    let waiting = async {
        work::until_migrated(&database).await;
        std::future::pending::<()>().await;
    };
    let result = tokio::select! {
        () = waiting => Ok(()),
        served = serve(port.listener, router(app), lifecycle.soft.clone()) => {
            served.map_err(anyhow::Error::from)
        }
        () = lifecycle.hard.cancelled() => Ok(()),
        died = database::died(&mut embedded) => Err(died),
    };
    database.give_back(embedded);
    database.close().await?;
    result?;
    Ok(true)
}
