//! The commands that a person or a manifest calls.

use bellwether_queue::{Db, JobId, MIGRATOR, State, inspect};
use bellwether_testing::{database, wait_until};
use serde_json::{Value, json};

use crate::support::{Running, bellwether, output, stderr, stdout};

#[tokio::test]
async fn migrate_goes_up_says_where_it_stands_and_goes_down() {
    let db = database(&[]).await;
    let run = |args: &[&str]| output(bellwether(args).env("DATABASE_URL", &db.url));
    let missing = run(&["migrate", "status"]);
    assert_eq!(missing.status.code(), Some(1), "something is missing");
    let up = run(&["migrate", "up"]);
    assert!(up.status.success(), "{}", stderr(&up));
    let status = run(&["migrate", "status"]);
    assert!(status.status.success());
    assert!(!stdout(&status).contains("missing"), "{}", stdout(&status));
    assert!(run(&["migrate", "up"]).status.success(), "a second run changes nothing");
    assert!(run(&["wait", "--schema", "--timeout", "5s"]).status.success());
    let down = run(&["migrate", "down", "--all", "--yes"]);
    assert!(down.status.success(), "{}", stderr(&down));
    assert!(run(&["migrate", "up"]).status.success(), "{}", stderr(&down));
}

/// As during the rollback of a deployment: tables of the newer release disturb nothing.
#[tokio::test]
async fn a_database_of_a_newer_release_is_worked_and_not_migrated() {
    let db = database(&[&MIGRATOR, &bellwether_store::MIGRATOR]).await;
    for table in ["_sqlx_migrations", "queue.migration"] {
        sqlx::query(sqlx::AssertSqlSafe(format!("insert into {table} (version, description, success, checksum, execution_time) values (9001, 'from the future', true, '', 0)")))
            .execute(&db.pool())
            .await
            .expect("a row");
    }
    let run = |args: &[&str]| output(bellwether(args).env("DATABASE_URL", &db.url));
    let migrated = run(&["migrate", "up"]);
    assert_eq!(migrated.status.code(), Some(1));
    let said = stderr(&migrated);
    assert!(said.contains("newer release") && said.contains("9001"), "{said}");

    assert!(run(&["wait", "--schema", "--timeout", "5s"]).status.success());
    let added = run(&["enqueue", "prune"]);
    assert!(added.status.success(), "{}", stderr(&added));
    assert!(stderr(&added).contains("newer release"), "it says so: {}", stderr(&added));
    let mut worker = bellwether(&["worker", "scraper", "--http-addr", "127.0.0.1:0"]);
    worker.env("DATABASE_URL", &db.url);
    let mut worker = Running::start(worker);
    let job = JobId(stdout(&added).trim().parse().expect("stdout is the id"));
    let pool = Db::direct(db.pool());
    wait_until("the job to be done", || async {
        let found = inspect::find(&pool, job).await.expect("it is asked").expect("it is there");
        (found.job.state == State::Completed).then_some(())
    })
    .await;
    worker.signal("TERM");
    assert_eq!(worker.ended(std::time::Duration::from_secs(10)).await, Some(0));
}

