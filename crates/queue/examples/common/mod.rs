//! A database for an example, and a worker in it.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use bellwether_queue::{Config, Db, Handlers, JobId, Process, inspect::JobDetail};
use bellwether_testing::Postgres;
use sqlx::postgres::PgPoolOptions;

pub(crate) type Error = Box<dyn std::error::Error + Send + Sync>;

/// The database at `DATABASE_URL`; without it, a PostgreSQL that ends with the example.
pub(crate) struct Place {
    pub(crate) db: Db,
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

    /// Starts a PostgreSQL that no other program uses.
    pub(crate) async fn new() -> Result<Self, Error> {
        let postgres = Postgres::start(50).await;
        let url = postgres.url.clone();
        Self::at(&url, Some(postgres)).await
    }

    async fn at(url: &str, postgres: Option<Postgres>) -> Result<Self, Error> {
        let pool = PgPoolOptions::new().connect(url).await?;
        bellwether_queue::migrate(&pool).await?;
        Ok(Self { db: Db::direct(pool), _postgres: postgres })
    }

    /// Works every queue that the handlers know, one job at a time.
    pub(crate) async fn work(&self, handlers: Handlers) -> Result<Process, Error> {
        let queues: BTreeSet<_> = handlers.registry().kinds().map(|kind| kind.queue).collect();
        let config = Config::new(self.db.clone(), handlers.registry())
            .named(format!("example:{}", std::process::id()), env!("CARGO_PKG_VERSION"));
        let config = queues.iter().fold(config, |config, queue| config.queue(*queue, 1));
        let process = Process::start(config).await?;
        let handlers = Arc::new(handlers);
        for queue in queues {
            process.work(queue, Arc::clone(&handlers));
        }
        Ok(process)
    }

    /// Returns the job once it has ended.
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
