//! The schema: its contents, the replacement of its functions, and its removal.

use std::{fs, path::Path};

use crate::support::*;
use bellwether_queue::{Db, MIGRATOR, migrate, upgrade};
use sqlx::{PgPool, migrate::MigrateError};

/// Describes the schema, a line for each part: tables in full, functions by their signatures.
async fn schema(pool: &PgPool) -> String {
    let lines: Vec<String> = sqlx::query_scalar(
        r"select line from (
            select c.relname::text as name, 0 as part, a.attnum::int as no,
                format('%s.%s %s%s%s', c.relname, a.attname, format_type(a.atttypid, a.atttypmod),
                    case when a.attnotnull then ' not null' end,
                    case when a.attidentity <> '' then ' identity' else ' default ' || pg_get_expr(d.adbin, d.adrelid) end) as line
            from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
            left join pg_attrdef d on d.adrelid = c.oid and d.adnum = a.attnum
            where c.relnamespace = 'queue'::regnamespace and c.relkind in ('r', 'p', 'v', 'c')
            union all
            select i.tablename, 1, 0, i.indexdef from pg_indexes i where i.schemaname = 'queue'
            union all
            select c.relname, 2, 0, format('%s constraint %s %s', c.relname, x.conname, pg_get_constraintdef(x.oid))
            from pg_constraint x join pg_class c on c.oid = x.conrelid
            where x.connamespace = 'queue'::regnamespace and x.contype <> 'n'
            union all
            select c.relname, 3, 0, format('%s with (%s)', c.relname, array_to_string(array(select o from unnest(c.reloptions) o order by o), ', '))
            from pg_class c where c.relnamespace = 'queue'::regnamespace and c.reloptions is not null
            union all
            select '~sequence', 4, 0, 'sequence ' || s.sequencename from pg_sequences s where s.schemaname = 'queue'
            union all
            select '~~function', 5, 0, format('function %s(%s) returns %s%s', p.proname, pg_get_function_arguments(p.oid),
                pg_get_function_result(p.oid), ' set ' || array_to_string(p.proconfig, ', '))
            from pg_proc p where p.pronamespace = 'queue'::regnamespace
        ) x
        where name !~ '_\d{8}$' and name <> 'migration'
        order by name, part, no, line",
    )
    .fetch_all(pool)
    .await
    .unwrap();
    lines.into_iter().map(|line| line + "\n").collect()
}

#[tokio::test]
async fn the_schema_is_the_committed_one() {
    let db = database().await;
    let is = schema(&db.pool()).await;
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("schema.txt");
    if fs::read_to_string(&path).is_ok_and(|committed| committed == is) {
        return;
    }
    fs::write(&path, is).unwrap();
    panic!("the schema has changed: {} has been rewritten, commit it", path.display());
}

#[tokio::test]
async fn undo_removes_everything_and_the_schema_migrates_again() {
    let db = database().await;
    let pool = db.pool();
    let before = schema(&pool).await;
    MIGRATOR.undo(&pool, 0).await.unwrap();
    assert_eq!(schema(&pool).await, "");
    assert_eq!(count(&Db::direct(pool.clone()), "select count(*) from queue.migration").await, 0);
    migrate(&pool).await.unwrap();
    assert_eq!(schema(&pool).await, before);
}

#[tokio::test]
async fn functions_are_replaced_as_a_whole_and_none_that_is_superseded_stays() {
    let db = database().await;
    let pool = db.pool();
    let before = schema(&pool).await;
    sqlx::raw_sql(
        "create function queue.claim_of_before(integer) returns void language sql as 'select';
        drop function queue.refuse;
        create function queue.refuse(p_job bigint) returns integer language sql as 'select 1';
        update queue.migration set checksum = 'before' where description = 'functions'",
    )
    .execute(&pool)
    .await
    .unwrap();
    upgrade(&pool).await.unwrap();
    assert_eq!(schema(&pool).await, before);
}

#[tokio::test]
async fn a_schema_that_is_current_is_left_alone() {
    let db = database().await;
    let pool = Db::direct(db.pool());
    let made = "select sum(xmin::text::bigint)::bigint from pg_proc where pronamespace = 'queue'::regnamespace";
    let before = count(&pool, made).await;
    upgrade(&db.pool()).await.unwrap();
    assert_eq!(count(&pool, made).await, before);
}

#[tokio::test]
async fn a_program_of_the_release_before_starts_on_the_schema_of_the_next() {
    let db = database().await;
    sqlx::raw_sql(
        "insert into queue.migration (version, description, success, checksum, execution_time)
        values (9001, 'functions', true, '', 0);
        drop function queue.refuse",
    )
    .execute(&db.pool())
    .await
    .unwrap();
    let refused = upgrade(&db.pool()).await;
    assert!(matches!(refused, Err(MigrateError::VersionMissing(9001))), "{refused:?}");
    migrate(&db.pool()).await.unwrap();
    let pool = Db::direct(db.pool());
    let replaced = "select count(*) from pg_proc where proname = 'refuse' and pronamespace = 'queue'::regnamespace";
    assert_eq!(count(&pool, replaced).await, 0, "the functions of the newer release stay");
}

#[tokio::test]
async fn tables_that_no_release_has_made_are_refused() {
    let db = database().await;
    sqlx::query("update queue.migration set checksum = 'x' where version = 1")
        .execute(&db.pool())
        .await
        .unwrap();
    let refused = migrate(&db.pool()).await;
    assert!(matches!(refused, Err(MigrateError::VersionMismatch(1))), "{refused:?}");
}
