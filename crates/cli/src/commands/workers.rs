//! `bellwether workers`: the processes that work jobs, in a terminal.

use bellwether_api::worker_page;
use bellwether_queue::{Db, inspect, schedule};
use clap::{Args, Subcommand};

use crate::{
    database::{Database, DatabaseArgs},
    out::table,
    watch::{self, Watch},
};

#[derive(Args)]
pub(crate) struct WorkersArgs {
    #[command(subcommand)]
    action: WorkersAction,
    /// One JSON document instead of text, in the form of the API
    #[arg(long, env = "BELLWETHER_WORKERS_JSON", global = true)]
    json: bool,
    #[command(flatten)]
    database: DatabaseArgs,
}

#[derive(Subcommand)]
enum WorkersAction {
    /// List the processes that work jobs, or did until an hour ago
    List(Watch),
}

pub(crate) async fn run(args: WorkersArgs) -> anyhow::Result<bool> {
    let WorkersAction::List(watch) = args.action;
    Database::using(&args.database, async |database| {
        let pool = &database.pool;
        watch
            .show(
                async || {
                    if args.json {
                        watch::json(&worker_page(pool).await?)
                    } else {
                        list(pool).await
                    }
                },
            )
            .await
    })
    .await
}

async fn list(pool: &Db) -> anyhow::Result<String> {
    let now = schedule::now(pool).await?;
    let rows = inspect::workers(pool).await?.into_iter().map(|worker| {
        let state = if worker.dead { "dead" } else { "live" };
        let beat = format!("{}s ago", (now - worker.beat_at).num_seconds().max(0));
        let (running, started) = (worker.running.to_string(), worker.started_at);
        let started = started.format("%FT%TZ").to_string();
        let queues = worker.queues.join(",");
        vec![worker.name, state.to_owned(), queues, running, beat, started, worker.version]
    });
    let head = ["WORKER", "STATE", "QUEUES", "RUNNING", "HEARTBEAT", "STARTED", "VERSION"];
    Ok(table(&head, rows))
}
