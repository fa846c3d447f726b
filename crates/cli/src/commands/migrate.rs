//! `bellwether migrate up|down|status`.

use clap::{Args, ValueEnum};

use super::restore::refuse_running;
use crate::{
    database::{Database, DatabaseArgs, applied, explain, migrators},
    out::{confirm, say},
};

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Direction {
    Up,
    Down,
    Status,
}

#[derive(Args)]
pub(crate) struct MigrateArgs {
    #[arg(value_enum)]
    direction: Direction,
    /// With `down`: undo every migration and lose all data; without it, only the newest
    #[arg(long, env = "BELLWETHER_MIGRATE_ALL")]
    all: bool,
    /// With `down`: do not ask for confirmation before all data, or the whole queue, is deleted
    #[arg(long, env = "BELLWETHER_MIGRATE_YES")]
    yes: bool,
    #[command(flatten)]
    database: DatabaseArgs,
}

pub(crate) async fn run(args: MigrateArgs) -> anyhow::Result<bool> {
    if args.direction == Direction::Down && args.all && !args.yes {
        confirm("`migrate down --all` deletes every table and all data", "BELLWETHER_MIGRATE_YES")?;
    }
    let database = match args.direction {
        Direction::Up => Database::open(&args.database).await?,
        Direction::Down | Direction::Status => Database::existing(&args.database).await?,
    };
    let result = match args.direction {
        Direction::Up => database.migrate().await,
        Direction::Down => down(&database, args.all, args.yes).await,
        Direction::Status => database.answers().await,
    };
    let shown = match &result {
        Ok(()) => status(&database).await,
        Err(_) => Ok(true),
    };
    database.close().await?;
    result?;
    // `status` also reports by its exit code: 1 while a migration is missing.
    Ok(shown? || args.direction != Direction::Status)
}

/// Undoes the newest migration of the product's tables, or the whole queue once those are gone.
async fn down(database: &Database, all: bool, yes: bool) -> anyhow::Result<()> {
    refuse_running(database, "bellwether migrate").await?;
    for (name, migrator) in migrators().into_iter().rev() {
        let mut versions = applied(&database.pool, migrator).await?;
        versions.sort_unstable();
        if versions.is_empty() {
            continue;
        }
        if name == "queue" && !all && !yes {
            confirm(
                "`migrate down` deletes the whole queue with its jobs",
                "BELLWETHER_MIGRATE_YES",
            )?;
        }
        let target = if all || name == "queue" {
            0
        } else {
            versions.iter().rev().nth(1).copied().unwrap_or(0)
        };
        tracing::info!("undoing {name} migrations down to {target}");
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
