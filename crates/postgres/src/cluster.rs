//! The database cluster in the data folder: made once, whole or not at all.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};

use rand::distr::{Alphanumeric, SampleString};
use secrecy::{ExposeSecret, SecretString};

use crate::account::RunAs;
use crate::binaries::{self, Binaries};
use crate::folder::Folder;
use crate::postmaster::stop_orphan;
use crate::{Error, Settings};

/// The role and the database that the URL names.
pub(crate) const NAME: &str = "bellwether";

/// A cluster that can be started.
#[derive(Debug)]
pub(crate) struct Cluster {
    pub(crate) folder: Folder,
    pub(crate) binaries: Binaries,
    pub(crate) password: SecretString,
}

/// Takes the data folder, stops what an earlier process left on it, and makes the cluster if it
/// is not there. Blocks: `initdb` takes a second or two.
pub(crate) fn prepare(settings: &Settings) -> Result<Cluster, Error> {
    let folder = Folder::take(&settings.data_dir)?;
    let dir = folder.cluster();
    let data = data_version(&dir)?;
    let binaries = binaries::choose(settings, data)?;
    if let Some(data) = data.filter(|data| *data != binaries.major) {
        return Err(Error::OtherVersion { path: dir, data, found: binaries.major });
    }
    if !folder.run_as.reaches(&binaries.dir) {
        let user = folder.run_as.name().to_owned();
        return Err(Error::BinariesOutOfReach { path: binaries.dir, user });
    }
    if let (RunAs::Other(account), Ok(found)) = (&folder.run_as, fs::metadata(&dir))
        && found.uid() != account.uid
    {
        folder.run_as.own_all(&dir)?;
    }
    let (password, new) = password(&folder)?;
    let cluster = Cluster { folder, binaries, password };
    if data.is_some() {
        stop_orphan(&dir)?;
        if new {
            tracing::warn!("the password of the database was lost; it gets a new one");
            cluster.sql(&dir, "postgres", &cluster.new_password())?;
        }
    } else {
        cluster.create(settings.durable)?;
    }
    Ok(cluster)
}

impl Cluster {
    /// Makes the cluster beside its place and moves it there whole: a folder named `cluster` is
    /// always complete, whatever was killed when.
    fn create(&self, durable: bool) -> Result<(), Error> {
        let dir = self.folder.cluster();
        let half = self.folder.home.join("cluster.new");
        if half.exists() {
            fs::remove_dir_all(&half).map_err(Error::io("remove", &half))?;
        }
        let mut initdb =
            self.folder.run_as.command(&self.binaries.program("initdb"), &self.folder.home);
        initdb
            .arg("--pgdata")
            .arg(&half)
            .args(["--username", NAME, "--auth", "scram-sha-256", "--encoding", "UTF8"])
            .args(["--no-locale", "--pwfile"])
            .arg(self.folder.password())
            .stdin(Stdio::null());
        if !durable {
            initdb.arg("--no-sync");
        }
        let output = initdb.output().map_err(Error::io("run", self.binaries.program("initdb")))?;
        self.check(&output)?;
        self.sql(&half, "postgres", &format!("create database {NAME}"))?;
        fs::rename(&half, &dir).map_err(Error::io("create", &dir))
    }

    fn new_password(&self) -> String {
        // Letters and digits only, so there is nothing to quote.
        format!("alter role {NAME} password '{}'", self.password.expose_secret())
    }

    /// Runs one statement without a server, in single-user mode.
    fn sql(&self, dir: &Path, database: &str, statement: &str) -> Result<(), Error> {
        let program = self.binaries.program("postgres");
        let mut child = self
            .folder
            .run_as
            .command(&program, &self.folder.home)
            .args(["--single", "-j", "-c", "exit_on_error=on", "-D"])
            .arg(dir)
            .arg(database)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(Error::io("run", &program))?;
        let mut stdin = child.stdin.take().expect("stdin is piped");
        // A program that has already ended is reported below, with its reason.
        let _ = stdin.write_all(format!("{statement};\n\n").as_bytes());
        drop(stdin);
        let output = child.wait_with_output().map_err(Error::io("run", &program))?;
        self.check(&output)
    }

    fn check(&self, output: &Output) -> Result<(), Error> {
        if output.status.success() {
            return Ok(());
        }
        let said = String::from_utf8_lossy(&output.stderr);
        let detail = reason(&said).unwrap_or_else(|| output.status.to_string());
        Err(Error::Create { path: self.folder.home.clone(), detail })
    }
}

/// The line of PostgreSQL's output that says what went wrong.
pub(crate) fn reason(output: &str) -> Option<String> {
    let lines = || output.lines().map(str::trim).filter(|line| !line.is_empty());
    lines()
        .rfind(|line| {
            ["FATAL:", "PANIC:", "ERROR:", "error:"].iter().any(|word| line.contains(word))
        })
        .or_else(|| lines().next_back())
        .map(str::to_owned)
}

/// Major version of the data in `dir`; none when there is no cluster yet.
fn data_version(dir: &Path) -> Result<Option<u32>, Error> {
    let file: PathBuf = dir.join("PG_VERSION");
    match fs::read_to_string(&file) {
        Ok(text) => {
            text.trim().parse().map(Some).map_err(|_| Error::NotOurs { path: dir.to_owned() })
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            if dir.exists() {
                Err(Error::NotOurs { path: dir.to_owned() })
            } else {
                Ok(None)
            }
        }
        Err(error) => Err(Error::io("read", file)(error)),
    }
}

/// The password of the cluster, and whether it was made just now.
fn password(folder: &Folder) -> Result<(SecretString, bool), Error> {
    let path = folder.password();
    match fs::read_to_string(&path) {
        Ok(text) if is_password(text.trim()) => return Ok((text.trim().into(), false)),
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            return Err(Error::io("read", path)(error));
        }
        _ => {}
    }
    let password = Alphanumeric.sample_string(&mut rand::rng(), 32);
    let mut file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&path)
        .map_err(Error::io("create", &path))?;
    writeln!(file, "{password}").map_err(Error::io("write", &path))?;
    folder.run_as.own(&path)?;
    Ok((password.into(), true))
}

fn is_password(text: &str) -> bool {
    text.len() >= 16 && text.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reason_is_the_last_line_that_names_an_error() {
        let log = "LOG:  starting\nFATAL:  could not create lock file\nLOG:  database system is shut down\n";
        assert_eq!(reason(log).as_deref(), Some("FATAL:  could not create lock file"));
        assert_eq!(reason("nothing special\n\n").as_deref(), Some("nothing special"));
        assert_eq!(reason(""), None);
    }

    #[test]
    fn a_cluster_folder_without_a_version_is_not_ours() {
        let dir = tempfile::tempdir().unwrap();
        assert!(matches!(data_version(dir.path()), Err(Error::NotOurs { .. })));
        assert!(matches!(data_version(&dir.path().join("none")), Ok(None)));
        fs::write(dir.path().join("PG_VERSION"), "15\n").unwrap();
        assert!(matches!(data_version(dir.path()), Ok(Some(15))));
    }
}
