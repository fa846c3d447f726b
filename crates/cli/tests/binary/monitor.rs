//! Queues, schedules, workers and many jobs at once, in a terminal.

use std::time::Duration;

use bellwether_queue::{Db, MIGRATOR, schedule};
use bellwether_testing::{Database, database, wait_until};
use serde_json::{Value, json};

use crate::support::{Running, bellwether, output, stderr, stdout};

async fn with_jobs(jobs: usize) -> Database {
    let db = database(&[&MIGRATOR, &bellwether_store::MIGRATOR]).await;
    for _ in 0..jobs {
        let added = output(bellwether(&["enqueue", "prune"]).env("DATABASE_URL", &db.url));
        assert!(added.status.success(), "{}", stderr(&added));
    }
    db
}

fn json_of(output: &std::process::Output) -> Value {
    assert!(output.status.success(), "{}", stderr(output));
    serde_json::from_slice(&output.stdout).expect("one JSON document")
}

async fn actions(db: &Database) -> Vec<(String, String, String)> {
    sqlx::query_as("select actor, action, subject from queue.audit order by id")
        .fetch_all(&db.pool())
        .await
        .unwrap()
}

fn by_cli(action: &str, subject: &str) -> (String, String, String) {
    ("cli".to_owned(), action.to_owned(), subject.to_owned())
}

#[tokio::test]
async fn a_queue_is_paused_resumed_and_resized_and_each_change_is_in_the_audit() {
    let db = with_jobs(1).await;
    let run = |args: &[&str]| output(bellwether(args).env("DATABASE_URL", &db.url));
    let queue = json_of(&run(&["queues", "pause", "maintenance", "--json"]));
    assert_eq!((&queue["name"], &queue["paused"]), (&json!("maintenance"), &json!(true)));
    assert_eq!(queue["depth"]["available"], 1, "as the API tells it: {queue}");
    let listed = stdout(&run(&["queues", "list"]));
    assert!(listed.starts_with("QUEUE") && listed.contains("paused"), "{listed}");
    let resumed = stdout(&run(&["queues", "resume", "maintenance"]));
    assert!(resumed.contains("maintenance is open"), "{resumed}");
    let set = run(&["queues", "set", "maintenance", "--concurrency", "3", "--cap", "0", "--json"]);
    let queue = json_of(&set);
    assert_eq!((&queue["concurrency"], &queue["cap"]), (&json!(3), &json!(0)));
    let unset = ["--concurrency", "default", "--cap", "none"];
    let unset = run(&[&["queues", "set", "maintenance"], unset.as_slice()].concat());
    assert!(stdout(&unset).contains("concurrency default, cap none"), "{}", stdout(&unset));
    let entry = |action: &str| by_cli(action, "maintenance");
    let change = entry("queue.change");
    assert_eq!(
        actions(&db).await,
        [entry("queue.pause"), entry("queue.resume"), change.clone(), change]
    );

    let unknown = run(&["queues", "pause", "maintenence"]);
    assert_eq!(unknown.status.code(), Some(1));
    assert!(stderr(&unknown).contains("known are maintenance"), "{}", stderr(&unknown));
    for wrong in [&["--concurrency", "0"][..], &["--cap", "-1"], &[]] {
        let wrong = run(&[&["queues", "set", "maintenance"], wrong].concat());
        assert_eq!(wrong.status.code(), Some(2), "{}", stderr(&wrong));
    }
}

#[tokio::test]
async fn a_schedule_is_run_paused_and_resumed_and_each_is_in_the_audit() {
    let db = with_jobs(0).await;
    let prune = schedule::Schedule {
        name: "prune".to_owned(),
        cron: "0 3 * * *".to_owned(),
        zone: "UTC".to_owned(),
        kind: "prune".to_owned(),
        args: json!({}),
        slot: None,
        missed: schedule::Missed::Skip,
    };
    schedule::define(&Db::direct(db.pool()), &prune).await.unwrap();
    let run = |args: &[&str]| output(bellwether(args).env("DATABASE_URL", &db.url));
    let added = stdout(&run(&["schedules", "run", "prune"]));
    let job = json_of(&run(&["jobs", "show", added.trim(), "--json"]));
    assert_eq!(job["kind"], "prune");
    let paused = json_of(&run(&["schedules", "pause", "prune", "--json"]));
    assert_eq!((&paused["paused"], &paused["next_fire_at"]), (&json!(true), &Value::Null));
    let resumed = stdout(&run(&["schedules", "resume", "prune"]));
    assert!(resumed.contains("prune is active"), "{resumed}");
    let listed = stdout(&run(&["schedules", "list"]));
    assert!(listed.contains("0 3 * * *") && listed.contains("T03:00:00Z"), "{listed}");
    let entry = |action: &str| by_cli(action, "prune");
    let done = [entry("schedule.run"), entry("schedule.pause"), entry("schedule.resume")];
    assert_eq!(actions(&db).await, done);
    let unknown = run(&["schedules", "run", "prun"]);
    assert!(stderr(&unknown).contains("known are prune"), "{}", stderr(&unknown));
}

