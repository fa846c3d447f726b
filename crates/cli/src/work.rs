//! The worker's side of a process: its queues, its jobs' services, and its name.

use std::{sync::Arc, time::Duration};

use bellwether_jobs::{Services, handlers, prepare};
use bellwether_queue::{Config, QueueConfig};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::database::Database;

/// Interval at which an unchanged reason to wait is logged again.
const REPEAT: Duration = Duration::from_secs(10);

/// The queues of each role. The maintenance queue goes with the scraper.
pub(crate) const SCRAPER: &[&str] = &["scraper", "maintenance"];
pub(crate) const ANALYZER: &[&str] = &["analyzer"];
pub(crate) const ALERT: &[&str] = &["alert"];
pub(crate) const ALL: &[&str] = &["scraper", "maintenance", "analyzer", "alert"];

/// Works `queues` until `shutdown` fires, then drains for at most `grace`.
pub(crate) async fn run(
    database: &Database,
    services: Services,
    role: &str,
    queues: &[&str],
    concurrency: u16,
    shutdown: CancellationToken,
    grace: Duration,
) -> anyhow::Result<()> {
    prepare(&services, queues).await?;
    let handlers = Arc::new(handlers(&services));
    let config = Config {
        pool: database.pool.clone(),
        direct: database.direct.clone(),
        listen: database.listen,
        name: name(role),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        queues: queues
            .iter()
            .map(|name| QueueConfig {
                name: (*name).to_owned(),
                concurrency: usize::from(concurrency),
            })
            .collect(),
        registry: handlers.registry().clone(),
    };
    bellwether_worker::run(config, handlers, shutdown, grace).await?;
    Ok(())
}

/// The name by which people know this process.
pub(crate) fn name(role: &str) -> String {
    format!("{role}@{}:{}", host(), std::process::id())
}

fn host() -> String {
    std::fs::read_to_string("/proc/sys/kernel/hostname")
        .ok()
        .map(|name| name.trim().to_owned())
        .filter(|name| !name.is_empty())
        .unwrap_or_else(|| "localhost".to_owned())
}

/// Returns once every migration of this version is applied; says every few seconds what it waits for.
pub(crate) async fn until_migrated(database: &Database) {
    let mut told: Option<(String, Instant)> = None;
    loop {
        let Err(e) = database.check_schema().await else { return };
        let text = format!("{e:#}");
        if told.as_ref().is_none_or(|(said, at)| *said != text || at.elapsed() >= REPEAT) {
            tracing::warn!("waiting: {text}");
            told = Some((text, Instant::now()));
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
}
