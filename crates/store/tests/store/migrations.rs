//! The schema, up and down.

use bellwether_store::MIGRATOR;
use bellwether_testing::database;

#[tokio::test]
async fn every_step_has_its_way_back() {
    let db = database(&[&MIGRATOR]).await;
    let pool = db.pool();
    let relations = "select count(*) from pg_class c join pg_namespace n on n.oid = c.relnamespace
                     where n.nspname = 'public' and relname <> '_sqlx_migrations'
                       and relname <> '_sqlx_migrations_pkey'";
    let count = async || sqlx::query_scalar::<_, i64>(relations).fetch_one(&pool).await.unwrap();
    let full = count().await;
    assert!(full > 0);
    MIGRATOR.undo(&pool, 0).await.unwrap();
    assert_eq!(count().await, 0);
    MIGRATOR.run(&pool).await.unwrap();
    assert_eq!(count().await, full);
}

#[tokio::test]
async fn every_migration_opens_with_what_a_row_is() {
    for migration in MIGRATOR.iter().filter(|m| m.migration_type.is_up_migration()) {
        assert!(migration.sql.as_str().starts_with("-- A row "), "{}", migration.description);
    }
}
