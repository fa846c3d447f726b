//! One database a test, copied from a template that is migrated once.
//!
//! The names tell everything: `template_<hash of the migrations>_<second>` and
//! `test_<second>_<random>`. What a failed or killed test leaves is dropped an hour later by
//! whichever test next makes a template; a template that no longer matches goes after a day.

use std::str::FromStr;
use std::time::{SystemTime, UNIX_EPOCH};

use sqlx::migrate::Migrator;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, Executor, PgConnection, PgPool};

/// Serializes the making of templates on one server.
const MAKING: i64 = 0x6265_6c6c_7765_7468;
const HOUR: u64 = 3600;

/// A database of this test alone. It is dropped with the value, and kept (its URL is printed)
/// when the test panics.
#[derive(Debug)]
pub struct Database {
    /// Connects to it as a superuser.
    pub url: String,
    /// Its name.
    pub name: String,
    pool: PgPool,
    server: PgConnectOptions,
}

impl Database {
    /// A pool of up to ten connections; clones share them.
    pub fn pool(&self) -> PgPool {
        self.pool.clone()
    }

    /// URL for a pool or a connection with other settings.
    pub fn options(&self) -> PgConnectOptions {
        self.server.clone().database(&self.name)
    }
}

/// Makes a database on the server at `TEST_DATABASE_URL`, with the migrations applied in the
/// order given.
pub async fn database(migrators: &[&Migrator]) -> Database {
    let server = server();
    let mut admin = PgConnection::connect_with(&server)
        .await
        .unwrap_or_else(|error| panic!("no PostgreSQL at TEST_DATABASE_URL: {error}"));
    let template = template(&mut admin, &server, migrators).await;
    let random = uuid::Uuid::new_v4().simple().to_string();
    let name = format!("test_{}_{}", now(), &random[..10]);
    run(&mut admin, format!("create database {name} template {template}")).await;
    let _ = admin.close().await;
    let options = server.clone().database(&name);
    let url = options.to_url_lossy().to_string();
    let pool = PgPoolOptions::new().max_connections(10).connect_lazy_with(options);
    Database { url, name, pool, server }
}

impl Drop for Database {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("the test's database is kept for a look: psql {}", self.url);
            return;
        }
        let (server, name) = (self.server.clone(), self.name.clone());
        // A drop cannot wait inside the test's own runtime, so it waits on a thread beside it.
        let dropped = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            runtime.block_on(async {
                let mut admin = PgConnection::connect_with(&server).await?;
                let drop = format!("drop database if exists {name} with (force)");
                admin.execute(AssertSqlSafe(drop)).await?;
                admin.close().await
            })
        })
        .join();
        if !matches!(dropped, Ok(Ok(()))) {
            eprintln!("the database {} stays; it is dropped later", self.name);
        }
    }
}

/// The name of a migrated template for these migrations, made if it is not there.
async fn template(
    admin: &mut PgConnection,
    server: &PgConnectOptions,
    migrators: &[&Migrator],
) -> String {
    let prefix = format!("template_{}_", hash(migrators));
    if let Some(name) = find(admin, &prefix).await {
        return name;
    }
    sqlx::query("select pg_advisory_lock($1)").bind(MAKING).execute(&mut *admin).await.unwrap();
    if let Some(name) = find(admin, &prefix).await {
        sqlx::query("select pg_advisory_unlock($1)").bind(MAKING).execute(admin).await.unwrap();
        return name;
    }
    sweep(admin).await;
    // only a complete template has the name that is looked up
    let making = format!("making_{prefix}{}", now());
    run(admin, format!("create database {making} template template0")).await;
    let mut connection =
        PgConnection::connect_with(&server.clone().database(&making)).await.unwrap();
    for migrator in migrators {
        if let Err(error) = migrator.run(&mut connection).await {
            let _ = connection.close().await;
            run(admin, format!("drop database {making} with (force)")).await;
            panic!("the migrations do not apply to an empty database: {error}");
        }
    }
    connection.close().await.unwrap();
    let name = making.trim_start_matches("making_").to_owned();
    run(admin, format!("alter database {making} rename to {name}")).await;
    sqlx::query("select pg_advisory_unlock($1)").bind(MAKING).execute(admin).await.unwrap();
    name
}

async fn find(admin: &mut PgConnection, prefix: &str) -> Option<String> {
    sqlx::query_scalar(
        "select datname::text from pg_database where starts_with(datname, $1) limit 1",
    )
    .bind(prefix)
    .fetch_optional(admin)
    .await
    .unwrap()
}

/// Drops the databases of earlier runs.
async fn sweep(admin: &mut PgConnection) {
    let names: Vec<String> = sqlx::query_scalar(
        "select datname::text from pg_database where datname ~ '^(test|template|making)_'",
    )
    .fetch_all(&mut *admin)
    .await
    .unwrap();
    for name in names.into_iter().filter(|name| outdated(name, now())) {
        // another test may have dropped it already
        let _ = admin
            .execute(AssertSqlSafe(format!("drop database if exists {name} with (force)")))
            .await;
    }
}

/// Returns true if the second in a name is too long ago; names without one belong to other
/// programs.
fn outdated(name: &str, now: u64) -> bool {
    let parts: Vec<&str> = name.split('_').collect();
    let (second, limit) = match parts.as_slice() {
        ["test", second, _] | ["making", "template", _, second] => (second, HOUR),
        ["template", _, second] => (second, 24 * HOUR),
        _ => return false,
    };
    second.parse::<u64>().is_ok_and(|second| now.saturating_sub(second) > limit)
}

/// FNV-1a over every checksum in order: stable between builds, which std's hasher does not promise.
fn hash(migrators: &[&Migrator]) -> String {
    let mut hash: u64 = 0xcbf2_9ce4_8422_2325;
    let mut add = |byte: u8| hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    for migrator in migrators {
        add(b'|');
        for migration in migrator.iter().filter(|one| one.migration_type.is_up_migration()) {
            migration.version.to_be_bytes().into_iter().for_each(&mut add);
            migration.checksum.iter().copied().for_each(&mut add);
        }
    }
    format!("{hash:016x}")
}

async fn run(admin: &mut PgConnection, statement: String) {
    let shown = statement.clone();
    if let Err(error) = admin.execute(AssertSqlSafe(statement)).await {
        panic!("{shown}: {error}");
    }
}

#[expect(clippy::disallowed_methods, reason = "the one variable that the test recipes hand in")]
fn server() -> PgConnectOptions {
    let url = std::env::var("TEST_DATABASE_URL").unwrap_or_else(|_| {
        panic!("this test needs PostgreSQL: run `just test`, or `just with-postgres cargo nextest run …`")
    });
    PgConnectOptions::from_str(&url)
        .unwrap_or_else(|error| panic!("TEST_DATABASE_URL is no PostgreSQL URL: {error}"))
}

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_old_names_of_ours_are_outdated() {
        assert!(outdated("test_1000_abc", 1000 + HOUR + 1));
        assert!(!outdated("test_1000_abc", 1000 + HOUR));
        assert!(!outdated("template_00ff_1000", 1000 + HOUR + 1));
        assert!(outdated("template_00ff_1000", 1000 + 24 * HOUR + 1));
        assert!(outdated("making_template_00ff_1000", 1000 + HOUR + 1));
        assert!(!outdated("test_results", u64::MAX));
        assert!(!outdated("template_postgis", u64::MAX));
    }
}
