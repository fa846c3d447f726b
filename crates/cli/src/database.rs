//! The database of a command: the one at `DATABASE_URL`, or PostgreSQL on the data folder.

use std::{str::FromStr, time::Duration};

use anyhow::{Context, bail};
use bellwether_postgres::Server;
use bellwether_queue::{Db, SETTINGS};
use secrecy::{ExposeSecret, SecretString};
use sqlx::{
    PgPool,
    migrate::{Migrate, MigrateError, Migrator},
    postgres::{PgConnectOptions, PgPoolOptions},
};

use crate::args::DatabaseArgs;

pub(crate) struct Database {
    pub(crate) pool: Db,
    /// Not through a transaction pooler.
    pub(crate) direct: PgConnectOptions,
    pub(crate) read: Option<Db>,
    pub(crate) listen: bool,
    embedded: Option<Server>,
}

/// The migrations in the order in which they are applied, with their names.
pub(crate) fn migrators() -> [(&'static str, &'static Migrator); 2] {
    [("queue", &bellwether_queue::MIGRATOR), ("product", &bellwether_store::MIGRATOR)]
}

impl Database {
    /// Connects, starting PostgreSQL where no address is given and none runs on the data folder.
    pub(crate) async fn open(args: &DatabaseArgs) -> anyhow::Result<Self> {
        if let Some(url) = address(args) {
            return Self::connect(args, &url, None);
        }
        match bellwether_postgres::running(&embedded(args)).await {
            Some(url) => Self::connect(args, &url, None),
            None => Self::start(args).await,
        }
    }

    /// As [`Self::open`], but a data folder that another process uses is refused: its database
    /// would end with that process.
    pub(crate) async fn own(args: &DatabaseArgs) -> anyhow::Result<Self> {
        match address(args) {
            Some(url) => Self::connect(args, &url, None),
            None => Self::start(args).await,
        }
    }

    async fn start(args: &DatabaseArgs) -> anyhow::Result<Self> {
        let server = Server::start(embedded(args)).await.context("cannot start PostgreSQL")?;
        let url = server.url();
        Self::connect(args, &url, Some(server))
    }

    fn connect(
        args: &DatabaseArgs,
        url: &SecretString,
        embedded: Option<Server>,
    ) -> anyhow::Result<Self> {
        let options = parse("DATABASE_URL", url)?;
        // A way around the pooler is needed only where there is a pooler.
        let around = given(args.database_direct_url.as_ref())
            .filter(|direct| direct.expose_secret() != url.expose_secret());
        let direct = match around {
            Some(url) => parse("DATABASE_DIRECT_URL", url)?,
            None => options.clone(),
        };
        let db = |options: PgConnectOptions| {
            let many = args.database_connections;
            if around.is_some() {
                Db::pooled(pool(options, many))
            } else {
                Db::direct(pool(options.options(SETTINGS), many))
            }
        };
        let read = match given(args.database_read_url.as_ref()) {
            Some(url) => Some(db(parse("DATABASE_READ_URL", url)?)),
            None => None,
        };
        let listen = args.database_listen;
        Ok(Self { pool: db(options), direct, read, listen, embedded })
    }

    /// One connection that no transaction pooler stands before.
    pub(crate) fn direct(&self) -> PgPool {
        pool(self.direct.clone(), 1)
    }

    /// Brings the schema to this version, under the migrations' own lock.
    pub(crate) async fn migrate(&self) -> anyhow::Result<()> {
        let direct = self.direct();
        for (name, migrator) in migrators() {
            migrator.run(&direct).await.map_err(|e| explain(name, e))?;
        }
        direct.close().await;
        Ok(())
    }

    /// Fails with one clear line unless every migration of this version is applied. The schema of a
    /// newer release serves this one too, while a deployment rolls or is taken back: that is only said.
    pub(crate) async fn check_schema(&self) -> anyhow::Result<()> {
        for (name, migrator) in migrators() {
            let applied = applied(&self.pool, migrator).await?;
            if let Some(newer) = applied.iter().find(|v| !migrator.version_exists(**v)) {
                tracing::warn!("{}", newer_schema(name, *newer));
            }
            let missing = migrator
                .iter()
                .filter(|m| !m.migration_type.is_down_migration())
                .filter(|m| !applied.contains(&m.version))
                .count();
            if missing > 0 {
                bail!(
                    "the database lacks {missing} of the {name} migrations: run `bellwether migrate up`"
                );
            }
        }
        Ok(())
    }

    /// The PostgreSQL that this command has started, to be watched; it is given back before the end.
    pub(crate) fn take_embedded(&mut self) -> Option<Server> {
        self.embedded.take()
    }

    pub(crate) fn give_back(&mut self, server: Server) {
        self.embedded = Some(server);
    }

    /// Closes every connection, then stops the PostgreSQL that this command has started.
    pub(crate) async fn close(self) -> anyhow::Result<()> {
        let closing = async {
            self.pool.close().await;
            if let Some(read) = &self.read {
                read.close().await;
            }
        };
        tokio::time::timeout(Duration::from_secs(5), closing).await.ok();
        if let Some(server) = self.embedded {
            server.stop().await?;
        }
        Ok(())
    }
}

/// The versions of `migrator` that the database has; none where it has never been migrated.
pub(crate) async fn applied(pool: &Db, migrator: &Migrator) -> anyhow::Result<Vec<i64>> {
    let there: bool = sqlx::query_scalar("select to_regclass($1) is not null")
        .bind(migrator.table_name.as_ref())
        .fetch_one(pool)
        .await?;
    if !there {
        return Ok(Vec::new());
    }
    let mut tx = pool.begin().await?;
    let rows = tx.list_applied_migrations(&migrator.table_name).await?;
    Ok(rows.into_iter().map(|m| m.version).collect())
}

pub(crate) fn explain(name: &str, e: MigrateError) -> anyhow::Error {
    match e {
        MigrateError::VersionMissing(version) => anyhow::anyhow!(newer_schema(name, version)),
        other => anyhow::anyhow!("cannot migrate the {name} tables: {other}"),
    }
}

fn newer_schema(name: &str, version: i64) -> String {
    format!(
        "the database is of a newer release: it has {name} migration {version}, which this \
         bellwether {} does not know. It serves the release just before it as well; to go further \
         back, run `bellwether migrate down` of that release first",
        env!("CARGO_PKG_VERSION")
    )
}

fn parse(variable: &str, url: &SecretString) -> anyhow::Result<PgConnectOptions> {
    // The error of a URL may repeat the URL, and with it the password.
    PgConnectOptions::from_str(url.expose_secret())
        .map(|o| o.application_name("bellwether"))
        .map_err(|_| {
            anyhow::anyhow!(
                "{variable} is not an address like postgres://user:password@host:5432/database"
            )
        })
}

fn pool(options: PgConnectOptions, connections: u32) -> PgPool {
    PgPoolOptions::new()
        .max_connections(connections)
        .acquire_timeout(Duration::from_secs(3))
        .connect_lazy_with(options)
}

fn address(args: &DatabaseArgs) -> Option<SecretString> {
    given(args.database_url.as_ref()).cloned()
}

/// An empty variable is as good as none.
fn given(url: Option<&SecretString>) -> Option<&SecretString> {
    url.filter(|url| !url.expose_secret().is_empty())
}

/// PostgreSQL on the data folder.
fn embedded(args: &DatabaseArgs) -> bellwether_postgres::Settings {
    let mut settings = bellwether_postgres::Settings::new(args.data_dir.join("postgres"));
    settings.bin.clone_from(&args.pg_bin);
    settings.path.clone_from(&args.path);
    settings
}
