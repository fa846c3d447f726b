//! Writes every row of one snapshot to a file.

use std::io::Write;

use anyhow::Context;
use futures_util::TryStreamExt;
use sqlx::{AssertSqlSafe, PgConnection};

use super::{
    FORMAT, Header, Schema, Table, Trailer, VERSION, Writer, columns, copy_line,
    progress::Progress, quoted, tables,
};

/// Attempts to lock the listed tables; between the listing and the locks the queue may drop a day's
/// partition.
const TRIES: u32 = 5;
const NO_SUCH_TABLE: &str = "42P01";

/// Writes the rows of one snapshot, while other processes keep writing to the database.
pub(crate) async fn save<W: Write>(
    conn: &mut PgConnection,
    mut out: Writer<W>,
) -> anyhow::Result<(W, Trailer)> {
    let tables = snapshot(conn).await?;
    let created_at = sqlx::query_scalar("select now()").fetch_one(&mut *conn).await?;
    let header = Header {
        format: FORMAT.to_owned(),
        version: VERSION,
        product: env!("CARGO_PKG_VERSION").to_owned(),
        created_at,
        schema: Schema::current(),
        tables,
    };
    out.line(&header.line()?)?;
    let mut trailer = Trailer::default();
    let mut progress = Progress::start("writing", header.tables.len());
    for table in &header.tables {
        progress.next_table();
        out.line(&format!("{};", copy_line(table)))?;
        let mut rows = 0;
        let mut copy = conn.copy_out_raw(&copy_out(table)).await?;
        while let Some(bytes) = copy.try_next().await? {
            // a line is a row: line ends within values are escaped
            let more = memchr::memchr_iter(b'\n', &bytes).count() as u64;
            rows += more;
            progress.add(more);
            out.write(&bytes).context("cannot write the backup")?;
        }
        drop(copy);
        out.line("\\.")?;
        trailer.rows.insert(table.name.clone(), rows);
    }
    // after the rows: a value that a row of the snapshot has is never given again
    trailer.sequences = tables::sequences(conn).await?;
    sqlx::raw_sql("rollback").execute(conn).await?;
    Ok((out.finish(&trailer)?, trailer))
}

/// Begins a transaction with one snapshot, in which no table can be dropped.
async fn snapshot(conn: &mut PgConnection) -> anyhow::Result<Vec<Table>> {
    let mut attempt = 0;
    loop {
        attempt += 1;
        sqlx::raw_sql("begin isolation level repeatable read read only")
            .execute(&mut *conn)
            .await?;
        let tables = tables::list(&mut *conn).await?;
        let names: Vec<_> = tables.iter().map(|table| quoted(&table.name)).collect();
        let lock = format!("lock table {} in access share mode", names.join(", "));
        match sqlx::query(AssertSqlSafe(lock)).execute(&mut *conn).await {
            Ok(_) => return Ok(tables),
            // the queue has dropped a day in between
            Err(e) if is_gone(&e) && attempt < TRIES => {
                sqlx::raw_sql("rollback").execute(&mut *conn).await?;
            }
            Err(e) => return Err(e.into()),
        }
    }
}

fn is_gone(e: &sqlx::Error) -> bool {
    e.as_database_error()
        .and_then(sqlx::error::DatabaseError::code)
        .is_some_and(|code| code == NO_SUCH_TABLE)
}

/// The statement that reads a table. Of a day that is being cleared: the part that is not yet, and
/// that it has to be cleared from its beginning.
fn copy_out(table: &Table) -> String {
    let (name, columns) = (quoted(&table.name), columns(table));
    if table.detached {
        let short = table.name.trim_start_matches("queue.");
        return format!(
            "copy (select {columns} from {name} where ctid >= format('(%s,0)', \
             (select g.blocks from queue.detached_partition g where g.name = '{short}'))::tid) to stdout"
        );
    }
    if table.name == "queue.detached_partition" {
        let columns = columns.replace("\"blocks\"", "0");
        return format!("copy (select {columns} from {name}) to stdout");
    }
    format!("copy {name} ({columns}) to stdout")
}
