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

use std::{
    collections::{BTreeSet, HashMap},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use sqlx::postgres::PgConnectOptions;
use tokio::{sync::mpsc, time::Instant};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

pub(crate) use self::{
    completer::write,
    counts::permit,
    fetcher::{Kinds, claim},
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

/// How a process works. [`Config::new`] derives what can be derived.
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
    /// The kinds that this process knows: [`Process::subscribe`] hands out no others, and schedules
    /// of others are left to other processes.
    pub registry: Registry,
}

impl Config {
    /// Works no queue yet: [`Config::queue`]. The heartbeat and LISTEN take the pool's own address;
    /// where that is a transaction pooler's, say the way around it ([`Config::direct`]).
    pub fn new(pool: Db, registry: &Registry) -> Self {
        Self {
            direct: pool.pool().connect_options().as_ref().clone(),
            pool,
            listen: true,
            name: format!("worker:{}", std::process::id()),
            version: String::new(),
            queues: Vec::new(),
            registry: registry.clone(),
        }
    }

    /// Works a queue, `concurrency` attempts at a time.
    #[must_use]
    pub fn queue(mut self, name: impl Into<String>, concurrency: usize) -> Self {
        self.queues.push(QueueConfig { name: name.into(), concurrency });
        self
    }

    /// What people see of this process: a name, for example `mailer@host:4711`, and the release.
    #[must_use]
    pub fn named(mut self, name: impl Into<String>, version: impl Into<String>) -> Self {
        (self.name, self.version) = (name.into(), version.into());
        self
    }

    /// The way around a transaction pooler.
    #[must_use]
    pub fn direct(mut self, options: PgConnectOptions) -> Self {
        self.direct = options;
        self
    }

    /// Whether to be woken by NOTIFY; unless told otherwise it is.
    #[must_use]
    pub const fn listen(mut self, listen: bool) -> Self {
        self.listen = listen;
        self
    }
}

/// A registered process with its background tasks: heartbeat, rescue of dead peers, reports,
/// schedules, and one fetcher per worked queue.
///
/// End it with [`Process::close`]. Dropped without, it closes in the background without any grace,
/// as far as the runtime lives long enough; what it did not come to, peers rescue after 15 s.
pub struct Process {
    tasks: Tasks,
    closed: AtomicBool,
}

/// What there is to be stopped.
#[derive(Clone)]
struct Tasks {
    shared: Arc<Shared>,
    fetchers: TaskTracker,
    claiming: CancellationToken,
    background: TaskTracker,
    stop_background: CancellationToken,
    completer: TaskTracker,
    stop_completer: CancellationToken,
}

impl Process {
    /// Registers the process and starts its background tasks. [`Error::Name`]: a queue has a name
    /// that none can have.
    pub async fn start(config: Config) -> Result<Self, Error> {
        let (shared, reports) = Shared::register(config).await?;
        let tasks = Tasks {
            shared: Arc::clone(&shared),
            fetchers: TaskTracker::new(),
            claiming: CancellationToken::new(),
            background: TaskTracker::new(),
            stop_background: CancellationToken::new(),
            completer: TaskTracker::new(),
            stop_completer: CancellationToken::new(),
        };
        let stop = &tasks.stop_background;
        tasks.background.spawn(heartbeat::run(Arc::clone(&shared), stop.clone()));
        if shared.listen {
            tasks.background.spawn(listener::run(Arc::clone(&shared), stop.clone()));
        }
        tasks.background.spawn(maintenance::run(Arc::clone(&shared), stop.clone()));
        tasks.background.spawn(releaser::run(Arc::clone(&shared), stop.clone()));
        tasks.background.spawn(crate::bulk::run(shared.pool.clone(), stop.clone()));
        tasks.background.spawn(ticker::run(
            Arc::clone(&shared),
            tasks.claiming.child_token(),
            stop.clone(),
        ));
        tasks.completer.spawn(completer::run(shared, reports, tasks.stop_completer.clone()));
        Ok(Self { tasks, closed: AtomicBool::new(false) })
    }

    /// The claimed attempts of a queue, of every kind in [`Config::registry`]. Never holds more than
    /// the queue's free slots; ends after [`Process::stop_claiming`]. To be called once for a queue:
    /// two subscribers would each claim for all its slots. For a queue that the process was not
    /// configured for it ends at once, and an error is logged.
    pub fn subscribe(&self, queue: &str) -> mpsc::Receiver<Arc<Attempt>> {
        self.fetch(queue, &self.tasks.shared.registry).unwrap_or_else(|why| {
            tracing::error!("{why}");
            mpsc::channel(1).1
        })
    }

    /// An error: the process was not configured for the queue.
    pub(crate) fn fetch(
        &self,
        queue: &str,
        registry: &Registry,
    ) -> Result<mpsc::Receiver<Arc<Attempt>>, String> {
        let Tasks { shared, fetchers, claiming, .. } = &self.tasks;
        let slots = shared.slots.get(queue).ok_or_else(|| {
            let known: BTreeSet<_> = shared.slots.keys().collect();
            format!("this process was not configured for the queue {queue:?}, but for {known:?}")
        })?;
        let (tx, rx) = mpsc::channel(1024);
        fetchers.spawn(fetcher::run(
            Arc::clone(shared),
            queue.to_owned(),
            Kinds::of(registry),
            Arc::clone(slots),
            tx,
            claiming.clone(),
        ));
        Ok(rx)
    }

    /// Claims nothing more and makes no more ticks; attempts under way go on. Idempotent.
    pub fn stop_claiming(&self) {
        self.tasks.claiming.cancel();
    }

    /// Waits until no attempt is under way, at most `grace`; then fires the tokens of those left,
    /// gives their jobs back without spending an attempt, writes every report and deregisters.
    ///
    /// A job that is given back may run elsewhere at once. Its handler here runs on until it heeds
    /// [`Attempt::cancelled`], for five seconds at most under [`Process::work`]: for that long the
    /// job may run twice. What the older writes through its attempt is refused; to keep its other
    /// effects apart, give a grace as long as the longest [`Job::TIMEOUT`](crate::Job::TIMEOUT), or
    /// heed the token.
    pub async fn close(&self, grace: Duration) -> Result<(), Error> {
        self.tasks.close(grace).await?;
        self.closed.store(true, Ordering::Release);
        Ok(())
    }

    /// Reports whose lease was lost since the start.
    pub fn lost_leases(&self) -> u64 {
        self.tasks.shared.lost()
    }

    /// How many attempts of each queue are under way.
    pub fn in_use(&self) -> HashMap<String, usize> {
        let slots = &self.tasks.shared.slots;
        slots.iter().map(|(queue, slots)| (queue.clone(), slots.in_use())).collect()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if self.closed.load(Ordering::Acquire) {
            return;
        }
        self.tasks.claiming.cancel();
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            let tasks = self.tasks.clone();
            runtime.spawn(async move {
                if let Err(e) = tasks.close(Duration::ZERO).await {
                    tracing::warn!("a dropped process could not say goodbye: {e}");
                }
            });
        }
    }
}

impl Tasks {
    async fn close(&self, grace: Duration) -> Result<(), Error> {
        self.claiming.cancel();
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
}
