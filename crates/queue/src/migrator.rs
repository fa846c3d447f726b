//! The schema, brought to this release.

use sqlx::{
    Connection, PgPool,
    migrate::{MigrateError, Migrator},
};

/// The queue's own tables and functions, in schema `queue`; they are recorded apart from the
/// application's migrations, in `queue.migration`, so the two may run in either order.
///
/// A deployment runs it once, before the processes of its release start, on a connection that no
/// transaction pooler stands before: it takes an advisory lock of its session. `MIGRATOR.undo` goes
/// back to an older version; `MIGRATOR.iter()` yields the statements for another tool. A schema of a
/// newer release is refused; where that is no mistake, see [`migrate`].
pub static MIGRATOR: std::sync::LazyLock<Migrator> = std::sync::LazyLock::new(migrator);

/// As `MIGRATOR.run`, for a program that brings its schema along when it starts: a schema of a newer
/// release is left as it is. While a deployment rolls, processes of the release before may start
/// anew; they work on the newer schema as on their own. It closes the connection that it ran on.
pub async fn migrate(pool: &PgPool) -> Result<(), MigrateError> {
    let mut migrator = migrator();
    migrator.set_ignore_missing(true);
    // A migration that fails keeps the lock for as long as its session lasts: it ends here.
    let mut conn = pool.acquire().await?.detach();
    let migrated = migrator.run(&mut conn).await;
    conn.close().await.ok();
    migrated
}

fn migrator() -> Migrator {
    let mut migrator = sqlx::migrate!("./migrations");
    migrator.create_schema("queue");
    migrator.dangerous_set_table_name("queue.migration");
    migrator
}
