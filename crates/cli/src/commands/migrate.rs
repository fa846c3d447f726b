//! `bellwether migrate up|down|status`.

use std::io::{BufRead, IsTerminal, Write};

use anyhow::bail;
use bellwether_queue::inspect;
use chrono::TimeDelta;

use crate::{
    args::{Direction, MigrateArgs},
    database::{Database, applied, explain, migrators},
    misuse::misused,
    out::say,
};

/// Age of a heartbeat from which its process is taken for ended.
const SILENCE: TimeDelta = TimeDelta::seconds(30);

pub(crate) async fn run(args: MigrateArgs) -> anyhow::Result<bool> {
    if args.direction == Direction::Down && args.all && !args.yes {
        confirm()?;
    }
    let database = match args.direction {
        Direction::Up => Database::open(&args.database).await?,
        Direction::Down | Direction::Status => Database::existing(&args.database).await?,
    };
    let result = match args.direction {
        Direction::Up => database.migrate().await,
        Direction::Down => down(&database, args.all).await,
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

/// Asks the user at the terminal; without a terminal the option is required.
fn confirm() -> anyhow::Result<()> {
    if !std::io::stdin().is_terminal() {
        misused!("`migrate down --all` deletes all data: add --yes if that is meant");
    }
    eprint!("This deletes every table and all data. Type yes to go on: ");
    std::io::stderr().flush()?;
    let mut answer = String::new();
    std::io::stdin().lock().read_line(&mut answer)?;
    if answer.trim() != "yes" {
        bail!("nothing was changed");
    }
    Ok(())
}

/// Fails while a worker process uses the tables.
async fn refuse_while_running(database: &Database) -> anyhow::Result<()> {
    let pool = &database.pool;
    let there: bool = sqlx::query_scalar("select to_regclass('queue.process') is not null")
        .fetch_one(pool)
        .await?;
    if !there {
        return Ok(());
    }
    let now = bellwether_store::now(pool).await?;
    let running: Vec<String> = inspect::workers(pool)
        .await?
        .into_iter()
        .filter(|worker| !worker.dead && now - worker.beat_at < SILENCE)
        .map(|worker| worker.name)
        .collect();
    if !running.is_empty() {
        bail!(
            "{} still runs on this database: stop it before `migrate down`, which drops its tables",
            running.join(", ")
        );
    }
    Ok(())
}

/// Undoes the newest migration of the product's tables, or the whole queue once those are gone.
async fn down(database: &Database, all: bool) -> anyhow::Result<()> {
    database.answers().await?;
    refuse_while_running(database).await?;
    for (name, migrator) in migrators().into_iter().rev() {
        let mut versions = applied(&database.pool, migrator).await?;
        versions.sort_unstable();
        if versions.is_empty() {
            continue;
        }
        let target = if all || name == "queue" {
            0
        } else {
            versions.iter().rev().nth(1).copied().unwrap_or(0)
        };
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
