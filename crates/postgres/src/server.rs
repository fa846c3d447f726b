//! A running server, from start to stop.

use std::fs::{self, File};
use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::fs::FileExt;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{ExitStatus, Stdio};
use std::sync::Arc;
use std::time::Duration;

use rustix::fs::OFlags;
use rustix::process::Signal;
use secrecy::{ExposeSecret, SecretString};
use tokio::process::{Child, Command};
use tokio::time::{Instant, MissedTickBehavior, interval, sleep, timeout};

use crate::children::Children;
use crate::cluster::{self, Cluster, NAME};
use crate::folder::{CLUSTER, Folder, LOG};
use crate::postmaster::{FAST, IMMEDIATE, PidFile, signal, stop_orphan};
use crate::{Binaries, Error, Settings};

/// Time that a start may take; replaying the log after a crash is part of it.
const START: Duration = Duration::from_mins(3);
/// Size from which the log is emptied.
const LOG_BYTES: u64 = 10 << 20;
/// Interval at which the size of the log is checked.
const LOOK: Duration = Duration::from_mins(1);
/// Bytes at the log's end that are searched for the reason of a failure.
const TAIL: u64 = 64 << 10;

/// A running PostgreSQL. Call [`Server::stop`] at the end; dropping the value tells the server to
/// stop and does not wait for it.
#[derive(Debug)]
pub struct Server {
    child: Child,
    port: u16,
    cluster: Arc<Cluster>,
    log: Log,
}

/// The server's log, and the position at which the lines of this start begin.
#[derive(Debug)]
struct Log {
    file: File,
    from: u64,
}

/// Ends the programs of a start that is dropped.
struct StopOnDrop(Arc<Children>);

impl Drop for StopOnDrop {
    fn drop(&mut self) {
        self.0.stop();
    }
}

impl Server {
    /// Starts a server on the settings' folder and waits until it answers. The first start creates
    /// the database, in a second or two.
    pub async fn start(settings: Settings) -> Result<Self, Error> {
        Self::start_until(settings, std::future::pending()).await
    }

    /// As [`Self::start`], until `stop` resolves: then the started programs are ended, and
    /// [`Error::Stopped`] is returned once none of their processes is left.
    pub async fn start_until(
        settings: Settings,
        stop: impl Future<Output = ()>,
    ) -> Result<Self, Error> {
        let begun = Instant::now();
        tokio::pin!(stop);
        let children = StopOnDrop(Arc::default());
        let mut preparing = {
            let (settings, children) = (settings.clone(), Arc::clone(&children.0));
            tokio::task::spawn_blocking(move || cluster::prepare(&settings, &children))
        };
        let cluster = tokio::select! {
            prepared = &mut preparing => Arc::new(unpanicked(prepared)?),
            () = &mut stop => {
                children.0.stop();
                // its result does not matter any more, only its end
                drop(unpanicked(preparing.await));
                return Err(Error::Stopped);
            }
        };
        loop {
            let port = match settings.port {
                Some(port) => port_if_free(port)?,
                None => free_port()?,
            };
            let mut server = Self::spawn(Arc::clone(&cluster), &settings, port)?;
            let failure = tokio::select! {
                ready = server.wait_ready(begun) => match ready {
                    Ok(()) => return Ok(server),
                    Err(failure) => failure,
                },
                () = &mut stop => {
                    end(&mut server.child).await;
                    return Err(Error::Stopped);
                }
            };
            match failure {
                // another process took the free port, or processes of a killed server still hold
                // its memory: both are temporary
                Error::Start { detail, .. }
                    if begun.elapsed() < START / 6
                        && (detail.contains("still in use")
                            || settings.port.is_none()
                                && detail.contains("any TCP/IP sockets")) =>
                {
                    sleep(Duration::from_millis(100)).await;
                }
                error => return Err(error),
            }
        }
    }

    /// `postgres://bellwether:…@127.0.0.1:port/bellwether`, of a superuser of this server.
    pub fn url(&self) -> SecretString {
        let password = self.cluster.password.expose_secret();
        format!("postgres://{NAME}:{password}@127.0.0.1:{}/{NAME}", self.port).into()
    }