#[tokio::test]
async fn enqueue_prints_an_id_and_a_duplicate_exits_0_with_the_same() {
    let db = database(&[&MIGRATOR, &bellwether_store::MIGRATOR]).await;
    let run = |args: &[&str]| output(bellwether(args).env("DATABASE_URL", &db.url));
    let slot = ["enqueue", "scrape_batch", "--slot", "12h"];
    let first = run(&slot);
    let second = run(&slot);
    assert!(first.status.success() && second.status.success(), "{}", stderr(&second));
    let id = stdout(&first);
    assert!(id.trim().parse::<i64>().is_ok(), "stdout is the id: {id}");
    assert_eq!(id, stdout(&second));

    let unknown = run(&["enqueue", "scrape_everything"]);
    assert_eq!(unknown.status.code(), Some(2), "wrong usage");
    assert!(stderr(&unknown).contains("scrape_batch"), "it names the kinds: {}", stderr(&unknown));
    let misfit = run(&["enqueue", "scrape_quotes", "--args", r#"{"symbol":7}"#]);
    assert_eq!(misfit.status.code(), Some(2), "wrong usage");
    assert_eq!(run(&["enqueue", "prune", "--args", "{"]).status.code(), Some(2), "wrong usage");

    let listed = run(&["jobs", "list", "--json"]);
    let page: Value = serde_json::from_str(&stdout(&listed)).unwrap();
    assert_eq!(page["items"][0]["kind"], "scrape_batch");
    assert_eq!(page["next_cursor"], Value::Null);
    let shown = run(&["jobs", "show", id.trim(), "--json"]);
    let job: Value = serde_json::from_str(&stdout(&shown)).unwrap();
    assert_eq!((&job["id"], &job["attempts"]), (&json!(id.trim()), &json!([])));
    assert!(job["trace_id"].is_string(), "as the API tells it: {job}");
    let why = run(&["jobs", "why", id.trim()]);
    assert!(stdout(&why).contains("no worker works the queue"), "{}", stdout(&why));
    let cancelled = run(&["jobs", "cancel", id.trim()]);
    assert!(cancelled.status.success(), "{}", stderr(&cancelled));
    let ended = run(&["jobs", "cancel", id.trim()]);
    assert_eq!((ended.status.code(), stdout(&ended).as_str()), (Some(1), ""), "it has ended");
    assert!(stderr(&ended).contains("cannot be cancelled"), "{}", stderr(&ended));
    assert!(run(&["jobs", "retry", id.trim()]).status.success());
    let told: Vec<(String, String, String)> = sqlx::query_as(
        "select actor, action, detail #>> '{after,state}' from queue.audit order by id",
    )
    .fetch_all(&db.pool())
    .await
    .unwrap();
    let entry = |action: &str, state: &str| ("cli".to_owned(), action.to_owned(), state.to_owned());
    assert_eq!(told, [entry("job.cancel", "cancelled"), entry("job.retry", "available")]);
    assert_eq!(run(&["jobs", "show", "999999"]).status.code(), Some(1));
}

#[tokio::test]
async fn what_cannot_be_meant_is_wrong_usage_with_a_word_of_help() {
    let db = database(&[&MIGRATOR, &bellwether_store::MIGRATOR]).await;
    for (args, said) in [
        (&["jobs", "show", "abc"][..], "a job's id is a whole number"),
        (&["jobs", "list", "--kind", "nope"], "the kinds are analyze_article"),
        (&["evaluate", "--from", "2026-03-02", "--to", "2026-03-01"], "is after --to"),
    ] {
        let ended = output(bellwether(args).env("DATABASE_URL", &db.url));
        assert_eq!(ended.status.code(), Some(2), "{args:?}: {}", stderr(&ended));
        assert!(stderr(&ended).contains(said), "{}", stderr(&ended));
    }
}

#[tokio::test]
async fn what_would_act_on_a_terminal_is_shown_as_an_escape() {
    let db = database(&[&MIGRATOR, &bellwether_store::MIGRATOR]).await;
    let run = |args: &[&str]| output(bellwether(args).env("DATABASE_URL", &db.url));
    let added = run(&["enqueue", "prune", "--unique-key", "a\u{1b}[2Jb"]);
    let shown = stdout(&run(&["jobs", "show", stdout(&added).trim()]));
    assert!(shown.contains("unique key a\\u{1b}[2Jb") && !shown.contains('\u{1b}'), "{shown:?}");
}

#[tokio::test]
async fn enqueue_that_waits_says_why() {
    let db = database(&[&MIGRATOR, &bellwether_store::MIGRATOR]).await;
    for wait in ["--wait", "--wait=batch"] {
        let mut command = bellwether(&["enqueue", "prune", wait]);
        command.env("DATABASE_URL", &db.url);
        let mut waiting = Running::start(command);
        waiting.until_said("no worker works the queue").await;
        waiting.signal("HUP");
        assert_eq!(waiting.ended(std::time::Duration::from_secs(10)).await, Some(1));
    }
}

#[test]
fn wrong_usage_exits_2_and_help_names_the_variables() {
    assert_eq!(output(&mut bellwether(&["upp"])).status.code(), Some(2));
    assert_eq!(output(&mut bellwether(&["worker", "miner"])).status.code(), Some(2));
    let help = output(&mut bellwether(&["worker", "--help"]));
    let text = stdout(&help);
    for variable in
        ["DATABASE_URL", "BELLWETHER_SYMBOLS", "GEMINI_API_KEY", "BELLWETHER_API_TOKENS"]
    {
        assert!(text.contains(variable), "{variable}");
    }
}

#[test]
fn an_option_can_come_from_the_environment_and_an_empty_variable_is_none() {
    let mut schema = bellwether(&["openapi"]);
    for name in ["OPENAI_BASE_URL", "BELLWETHER_LOG_FORMAT", "BELLWETHER_SYMBOLS"] {
        schema.env(name, "");
    }
    assert!(output(&mut schema).status.success());
    let waits = |timeout: &str| {
        let mut wait = bellwether(&["wait"]);
        wait.env("DATABASE_URL", "postgres://nobody@127.0.0.1:1/x");
        output(wait.env("BELLWETHER_WAIT_TIMEOUT", timeout))
    };
    let gave_up = waits("1ms");
    assert_eq!(gave_up.status.code(), Some(1));
    assert!(stderr(&gave_up).contains("gave up after 1ms"), "{}", stderr(&gave_up));
    assert_eq!(waits("soon").status.code(), Some(2), "it is checked as the option is");
    let mut help = bellwether(&["worker", "--help"]);
    let text = stdout(&output(help.env("OPENAI_BASE_URL", "")));
    assert!(text.contains("OPENAI_BASE_URL"), "the help names an empty variable too");
}

#[test]
fn the_api_without_tokens_refuses_an_address_that_others_can_reach() {
    let ended = output(
        bellwether(&["api"])
            .env("DATABASE_URL", "postgres://nobody@127.0.0.1:1/x")
            .env("BELLWETHER_HTTP_ADDR", "0.0.0.0:0"),
    );
    assert_eq!(ended.status.code(), Some(1));
    assert!(stderr(&ended).contains("BELLWETHER_API_TOKENS"), "{}", stderr(&ended));
}

#[test]
fn a_mistyped_secret_is_not_repeated() {
    for (variable, value, said) in [
        ("BELLWETHER_API_TOKENS", "viewer:hunter2,hunter3", "part 2"),
        ("OPENAI_BASE_URL", "http://u:hunter2@", "empty host"),
    ] {
        let ended = output(bellwether(&["api"]).env(variable, value));
        assert_eq!(ended.status.code(), Some(2));
        let text = stderr(&ended);
        assert!(text.contains(said) && !text.contains("hunter"), "{text}");
    }
}

#[test]
fn a_line_of_the_env_file_that_does_not_fit_is_named_by_its_number() {
    let folder = tempfile::tempdir().unwrap();
    let text = "BELLWETHER_SYMBOLS=AAPL\nSMTP_URL=smtp://u:hunter2 or so@mail\n";
    std::fs::write(folder.path().join(".env"), text).unwrap();
    let ended = output(bellwether(&["openapi"]).current_dir(folder.path()));
    assert_eq!(ended.status.code(), Some(1));
    let said = stderr(&ended);
    assert!(said.contains(".env, line 2") && !said.contains("hunter"), "{said}");
}

#[test]
fn a_secret_in_an_address_is_not_repeated_in_its_error() {
    let ended =
        output(bellwether(&["migrate", "status"]).env("DATABASE_URL", "postgre://u:hunter2@h/db"));
    assert_eq!(ended.status.code(), Some(1));
    assert!(!stderr(&ended).contains("hunter2"), "{}", stderr(&ended));
}
