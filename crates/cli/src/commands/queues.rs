//! `bellwether queues`: the queues in a terminal.

use bellwether_api::queue_page;
use bellwether_queue::{
    Db, State, audit, control,
    inspect::{self, QueueView},
};
use clap::{Args, Subcommand};
use serde_json::json;

use crate::{
    database::{Database, DatabaseArgs},
    out::{item, named, say, table},
    watch::{self, Watch},
};

#[derive(Args)]
pub(crate) struct QueuesArgs {
    #[command(subcommand)]
    action: QueuesAction,
    /// One JSON document instead of text, in the form of the API
    #[arg(long, env = "BELLWETHER_QUEUES_JSON", global = true)]
    json: bool,
    #[command(flatten)]
    database: DatabaseArgs,
}

#[derive(Subcommand)]
enum QueuesAction {
    /// List every queue with its jobs by state, its oldest available job and its throughput
    List(Watch),
    /// Pause a queue on every worker; running attempts continue
    Pause { queue: String },
    /// Resume a paused queue
    Resume { queue: String },
    /// Set how many attempts of a queue run at a time; takes effect on every worker within 2 s
    Set {
        queue: String,
        /// Attempts on each worker, 1 to 1000; `default`: each worker's own BELLWETHER_CONCURRENCY
        #[arg(
            long,
            env = "BELLWETHER_QUEUES_CONCURRENCY",
            value_name = "N",
            value_parser = parse_concurrency,
            required_unless_present = "cap"
        )]
        concurrency: Option<Most>,
        /// Attempts on all workers together, 0 to 100000; `none`: no maximum
        #[arg(long, env = "BELLWETHER_QUEUES_CAP", value_name = "N", value_parser = parse_cap)]
        cap: Option<Most>,
    },
}

/// A maximum to set; `None` removes it.
#[derive(Clone, Copy)]
struct Most(Option<u32>);

fn parse_concurrency(text: &str) -> Result<Most, &'static str> {
    most(text, "default", 1, 1_000).ok_or("1 to 1000, or default")
}

fn parse_cap(text: &str) -> Result<Most, &'static str> {
    most(text, "none", 0, 100_000).ok_or("0 to 100000, or none")
}

fn most(text: &str, no: &str, from: u32, to: u32) -> Option<Most> {
    if text == no {
        return Some(Most(None));
    }
    text.parse().ok().filter(|n| (from..=to).contains(n)).map(|n| Most(Some(n)))
}

pub(crate) async fn run(args: QueuesArgs) -> anyhow::Result<bool> {
    Database::using(&args.database, async |database| {
        act(&database.pool, args.action, args.json).await
    })
    .await
}

async fn act(pool: &Db, action: QueuesAction, json: bool) -> anyhow::Result<bool> {
    let name = match action {
        QueuesAction::List(watch) => {
            return watch
                .show(
                    async || {
                        if json { watch::json(&queue_page(pool).await?) } else { list(pool).await }
                    },
                )
                .await;
        }
        QueuesAction::Pause { queue } => pause(pool, queue, true).await?,
        QueuesAction::Resume { queue } => pause(pool, queue, false).await?,
        QueuesAction::Set { queue, concurrency, cap } => set(pool, queue, concurrency, cap).await?,
    };
    if json {
        say!("{}", item(&queue_page(pool).await?, &name)?)?;
    } else {
        let queue = find(pool, &name).await?;
        let (concurrency, cap) = (concurrency(&queue), cap(&queue));
        say!("{name} is {}; concurrency {concurrency}, cap {cap}", state(&queue))?;
    }
    Ok(true)
}

/// Changes the queue and adds an entry of the audit, in one transaction; returns its name.
async fn pause(pool: &Db, name: String, paused: bool) -> anyhow::Result<String> {
    let before = find(pool, &name).await?;
    let mut tx = pool.begin().await?;
    let action = if paused {
        control::pause(&mut *tx, &name).await?;
        "queue.pause"
    } else {
        control::resume(&mut *tx, &name).await?;
        "queue.resume"
    };
    let detail = json!({"before": {"paused": before.paused}, "after": {"paused": paused}});
    audit::add(&mut *tx, "cli", action, &name, &detail).await?;
    tx.commit().await?;
    Ok(name)
}

/// As [`pause`].
async fn set(
    pool: &Db,
    name: String,
    concurrency: Option<Most>,
    cap: Option<Most>,
) -> anyhow::Result<String> {
    let queue = find(pool, &name).await?;
    let mut detail = json!({"before": {}, "after": {}});
    let mut tx = pool.begin().await?;
    if let Some(Most(n)) = concurrency {
        let n = n.map(|n| n as u16);
        control::set_concurrency(&mut *tx, &name, n).await?;
        detail["before"]["concurrency"] = json!(queue.concurrency);
        detail["after"]["concurrency"] = json!(n);
    }
    if let Some(Most(n)) = cap {
        control::set_cap(&mut *tx, &name, n).await?;
        detail["before"]["cap"] = json!(queue.cap);
        detail["after"]["cap"] = json!(n);
    }
    audit::add(&mut *tx, "cli", "queue.change", &name, &detail).await?;
    tx.commit().await?;
    Ok(name)
}

async fn find(pool: &Db, name: &str) -> anyhow::Result<QueueView> {
    named(inspect::queues(pool).await?, "queue", name, |queue| &queue.name)
}

fn state(queue: &QueueView) -> &'static str {
    if queue.paused { "paused" } else { "open" }
}

fn concurrency(queue: &QueueView) -> String {
    queue.concurrency.map_or_else(|| "default".to_owned(), |n| n.to_string())
}

fn cap(queue: &QueueView) -> String {
    queue.cap.map_or_else(|| "none".to_owned(), |n| n.to_string())
}

async fn list(pool: &Db) -> anyhow::Result<String> {
    const STATES: [State; 5] =
        [State::Available, State::Parked, State::Scheduled, State::Retryable, State::Running];
    let rows = inspect::queues(pool).await?.into_iter().map(|queue| {
        let mut row = vec![queue.name.clone(), state(&queue).to_owned()];
        row.extend(STATES.map(|s| queue.depth.get(&s).copied().unwrap_or(0).to_string()));
        row.push(queue.oldest_age_s.map_or_else(|| "-".to_owned(), |age| format!("{age:.0}s")));
        row.push(format!("{:.1}/min", queue.completed_per_minute));
        row.extend([concurrency(&queue), cap(&queue)]);
        row
    });
    let head = [
        "QUEUE",
        "STATE",
        "AVAILABLE",
        "PARKED",
        "SCHEDULED",
        "RETRYABLE",
        "RUNNING",
        "OLDEST",
        "COMPLETED",
        "CONCURRENCY",
        "CAP",
    ];
    Ok(table(&head, rows))
}
