//! `scratch-postgres` from outside: a server for one command, and nothing left of it.

use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

fn scratch(script: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_scratch-postgres"));
    command.args(["sh", "-c", script]).stdin(Stdio::null());
    command
}

fn text(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap().trim().to_owned()
}

fn port(url: &str) -> u16 {
    url.rsplit_once(':').unwrap().1.split('/').next().unwrap().parse().unwrap()
}

fn answers(port: u16) -> bool {
    std::net::TcpStream::connect(("127.0.0.1", port)).is_ok()
}

#[test]
fn the_command_gets_a_server_and_its_exit_code_comes_back() {
    let output = scratch("echo $TEST_DATABASE_URL; exit 7").output().unwrap();
    assert_eq!(output.status.code(), Some(7));
    let url = text(&output);
    assert!(url.starts_with("postgres://bellwether:"), "{url}");
    assert!(!answers(port(&url)), "the server outlived the command");
}

#[test]
fn a_terminated_run_takes_the_command_and_the_server_with_it() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("url");
    let script =
        format!("echo $TEST_DATABASE_URL > {0}.new; mv {0}.new {0}; exec sleep 60", file.display());
    let mut run = scratch(&script).spawn().unwrap();
    let begun = Instant::now();
    while !file.exists() {
        assert!(begun.elapsed() < Duration::from_mins(1), "the command was not run");
        std::thread::sleep(Duration::from_millis(20));
    }
    let url = std::fs::read_to_string(&file).unwrap();
    assert!(answers(port(url.trim())));
    let pid = rustix::process::Pid::from_raw(run.id().cast_signed()).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
    let status = run.wait().unwrap();
    assert_eq!(status.code(), Some(128 + 15));
    assert!(!answers(port(url.trim())), "the server outlived the command");
}

#[test]
fn a_broken_migration_is_named_and_the_command_is_not_run() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("0001_fruit.sql"), "create table fruit (name text)").unwrap();
    std::fs::write(dir.path().join("0002_broken.sql"), "create table (").unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_scratch-postgres"))
        .arg("--apply")
        .arg(dir.path())
        .args(["echo", "it ran"])
        .output()
        .unwrap();
    assert_eq!((output.status.code(), text(&output).as_str()), (Some(1), ""));
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(said.contains(" 2: ") && said.contains("syntax error"), "{said}");
}

#[test]
fn a_command_that_does_not_exist_is_named() {
    let output = Command::new(env!("CARGO_BIN_EXE_scratch-postgres"))
        .arg("no-such-command")
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(127));
    assert!(String::from_utf8_lossy(&output.stderr).contains("no-such-command"));
}
