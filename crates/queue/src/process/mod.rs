//! One operating-system process that works jobs: its row, its heartbeat, its claims.

mod completer;
mod counts;
mod fetcher;
mod heartbeat;
mod listener;
mod maintenance;
mod marks;
mod releaser;
mod report;
mod shared;
mod slots;
mod ticker;

use std::{collections::HashMap, sync::Arc, time::Duration};

use sqlx::postgres::PgConnectOptions;
use tokio::{sync::mpsc, time::Instant};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

pub(crate) use self::{
    completer::write,
    counts::permit,
    fetcher::claim,
    marks::Arrays,
    report::interval,
    shared::{Report, Shared},
    slots::Slot,
};
use crate::{Attempt, Db, Error, Outcome, Registry};

/// A queue that a process works, and how many attempts it runs at a time.
#[derive(Clone, Debug)]
pub struct QueueConfig {
    pub name: String,
    pub concurrency: usize,
}

/// How a process works.
#[derive(Clone)]
pub struct Config {
    /// For claims and reports.
    pub pool: Db,
    /// For the heartbeat's own connection and for LISTEN: not through a transaction pooler.
    pub direct: PgConnectOptions,
    /// Whether to be woken by NOTIFY. Without it nobody notifies this process, and the slow poll
    /// finds jobs and cancellations within a second.
    pub listen: bool,
    /// Shown to people, for example `analyzer@host:4711`.
    pub name: String,
    pub version: String,
    pub queues: Vec<QueueConfig>,
    /// The kinds this process can run; others are left alone.
    pub registry: Registry,
}

/// A registered process with its background tasks: heartbeat, rescue of dead peers, reports,
/// schedules, and one fetcher per subscribed queue.
pub struct Process {
    shared: Arc<Shared>,
    fetchers: TaskTracker,
    claiming: CancellationToken,
    background: TaskTracker,
    stop_background: CancellationToken,
    completer: TaskTracker,
    stop_completer: CancellationToken,
}

impl Process {
    /// Registers the process and starts its background tasks.
    pub async fn start(config: Config) -> Result<Self, Error> {
        let (shared, reports) = Shared::register(config).await?;
        let process = Self {
            shared: Arc::clone(&shared),
            fetchers: TaskTracker::new(),
            claiming: CancellationToken::new(),
            background: TaskTracker::new(),
            stop_background: CancellationToken::new(),
            completer: TaskTracker::new(),
            stop_completer: CancellationToken::new(),
        };
        let stop = &process.stop_background;
        process.background.spawn(heartbeat::run(Arc::clone(&shared), stop.clone()));
        if shared.listen {
            process.background.spawn(listener::run(Arc::clone(&shared), stop.clone()));
        }
        process.background.spawn(maintenance::run(Arc::clone(&shared), stop.clone()));
        process.background.spawn(releaser::run(Arc::clone(&shared), stop.clone()));
        process.background.spawn(crate::bulk::run(shared.pool.clone(), stop.clone()));
        process.background.spawn(ticker::run(
            Arc::clone(&shared),
            process.claiming.child_token(),
            stop.clone(),
        ));
        process.completer.spawn(completer::run(shared, reports, process.stop_completer.clone()));
        Ok(process)
    }

    /// The claimed attempts of a queue. Never holds more than the queue's free slots; ends after
    /// [`Process::stop_claiming`]. A queue that the process was not configured for yields nothing.
    pub fn subscribe(&self, queue: &str) -> mpsc::Receiver<Arc<Attempt>> {
        let (tx, rx) = mpsc::channel(1024);
        if let Some(slots) = self.shared.slots.get(queue) {
            self.fetchers.spawn(fetcher::run(
                Arc::clone(&self.shared),
                queue.to_owned(),
                Arc::clone(slots),
                tx,
                self.claiming.clone(),
            ));
        }
        rx
    }

    /// Claims nothing more and makes no more ticks; attempts under way go on. Idempotent.
    pub fn stop_claiming(&self) {
        self.claiming.cancel();
    }

    /// Waits until no attempt is under way, at most `grace`; then fires the tokens of those left,
    /// gives their jobs back without spending an attempt, writes every report and deregisters.
    pub async fn close(&self, grace: Duration) -> Result<(), Error> {
        self.stop_claiming();
        self.fetchers.close();
        self.fetchers.wait().await;

        let deadline = Instant::now() + grace;
        while Instant::now() < deadline && !self.shared.unsettled().is_empty() {
            tokio::select! {
                () = self.shared.settled.notified() => {}
                () = tokio::time::sleep_until(deadline) => {}
            }
        }
        for attempt in self.shared.unsettled() {
            tracing::info!(job.id = %attempt.job(), job.kind = attempt.kind(), "given back unfinished");
            attempt.cancelled().cancel();
            attempt.settle(Outcome::Released);
        }

        self.stop_completer.cancel();
        self.completer.close();
        self.completer.wait().await;

        // The heartbeat beats until the last report is written, so that nobody takes us for dead.
        self.stop_background.cancel();
        self.background.close();
        self.background.wait().await;
        self.shared.deregister().await
    }

    /// Reports whose lease was lost since the start.
    pub fn lost_leases(&self) -> u64 {
        self.shared.lost()
    }

    /// How many attempts of each queue are under way.
    pub fn in_use(&self) -> HashMap<String, usize> {
        self.shared.slots.iter().map(|(queue, slots)| (queue.clone(), slots.in_use())).collect()
    }
}
