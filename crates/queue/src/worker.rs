//! A worker: the queues that it works, its kinds, and its life from start to drain.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use crate::{Config, Db, Error, Handlers, Job, Process};

/// Works queues until it is told to stop.
///
/// ```no_run
/// # use bellwether_queue::{Attempt, Db, Error, Failure, Job, JobArgs, Worker};
/// # #[derive(serde::Serialize, serde::Deserialize)]
/// # struct Welcome { user: i64 }
/// # impl JobArgs for Welcome {
/// #     const KIND: &'static str = "welcome";
/// #     const QUEUE: &'static str = "mail";
/// # }
/// # impl Job for Welcome {
/// #     type Context = Db;
/// #     type Output = ();
/// #     async fn run(self, _: Db, _: &Attempt) -> Result<(), Failure> { Ok(()) }
/// # }
/// # async fn work(db: Db) -> Result<(), Error> {
/// let interrupted = async { tokio::signal::ctrl_c().await.unwrap_or_default() };
/// Worker::new(db).register::<Welcome>().queue("mail", 8).run(interrupted).await
/// # }
/// ```
#[must_use]
pub struct Worker {
    config: Config,
    handlers: Handlers,
    grace: Duration,
    db: Db,
}

impl Worker {
    pub fn new(db: impl Into<Db>) -> Self {
        let (db, handlers) = (db.into(), Handlers::new());
        let config = Config::new(db.clone(), handlers.registry());
        Self { config, handlers, grace: Duration::from_secs(20), db }
    }

    /// Runs jobs of this kind, which need the database and nothing else, or no context.
    ///
    /// # Panics
    /// If another type has the same [`JobArgs::KIND`](crate::JobArgs::KIND).
    pub fn register<J: Job<Context: From<Db>>>(self) -> Self {
        let context = J::Context::from(self.db.clone());
        self.register_with::<J>(context)
    }

    /// Runs jobs of this kind with a context of their own.
    ///
    /// # Panics
    /// If another type has the same [`JobArgs::KIND`](crate::JobArgs::KIND).
    pub fn register_with<J: Job>(mut self, context: J::Context) -> Self {
        self.handlers = self.handlers.with::<J>(context);
        self
    }

    /// Works a queue, `concurrency` attempts at a time. Jobs of kinds that are not registered stay in
    /// it.
    pub fn queue(mut self, name: impl Into<String>, concurrency: usize) -> Self {
        self.config = self.config.queue(name, concurrency);
        self
    }

    /// Sets the name and the release that people see, for example `mailer@host:4711`.
    pub fn named(mut self, name: impl Into<String>, version: impl Into<String>) -> Self {
        self.config = self.config.named(name, version);
        self
    }

    /// Gives attempts under way this long to end after the stop, 20 s by default.
    pub const fn grace(mut self, grace: Duration) -> Self {
        self.grace = grace;
        self
    }

    /// Works until `shutdown` completes, then drains ([`Process::close`]). Fails if the database
    /// cannot be reached at the start or at the end, or if a queue has an invalid name.
    pub async fn run(mut self, shutdown: impl Future<Output = ()>) -> Result<(), Error> {
        self.config.registry = self.handlers.registry().clone();
        let queues: BTreeSet<_> = self.config.queues.iter().map(|q| q.name.clone()).collect();
        let process = Process::start(self.config).await?;
        let handlers = Arc::new(self.handlers);
        for queue in &queues {
            process.work(queue, Arc::clone(&handlers));
        }
        shutdown.await;
        process.close(self.grace).await
    }
}

/// The context of a kind that needs none.
impl From<Db> for () {
    fn from(_: Db) -> Self {}
}
