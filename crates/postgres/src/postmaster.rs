//! A running server as its pid file tells of it, and how it is told to stop.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process, test_kill_process};

use crate::Error;

/// How long a server may take to write what it holds before it is told to drop it.
pub(crate) const FAST: Duration = Duration::from_secs(30);
/// How long an immediate stop may take before the process is killed.
pub(crate) const IMMEDIATE: Duration = Duration::from_secs(10);

/// The lines of `postmaster.pid` that matter here.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct PidFile {
    pub(crate) pid: i32,
    pub(crate) ready: bool,
}

impl PidFile {
    pub(crate) fn read(cluster: &Path) -> Option<Self> {
        Self::parse(&fs::read_to_string(cluster.join("postmaster.pid")).ok()?)
    }

    /// Line 1 is the process, line 8 its status. A single-user process writes a negative pid.
    fn parse(text: &str) -> Option<Self> {
        let pid: i32 = text.lines().next()?.trim().parse().ok()?;
        let ready = text.lines().nth(7).is_some_and(|status| status.trim() == "ready");
        Some(Self { pid: pid.abs(), ready })
    }
}

/// Sends a signal; `false` when there is no such process.
pub(crate) fn signal(pid: i32, signal: Signal) -> bool {
    Pid::from_raw(pid).is_some_and(|pid| kill_process(pid, signal).is_ok())
}

/// Stops the server that an earlier process left running on `cluster`, and removes a pid file
/// whose process is gone. Only the holder of the folder's lock may call this: the lock says that
/// nobody uses that server any more.
pub(crate) fn stop_orphan(cluster: &Path) -> Result<(), Error> {
    let file = cluster.join("postmaster.pid");
    let Some(PidFile { pid, .. }) = PidFile::read(cluster) else {
        // Cut short by a crash: PostgreSQL itself would refuse an empty one.
        if file.exists() {
            fs::remove_file(&file).map_err(Error::io("remove", &file))?;
        }
        return Ok(());
    };
    if serves(pid, cluster) {
        tracing::warn!(
            pid,
            "PostgreSQL was left running by a process that was killed; stopping it"
        );
        let gone = |within| ended(within, || !serves(pid, cluster));
        signal(pid, Signal::INT);
        if !gone(FAST) {
            signal(pid, Signal::QUIT);
            if !gone(IMMEDIATE) {
                return Err(Error::Orphan { pid });
            }
        }
    }
    // After a reboot the number may belong to any process; PostgreSQL would take it for a server.
    match fs::remove_file(&file) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(Error::io("remove", &file)(error))
        }
        _ => Ok(()),
    }
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

/// Whether process `pid` is a live PostgreSQL on `cluster`: a server works in its data folder.
fn serves(pid: i32, cluster: &Path) -> bool {
    if Pid::from_raw(pid).is_none_or(|pid| test_kill_process(pid).is_err()) {
        return false;
    }
    if Path::new("/proc/self").exists() {
        // A zombie has no folder any more: it holds neither data nor port.
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
        stop_orphan(dir.path()).unwrap();
        assert!(!file.exists());
    }

    #[test]
    fn an_empty_pid_file_is_removed() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("postmaster.pid");
        fs::write(&file, "").unwrap();
        stop_orphan(dir.path()).unwrap();
        assert!(!file.exists());
    }
}
