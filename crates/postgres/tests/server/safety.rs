//! Environment and files that the server's programs get from the caller, and effects that they must
//! not have.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::time::Duration;

use bellwether_postgres::{Error, Server, Settings, discard, find};

use crate::{abandon, alive, scratch, settings};

/// A folder of `postgres` and `initdb` that do `first` and then run the real ones.
fn wrapped(dir: &Path, first: &str) -> PathBuf {
    let real = find(&settings(dir)).unwrap().dir;
    let bin = dir.join("bin");
    fs::create_dir_all(&bin).unwrap();
    for name in ["postgres", "initdb"] {
        let program = bin.join(name);
        let script = format!("#!/bin/sh\n{first}\nexec '{}/{name}' \"$@\"\n", real.display());
        fs::write(&program, script).unwrap();
        fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
    }
    bin
}

/// A file that every account may write to.
fn shared_file(path: &Path) {
    fs::write(path, "").unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o666)).unwrap();
}

fn environment(pid: &str) -> String {
    String::from_utf8_lossy(&fs::read(format!("/proc/{pid}/environ")).unwrap_or_default())
        .replace('\0', "\n")
}

/// The processes whose parent is `pid`.
fn children(pid: u32) -> Vec<String> {
    let parent = |stat: &str| stat.rsplit(") ").next()?.split(' ').nth(1)?.parse::<u32>().ok();
    fs::read_dir("/proc")
        .unwrap()
        .flatten()
        .filter(|entry| {
            let stat = fs::read_to_string(entry.path().join("stat")).unwrap_or_default();
            parent(&stat) == Some(pid)
        })
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .collect()
}

#[tokio::test]
async fn no_program_of_the_server_sees_a_secret_of_its_caller() {
    let dir = scratch();
    let seen = dir.path().join("seen");
    shared_file(&seen);
    let bin = wrapped(
        dir.path(),
        &format!("(echo \"ran $0 $*\"; tr '\\0' '\\n' </proc/$$/environ) >>'{}'", seen.display()),
    );
    let secret = "smtp://boss:hunter2@mail.example.com";
    let variables = [("SMTP_URL", secret), ("HOLD_BIN", bin.to_str().unwrap())];
    let postmaster = abandon(dir.path(), &variables).await;

    let own = environment(&postmaster.to_string());
    assert!(own.contains("PATH=") && !own.contains("hunter2"), "{own}");
    let backends = children(postmaster);
    assert!(backends.len() >= 3, "{backends:?}");
    for pid in backends {
        assert!(!environment(&pid).contains("hunter2"), "process {pid}");
    }
    let seen = fs::read_to_string(&seen).unwrap();
    for program in ["postgres --version", "initdb --pgdata", "postgres --single", "postgres -D"] {
        assert!(seen.contains(program), "{program} was looked at: {seen}");
    }
    assert!(!seen.contains("hunter2"), "{seen}");
    discard(&dir.path().join("postgres")).unwrap();
    assert!(!alive(postmaster));
}

#[tokio::test]
async fn no_link_in_the_data_folder_is_followed() {
    let dir = scratch();
    let server = Server::start(settings(dir.path())).await.unwrap();
    let home = server.data_dir().to_owned();
    server.stop().await.unwrap();
    let victim = dir.path().join("victim");
    fs::create_dir(&victim).unwrap();
    fs::write(victim.join("file"), "kept").unwrap();
    for name in ["bellwether.lock", "password", "postgres.log", "cluster", "cluster/PG_VERSION"] {
        let (entry, aside) = (home.join(name), dir.path().join("aside"));
        fs::rename(&entry, &aside).unwrap();
        let target = if name == "cluster" { victim.clone() } else { victim.join("file") };
        symlink(target, &entry).unwrap();
        let error = Server::start(settings(dir.path())).await.unwrap_err();
        assert!(matches!(&error, Error::Link { path } if path.ends_with(name)), "{name}: {error}");
        assert_eq!(fs::read_to_string(victim.join("file")).unwrap(), "kept", "{name}");
        fs::remove_file(&entry).unwrap();
        fs::rename(&aside, &entry).unwrap();
    }
    let server = Server::start(settings(dir.path())).await.unwrap();
    server.stop().await.unwrap();
}

#[tokio::test]
async fn a_stop_while_initdb_runs_leaves_no_process_and_nothing_in_the_way() {
    let dir = scratch();
    let runs = dir.path().join("runs");
    shared_file(&runs);
    let hang = format!(
        "case \"$0 $*\" in *initdb*) sleep 600 & echo $! $$ >'{}'; wait;; esac",
        runs.display()
    );
    let hanging = Settings { bin: Some(wrapped(dir.path(), &hang)), ..settings(dir.path()) };
    let pids = || -> Vec<u32> {
        let text = fs::read_to_string(&runs).unwrap();
        text.split_whitespace().map(|pid| pid.parse().unwrap()).collect()
    };
    let stop = async {
        while pids().len() < 2 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    let error = Server::start_until(hanging, stop).await.unwrap_err();
    assert!(matches!(error, Error::Stopped), "{error}");
    for pid in pids() {
        assert!(!alive(pid), "process {pid} is left");
    }
    assert!(!dir.path().join("postgres/cluster.new").exists());
    let server = Server::start(settings(dir.path())).await.unwrap();
    server.stop().await.unwrap();
}
