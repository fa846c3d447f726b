//! A PostgreSQL server of one test, which may crash it.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use bellwether_postgres::{Server, Settings, discard};
use rustix::process::{Pid, Signal, kill_process};
use secrecy::ExposeSecret;

use crate::unique;

/// Not that of scratch servers, which are swept as soon as they do not run: this one may be down.
const PREFIX: &str = "bellwether-durable";
/// An older one was left by a run that was killed.
const LONGEST: Duration = Duration::from_hours(3);

/// A durable server: confirmed commits survive a crash. It restarts on the same port, and is
/// deleted with its data when the value is dropped.
#[derive(Debug)]
pub struct Postgres {
    /// Connects to its database as a superuser.
    pub url: String,
    server: Option<Server>,
    settings: Settings,
    dir: PathBuf,
}

impl Postgres {
    pub async fn start(max_connections: u16) -> Self {
        sweep();
        let dir = std::env::temp_dir().join(unique(PREFIX));
        fs::create_dir(&dir).unwrap_or_else(|e| panic!("{}: {e}", dir.display()));
        // Root's server runs as another user, who has to pass through.
        fs::set_permissions(&dir, fs::Permissions::from_mode(0o711))
            .unwrap_or_else(|e| panic!("{}: {e}", dir.display()));
        let mut settings = settings(&dir.join("postgres"));
        settings.max_connections = max_connections;
        let server = started(&settings).await;
        settings.port = Some(server.port());
        let url = server.url().expose_secret().to_owned();
        Self { url, server: Some(server), settings, dir }
    }

    /// Kills it as a power cut would: no client is notified, nothing more is written.
    pub async fn crash(&mut self) {
        let Some(mut server) = self.server.take() else { return };
        if let Some(pid) = server.pid().and_then(|pid| Pid::from_raw(pid.cast_signed())) {
            let _ = kill_process(pid, Signal::QUIT);
        }
        server.ended().await;
    }

    /// Stops it in order.
    pub async fn stop(&mut self) {
        let Some(server) = self.server.take() else { return };
        server.stop().await.unwrap_or_else(|e| panic!("PostgreSQL does not stop: {e}"));
    }

    /// Copies its present data, as a replica that lags from here on.
    pub async fn replicate(&mut self) {
        self.stop().await;
        let data = self.settings.data_dir.join("cluster");
        copy(&data, &self.dir.join("replica"));
        self.start_again().await;
    }

    /// Crashes it, and promotes the replica on the same port: commits since [`Self::replicate`] are
    /// lost, and a new timeline begins.
    pub async fn fail_over(&mut self) {
        self.crash().await;
        let data = self.settings.data_dir.join("cluster");
        fs::remove_dir_all(&data).unwrap_or_else(|e| panic!("{}: {e}", data.display()));
        copy(&self.dir.join("replica"), &data);
        // recovers to the end of its log, as there is no more to fetch, and then promotes itself
        let signal = data.join("recovery.signal");
        fs::write(&signal, "").unwrap_or_else(|e| panic!("{}: {e}", signal.display()));
        let settings = data.join("postgresql.auto.conf");
        OpenOptions::new()
            .append(true)
            .open(&settings)
            .and_then(|mut file| file.write_all(b"restore_command = 'false'\n"))
            .unwrap_or_else(|e| panic!("{}: {e}", settings.display()));
        self.start_again().await;
    }

    /// Starts it again; replays the log after a crash.
    pub async fn start_again(&mut self) {
        self.server = Some(started(&self.settings).await);
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        self.server.take();
        if discard(&self.settings.data_dir).is_ok() {
            let _ = fs::remove_dir_all(&self.dir);
        }
    }
}

/// With owners and modes: root's server runs as another user.
fn copy(from: &Path, to: &Path) {
    let copied = Command::new("cp").arg("-a").args([from, to]).status();
    assert!(copied.is_ok_and(|status| status.success()), "cannot copy {}", from.display());
}

fn sweep() {
    for entry in fs::read_dir(std::env::temp_dir()).into_iter().flatten().flatten() {
        let ours = entry.file_name().to_string_lossy().starts_with(PREFIX);
        let made = entry.metadata().and_then(|found| found.modified());
        let old = made.is_ok_and(|made| made.elapsed().is_ok_and(|age| age > LONGEST));
        if ours && old && discard(&entry.path().join("postgres")).is_ok() {
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}

async fn started(settings: &Settings) -> Server {
    Server::start(settings.clone())
        .await
        .unwrap_or_else(|e| panic!("PostgreSQL does not start: {e}"))
}

#[expect(clippy::disallowed_methods, reason = "where the test recipes found PostgreSQL")]
fn settings(data_dir: &Path) -> Settings {
    Settings {
        bin: std::env::var_os("BELLWETHER_PG_BIN").map(PathBuf::from),
        path: std::env::var_os("PATH"),
        ..Settings::new(data_dir)
    }
}
