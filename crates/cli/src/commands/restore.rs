//! `bellwether restore FILE`.

use std::{
    fs::File,
    io::{BufReader, Read},
    path::PathBuf,
};

use anyhow::{Context, bail};
use clap::Args;
use sqlx::PgConnection;

use crate::{
    backup::{self, Header, Reader, Trailer},
    database::{Database, DatabaseArgs},
    out::say,
};

const NAME: &str = "bellwether restore";

#[derive(Args)]
pub(crate) struct RestoreArgs {
    /// File written by `backup`; `-` is stdin
    file: PathBuf,
    /// Replace the rows that the database holds now
    #[arg(long, env = "BELLWETHER_RESTORE_YES")]
    yes: bool,
    #[command(flatten)]
    database: DatabaseArgs,
}

pub(crate) async fn run(args: RestoreArgs) -> anyhow::Result<bool> {
    let name = args.file.display().to_string();
    let restored = if args.file.as_os_str() == "-" {
        let (reader, header) = Reader::open(std::io::stdin().lock())?;
        header.check()?;
        restore(&args, reader, &header).await?
    } else {
        let open = || {
            let file = File::open(&args.file).with_context(|| format!("cannot read {name}"))?;
            Reader::open(BufReader::new(file)).with_context(|| name.clone())
        };
        let (reader, header) = open()?;
        header.check().with_context(|| name.clone())?;
        // before anything is changed, and before the operator has waited for it
        backup::check(reader, &header).await.with_context(|| name.clone())?;
        let (reader, header) = open()?;
        restore(&args, reader, &header).await?
    };
    say!("{} rows of {} tables restored", restored.total(), restored.rows.len())?;
    Ok(true)
}

async fn restore<R: Read>(
    args: &RestoreArgs,
    reader: Reader<R>,
    header: &Header,
) -> anyhow::Result<Trailer> {
    let database = Database::open(&args.database).await?;
    let restored = async {
        let mut conn = refuse_running(&database, NAME).await?;
        if !args.yes && !backup::is_empty(&mut conn).await? {
            bail!(
                "the database holds data: --yes (BELLWETHER_RESTORE_YES) replaces all of it by the backup"
            );
        }
        database.migrate().await?;
        backup::load(&mut conn, reader, header).await
    };
    let restored = restored.await;
    database.close().await?;
    restored
}

/// Fails while another process works on the database: it would write between the rows of the
/// backup, and continue with its memory of the rows before.
///
/// Returns the connection that it has asked over, which has this name. It has to be the first one of
/// this command: those of the pool cannot be told from another process's.
pub(super) async fn refuse_running(
    database: &Database,
    name: &str,
) -> anyhow::Result<PgConnection> {
    let mut conn = match backup::connect(&database.direct, name).await {
        Ok(conn) => conn,
        Err(error) => return Err(database.answers().await.err().unwrap_or(error)),
    };
    let there: bool = sqlx::query_scalar("select to_regclass('queue.process') is not null")
        .fetch_one(&mut conn)
        .await?;
    let mut running: Vec<String> = Vec::new();
    if there {
        // an ended process that could not say so is silent for longer than this; without a timeline
        // the rows are those of a backup, and no process has claimed a job since
        running = sqlx::query_scalar(
            "select 'worker ' || name from queue.process
            where dead_at is null and ended_at is null
                and beat_at > clock_timestamp() - interval '15 seconds'
                and exists (select from queue.server where timeline is not null)
            order by 1",
        )
        .fetch_all(&mut conn)
        .await?;
    }
    let connected: Vec<String> = sqlx::query_scalar(
        "select distinct application_name from pg_stat_activity
        where datname = current_database() and pid <> pg_backend_pid()
            and application_name like 'bellwether%'",
    )
    .fetch_all(&mut conn)
    .await?;
    running.extend(connected.into_iter().map(|name| format!("connection {name:?}")));
    if running.is_empty() {
        return Ok(conn);
    }
    bail!(
        "Bellwether runs on this database ({}): stop it first, all of its processes",
        running.join(", ")
    )
}
