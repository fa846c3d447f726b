//! A database for an example, and a worker in it.

use std::{collections::BTreeSet, str::FromStr, sync::Arc, time::Duration};

use bellwether_queue::{
    Config, Db, Handlers, JobId, MIGRATOR, Process, QueueConfig, inspect::JobDetail,
};
use bellwether_testing::Postgres;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};

pub(crate) type Error = Box<dyn std::error::Error + Send + Sync>;

/// The database at `DATABASE_URL`; without one, a PostgreSQL that goes with the example.
pub(crate) struct Place {
    pub(crate) db: Db,
    options: PgConnectOptions,
    _postgres: Option<Postgres>,
}

impl Place {
    #[expect(clippy::disallowed_methods, reason = "an example is a program of its own")]
    pub(crate) async fn find() -> Result<Self, Error> {
        match std::env::var("DATABASE_URL") {
            Ok(url) => Self::at(&url, None).await,
            Err(_) => Self::new().await,
        }
    }

    /// One that nobody else uses.
    pub(crate) async fn new() -> Result<Self, Error> {
        let postgres = Postgres::start(50).await;
        let url = postgres.url.clone();
        Self::at(&url, Some(postgres)).await
    }

    async fn at(url: &str, postgres: Option<Postgres>) -> Result<Self, Error> {
        let options = PgConnectOptions::from_str(url)?;
        let pool = PgPoolOptions::new().connect_with(options.clone()).await?;
        MIGRATOR.run(&pool).await?;
        Ok(Self { db: Db::direct(pool), options, _postgres: postgres })
    }

    /// Works every queue that the handlers know, one job at a time.
    pub(crate) async fn work<C>(&self, handlers: Handlers<C>) -> Result<Process, Error>
    where
        C: Clone + Send + Sync + 'static,
    {
        let queues: BTreeSet<_> = handlers.registry().kinds().map(|kind| kind.queue).collect();
        let config = Config {
            pool: self.db.clone(),
            direct: self.options.clone(),
            listen: true,
            name: format!("example:{}", std::process::id()),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            queues: queues
                .iter()
                .map(|name| QueueConfig { name: (*name).to_owned(), concurrency: 1 })
                .collect(),
            registry: handlers.registry().clone(),
        };
        let process = Process::start(config).await?;
        let handlers = Arc::new(handlers);
        for queue in queues {
            process.work(queue, Arc::clone(&handlers));
        }
        Ok(process)
    }

    /// The job once it has ended.
    pub(crate) async fn ended(&self, id: JobId) -> Result<JobDetail, Error> {
        loop {
            let found = bellwether_queue::inspect::find(&self.db, id).await?;
            match found.ok_or("the job is gone")? {
                found if found.job.state.is_final() => return Ok(found),
                _ => tokio::time::sleep(Duration::from_millis(10)).await,
            }
        }
    }
}
