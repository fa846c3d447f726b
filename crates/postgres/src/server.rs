//! A server that runs, from its start to its end.

use std::fs::{self, File, OpenOptions};
use std::io::{Read, Seek, SeekFrom};
use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use rustix::process::Signal;
use secrecy::{ExposeSecret, SecretString};
use tokio::process::{Child, Command};
use tokio::time::{Instant, sleep, timeout};

use crate::cluster::{self, Cluster, NAME};
use crate::folder::Folder;
use crate::postmaster::{FAST, IMMEDIATE, PidFile, signal, stop_orphan};
use crate::{Binaries, Error, Settings};

/// How long a start may take; replaying the log after a crash is part of it.
const START: Duration = Duration::from_mins(3);
/// A log that has grown past this begins anew at the next start.
const LOG_BYTES: u64 = 10 << 20;

/// A running PostgreSQL. Call [`Server::stop`] at the end; a value that is dropped instead tells
/// the server to stop and does not wait for it.
#[derive(Debug)]
pub struct Server {
    child: Child,
    port: u16,
    cluster: Cluster,
}

impl Server {
    /// Starts a server on the settings' folder and waits until it answers. The first start makes
    /// the database, in a second or two; later ones find the data as it was.
    pub async fn start(settings: Settings) -> Result<Self, Error> {
        let begun = Instant::now();
        let wanted = settings.clone();
        let cluster = tokio::task::spawn_blocking(move || cluster::prepare(&wanted))
            .await
            .unwrap_or_else(|panic| std::panic::resume_unwind(panic.into_panic()))?;
        loop {
            let port = match settings.port {
                Some(port) => port_if_free(port)?,
                None => free_port()?,
            };
            let mut child = spawn(&cluster, &settings, port)?;
            match wait_ready(&cluster, &mut child.0, child.1, begun).await {
                Ok(()) => return Ok(Self { child: child.0, port, cluster }),
                // Another process took the free port, or processes of a killed server are still
                // letting go of its memory: both pass.
                Err(Error::Start { detail, .. })
                    if begun.elapsed() < START / 6
                        && (detail.contains("still in use")
                            || settings.port.is_none()
                                && detail.contains("any TCP/IP sockets")) =>
                {
                    sleep(Duration::from_millis(100)).await;
                }
                Err(error) => return Err(error),
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

    /// What runs: its folder and its major version.
    pub fn binaries(&self) -> &Binaries {
        &self.cluster.binaries
    }

    /// The folder that holds the data, after links.
    pub fn data_dir(&self) -> &Path {
        &self.cluster.folder.home
    }

    /// Resolves when the server ends without being asked to, with the reason in its log.
    pub async fn ended(&mut self) -> Error {
        let status = self.child.wait().await;
        failed(&self.cluster.folder.log(), 0, status.ok())
    }

    /// Closes every connection, writes everything and waits until the process is gone.
    /// What takes longer than half a minute is dropped and recovered at the next start.
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

/// Removes a data folder whose process is gone, with a server it may have left behind. A folder
/// in use, or not ours, stays, and says so. Blocks while a server stops.
pub fn discard(data_dir: &Path) -> Result<(), Error> {
    let folder = Folder::take(data_dir)?;
    stop_orphan(&folder.cluster())?;
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
    // Its processes notice the loss of their parent and end.
    let _ = child.kill().await;
}

fn spawn(cluster: &Cluster, settings: &Settings, port: u16) -> Result<(Child, u64), Error> {
    let folder = &cluster.folder;
    let path = folder.log();
    let log = open_log(&path).map_err(Error::io("open", &path))?;
    folder.run_as.own(&path)?;
    let from = log.metadata().map_err(Error::io("read", &path))?.len();
    let both = log.try_clone().map_err(Error::io("open", &path))?;
    let program = cluster.binaries.program("postgres");
    let mut command = folder.run_as.command(&program, &folder.home);
    command.arg("-D").arg(folder.cluster());
    let fixed = [
        "listen_addresses=127.0.0.1",
        "unix_socket_directories=",
        "logging_collector=off",
        "log_destination=stderr",
        "cluster_name=bellwether",
        // The statements here are short; compiling them costs more than it saves.
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
        // A test that ends while one of its connections is being opened leaves the server waiting for
        // the answer, and every `drop database` waits for that.
        command.args(["-c", "authentication_timeout=5s"]);
    }
    command.stdin(Stdio::null()).stdout(log).stderr(both).process_group(0);
    let child = Command::from(command).spawn().map_err(Error::io("run", &program))?;
    Ok((child, from))
}

fn open_log(path: &Path) -> std::io::Result<File> {
    if fs::metadata(path).is_ok_and(|log| log.len() > LOG_BYTES) {
        fs::remove_file(path)?;
    }
    OpenOptions::new().create(true).append(true).open(path)
}

async fn wait_ready(
    cluster: &Cluster,
    child: &mut Child,
    from: u64,
    begun: Instant,
) -> Result<(), Error> {
    let (dir, log) = (cluster.folder.cluster(), cluster.folder.log());
    loop {
        if let Ok(Some(status)) = child.try_wait() {
            return Err(failed(&log, from, Some(status)));
        }
        let pid = child.id().map(u32::cast_signed);
        if PidFile::read(&dir).is_some_and(|file| file.ready && Some(file.pid) == pid) {
            return Ok(());
        }
        if begun.elapsed() > START {
            end(child).await;
            return Err(failed(&log, from, None));
        }
        sleep(Duration::from_millis(20)).await;
    }
}

fn failed(log: &Path, from: u64, status: Option<ExitStatus>) -> Error {
    let mut text = Vec::new();
    let _ = File::open(log).and_then(|mut file| {
        let end = file.metadata()?.len();
        file.seek(SeekFrom::Start(from.max(end.saturating_sub(64 << 10))))?;
        file.read_to_end(&mut text)
    });
    let detail = cluster::reason(&String::from_utf8_lossy(&text))
        .or_else(|| status.map(|status| status.to_string()))
        .unwrap_or_else(|| "it does not answer".to_owned());
    Error::Start { detail, log: log.to_owned() }
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
