//! `bellwether wait`: until the database answers, and is migrated.

use std::time::Duration;

use tokio::time::Instant;

use crate::{args::WaitArgs, database::Database};

pub(crate) async fn run(args: WaitArgs) -> anyhow::Result<bool> {
    let database = Database::open(&args.database).await?;
    let deadline = Instant::now() + args.timeout;
    let mut told = String::new();
    loop {
        let answer = async {
            sqlx::query("select 1").execute(&database.pool).await?;
            if args.schema {
                database.check_schema().await?;
            }
            anyhow::Ok(())
        };
        let answer = match tokio::time::timeout(Duration::from_secs(5), answer).await {
            Ok(answer) => answer,
            Err(_) => Err(anyhow::anyhow!("no answer within 5 s")),
        };
        let Err(e) = answer else { break };
        let text = format!("{e:#}");
        if Instant::now() >= deadline {
            database.close().await?;
            anyhow::bail!("gave up after {}: {text}", humantime::format_duration(args.timeout));
        }
        if told != text {
            tracing::info!("waiting: {text}");
            told = text;
        }
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    database.close().await?;
    Ok(true)
}
