//! The binary at a terminal, and the limits of the shell that starts it.

use std::{
    fs::{File, OpenOptions},
    io::{Read, Write},
    os::unix::ffi::OsStrExt,
    process::{Command, Stdio},
};

use bellwether_queue::MIGRATOR;
use bellwether_testing::database;
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};

use crate::support::{Running, bellwether, stdout};

/// The two ends of a terminal: a person's, and the program's.
fn terminal() -> (File, File) {
    let person = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).expect("a terminal");
    grantpt(&person).and_then(|()| unlockpt(&person)).expect("its rights");
    let name = ptsname(&person, Vec::new()).expect("its name");
    let path = std::ffi::OsStr::from_bytes(name.as_bytes());
    let program = OpenOptions::new().read(true).write(true).open(path).expect("its other end");
    (person.into(), program)
}

/// Runs a command to its end; returns what it has written to its standard error, a terminal.
fn said_to_a_person(command: &mut Command) -> String {
    let (mut person, program) = terminal();
    let mut child = command.stdout(Stdio::null()).stderr(program).spawn().expect("the binary");
    // its own copy, which would keep the terminal open
    command.stderr(Stdio::null());
    let mut said = Vec::new();
    // a terminal without a program ends with an error on Linux
    let _ = person.read_to_end(&mut said);
    child.wait().expect("its end");
    String::from_utf8_lossy(&said).into_owned()
}

#[test]
fn lines_at_a_terminal_are_colored_unless_the_person_wants_none() {
    let said = |no_color: Option<&str>| {
        let mut command = bellwether(&["openapi"]);
        command.env("BELLWETHER_SYMBOLZ", "A");
        if let Some(value) = no_color {
            command.env("NO_COLOR", value);
        }
        let said = said_to_a_person(&mut command);
        assert!(said.contains("BELLWETHER_SYMBOLZ is set and not used"), "{said}");
        said
    };
    assert!(said(None).contains('\u{1b}'));
    assert!(said(Some("")).contains('\u{1b}'), "an empty variable is none");
    assert!(!said(Some("1")).contains('\u{1b}'));
}

#[test]
fn try_tells_a_person_at_a_terminal_that_it_waits_and_a_pipe_nothing() {
    let line = b"{\"text\":\"Apple beats estimates\"}\n";
    let (mut person, program) = terminal();
    let mut command = bellwether(&["try", "symbols"]);
    command.stdin(program).stdout(Stdio::piped()).stderr(Stdio::piped());
    let child = command.spawn().expect("the binary");
    person.write_all(line).and_then(|()| person.write_all(b"\x04")).expect("a person types");
    let ended = child.wait_with_output().expect("its end");
    assert!(ended.status.success());
    assert!(stdout(&ended).contains("AAPL"), "{}", stdout(&ended));
    let said = String::from_utf8_lossy(&ended.stderr).into_owned();
    assert!(said.contains("Ctrl-D ends them"), "{said}");

    let mut command = bellwether(&["try", "symbols"]);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("the binary");
    child.stdin.take().expect("piped").write_all(line).expect("a line");
    let ended = child.wait_with_output().expect("its end");
    assert!(stdout(&ended).contains("AAPL") && ended.stderr.is_empty());
}

#[tokio::test]
async fn a_watched_list_at_a_terminal_is_drawn_in_place() {
    let db = database(&[&MIGRATOR, &bellwether_store::MIGRATOR]).await;
    let (mut person, program) = terminal();
    let mut command = bellwether(&["workers", "list", "-w"]);
    command.env("DATABASE_URL", &db.url).stdout(program).stderr(Stdio::null());
    let mut child = command.spawn().expect("the binary");
    drop(command);
    let (mut said, mut piece) = (String::new(), [0; 256]);
    while said.matches("\u{1b}[H\u{1b}[2JWORKER").count() < 2 {
        let read = person.read(&mut piece).expect("a list");
        said.push_str(&String::from_utf8_lossy(&piece[..read]));
    }
    let sent = Command::new("kill").args(["-INT", &child.id().to_string()]).status();
    assert!(sent.expect("kill is there").success());
    assert!(child.wait().expect("its end").success());
}

#[tokio::test]
async fn a_person_who_does_not_confirm_changes_nothing() {
    let db = database(&[&MIGRATOR, &bellwether_store::MIGRATOR]).await;
    let run = |args: &[&str]| bellwether(args).env("DATABASE_URL", &db.url).output().unwrap();
    assert!(run(&["enqueue", "prune"]).status.success());
    let (mut person, program) = terminal();
    let mut command = bellwether(&["jobs", "cancel", "--kind", "prune"]);
    command.env("DATABASE_URL", &db.url);
    command.stdin(program).stdout(Stdio::piped()).stderr(Stdio::piped());
    let child = command.spawn().expect("the binary");
    person.write_all(b"no\n").expect("a person types");
    let ended = child.wait_with_output().expect("its end");
    assert_eq!(ended.status.code(), Some(1));
    let said = String::from_utf8_lossy(&ended.stderr).into_owned();
    assert!(said.contains("changes 1 jobs. Type yes") && said.contains("nothing was"), "{said}");
    assert!(stdout(&run(&["jobs", "list"])).contains("available"));
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn as_many_files_may_be_open_as_the_system_lets_a_process_raise_its_limit_to() {
    let binary = bellwether(&[]);
    let mut shell = Command::new("sh");
    shell.args(["-c", "ulimit -S -n 128 && exec \"$0\" api"]).arg(binary.get_program());
    shell.env_clear().env("BELLWETHER_HTTP_ADDR", "127.0.0.1:0");
    shell.env("DATABASE_URL", "postgres://bellwether@127.0.0.1:1/x");
    let mut api = Running::start(shell);
    api.until_said("waiting: cannot reach").await;
    let limits = std::fs::read_to_string(format!("/proc/{}/limits", api.child.id()));
    let limits = limits.expect("the limits of a process");
    let files = limits.lines().find(|line| line.starts_with("Max open files")).expect("a line");
    let [soft, hard] = files.split_whitespace().skip(3).take(2).collect::<Vec<_>>()[..] else {
        panic!("{files}")
    };
    assert_eq!(soft, hard);
    assert_ne!(soft, "128", "the system's own limit is higher where tests run");
}