    /// The port on 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The server's process.
    pub fn pid(&self) -> Option<u32> {
        self.child.id()
    }

    /// The programs in use: their folder and their major version.
    pub fn binaries(&self) -> &Binaries {
        &self.cluster.binaries
    }

    /// The folder that holds the data, after links.
    pub fn data_dir(&self) -> &Path {
        &self.cluster.folder.home
    }

    /// Resolves when the server ends without a request, with the reason from its log. Until then it
    /// limits the size of the log.
    pub async fn ended(&mut self) -> Error {
        let mut look = interval(LOOK);
        look.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let status = loop {
            tokio::select! {
                status = self.child.wait() => break status.ok(),
                _ = look.tick() => {
                    if let Err(error) = self.log.bound(LOG_BYTES) {
                        tracing::debug!(%error, "cannot shorten the log of PostgreSQL");
                    }
                }
            }
        };
        Error::Ended { detail: self.log.reason(status), log: self.cluster.folder.path(LOG) }
    }

    /// Closes every connection, writes everything and waits for the end of the process. A stop of
    /// more than half a minute is turned into an immediate one, and recovered at the next start.
    pub async fn stop(mut self) -> Result<(), Error> {
        end(&mut self.child).await;
        Ok(())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(pid) = self.child.id() {
            signal(pid.cast_signed(), Signal::INT);
        }
    }
}

/// Removes a data folder whose process has ended, with a server that it may have left behind. A
/// folder in use, or of another program, is kept, with an error. Blocks while a server stops.
pub fn discard(data_dir: &Path) -> Result<(), Error> {
    let folder = Folder::take(data_dir)?;
    if let Some(cluster) = folder.dir.sub(CLUSTER)? {
        stop_orphan(&folder.cluster(), &cluster)?;
    }
    fs::remove_dir_all(&folder.home).map_err(Error::io("remove", &folder.home))?;
    if fs::symlink_metadata(data_dir).is_ok() {
        fs::remove_file(data_dir).map_err(Error::io("remove", data_dir))?;
    }
    Ok(())
}

async fn end(child: &mut Child) {
    let Some(pid) = child.id() else { return };
    for (order, within) in [(Signal::INT, FAST), (Signal::QUIT, IMMEDIATE)] {
        signal(pid.cast_signed(), order);
        if timeout(within, child.wait()).await.is_ok() {
            return;
        }
    }
    // its processes notice the loss of their parent and end
    let _ = child.kill().await;
}

fn unpanicked<T>(joined: Result<T, tokio::task::JoinError>) -> T {
    joined.unwrap_or_else(|panic| std::panic::resume_unwind(panic.into_panic()))
}

impl Server {
    fn spawn(cluster: Arc<Cluster>, settings: &Settings, port: u16) -> Result<Self, Error> {
        let folder = &cluster.folder;
        let path = folder.path(LOG);
        let mut log = Log { file: folder.dir.create(LOG, OFlags::RDWR | OFlags::APPEND)?, from: 0 };
        log.bound(LOG_BYTES).map_err(Error::io("shorten", &path))?;
        folder.run_as.own(&log.file, &path)?;
        log.from = log.file.metadata().map_err(Error::io("read", &path))?.len();
        let open = || log.file.try_clone().map_err(Error::io("open", &path));
        let (out, err) = (open()?, open()?);
        let program = cluster.binaries.program("postgres");
        let mut command = command(&cluster, settings, port);
        command.stdin(Stdio::null()).stdout(out).stderr(err).process_group(0);
        let child = Command::from(command).spawn().map_err(Error::io("run", &program))?;
        Ok(Self { child, port, cluster, log })
    }

