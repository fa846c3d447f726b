//! `bellwether up` when it is stopped, at any time and by any signal, and when its database ends.

use std::{path::Path, process::Command, time::Duration};

use bellwether_testing::wait_until_within;

use crate::support::{Running, bellwether, folder, until, up};

/// The command lines of the processes that name `folder`.
fn processes(folder: &Path) -> Vec<String> {
    let ps = Command::new("ps").args(["-eo", "args"]).output().expect("ps");
    let all = String::from_utf8_lossy(&ps.stdout).into_owned();
    let name = folder.to_string_lossy();
    all.lines().filter(|line| line.contains(&*name)).map(str::to_owned).collect()
}

#[tokio::test]
async fn a_closed_terminal_and_each_signal_drain_and_leave_no_postgresql() {
    for signal in ["HUP", "QUIT", "USR1"] {
        let folder = folder();
        let mut running = up(folder.path());
        let api = running.address_after("up at").await;
        until(&format!("{api}/ready"), "readiness", |status, _| status == 200).await;
        running.signal(signal);
        assert_eq!(running.ended(Duration::from_secs(40)).await, Some(0), "{}", running.said());
        assert!(running.said().contains("stopped"), "{}", running.said());
        assert_eq!(processes(folder.path()), [""; 0], "after {signal}");
    }
}

#[tokio::test]
async fn a_stop_during_the_first_start_is_no_failure_and_spoils_no_later_start() {
    let folder = folder();
    for signal in ["TERM", "INT", "HUP"] {
        let mut first = up(folder.path());
        wait_until_within(Duration::from_mins(1), "initdb to run", || async {
            let initdb = processes(folder.path()).iter().any(|line| line.contains("initdb"));
            initdb.then_some(())
        })
        .await;
        first.signal(signal);
        assert_eq!(first.ended(Duration::from_secs(40)).await, Some(0), "{}", first.said());
        assert_eq!(processes(folder.path()), [""; 0], "after {signal}");
        // whatever came first, the next round begins at the first start again
        let home = folder.path().join("postgres");
        assert!(!home.join("cluster.new").exists());
        std::fs::remove_dir_all(home.join("cluster")).ok();
    }
    let mut second = up(folder.path());
    second.address_after("up at").await;
    second.signal("TERM");
    assert_eq!(second.ended(Duration::from_secs(40)).await, Some(0), "{}", second.said());
}

fn kill_postgresql(folder: &Path) {
    let file = folder.join("postgres/cluster/postmaster.pid");
    let pid = std::fs::read_to_string(file).expect("a pid file");
    let pid = pid.lines().next().expect("a pid").to_owned();
    assert!(Command::new("kill").args(["-KILL", &pid]).status().expect("kill").success());
}

#[tokio::test]
async fn an_api_and_a_worker_end_with_the_postgresql_that_they_have_started() {
    for args in [&["api"][..], &["worker", "alert"]] {
        let folder = folder();
        let mut command = bellwether(args);
        command
            .env("BELLWETHER_DATA_DIR", folder.path())
            .env("BELLWETHER_HTTP_ADDR", "127.0.0.1:0");
        let mut running = Running::start(command);
        running.until_said("waiting: the database lacks").await;
        kill_postgresql(folder.path());
        let code = running.ended(Duration::from_secs(40)).await;
        assert_eq!(code, Some(1), "{args:?}: {}", running.said());
        let said = running.said();
        assert!(said.contains("PostgreSQL has ended by itself"), "{args:?}: {said}");
    }
}

#[tokio::test]
async fn the_end_of_postgresql_ends_the_command_with_its_reason() {
    let folder = folder();
    let mut running = up(folder.path());
    running.address_after("up at").await;
    kill_postgresql(folder.path());
    assert_eq!(running.ended(Duration::from_secs(40)).await, Some(1), "{}", running.said());
    let said = running.said();
    assert!(said.contains("PostgreSQL has ended by itself"), "{said}");
    assert!(!said.contains("did not start"), "{said}");
}

#[tokio::test]
async fn it_is_up_only_once_its_limits_are_defined() {
    let folder = folder();
    let mut command = bellwether(&["up"]);
    command
        .env("BELLWETHER_DATA_DIR", folder.path())
        .env("BELLWETHER_HTTP_ADDR", "127.0.0.1:0")
        .env("BELLWETHER_SANDBOX_ADDR", "127.0.0.1:0")
        .env("BELLWETHER_SANDBOX_SMTP_ADDR", "127.0.0.1:0")
        .env("ALPHA_VANTAGE_LIMITS", "25/day Mars/Phobos");
    let mut running = Running::start(command);
    assert_eq!(running.ended(Duration::from_secs(90)).await, Some(1), "{}", running.said());
    let said = running.said();
    assert!(said.contains("Mars/Phobos") && !said.contains("is up at"), "{said}");
}
