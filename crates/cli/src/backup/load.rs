//! Loads the rows of a file into the tables.

use std::{
    collections::{BTreeMap, BTreeSet},
    io::Read,
};

use anyhow::{Context, bail};
use sqlx::{AssertSqlSafe, Connection, PgConnection, PgTransaction};

use super::{
    Header, Reader, Table, Trailer, copy_line, day_of, file::damaged, progress::Progress, quoted,
    tables,
};

/// Bytes that are sent to the server together.
const PIECE: usize = 1 << 16;

/// Reads a whole file and compares it with its sums, without a database.
pub(crate) async fn check<R: Read>(
    mut file: Reader<R>,
    header: &Header,
) -> anyhow::Result<Trailer> {
    let rows = pass(&mut file, header, None).await?;
    end(file, &rows)
}

/// Replaces every row by those of the file, in one transaction: all of them, or nothing.
pub(crate) async fn load<R: Read>(
    conn: &mut PgConnection,
    mut file: Reader<R>,
    header: &Header,
) -> anyhow::Result<Trailer> {
    let mut tx = conn.begin().await?;
    let keys = tables::foreign_keys(&mut tx).await?;
    // the rows come in no order that foreign keys could follow; the keys are checked when they are
    // added again
    for (drop, _) in &keys {
        run(&mut tx, drop.clone()).await?;
    }
    empty(&mut tx, header).await?;
    let rows = pass(&mut file, header, Some(&mut tx)).await?;
    let trailer = end(file, &rows)?;
    for (name, next) in &trailer.sequences {
        run(&mut tx, format!("alter sequence {} restart with {next}", quoted(name))).await?;
    }
    tracing::info!("checking {} foreign keys", keys.len());
    for (_, add) in keys {
        run(&mut tx, add).await.context("the rows of the backup do not fit together")?;
    }
    // also if the rows return to the tables that they were taken from
    run(&mut tx, "update queue.server set epoch = ''".to_owned()).await?;
    run(&mut tx, "select queue.check_epoch()".to_owned()).await?;
    tx.commit().await?;
    tracing::info!("analyzing the tables");
    sqlx::raw_sql("analyze").execute(conn).await?;
    Ok(trailer)
}

async fn run(tx: &mut PgTransaction<'_>, sql: String) -> sqlx::Result<()> {
    sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut **tx).await?;
    Ok(())
}

/// Empties every table, and makes the days of history those of the backup.
async fn empty(tx: &mut PgTransaction<'_>, header: &Header) -> anyhow::Result<()> {
    let here = tables::list(tx).await?;
    let (days, kept): (Vec<_>, Vec<_>) = here.iter().partition(|t| day_of(&t.name).is_some());
    let columns = |tables: &mut dyn Iterator<Item = &Table>| -> BTreeMap<String, BTreeSet<String>> {
        tables.map(|t| (t.name.clone(), t.columns.iter().cloned().collect())).collect()
    };
    let of_file = header.tables.iter().filter(|t| day_of(&t.name).is_none());
    if columns(&mut kept.iter().copied()) != columns(&mut of_file.into_iter()) {
        bail!(
            "the backup does not have the tables of this schema: restore it with the release that wrote it"
        );
    }
    let names: Vec<_> = kept.iter().map(|t| quoted(&t.name)).collect();
    run(tx, format!("truncate {}", names.join(", "))).await?;
    for table in days {
        run(tx, format!("drop table {}", quoted(&table.name))).await?;
    }
    for table in &header.tables {
        let Some((parent, day)) = day_of(&table.name) else { continue };
        let (name, parent) = (quoted(&table.name), quoted(&format!("queue.{parent}")));
        let next = day.succ_opt().context("a day of the calendar")?;
        let create = if table.detached {
            format!("create table {name} (like {parent} including all)")
        } else {
            format!(
                "create table {name} partition of {parent} \
                 for values from ('{day} 00:00:00+00') to ('{next} 00:00:00+00')"
            )
        };
        run(tx, create).await?;
    }
    Ok(())
}

/// Reads the rows, and sends them to the database if there is one. Returns the number of rows of
/// each table.
async fn pass<R: Read>(
    file: &mut Reader<R>,
    header: &Header,
    mut tx: Option<&mut PgTransaction<'_>>,
) -> anyhow::Result<BTreeMap<String, u64>> {
    let mut counts = BTreeMap::new();
    let mut piece = Vec::new();
    let verb = if tx.is_some() { "restoring" } else { "checking" };
    let mut progress = Progress::start(verb, header.tables.len());
    for table in &header.tables {
        progress.next_table();
        let copy_line = copy_line(table);
        piece.clear();
        file.line(&mut piece)?;
        if piece != format!("{copy_line};\n").as_bytes() {
            return Err(damaged());
        }
        piece.clear();
        let mut copy = match tx.as_mut() {
            Some(tx) => Some(tx.copy_in_raw(&copy_line).await?),
            None => None,
        };
        let mut rows = 0;
        loop {
            let from = piece.len();
            file.line(&mut piece)?;
            let ended = &piece[from..] == b"\\.\n";
            if ended {
                piece.truncate(from);
            } else {
                rows += 1;
                progress.add(1);
            }
            if ended || piece.len() >= PIECE {
                if let Some(copy) = &mut copy {
                    copy.send(piece.as_slice()).await?;
                }
                piece.clear();
            }
            if ended {
                break;
            }
        }
        if let Some(copy) = copy {
            copy.finish().await.with_context(|| format!("the rows of {}", table.name))?;
        }
        counts.insert(table.name.clone(), rows);
    }
    Ok(counts)
}

fn end<R: Read>(file: Reader<R>, rows: &BTreeMap<String, u64>) -> anyhow::Result<Trailer> {
    let trailer = file.finish()?;
    if &trailer.rows != rows {
        return Err(damaged());
    }
    Ok(trailer)
}
