//! `bellwether migrate up|down|status`.

use crate::{
    args::{Direction, MigrateArgs},
    database::{Database, applied, explain, migrators},
    out::say,
};

pub(crate) async fn run(args: MigrateArgs) -> anyhow::Result<bool> {
    let database = Database::open(&args.database).await?;
    let result = match args.direction {
        Direction::Up => database.migrate().await,
        Direction::Down => down(&database, args.all).await,
        Direction::Status => Ok(()),
    };
    let shown = match &result {
        Ok(()) => status(&database).await,
        Err(_) => Ok(true),
    };
    database.close().await?;
    result?;
    // `status` tells by its exit code too: 1 while something is missing.
    Ok(shown? || args.direction != Direction::Status)
}

/// Undoes the newest migration of the product's tables, or of the queue's once those are gone.
async fn down(database: &Database, all: bool) -> anyhow::Result<()> {
    for (name, migrator) in migrators().into_iter().rev() {
        let mut versions = applied(&database.pool, migrator).await?;
        versions.sort_unstable();
        if versions.is_empty() {
            continue;
        }
        let target = if all { 0 } else { versions.iter().rev().nth(1).copied().unwrap_or(0) };
        let direct = database.direct();
        migrator.undo(&direct, target).await.map_err(|e| explain(name, e))?;
        direct.close().await;
        if !all {
            break;
        }
    }
    Ok(())
}

/// Prints each migration; returns whether all are applied.
async fn status(database: &Database) -> anyhow::Result<bool> {
    let mut current = true;
    for (name, migrator) in migrators() {
        let applied = applied(&database.pool, migrator).await?;
        for migration in migrator.iter().filter(|m| !m.migration_type.is_down_migration()) {
            let is_applied = applied.contains(&migration.version);
            current &= is_applied;
            let state = if is_applied { "applied" } else { "missing" };
            say!("{name:8} {:04} {:24} {state}", migration.version, migration.description)?;
        }
        for version in applied.iter().filter(|v| !migrator.version_exists(**v)) {
            current = false;
            say!("{name:8} {version:04} {:24} unknown here: of a newer release", "")?;
        }
    }
    Ok(current)
}