#[tokio::test]
async fn the_workers_are_listed_with_their_queues() {
    let db = with_jobs(0).await;
    sqlx::query("insert into queue.process (id, name, version, queues) values (gen_random_uuid(), 'alert@here:7', '1.2.3', '{alert}')")
        .execute(&db.pool())
        .await
        .unwrap();
    let run = |args: &[&str]| output(bellwether(args).env("DATABASE_URL", &db.url));
    let listed = stdout(&run(&["workers", "list"]));
    assert!(listed.contains("alert@here:7") && listed.contains("live"), "{listed}");
    let listed = json_of(&run(&["workers", "list", "--json"]));
    assert_eq!(listed["items"][0]["queues"], json!(["alert"]));
}

#[tokio::test]
async fn jobs_that_a_filter_selects_are_counted_confirmed_and_changed() {
    let db = with_jobs(3).await;
    let run = |args: &[&str]| output(bellwether(args).env("DATABASE_URL", &db.url));
    let counted = json_of(&run(&["jobs", "cancel", "--kind", "prune", "--dry-run", "--json"]));
    assert_eq!((&counted["matched"], &counted["dry_run"]), (&json!(3), &json!(true)));
    let asked = run(&["jobs", "cancel", "--kind", "prune"]);
    assert_eq!(asked.status.code(), Some(2), "without a terminal there is no confirmation");
    let said = stderr(&asked);
    assert!(said.contains("changes 3 jobs: add --yes (BELLWETHER_JOBS_YES)"), "{said}");

    let cancelled = run(&["jobs", "cancel", "--kind", "prune", "--yes"]);
    assert!(stdout(&cancelled).contains("3 of 3 jobs changed"), "{}", stderr(&cancelled));
    let none = json_of(&run(&["jobs", "retry", "--state", "failed", "--yes", "--json"]));
    assert_eq!(none["matched"], 0, "cancelled is not failed");
    let retried = run(&["jobs", "retry", "--state", "cancelled", "--yes", "--json"]);
    let retried = json_of(&retried);
    assert_eq!((&retried["changed"], &retried["state"]), (&json!(3), &json!("done")), "{retried}");
    let listed = json_of(&run(&["jobs", "list", "--state", "available", "--json"]));
    assert_eq!(listed["items"].as_array().map(Vec::len), Some(3));

    for wrong in [&["retry"][..], &["retry", "1", "--kind", "prune"], &["cancel", "1", "--dry-run"]]
    {
        let wrong = run(&[&["jobs"], wrong].concat());
        assert_eq!(wrong.status.code(), Some(2), "{}", stderr(&wrong));
    }
}

#[tokio::test]
async fn a_job_is_added_with_priority_attempts_and_tags_by_which_it_is_listed() {
    let db = with_jobs(1).await;
    let run = |args: &[&str]| output(bellwether(args).env("DATABASE_URL", &db.url));
    let options = ["--priority", "0", "--max-attempts", "2", "--tags", "by-hand,night"];
    let added = run(&[&["enqueue", "prune"], options.as_slice()].concat());
    let listed = json_of(&run(&["jobs", "list", "--tag", "night", "--json"]));
    let job = &listed["items"][0];
    assert_eq!((&job["id"], &job["priority"]), (&json!(stdout(&added).trim()), &json!(0)));
    assert_eq!((&job["max_attempts"], &job["tags"]), (&json!(2), &json!(["by-hand", "night"])));
    assert_eq!(listed["items"].as_array().map(Vec::len), Some(1), "{listed}");
    assert_eq!(run(&["enqueue", "prune", "--priority", "10"]).status.code(), Some(2));
}

#[tokio::test]
async fn a_page_of_jobs_names_the_next_one() {
    let db = with_jobs(2).await;
    let run = |args: &[&str]| output(bellwether(args).env("DATABASE_URL", &db.url));
    let first = run(&["jobs", "list", "--limit", "1"]);
    let said = stderr(&first);
    let next = said.split("--before ").nth(1).expect("the next page").split(' ').next().unwrap();
    let second = run(&["jobs", "list", "--limit", "1", "--before", next]);
    assert_ne!(stdout(&first), stdout(&second));
    assert_eq!(stdout(&second).lines().count(), 2, "a head and a job: {}", stdout(&second));
    assert!(!stderr(&second).contains("--before"), "{}", stderr(&second));
}

