//! One operating-system process that works jobs: its row, its heartbeat, its claims.

mod completer;
mod config;
mod counts;
mod cursor;
mod fetcher;
mod heartbeat;
mod listener;
mod maintenance;
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

use tokio::{sync::mpsc, time::Instant};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

pub use self::config::{Config, QueueConfig};
pub(crate) use self::{
    completer::write,
    cursor::Arrays,
    fetcher::{Kinds, claim},
    releaser::recheck,
    shared::{Report, Shared},
};
use crate::{Attempt, Error, Handlers, Outcome, Registry, run::CANCEL_GRACE};

/// A registered process with its background tasks: heartbeat, rescue of dead peers, reports,
/// schedules, and one fetcher per worked queue.
///
/// End it with [`Process::close`]. Dropped without, it closes in the background without any grace,
/// as far as the runtime lives long enough; what it did not come to, peers rescue after 15 s.
pub struct Process {
    tasks: Tasks,
    closed: AtomicBool,
}

/// Tasks to be stopped, in the order of the fields.
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

    /// Waits until no attempt is under way, at most `grace`; then fires the tokens of those left, waits
    /// at most four seconds for their handlers to stop, gives their jobs back without spending an
    /// attempt, writes every report and deregisters.
    ///
    /// A job that is given back may run elsewhere at once. A handler that does not reach an `await`
    /// within those seconds runs on beside it; its later writes through its attempt are refused.
    pub async fn close(&self, grace: Duration) -> Result<(), Error> {
        self.tasks.close(grace).await?;
        self.closed.store(true, Ordering::Release);
        Ok(())
    }

    /// Reports whose lease was lost since the start.
    pub fn lost_leases(&self) -> u64 {
        self.tasks.shared.lost()
    }

    /// Attempts under way, by queue.
    pub fn in_use(&self) -> HashMap<String, usize> {
        let slots = &self.tasks.shared.slots;
        slots.iter().map(|(queue, slots)| (queue.clone(), slots.in_use())).collect()
    }

    /// Runs a queue's attempts with these handlers until [`Process::close`], each on a tokio task of
    /// its own. Jobs of kinds without a handler stay in the queue. To be called once for a queue.
    /// [`Process::subscribe`] hands the attempts to a runtime of your own instead.
    ///
    /// # Panics
    /// If the process was not configured for the queue.
    pub fn work(&self, queue: &str, handlers: Arc<Handlers>) {
        let attempts = self.fetch(queue, handlers.registry());
        let mut attempts = attempts.unwrap_or_else(|why| panic!("{why}"));
        tokio::spawn(async move {
            while let Some(attempt) = attempts.recv().await {
                let handlers = Arc::clone(&handlers);
                tokio::spawn(async move {
                    let outcome = handlers.run(&attempt).await;
                    attempt.finish(outcome);
                });
            }
        });
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

        self.until_finished(grace).await;
        let left = self.shared.unfinished();
        for attempt in &left {
            attempt.cancelled().cancel();
        }
        if !left.is_empty() {
            // a job is given back once its handler has stopped, so that it does not run twice
            self.until_finished(2 * CANCEL_GRACE).await;
        }
        for attempt in self.shared.unfinished() {
            tracing::info!(job.id = %attempt.job(), job.kind = attempt.kind(), "given back unfinished");
            attempt.finish(Outcome::Released);
        }

        self.stop_completer.cancel();
        self.completer.close();
        self.completer.wait().await;

        // The heartbeat goes on until the last report is written, so that no peer declares this process dead.
        self.stop_background.cancel();
        self.background.close();
        self.background.wait().await;
        self.shared.deregister().await
    }

    async fn until_finished(&self, grace: Duration) {
        let deadline = Instant::now() + grace;
        while Instant::now() < deadline && !self.shared.unfinished().is_empty() {
            tokio::select! {
                () = self.shared.finished.notified() => {}
                () = tokio::time::sleep_until(deadline) => {}
            }
        }
    }
}
