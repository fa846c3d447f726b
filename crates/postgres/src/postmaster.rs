//! The state of a running server in its pid file, and stopping it.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process, test_kill_process};

use crate::Error;
use crate::dir::Dir;

const PID_FILE: &str = "postmaster.pid";
/// Time that a fast stop may take before an immediate one.
pub(crate) const FAST: Duration = Duration::from_secs(30);
/// Time that an immediate stop may take before the process is killed.
pub(crate) const IMMEDIATE: Duration = Duration::from_secs(10);

/// The lines of `postmaster.pid` that are used here.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct PidFile {
    pub(crate) pid: i32,
    pub(crate) ready: bool,
}

impl PidFile {
    pub(crate) fn read(cluster: &Dir) -> Option<Self> {
        Self::parse(&cluster.read(PID_FILE).ok()??)
    }

    /// Line 1 is the process, line 8 its status. A single-user process writes a negative pid.
    fn parse(text: &str) -> Option<Self> {
        let pid: i32 = text.lines().next()?.trim().parse().ok()?;
        let ready = text.lines().nth(7).is_some_and(|status| status.trim() == "ready");
        Some(Self { pid: pid.abs(), ready })
    }
}

/// Sends a signal; `false` if there is no such process.
pub(crate) fn signal(pid: i32, signal: Signal) -> bool {
    Pid::from_raw(pid).is_some_and(|pid| kill_process(pid, signal).is_ok())
}

/// Stops the server that an earlier process left running on `cluster`, and removes a pid file whose
/// process has ended. Only the holder of the folder's lock may call this: the lock ensures that no
/// other process uses that server.
pub(crate) fn stop_orphan(path: &Path, cluster: &Dir) -> Result<(), Error> {
    if let Some(PidFile { pid, .. }) = PidFile::read(cluster)
        && serves(pid, path)
    {
        tracing::warn!(
            pid,
            "PostgreSQL still runs after its parent process was killed; stopping it"
        );
        let gone = |within| ended(within, || !serves(pid, path));
        signal(pid, Signal::INT);
        if !gone(FAST) {
            signal(pid, Signal::QUIT);
            if !gone(IMMEDIATE) {
                return Err(Error::Orphan { pid });
            }
        }
    }
    // After a reboot the number may belong to any process, which PostgreSQL would take for a
    // server; it would also refuse an empty file, left by a crash.
    cluster.remove(PID_FILE)
}

fn ended(within: Duration, ended: impl Fn() -> bool) -> bool {
    let begun = Instant::now();
    while !ended() {
        if begun.elapsed() > within {
            return false;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    true
}

/// Returns true if process `pid` is a live PostgreSQL on `cluster`: a server works in its data
/// folder.
fn serves(pid: i32, cluster: &Path) -> bool {
    if Pid::from_raw(pid).is_none_or(|pid| test_kill_process(pid).is_err()) {
        return false;
    }
    if Path::new("/proc/self").exists() {
        // a zombie has no folder, data or port
        let folder = fs::read_link(format!("/proc/{pid}/cwd"));
        return match (folder, fs::canonicalize(cluster)) {
            (Ok(folder), Ok(cluster)) => folder == cluster,
            _ => false,
        };
    }
    Command::new("ps").args(["-o", "command=", "-p", &pid.to_string()]).output().is_ok_and(|ps| {
        let line = String::from_utf8_lossy(&ps.stdout).into_owned();
        line.contains("postgres") && line.contains(&*cluster.to_string_lossy())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pid_file_tells_when_the_server_is_ready() {
        let lines = "4711\n/data\n1700000000\n5432\n\n127.0.0.1\n  1 2\n";
        assert_eq!(
            PidFile::parse(&format!("{lines}starting\n")),
            Some(PidFile { pid: 4711, ready: false })
        );
        assert_eq!(
            PidFile::parse(&format!("{lines}ready   \n")),
            Some(PidFile { pid: 4711, ready: true })
        );
        assert_eq!(PidFile::parse(""), None);
    }

    #[test]
    fn a_pid_file_whose_number_now_belongs_to_another_process_is_stale() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("postmaster.pid");
        fs::write(&file, format!("{}\n/data\n", std::process::id())).unwrap();
        stop_orphan(dir.path(), &Dir::open(dir.path()).unwrap()).unwrap();
        assert!(!file.exists());
    }

    #[test]
    fn an_empty_pid_file_is_removed() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("postmaster.pid");
        fs::write(&file, "").unwrap();
        stop_orphan(dir.path(), &Dir::open(dir.path()).unwrap()).unwrap();
        assert!(!file.exists());
    }
}
