//! Databases that are away, of another program, or in use.

use bellwether_queue::MIGRATOR;
use bellwether_testing::database;

use crate::support::{Running, bellwether, folder, output, stderr, stdout};

#[test]
fn a_database_that_cannot_be_reached_is_named_with_its_reason() {
    let url = "postgres://boss:hunter2@127.0.0.1:1/x";
    for args in [
        &["jobs", "list"][..],
        &["limits", "list"],
        &["enqueue", "prune"],
        &["evaluate"],
        &["migrate", "up"],
        &["migrate", "down"],
        &["migrate", "status"],
        &["backup", "-"],
        &["wait", "--timeout", "1ms"],
        &["wait", "--schema", "--timeout", "1ms"],
    ] {
        let ended = output(bellwether(args).env("DATABASE_URL", url));
        assert_eq!(ended.status.code(), Some(1), "{args:?}");
        let text = stderr(&ended);
        let said = "cannot reach 127.0.0.1:1 (DATABASE_URL): Connection refused";
        assert!(text.contains(said) && !text.contains("hunter2"), "{args:?}: {text}");
    }
}

#[test]
fn a_fatal_error_is_a_json_line_where_logs_are() {
    let mut command = bellwether(&["jobs", "list", "--log-format", "json"]);
    command.env("DATABASE_URL", "postgres://boss:hunter2@127.0.0.1:1/x");
    let text = stderr(&output(&mut command));
    let lines: Vec<serde_json::Value> =
        text.lines().map(|line| serde_json::from_str(line).expect("a JSON line")).collect();
    let last = lines.last().expect("a line").to_string();
    assert!(last.contains("cannot reach 127.0.0.1:1"), "{text}");
}

#[tokio::test]
async fn a_failed_login_is_reported_without_lines_of_postgresql_source() {
    let db = database(&[]).await;
    let (_, rest) = db.url.rsplit_once('@').expect("an address with a user");
    let (host, _) = rest.split_once('/').expect("an address with a database");
    let url = format!("postgres://nobody-known:hunter2@{host}/none");
    for args in [["jobs", "list"], ["migrate", "up"]] {
        let text = stderr(&output(bellwether(&args).env("DATABASE_URL", &url)));
        assert!(text.contains("refuses the connection"), "{text}");
        assert!(!text.contains("at line") && !text.contains("hunter2"), "{text}");
    }
}

#[tokio::test]
async fn a_database_of_another_program_is_left_as_it_is() {
    for (theirs, said) in [
        ("create table article (id int)", "tables of another program (article)"),
        ("create schema queue", "a schema named queue"),
        (
            "create table _sqlx_migrations (version bigint primary key, description text not null,
                installed_on timestamptz not null default now(), success boolean not null,
                checksum bytea not null, execution_time bigint not null);
             insert into _sqlx_migrations values (20230101000000, 'theirs', now(), true, '', 0)",
            "the migrations of another program",
        ),
    ] {
        let db = database(&[]).await;
        sqlx::raw_sql(theirs).execute(&db.pool()).await.unwrap();
        let tables = "select count(*) from pg_class c join pg_namespace n on n.oid = relnamespace
            where nspname !~ '^(pg_|information)' and relkind = 'r'";
        let count =
            async || -> i64 { sqlx::query_scalar(tables).fetch_one(&db.pool()).await.unwrap() };
        let before = count().await;
        let ended = output(bellwether(&["migrate", "up"]).env("DATABASE_URL", &db.url));
        assert_eq!(ended.status.code(), Some(1));
        let text = stderr(&ended);
        assert!(text.contains(said) && text.contains("a database of its own"), "{text}");
        assert_eq!(count().await, before, "nothing was made");
    }
}

