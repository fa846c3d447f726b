//! The database of a command: the one at `DATABASE_URL`, or PostgreSQL on the data folder.

mod address;
mod foreign;

use std::{path::PathBuf, time::Duration};

use anyhow::{Context, bail};
use bellwether_postgres::{Error, Server};
use bellwether_queue::{Db, SETTINGS};
use clap::{Args, builder::BoolishValueParser};
use secrecy::{ExposeSecret, SecretString};
use sqlx::{
    Executor, PgPool,
    migrate::{Migrate, MigrateError, Migrator},
    postgres::{PgConnectOptions, PgPoolOptions},
};

use self::address::Address;

/// Interval of the reports of running migrations.
const PROGRESS: Duration = Duration::from_secs(5);
/// Ends a statement at most this long after its connection was closed.
const WATCH: &str = "set client_connection_check_interval = '1s'";
/// Connections of a process that are reserved for its probes.
const PROBES: u32 = 1;

#[derive(Args, Clone)]
#[command(next_help_heading = "Database")]
pub(crate) struct DatabaseArgs {
    /// Address of the primary; without it, PostgreSQL is started on the data folder
    #[arg(long, env, hide_env_values = true)]
    pub(crate) database_url: Option<SecretString>,
    /// Address of a replica for the product's read routes
    #[arg(long, env, hide_env_values = true)]
    pub(crate) database_read_url: Option<SecretString>,
    /// Address for LISTEN, migrations and locks, if the primary is behind a transaction pooler
    #[arg(long, env, hide_env_values = true)]
    pub(crate) database_direct_url: Option<SecretString>,
    /// Wakes workers by NOTIFY; without it they poll every second
    #[arg(
        long,
        env,
        default_value_t = true,
        value_parser = BoolishValueParser::new(),
        action = clap::ArgAction::Set
    )]
    pub(crate) database_listen: bool,
    /// Data folder of the embedded PostgreSQL
    #[arg(long, env = "BELLWETHER_DATA_DIR", default_value = ".bellwether")]
    pub(crate) data_dir: PathBuf,
    /// Folder of `postgres` and `initdb`, if they are in none of the usual places
    #[arg(long, env = "BELLWETHER_PG_BIN")]
    pub(crate) pg_bin: Option<PathBuf>,
    /// Folders that are searched for programs
    #[arg(long, env = "PATH", hide = true)]
    pub(crate) path: Option<std::ffi::OsString>,
    /// Most database connections of this process; one of them is reserved for its probes
    #[arg(long, env = "BELLWETHER_DATABASE_CONNECTIONS", default_value_t = 16, value_parser = clap::value_parser!(u32).range(4..=1000))]
    pub(crate) database_connections: u32,
}

pub(crate) struct Database {
    pub(crate) pool: Db,
    /// A pool for probes, which answers while every connection of the main pool is in use.
    pub(crate) probes: Db,
    /// A direct connection, not through a transaction pooler.
    pub(crate) direct: PgConnectOptions,
    address: Address,
    pub(crate) read: Option<Db>,
    pub(crate) listen: bool,
    embedded: Option<Server>,
}

/// The migrations in the order of their application, with their names.
pub(crate) fn migrators() -> [(&'static str, &'static Migrator); 2] {
    [("queue", &bellwether_queue::MIGRATOR), ("product", &bellwether_store::MIGRATOR)]
}

impl Database {
    /// Connects, starting PostgreSQL if no address is given and none runs on the data folder.
    pub(crate) async fn open(args: &DatabaseArgs) -> anyhow::Result<Self> {
        if let Some(url) = address(args) {
            return Self::connect(args, &url, None);
        }
        match bellwether_postgres::running(&embedded(args)).await {
            Some(url) => Self::connect(args, &url, None),
            None => Self::start(args).await,
        }
    }

    /// As [`Self::open`], but creates no database: for commands that only read.
    pub(crate) async fn existing(args: &DatabaseArgs) -> anyhow::Result<Self> {
        if !Self::exists(args) {
            bail!(
                "no Bellwether runs on {}: run this in the folder of `bellwether up`, or set \
                 BELLWETHER_DATA_DIR to its data folder or DATABASE_URL to its database",
                args.data_dir.display()
            );
        }
        Self::open(args).await
    }

