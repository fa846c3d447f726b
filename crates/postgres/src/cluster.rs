//! The database cluster in the data folder: created completely or not at all.

use std::fs;
use std::path::Path;
use std::process::{Output, Stdio};
use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};

use crate::account::RunAs;
use crate::binaries::{self, Binaries};
use crate::children::Children;
use crate::dir::Dir;
use crate::folder::{CLUSTER, Folder};
use crate::postmaster::stop_orphan;
use crate::{Error, Settings, password};

/// The role and the database that the URL names.
pub(crate) const NAME: &str = "bellwether";
/// Attempts to remove a folder that processes of a killed program still write into.
const REMOVALS: u32 = 50;

/// A cluster that can be started.
#[derive(Debug)]
pub(crate) struct Cluster {
    pub(crate) folder: Folder,
    pub(crate) binaries: Binaries,
    pub(crate) password: SecretString,
}

/// Takes the data folder, stops a server that an earlier process left on it, and creates the
/// cluster if there is none. Blocks: `initdb` takes a second or two, unless `children` is stopped.
pub(crate) fn prepare(settings: &Settings, children: &Children) -> Result<Cluster, Error> {
    let folder = Folder::take(&settings.data_dir)?;
    let path = folder.cluster();
    let data = data_version(&folder.dir, &path)?;
    let binaries = binaries::choose(settings, data, &folder.run_as)?;
    if let Some(data) = data.filter(|data| *data != binaries.major) {
        return Err(Error::OtherVersion { path, data, found: binaries.major });
    }
    if let (RunAs::Other(account), Some(dir)) = (&folder.run_as, folder.dir.sub(CLUSTER)?)
        && dir.owner()? != account.uid
    {
        dir.own_all(&folder.run_as)?;
    }
    let known = password::find(&folder)?;
    let lost = known.is_none();
    let cluster = Cluster { folder, binaries, password: known.unwrap_or_else(password::new) };
    if let Some(dir) = cluster.folder.dir.sub(CLUSTER)? {
        stop_orphan(&path, &dir)?;
        if lost {
            tracing::warn!(
                "the file of the database's password is missing; setting a new password"
            );
            cluster.sql(&path, "postgres", &cluster.new_password(), children)?;
            password::keep(&cluster.folder, &cluster.password)?;
        }
    } else {
        if lost {
            password::keep(&cluster.folder, &cluster.password)?;
        }
        cluster.create(settings.durable, children)?;
    }
    Ok(cluster)
}

impl Cluster {
    /// Creates the cluster under another name and renames it: a folder named `cluster` is always
    /// complete, whenever a process is killed.
    fn create(&self, durable: bool, children: &Children) -> Result<(), Error> {
        let half = self.folder.path("cluster.new");
        remove(&half)?;
        let made = self.create_in(&half, durable, children);
        if made.is_err() {
            // the next start would remove it too; the first error is the more useful one
            let _ = remove(&half);
        }
        made
    }

    fn create_in(&self, half: &Path, durable: bool, children: &Children) -> Result<(), Error> {
        let program = self.binaries.program("initdb");
        let mut initdb = self.folder.run_as.command(&program, &self.folder.home);
        initdb
            .arg("--pgdata")
            .arg(half)
            .args(["--username", NAME, "--auth", "scram-sha-256", "--encoding", "UTF8"])
            .args(["--no-locale", "--pwfile"])
            .arg(self.folder.path(password::FILE))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        if !durable {
            initdb.arg("--no-sync");
        }
        self.check(&children.run(&mut initdb, "")?)?;
        self.sql(half, "postgres", &format!("create database {NAME}"), children)?;
        let path = self.folder.cluster();
        fs::rename(half, &path).map_err(Error::io("create", &path))
    }

    fn new_password(&self) -> String {
        format!("alter role {NAME} password '{}'", self.password.expose_secret())
    }

    /// Runs one statement without a server, in single-user mode.
    fn sql(
        &self,
        dir: &Path,
        database: &str,
        statement: &str,
        children: &Children,
    ) -> Result<(), Error> {
        let mut command =
            self.folder.run_as.command(&self.binaries.program("postgres"), &self.folder.home);
        command
            .args(["--single", "-j", "-c", "exit_on_error=on", "-D"])
            .arg(dir)
            .arg(database)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::piped());
        self.check(&children.run(&mut command, &format!("{statement};\n\n"))?)
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

/// Removes a folder, again while processes of an earlier start that was killed still fill it.
fn remove(dir: &Path) -> Result<(), Error> {
    let mut tries = 0;
    loop {
        match fs::remove_dir_all(dir) {
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(()),
            Err(e) if e.kind() == std::io::ErrorKind::DirectoryNotEmpty && tries < REMOVALS => {
                tries += 1;
                std::thread::sleep(Duration::from_millis(100));
            }
            other => return other.map_err(Error::io("remove", dir)),
        }
    }
}

/// The line of PostgreSQL's output with the cause. A full disk leads to further errors that hide
/// it, so it comes first.
pub(crate) fn reason(output: &str) -> Option<String> {
    let lines = || output.lines().map(str::trim).filter(|line| !line.is_empty());
    let says = |words: &'static [&'static str]| {
        move |line: &&str| words.iter().any(|word| line.contains(word))
    };
    lines()
        .rfind(says(&["No space left on device", "Disk quota exceeded"]))
        .or_else(|| lines().rfind(says(&["FATAL:", "PANIC:", "ERROR:", "error:"])))
        .or_else(|| lines().next_back())
        .map(str::to_owned)
}

/// Major version of the data in the cluster of `home`, at `path`; none if there is no cluster yet.
fn data_version(home: &Dir, path: &Path) -> Result<Option<u32>, Error> {
    let Some(cluster) = home.sub(CLUSTER)? else { return Ok(None) };
    let version = cluster.read("PG_VERSION")?.and_then(|text| text.trim().parse().ok());
    version.map(Some).ok_or_else(|| Error::NotOurs { path: path.to_owned() })
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
    fn a_full_disk_is_the_reason_whatever_follows_from_it() {
        let said = "FATAL:  could not write to file \"pg_wal/xlogtemp.7\": No space left on device\n\
                    PANIC:  cannot abort transaction 1, it was already committed\n\
                    child process was terminated by signal 6: Aborted\n";
        assert!(reason(said).unwrap().ends_with("No space left on device"));
    }

    #[test]
    fn a_cluster_folder_without_a_version_is_not_ours() {
        let home = tempfile::tempdir().unwrap();
        let dir = Dir::open(home.path()).unwrap();
        let path = home.path().join(CLUSTER);
        assert!(matches!(data_version(&dir, &path), Ok(None)));
        fs::create_dir(&path).unwrap();
        assert!(matches!(data_version(&dir, &path), Err(Error::NotOurs { .. })));
        fs::write(path.join("PG_VERSION"), "15\n").unwrap();
        assert!(matches!(data_version(&dir, &path), Ok(Some(15))));
    }
}