#[tokio::test]
async fn migrate_down_asks_before_it_deletes_and_refuses_while_a_worker_runs() {
    let db = database(&[&MIGRATOR, &bellwether_store::MIGRATOR]).await;
    let run = |args: &[&str]| output(bellwether(args).env("DATABASE_URL", &db.url));
    let mut silent = bellwether(&["migrate", "down"]);
    silent.env("DATABASE_URL", &db.url).env("BELLWETHER_MIGRATE_ALL", "yes");
    let asked = output(&mut silent);
    assert_eq!(asked.status.code(), Some(2), "{}", stderr(&asked));
    assert!(stderr(&asked).contains("add --yes"), "{}", stderr(&asked));

    let mut command = bellwether(&["worker", "alert", "--http-addr", "127.0.0.1:0"]);
    command.env("DATABASE_URL", &db.url);
    let mut worker = Running::start(command);
    bellwether_testing::wait_until("the worker to be registered", || async {
        let there: bool = sqlx::query_scalar("select exists (select from queue.process)")
            .fetch_one(&db.pool())
            .await
            .unwrap();
        there.then_some(())
    })
    .await;
    for args in [&["migrate", "down", "--all", "--yes"][..], &["migrate", "down"]] {
        let refused = run(args);
        assert_eq!(refused.status.code(), Some(1));
        assert!(stderr(&refused).contains("runs on this database"), "{}", stderr(&refused));
    }
    worker.signal("TERM");
    assert_eq!(worker.ended(std::time::Duration::from_secs(20)).await, Some(0));

    let mut command = bellwether(&["api", "--http-addr", "127.0.0.1:0"]);
    command.env("DATABASE_URL", &db.url);
    let mut api = Running::start(command);
    bellwether_testing::wait_until("the API to be connected", || async {
        let there: bool = sqlx::query_scalar(
            "select exists (select from pg_stat_activity
            where datname = current_database() and application_name = 'bellwether')",
        )
        .fetch_one(&db.pool())
        .await
        .unwrap();
        there.then_some(())
    })
    .await;
    let refused = run(&["migrate", "down"]);
    assert_eq!(refused.status.code(), Some(1), "{}", stderr(&refused));
    api.signal("TERM");
    assert_eq!(api.ended(std::time::Duration::from_secs(20)).await, Some(0));
    let status = run(&["migrate", "status"]);
    assert!(status.status.success() && !stdout(&status).contains("missing"));
    let down = run(&["migrate", "down", "--all", "--yes"]);
    assert!(down.status.success(), "{}", stderr(&down));
}

#[tokio::test]
async fn migrations_that_take_long_say_how_far_they_are() {
    let db = database(&[]).await;
    // the schema of the first migrations, which another transaction has not committed
    let mut other = db.pool().begin().await.unwrap();
    sqlx::raw_sql("create schema queue").execute(&mut *other).await.unwrap();
    let mut command = bellwether(&["migrate", "up"]);
    command.env("DATABASE_URL", &db.url);
    let mut migrate = Running::start(command);
    let all = MIGRATOR.iter().chain(bellwether_store::MIGRATOR.iter());
    let all = all.filter(|migration| !migration.migration_type.is_down_migration()).count();
    migrate.until_said(&format!("applying migrations: 0 of {all}")).await;
    other.rollback().await.unwrap();
    let ended = migrate.ended(std::time::Duration::from_mins(1)).await;
    assert_eq!(ended, Some(0), "{}", migrate.said());
}

#[test]
fn a_command_that_reads_creates_no_database() {
    let folder = folder();
    for args in
        [&["jobs", "list"][..], &["evaluate"], &["enqueue", "prune"], &["migrate", "status"]]
    {
        let none = folder.path().join("none");
        let ended = output(bellwether(args).env("BELLWETHER_DATA_DIR", &none));
        assert_eq!(ended.status.code(), Some(1));
        let text = stderr(&ended);
        assert!(text.contains("no Bellwether runs on") && text.contains("BELLWETHER_DATA_DIR"));
        assert!(!none.exists(), "{args:?} created it");
    }
}
