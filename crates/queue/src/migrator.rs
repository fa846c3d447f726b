//! Migrations: tables by numbered files, functions and views replaced as a whole.

use sqlx::{
    AssertSqlSafe, Connection, PgConnection, PgPool, SqlSafeStr,
    migrate::{Migrate, MigrateError, Migration, MigrationType, Migrator},
};

/// The version under which all functions and views are recorded. It must rise with each release
/// that changes one of them, so that an older release leaves the functions of a newer one alone.
const FUNCTIONS: i64 = FIRST_FUNCTIONS;
const FIRST_FUNCTIONS: i64 = 1_000;

/// Function files, in order of creation.
const FILES: [&str; 9] = [
    include_str!("../functions/01_enqueue.sql"),
    include_str!("../functions/02_limit.sql"),
    include_str!("../functions/03_ledger.sql"),
    include_str!("../functions/04_claim.sql"),
    include_str!("../functions/05_end.sql"),
    include_str!("../functions/06_dependency.sql"),
    include_str!("../functions/07_command.sql"),
    include_str!("../functions/08_view.sql"),
    include_str!("../functions/09_history.sql"),
];

/// Drops every function before the files create them again. Functions that the view depends on
/// stay, and are replaced in place together with the view.
const REMOVE: &str = "do $$
declare
    f record;
begin
    for f in select oid::regprocedure as name from pg_proc where pronamespace = 'queue'::regnamespace loop
        begin
            execute format('drop routine %s', f.name);
        exception when dependent_objects_still_exist then null;
        end;
    end loop;
end $$;
";

/// Creates the partitions of the next days, and records the server on which the ledger starts.
const LAST: &str = "
select queue.make_partitions();
insert into queue.server (timeline, epoch)
select queue.timeline(), queue.epoch() on conflict do nothing;
";

/// The queue's own tables and functions, in schema `queue`. They are recorded in `queue.migration`,
/// apart from the application's migrations, so the two may run in either order.
///
/// `MIGRATOR.iter()` yields the statements for another tool. `MIGRATOR.undo(&pool, 0)` removes
/// everything; there is no other downgrade. On an empty database `MIGRATOR.run` does what
/// [`migrate`] does, but it does not replace functions that have changed.
pub static MIGRATOR: std::sync::LazyLock<Migrator> = std::sync::LazyLock::new(migrator);

/// Brings the schema to this release. A deployment runs it once, before the processes of its
/// release start, on connections that bypass a transaction pooler: it takes an advisory lock of its
/// session.
///
/// A schema of a newer release is left as it is: during a rolling deployment processes of the
/// previous release may restart, and they work on the newer schema as on their own. [`upgrade`]
/// refuses it.
pub async fn migrate(pool: &PgPool) -> Result<(), MigrateError> {
    match upgrade(pool).await {
        Err(MigrateError::VersionMissing(_)) => Ok(()),
        result => result,
    }
}

/// As [`migrate`], but a schema of a newer release is an error, `VersionMissing`.
/// `VersionMismatch`: the tables have a shape that no release has made; drop the schema `queue`
/// first.
pub async fn upgrade(pool: &PgPool) -> Result<(), MigrateError> {
    // A failed migration keeps the lock until its session ends, so this session is closed.
    let mut conn = pool.acquire().await?.detach();
    let upgraded = run(&mut conn).await;
    conn.close().await.ok();
    upgraded
}

async fn run(conn: &mut PgConnection) -> Result<(), MigrateError> {
    let mut migrator = migrator();
    conn.lock().await?;
    if is_recorded(conn, &migrator).await? {
        let applied = conn.list_applied_migrations(&migrator.table_name).await?;
        let older = FIRST_FUNCTIONS..FUNCTIONS;
        let newer = applied
            .iter()
            .map(|m| m.version)
            .find(|v| !migrator.version_exists(*v) && !older.contains(v));
        if let Some(newer) = newer {
            return Err(MigrateError::VersionMissing(newer));
        }
        let functions = migrator.iter().find(|m| m.version == FUNCTIONS);
        let checksum = functions.map_or(&[][..], |m| m.checksum.as_ref());
        // not checked at compile time: the table is made by the migrator itself
        sqlx::query("delete from queue.migration where version = $1 and checksum <> $2")
            .bind(FUNCTIONS)
            .bind(checksum)
            .execute(&mut *conn)
            .await?;
    }
    migrator.set_ignore_missing(true);
    migrator.run(conn).await
}

async fn is_recorded(conn: &mut PgConnection, migrator: &Migrator) -> sqlx::Result<bool> {
    sqlx::query_scalar!(
        r#"select to_regclass($1) is not null as "there!""#,
        migrator.table_name.as_ref()
    )
    .fetch_one(conn)
    .await
}

fn migrator() -> Migrator {
    let tables = sqlx::migrate!("./migrations");
    let mut sql = REMOVE.to_owned();
    for file in FILES {
        sql.push_str(file);
    }
    sql.push_str(LAST);
    let functions = Migration::new(
        FUNCTIONS,
        "functions".into(),
        MigrationType::Simple,
        AssertSqlSafe(sql).into_sql_str(),
        false,
    );
    let mut migrator =
        Migrator::with_migrations(tables.iter().cloned().chain([functions]).collect());
    migrator.create_schema("queue");
    migrator.dangerous_set_table_name("queue.migration");
    migrator
}
