//! Tables, sequences and foreign keys that the migrations have made.

use std::collections::BTreeMap;

use sqlx::{AssertSqlSafe, PgConnection, Row};

use super::{Table, quoted};

/// The names that the product's migrations give to tables: others in their schema belong to other
/// programs.
fn product_tables() -> Vec<String> {
    let up = bellwether_store::MIGRATOR.iter().filter(|m| m.migration_type.is_up_migration());
    up.flat_map(|migration| {
        let sql = migration.sql.as_str().to_lowercase();
        let named = sql.split("create table ").skip(1).filter_map(|rest| {
            let name: String =
                rest.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
            (!name.is_empty()).then_some(name)
        });
        named.collect::<Vec<_>>()
    })
    .collect()
}

/// Every table with rows, partitions by themselves, in the order of their names.
pub(super) async fn list(conn: &mut PgConnection) -> sqlx::Result<Vec<Table>> {
    let rows = sqlx::query(
        "select n.nspname || '.' || c.relname as name,
            array_agg(a.attname::text order by a.attnum) as columns,
            not c.relispartition and c.relname ~ '_\\d{8}$' as detached
        from pg_class c
        join pg_namespace n on n.oid = c.relnamespace
        join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped and a.attgenerated = ''
        where c.relkind = 'r'
            and (n.nspname = 'queue' and c.relname <> 'migration'
                or c.relnamespace = (select relnamespace from pg_class where oid = to_regclass('instrument'))
                    and c.relname = any ($1))
        group by n.nspname, c.relname, c.relispartition
        order by n.nspname, c.relname",
    )
    .bind(product_tables())
    .fetch_all(conn)
    .await?;
    rows.iter()
        .map(|row| {
            Ok(Table {
                name: row.try_get("name")?,
                columns: row.try_get("columns")?,
                detached: row.try_get("detached")?,
            })
        })
        .collect()
}

/// The next value of each sequence.
pub(super) async fn sequences(conn: &mut PgConnection) -> sqlx::Result<BTreeMap<String, i64>> {
    let names: Vec<String> = sqlx::query_scalar(
        "select n.nspname || '.' || s.relname
        from pg_class s join pg_namespace n on n.oid = s.relnamespace
        where s.relkind = 'S' and (n.nspname = 'queue' or exists (
            select from pg_depend d join pg_class t on t.oid = d.refobjid
            where d.classid = 'pg_class'::regclass and d.objid = s.oid and d.deptype in ('a', 'i')
                and t.relnamespace = (select relnamespace from pg_class where oid = to_regclass('instrument'))
                and t.relname = any ($1)))
        order by 1",
    )
    .bind(product_tables())
    .fetch_all(&mut *conn)
    .await?;
    let mut sequences = BTreeMap::new();
    for name in names {
        let next = format!("select last_value + is_called::int from {}", quoted(&name));
        let next: i64 = sqlx::query_scalar(AssertSqlSafe(next)).fetch_one(&mut *conn).await?;
        sequences.insert(name, next);
    }
    Ok(sequences)
}

/// The statements that drop each foreign key, and those that add it again.
pub(super) async fn foreign_keys(conn: &mut PgConnection) -> sqlx::Result<Vec<(String, String)>> {
    sqlx::query_as(
        "select format('alter table %s drop constraint %I', k.conrelid::regclass, k.conname),
            format('alter table %s add constraint %I %s', k.conrelid::regclass, k.conname, pg_get_constraintdef(k.oid))
        from pg_constraint k
        join pg_class c on c.oid = k.conrelid
        join pg_namespace n on n.oid = c.relnamespace
        where k.contype = 'f' and k.conparentid = 0
            and (n.nspname = 'queue'
                or c.relnamespace = (select relnamespace from pg_class where oid = to_regclass('instrument'))
                    and c.relname = any ($1))
        order by 1",
    )
    .bind(product_tables())
    .fetch_all(conn)
    .await
}

/// Returns true if no table holds rows, except for those that the migrations themselves write.
pub(crate) async fn is_empty(conn: &mut PgConnection) -> sqlx::Result<bool> {
    for table in list(conn).await? {
        if ["queue.event_floor", "queue.server"].contains(&table.name.as_str()) {
            continue;
        }
        let any = format!("select exists (select from {})", quoted(&table.name));
        if sqlx::query_scalar::<_, bool>(AssertSqlSafe(any)).fetch_one(&mut *conn).await? {
            return Ok(false);
        }
    }
    Ok(true)
}