#[tokio::test]
async fn a_wait_that_takes_too_long_fails_with_the_reason() {
    let db = with_jobs(1).await;
    let wait = |args: &[&str]| {
        let args = [&["enqueue", "prune", "--timeout", "1s"], args].concat();
        let ended = output(bellwether(&args).env("DATABASE_URL", &db.url));
        assert_eq!(ended.status.code(), Some(1), "{}", stderr(&ended));
        assert!(stdout(&ended).trim().parse::<i64>().is_ok(), "the id is on stdout");
        stderr(&ended)
    };
    let said = wait(&["--wait"]);
    assert!(said.contains("has not ended within 1s") && said.contains("no worker works"), "{said}");
    let said = wait(&["--wait=batch", "--at", "2099-01-01T00:00:00Z"]);
    assert!(said.contains("scheduled") && said.contains("2099-01-01T00:00:00Z"), "{said}");
    let paused =
        output(bellwether(&["queues", "pause", "maintenance"]).env("DATABASE_URL", &db.url));
    assert!(paused.status.success());
    let said = wait(&["--wait"]);
    assert!(said.contains("the queue maintenance is paused"), "{said}");
}

#[tokio::test]
async fn a_watched_list_is_printed_in_rounds_until_a_signal_which_is_no_failure() {
    let db = with_jobs(1).await;
    for name in ["INT", "TERM"] {
        let mut command = bellwether(&["queues", "list", "--watch", "--json"]);
        command.env("DATABASE_URL", &db.url);
        let mut list = Running::start(command);
        wait_until("two rounds", || async {
            (list.said().matches("{\"items\":[{\"name\":\"maintenance\"").count() >= 2)
                .then_some(())
        })
        .await;
        assert!(!list.said().contains('\u{1b}'), "{}", list.said());
        list.signal(name);
        assert_eq!(list.ended(Duration::from_secs(10)).await, Some(0), "{}", list.said());
    }
}

#[test]
fn a_shell_gets_its_completions_and_another_is_wrong_usage() {
    for shell in ["bash", "zsh", "fish"] {
        let script = output(&mut bellwether(&["completions", shell]));
        let text = stdout(&script);
        assert!(script.status.success() && text.contains("schedules"), "{shell}: {text}");
    }
    assert_eq!(output(&mut bellwether(&["completions", "csh"])).status.code(), Some(2));
}

#[test]
fn the_version_has_the_commit_that_it_was_built_from() {
    let said = stdout(&output(&mut bellwether(&["--version"])));
    let release = concat!("bellwether ", env!("CARGO_PKG_VERSION"));
    assert!(said.starts_with(release), "{said}");
    // an unpacked archive has no repository, and may have no git
    let tracked = std::process::Command::new("git")
        .args(["-C", env!("CARGO_MANIFEST_DIR"), "ls-files", "--error-unmatch", "build.rs"])
        .output()
        .is_ok_and(|found| found.status.success());
    let commit = said.trim_end().strip_prefix(release).unwrap();
    let hex = commit.strip_prefix(" (").and_then(|rest| rest.strip_suffix(')')).unwrap_or_default();
    let is_commit = hex.len() == 12 && hex.chars().all(|c| c.is_ascii_hexdigit());
    assert!(if tracked { is_commit } else { commit.is_empty() }, "{said}");
}

#[tokio::test]
async fn symbols_are_watched_listed_and_removed_and_each_change_is_in_the_audit() {
    let db = database(&[&MIGRATOR, &bellwether_store::MIGRATOR]).await;
    let run = |args: &[&str]| output(bellwether(args).env("DATABASE_URL", &db.url));
    let added = run(&["watch", "add", "NVDA", "AMD"]);
    assert!(added.status.success(), "{}", stderr(&added));
    assert!(stderr(&added).contains("scrapes what is new"), "{}", stderr(&added));
    assert!(stderr(&run(&["watch", "add", "AMD"])).contains("AMD is watched already"));
    let list = stdout(&run(&["watch", "list"]));
    assert!(list.contains("NVDA") && list.contains("AMD"), "{list}");
    assert_eq!(run(&["watch", "remove", "NVDA"]).status.code(), Some(0));
    let refused = run(&["watch", "remove", "AMD", "NVDA"]);
    assert_eq!(refused.status.code(), Some(1));
    assert!(stderr(&refused).contains("NVDA is not watched; nothing was removed"));
    let json = stdout(&run(&["watch", "list", "--json"]));
    let page: serde_json::Value = serde_json::from_str(&json).expect("JSON");
    assert_eq!(page["items"].as_array().map(Vec::len), Some(1), "{page}");
    assert_eq!(page["items"][0]["symbol"], "AMD");
    let told: Vec<String> = actions(&db).await.into_iter().map(|(_, action, _)| action).collect();
    assert_eq!(told, ["watchlist.add", "watchlist.add", "watchlist.remove"]);
}
