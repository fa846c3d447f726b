//! Recognises a database of another program before anything in it is changed.

use anyhow::bail;
use sqlx::{PgPool, migrate::Migrator};

/// The oldest PostgreSQL that runs the schema, as `server_version_num` counts.
const OLDEST: i32 = 140_000;

/// Fails with instructions if the server is too old or the tables belong to another program.
pub(crate) async fn check(
    pool: &PgPool,
    queue: &Migrator,
    product: &Migrator,
) -> anyhow::Result<()> {
    let (number, version): (i32, String) = sqlx::query_as(
        "select current_setting('server_version_num')::int, current_setting('server_version')",
    )
    .fetch_one(pool)
    .await?;
    check_version(number, &version)?;
    let (has_queue, has_product, has_schema): (bool, bool, bool) = sqlx::query_as(
        "select to_regclass($1) is not null, to_regclass($2) is not null,
            exists (select from pg_namespace where nspname = 'queue')",
    )
    .bind(queue.table_name.as_ref())
    .bind(product.table_name.as_ref())
    .fetch_one(pool)
    .await?;
    let advice =
        "give Bellwether a database of its own (create database bellwether) in DATABASE_URL";
    if !has_queue && has_schema {
        bail!("the database has a schema named queue that is not of Bellwether: {advice}");
    }
    if !has_queue && has_product && has_rows(pool, product).await? {
        bail!("the database has the migrations of another program: {advice}");
    }
    if !has_product {
        let theirs: Vec<String> = sqlx::query_scalar(
            "select name from unnest($1::text[]) name where to_regclass(name) is not null limit 3",
        )
        .bind(tables(product))
        .fetch_all(pool)
        .await?;
        if !theirs.is_empty() {
            let names = theirs.join(", ");
            bail!("the database has tables of another program ({names}): {advice}");
        }
    }
    Ok(())
}

fn check_version(number: i32, version: &str) -> anyhow::Result<()> {
    if number < OLDEST {
        bail!(
            "the server is PostgreSQL {version}, and {} or newer is needed: upgrade it",
            OLDEST / 10_000
        );
    }
    Ok(())
}

/// After `migrate down --all` the table of migrations stays, and is empty.
async fn has_rows(pool: &PgPool, migrator: &Migrator) -> sqlx::Result<bool> {
    let sql = format!("select exists (select from {})", migrator.table_name);
    sqlx::query_scalar(sqlx::AssertSqlSafe(sql)).fetch_one(pool).await
}

/// The tables that the migrations create.
fn tables(migrator: &Migrator) -> Vec<String> {
    migrator
        .iter()
        .filter(|migration| !migration.migration_type.is_down_migration())
        .flat_map(|migration| {
            let text = migration.sql.as_str().to_lowercase();
            let names = text.split("create table ").skip(1).filter_map(|rest| {
                let name: String = rest
                    .trim_start_matches("if not exists ")
                    .chars()
                    .take_while(|c| c.is_alphanumeric() || matches!(c, '_' | '.' | '"'))
                    .collect();
                (!name.is_empty()).then_some(name)
            });
            names.collect::<Vec<_>>()
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_that_is_too_old_is_refused_with_its_version() {
        let refused = check_version(130_022, "13.22 (Debian 13.22-1)").unwrap_err().to_string();
        let said = "the server is PostgreSQL 13.22 (Debian 13.22-1), and 14 or newer is needed";
        assert!(refused.contains(said), "{refused}");
        assert!(check_version(140_000, "14.0").is_ok());
    }

    #[test]
    fn the_tables_are_read_from_the_migrations() {
        let found = tables(&bellwether_store::MIGRATOR);
        for table in ["article", "quote", "signal", "alert"] {
            assert!(found.iter().any(|name| name == table), "{table} in {found:?}");
        }
    }
}