    /// Does `work` on an existing, migrated database, and closes it afterwards.
    pub(crate) async fn using<T>(
        args: &DatabaseArgs,
        work: impl AsyncFnOnce(&Self) -> anyhow::Result<T>,
    ) -> anyhow::Result<T> {
        let database = Self::existing(args).await?;
        let result = match database.check_schema().await {
            Ok(()) => work(&database).await,
            Err(e) => Err(e),
        };
        database.close().await?;
        result
    }

    /// Returns true if an address is given or there is data in the folder.
    fn exists(args: &DatabaseArgs) -> bool {
        address(args).is_some() || bellwether_postgres::has_data(&embedded(args))
    }

    /// As [`Self::open`], but refuses a data folder that another process uses: its database would
    /// end with that process. `None` if `stop` came first.
    pub(crate) async fn own(
        args: &DatabaseArgs,
        stop: impl Future<Output = ()>,
    ) -> anyhow::Result<Option<Self>> {
        if let Some(url) = address(args) {
            return Self::connect(args, &url, None).map(Some);
        }
        match Server::start_until(embedded(args), stop).await {
            Err(Error::Stopped) => Ok(None),
            started => Self::started(args, started).map(Some),
        }
    }

    async fn start(args: &DatabaseArgs) -> anyhow::Result<Self> {
        Self::started(args, Server::start(embedded(args)).await)
    }

    fn started(args: &DatabaseArgs, server: Result<Server, Error>) -> anyhow::Result<Self> {
        let server = server.context("cannot start PostgreSQL")?;
        let url = server.url();
        Self::connect(args, &url, Some(server))
    }

    fn connect(
        args: &DatabaseArgs,
        url: &SecretString,
        embedded: Option<Server>,
    ) -> anyhow::Result<Self> {
        let address = Address::parse("DATABASE_URL", url)?;
        // a direct address is needed only behind a pooler
        let around = given(args.database_direct_url.as_ref())
            .filter(|direct| direct.expose_secret() != url.expose_secret());
        let around = around.map(|url| Address::parse("DATABASE_DIRECT_URL", url)).transpose()?;
        let replica = given(args.database_read_url.as_ref())
            .map(|url| Address::parse("DATABASE_READ_URL", url))
            .transpose()?;
        for address in [Some(&address), around.as_ref(), replica.as_ref()].into_iter().flatten() {
            address.warn_of_plain_text();
        }
        let many = args.database_connections.saturating_sub(PROBES);
        let db = |options: PgConnectOptions, many: u32| {
            if around.is_some() {
                Db::pooled(pool(options, many))
            } else {
                Db::direct(watched(options.options(SETTINGS), many))
            }
        };
        let direct = around.as_ref().unwrap_or(&address).options.clone();
        Ok(Self {
            pool: db(address.options.clone(), many),
            probes: db(address.options.clone(), PROBES),
            direct,
            read: replica.map(|replica| db(replica.options, many)),
            listen: args.database_listen,
            address,
            embedded,
        })
    }

    /// Fails with host, port and reason unless the database answers.
    pub(crate) async fn answers(&self) -> anyhow::Result<()> {
        self.address.fault().await.map_or(Ok(()), |fault| Err(anyhow::anyhow!(fault)))
    }

    /// The cause of a pool's time-out, in its place.
    async fn explained(&self, e: anyhow::Error) -> anyhow::Error {
        let unconnected = e.chain().any(|cause| match cause.downcast_ref::<sqlx::Error>() {
            Some(sqlx::Error::PoolTimedOut | sqlx::Error::Io(_)) => true,
            // the classes of a failed login and of a missing database
            Some(sqlx::Error::Database(e)) => {
                e.code().is_some_and(|code| code.starts_with("28") || code.starts_with("3D"))
            }
            _ => false,
        });
        if unconnected { self.answers().await.err().unwrap_or(e) } else { e }
    }

    /// One direct connection.
    pub(crate) fn direct(&self) -> PgPool {
        pool(self.direct.clone(), 1)
    }

