//! Sizes of tables.

use sqlx::PgPool;

use crate::rows::Result;

const MIB: f64 = 1024.0 * 1024.0;

/// Prints rows and bytes of each table with its indexes, the largest first, as a table of Markdown.
pub(crate) async fn print(pool: &PgPool, days: u64) -> Result<()> {
    sqlx::raw_sql("vacuum analyze").execute(pool).await?;
    let tables: Vec<(String, f64, i64)> = sqlx::query_as(
        "select coalesce(p.inhparent, c.oid)::regclass::text, sum(c.reltuples)::float8, sum(pg_total_relation_size(c.oid))::bigint
        from pg_class c
        join pg_namespace n on n.oid = c.relnamespace
        left join pg_inherits p on p.inhrelid = c.oid
        where c.relkind = 'r' and n.nspname in ('queue', 'public')
        group by 1 order by 3 desc",
    )
    .fetch_all(pool)
    .await?;
    println!("| table | rows | MiB with indexes | bytes a row |\n|---|---:|---:|---:|");
    let (mut rest, mut total) = (0, 0);
    for (name, rows, bytes) in tables {
        total += bytes;
        if bytes < 1 << 20 {
            rest += bytes;
            continue;
        }
        let each = if rows > 0.0 { bytes as f64 / rows } else { 0.0 };
        println!("| `{name}` | {rows:.0} | {:.1} | {each:.0} |", bytes as f64 / MIB);
    }
    println!("| all others | | {:.1} | |", rest as f64 / MIB);
    println!("| **together, after {days} days** | | **{:.1}** | |", total as f64 / MIB);
    Ok(())
}
