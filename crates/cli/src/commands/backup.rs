//! `bellwether backup FILE`.

use std::{
    fs::{self, File, OpenOptions},
    io::{BufWriter, IsTerminal, Write},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

use anyhow::{Context, bail};
use clap::Args;

use crate::{
    backup::{self, Trailer, Writer},
    database::{Database, DatabaseArgs, applied, migrators},
    out::say,
};

#[derive(Args)]
pub(crate) struct BackupArgs {
    /// File to write; `-` is stdout
    file: PathBuf,
    /// Replace an existing file, once the new one is complete
    #[arg(long, env = "BELLWETHER_BACKUP_OVERWRITE")]
    overwrite: bool,
    #[command(flatten)]
    database: DatabaseArgs,
}

pub(crate) async fn run(args: BackupArgs) -> anyhow::Result<bool> {
    if args.file.as_os_str() == "-" {
        if std::io::stdout().is_terminal() {
            bail!("a backup is not text: redirect stdout, or name a file");
        }
        let (_, written) = save(&args, std::io::stdout()).await?;
        tracing::info!(rows = written.total(), tables = written.rows.len(), "backup written");
        return Ok(true);
    }
    if args.file.exists() && !args.overwrite {
        bail!(
            "{} exists: name another file, or pass --overwrite (BELLWETHER_BACKUP_OVERWRITE)",
            args.file.display()
        );
    }
    let unfinished = Unfinished::create(&args.file)?;
    let file = unfinished.file.try_clone()?;
    let (out, written) = save(&args, BufWriter::new(file)).await?;
    drop(out);
    let bytes = unfinished.finish(&args.file)?;
    say!(
        "{}: {} rows of {} tables, {} KiB",
        args.file.display(),
        written.total(),
        written.rows.len(),
        bytes.div_ceil(1024)
    )?;
    Ok(true)
}

async fn save<W: Write>(args: &BackupArgs, out: W) -> anyhow::Result<(W, Trailer)> {
    let database = Database::existing(&args.database).await?;
    let saved = async {
        database.answers().await?;
        for (name, migrator) in migrators() {
            let mut here = applied(&database.pool, migrator).await?;
            let up = migrator.iter().filter(|m| m.migration_type.is_up_migration());
            here.sort_unstable();
            if !here.iter().copied().eq(up.map(|m| m.version)) {
                bail!(
                    "the {name} tables are not those of this release: run `bellwether migrate up`, \
                     or write the backup with the release that the database is of"
                );
            }
        }
        let mut conn = backup::connect(&database.direct, "bellwether backup").await?;
        backup::save(&mut conn, Writer::new(out)).await
    };
    let saved = saved.await;
    database.close().await?;
    saved
}

/// A file under a temporary name until it is complete; removed otherwise.
struct Unfinished {
    path: PathBuf,
    file: File,
}

impl Unfinished {
    fn create(target: &Path) -> anyhow::Result<Self> {
        let name = target.file_name().context("a backup needs the name of a file")?;
        let name = format!(".{}.{}.partial", name.to_string_lossy(), std::process::id());
        let path = target.with_file_name(name);
        // it holds recipients' addresses
        let file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&path)
            .with_context(|| format!("cannot write {}", path.display()))?;
        Ok(Self { path, file })
    }

    /// Gives the file its name; returns its size.
    fn finish(self, target: &Path) -> anyhow::Result<u64> {
        self.file.sync_all()?;
        let bytes = self.file.metadata()?.len();
        fs::rename(&self.path, target)
            .with_context(|| format!("cannot write {}", target.display()))?;
        if let Some(folder) = target.parent().filter(|folder| !folder.as_os_str().is_empty()) {
            File::open(folder)?.sync_all()?;
        }
        Ok(bytes)
    }
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        // there is none once it has its name
        let _ = fs::remove_file(&self.path);
    }
}