    /// Applies the migrations, under their lock, and reports progress if that takes long. A
    /// database of another program is not changed.
    pub(crate) async fn migrate(&self) -> anyhow::Result<()> {
        self.answers().await?;
        let direct = self.direct();
        let [(_, queue), (_, product)] = migrators();
        foreign::check(&direct, queue, product).await?;
        let run = async {
            bellwether_queue::upgrade(&direct).await.map_err(|e| explain("queue", e))?;
            bellwether_store::MIGRATOR.run(&direct).await.map_err(|e| explain("product", e))?;
            anyhow::Ok(())
        };
        let tell = async {
            let mut told = None;
            loop {
                if let Ok(progress) = self.progress().await
                    && told != Some(progress)
                    && progress.0 < progress.1
                {
                    tracing::info!("applying migrations: {} of {}", progress.0, progress.1);
                    told = Some(progress);
                }
                tokio::time::sleep(PROGRESS).await;
            }
        };
        tokio::select! {
            done = run => done?,
            () = tell => {}
        }
        direct.close().await;
        Ok(())
    }

    /// Numbers of applied migrations and of all.
    async fn progress(&self) -> anyhow::Result<(usize, usize)> {
        let (mut done, mut all) = (0, 0);
        for (_, migrator) in migrators() {
            done += applied(&self.pool, migrator).await?.len();
            all += migrator.iter().filter(|m| !m.migration_type.is_down_migration()).count();
        }
        Ok((done, all))
    }

    /// Fails with one clear line unless every migration of this version is applied. The schema of a
    /// newer release serves this one too, during a rollout or a rollback: that is only logged.
    pub(crate) async fn check_schema(&self) -> anyhow::Result<()> {
        match self.schema().await {
            Err(e) => Err(self.explained(e).await),
            Ok(()) => Ok(()),
        }
    }

    async fn schema(&self) -> anyhow::Result<()> {
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

    /// The PostgreSQL that this command has started, to be watched by [`died`]; it is returned before
    /// the end.
    pub(crate) fn take_embedded(&mut self) -> Option<Server> {
        self.embedded.take()
    }

    pub(crate) fn give_back(&mut self, server: Option<Server>) {
        self.embedded = server;
    }

    /// Closes every connection, then stops the PostgreSQL that this command has started.
    pub(crate) async fn close(self) -> anyhow::Result<()> {
        let closing = async {
            self.pool.close().await;
            self.probes.close().await;
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

/// Resolves only if the PostgreSQL that this command has started ends by itself.
pub(crate) async fn died(server: &mut Option<Server>) -> anyhow::Error {
    match server {
        Some(server) => server.ended().await.into(),
        None => std::future::pending().await,
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
        MigrateError::Execute(e) => {
            anyhow::Error::new(e).context(format!("cannot migrate the {name} tables"))
        }
        MigrateError::ExecuteMigration(e, version) => anyhow::Error::new(e)
            .context(format!("cannot migrate the {name} tables: migration {version}")),
        MigrateError::VersionMismatch(version) => anyhow::anyhow!(
            "the {name} tables of this database were made before the first release (migration \
             {version} differs): start with an empty database, or with another data folder"
        ),
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

fn pool(options: PgConnectOptions, connections: u32) -> PgPool {
    pool_options(connections).connect_lazy_with(options)
}

fn pool_options(connections: u32) -> PgPoolOptions {
    PgPoolOptions::new().max_connections(connections).acquire_timeout(Duration::from_secs(3))
}

/// A pool whose connections the server watches: it ends a statement within a second after its
/// connection was closed, by a request whose client has left or by the end of this process.
fn watched(options: PgConnectOptions, connections: u32) -> PgPool {
    let watched = pool_options(connections).after_connect(|conn, _| {
        Box::pin(async move {
            // a server on a system that cannot tell accepts 0 alone
            if let Err(error) = conn.execute(WATCH).await {
                tracing::debug!(%error, "statements of callers that have left run to their end");
            }
            Ok(())
        })
    });
    watched.connect_lazy_with(options)
}

fn address(args: &DatabaseArgs) -> Option<SecretString> {
    given(args.database_url.as_ref()).cloned()
}

/// An empty variable counts as not set.
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
