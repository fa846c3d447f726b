//! Settings of a process.

use sqlx::postgres::PgConnectOptions;

use crate::{Db, Registry};

/// A queue that a process works, and the number of attempts that it runs at a time.
#[derive(Clone, Debug)]
pub struct QueueConfig {
    pub name: String,
    pub concurrency: usize,
}

/// Settings of a process. [`Config::new`] derives those that can be derived.
#[derive(Clone)]
pub struct Config {
    /// For claims and reports.
    pub pool: Db,
    /// For the heartbeat's own connection and for LISTEN: not through a transaction pooler.
    pub direct: PgConnectOptions,
    /// True: NOTIFY wakes the process. Without it the slow poll finds jobs and cancellations within a
    /// second.
    pub listen: bool,
    /// Shown to people, for example `analyzer@host:4711`.
    pub name: String,
    pub version: String,
    pub queues: Vec<QueueConfig>,
    /// The kinds that this process knows: [`Process::subscribe`](crate::Process::subscribe) hands out
    /// no others, and schedules of others are left to other processes.
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

    /// Sets the name and the release that people see, for example `mailer@host:4711`.
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

    /// Sets [`Config::listen`], which is true by default.
    #[must_use]
    pub const fn listen(mut self, listen: bool) -> Self {
        self.listen = listen;
        self
    }
}