    async fn wait_ready(&mut self, begun: Instant) -> Result<(), Error> {
        let folder = &self.cluster.folder;
        let failed = |detail| Error::Start { detail, log: folder.path(LOG) };
        let Some(dir) = folder.dir.sub(CLUSTER)? else {
            return Err(Error::NotOurs { path: folder.cluster() });
        };
        loop {
            if let Ok(Some(status)) = self.child.try_wait() {
                return Err(failed(self.log.reason(Some(status))));
            }
            let pid = self.child.id().map(u32::cast_signed);
            if PidFile::read(&dir).is_some_and(|file| file.ready && Some(file.pid) == pid) {
                return Ok(());
            }
            if begun.elapsed() > START {
                end(&mut self.child).await;
                return Err(failed(self.log.reason(None)));
            }
            sleep(Duration::from_millis(20)).await;
        }
    }
}

fn command(cluster: &Cluster, settings: &Settings, port: u16) -> std::process::Command {
    let folder = &cluster.folder;
    let mut command = folder.run_as.command(&cluster.binaries.program("postgres"), &folder.home);
    command.arg("-D").arg(folder.cluster());
    let fixed = [
        "listen_addresses=127.0.0.1",
        "unix_socket_directories=",
        "logging_collector=off",
        "log_destination=stderr",
        "cluster_name=bellwether",
        // the statements here are short; compiling them would take longer
        "jit=off",
    ];
    for setting in fixed {
        command.args(["-c", setting]);
    }
    command.arg("-c").arg(format!("port={port}"));
    command.arg("-c").arg(format!("max_connections={}", settings.max_connections));
    if !settings.durable {
        command.args(["-c", "fsync=off", "-c", "synchronous_commit=off"]);
        command.args(["-c", "full_page_writes=off", "-c", "autovacuum_naptime=10s"]);
        // A test that ends while one of its connections is being opened leaves the server waiting
        // for the answer, and every `drop database` waits for that.
        command.args(["-c", "authentication_timeout=15s"]);
    }
    command
}

impl Log {
    /// Empties a log that has grown past `bytes`. The server appends, so it continues at the start.
    fn bound(&mut self, bytes: u64) -> std::io::Result<()> {
        if self.file.metadata()?.len() > bytes {
            self.file.set_len(0)?;
            self.from = 0;
        }
        Ok(())
    }

    /// The reason of a failure, from the log's last lines or from the exit status.
    fn reason(&self, status: Option<ExitStatus>) -> String {
        cluster::reason(&String::from_utf8_lossy(&self.tail().unwrap_or_default()))
            .or_else(|| status.map(|status| status.to_string()))
            .unwrap_or_else(|| "it does not answer".to_owned())
    }

    /// Reads without moving the position at which the server, which shares it, writes.
    fn tail(&self) -> std::io::Result<Vec<u8>> {
        let end = self.file.metadata()?.len();
        let from = self.from.max(end.saturating_sub(TAIL)).min(end);
        let mut text = vec![0; usize::try_from(end - from).unwrap_or(0)];
        self.file.read_exact_at(&mut text, from)?;
        Ok(text)
    }
}

fn port_if_free(port: u16) -> Result<u16, Error> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, port))
        .map(|_| port)
        .map_err(|_| Error::PortInUse { port })
}

fn free_port() -> Result<u16, Error> {
    let probe = TcpListener::bind((Ipv4Addr::LOCALHOST, 0));
    probe
        .and_then(|socket| socket.local_addr())
        .map(|address| address.port())
        .map_err(Error::io("find a free port on", "127.0.0.1"))
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    #[test]
    fn a_long_log_is_emptied_and_written_again() {
        let dir = tempfile::tempdir().unwrap();
        let dir = crate::dir::Dir::open(dir.path()).unwrap();
        let file = dir.create(LOG, OFlags::RDWR | OFlags::APPEND).unwrap();
        let mut server = file.try_clone().unwrap();
        let mut log = Log { file, from: 5 };
        server.write_all(b"LOG:  one\nFATAL:  two\n").unwrap();
        log.bound(100).unwrap();
        assert_eq!(log.reason(None), "FATAL:  two");
        log.bound(10).unwrap();
        server.write_all(b"FATAL:  three\n").unwrap();
        assert_eq!(log.reason(None), "FATAL:  three");
        assert_eq!(log.file.metadata().unwrap().len(), 14);
    }
}
