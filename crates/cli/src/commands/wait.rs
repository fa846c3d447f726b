//! `bellwether wait`: until the database answers, and is migrated.

use std::time::Duration;

use clap::Args;
use tokio::time::Instant;

use crate::database::{Database, DatabaseArgs};

const PAUSE: Duration = Duration::from_millis(500);

#[derive(Args)]
pub(crate) struct WaitArgs {
    /// Wait until every migration of this version is applied, too
    #[arg(long, env = "BELLWETHER_WAIT_SCHEMA")]
    schema: bool,
    /// Give up after this time
    #[arg(
        long,
        env = "BELLWETHER_WAIT_TIMEOUT",
        default_value = "5m",
        value_parser = humantime::parse_duration
    )]
    timeout: Duration,
    #[command(flatten)]
    database: DatabaseArgs,
}

pub(crate) async fn run(args: WaitArgs) -> anyhow::Result<bool> {
    let deadline = Instant::now() + args.timeout;
    let mut told = String::new();
    let mut database = None;
    loop {
        let asked = tokio::time::timeout(Duration::from_secs(10), ask(&args, &mut database)).await;
        let answer = asked.unwrap_or_else(|_| Err(anyhow::anyhow!("no answer within 10 s")));
        let Err(e) = answer else { break };
        let text = format!("{e:#}");
        if Instant::now() >= deadline {
            close(database).await?;
            anyhow::bail!("gave up after {}: {text}", humantime::format_duration(args.timeout));
        }
        if told != text {
            tracing::info!("waiting: {text}");
            told = text;
        }
        tokio::time::sleep(PAUSE).await;
    }
    close(database).await?;
    Ok(true)
}

/// Opens the database if it is not open yet; it may just have been created.
async fn ask(args: &WaitArgs, database: &mut Option<Database>) -> anyhow::Result<()> {
    let database = match database {
        Some(database) => database,
        None => database.insert(Database::existing(&args.database).await?),
    };
    if args.schema { database.check_schema().await } else { database.answers().await }
}

async fn close(database: Option<Database>) -> anyhow::Result<()> {
    match database {
        Some(database) => database.close().await,
        None => Ok(()),
    }
}
