//! Databases of tests: migrated, apart from each other, gone afterwards.

use std::path::Path;

use bellwether_testing::database;
use sqlx::migrate::Migrator;

async fn migrator(dir: &Path, statement: &str) -> Migrator {
    std::fs::write(dir.join("0001_fruit.sql"), statement).unwrap();
    Migrator::new(dir).await.unwrap()
}

#[tokio::test]
async fn two_databases_share_a_schema_and_no_rows_and_are_dropped() {
    let dir = tempfile::tempdir().unwrap();
    let migrator = migrator(dir.path(), "create table fruit (name text not null)").await;
    let migrators = [&migrator];
    let (one, other) = tokio::join!(database(&migrators), database(&migrators));
    sqlx::query("insert into fruit values ('apple')").execute(&one.pool()).await.unwrap();
    let count = "select count(*) from fruit";
    let here: i64 = sqlx::query_scalar(count).fetch_one(&one.pool()).await.unwrap();
    let there: i64 = sqlx::query_scalar(count).fetch_one(&other.pool()).await.unwrap();
    assert_eq!((here, there), (1, 0));

    let name = one.name.clone();
    drop(one);
    let left: i64 = sqlx::query_scalar("select count(*) from pg_database where datname = $1")
        .bind(&name)
        .fetch_one(&other.pool())
        .await
        .unwrap();
    assert_eq!(left, 0, "{name} was not dropped");
}

#[tokio::test]
async fn other_migrations_make_another_template() {
    let (apples, pears) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let apples = migrator(apples.path(), "create table apple (n int)").await;
    let pears = migrator(pears.path(), "create table pear (n int)").await;
    let (with_apples, with_pears) = (database(&[&apples]).await, database(&[&pears]).await);
    let table = "select to_regclass('apple') is not null";
    let apple: bool = sqlx::query_scalar(table).fetch_one(&with_apples.pool()).await.unwrap();
    let none: bool = sqlx::query_scalar(table).fetch_one(&with_pears.pool()).await.unwrap();
    assert!(apple && !none);
}

#[tokio::test]
#[should_panic(expected = "the migrations do not apply to an empty database")]
async fn a_migration_that_fails_says_so() {
    let dir = tempfile::tempdir().unwrap();
    let broken = migrator(dir.path(), "create table (").await;
    database(&[&broken]).await;
}
