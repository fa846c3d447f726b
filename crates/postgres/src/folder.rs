//! The data folder: its owner, the process that uses it, and its real path.

use std::fs::{self, File, TryLockError};
use std::io::{Read, Seek, Write};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use rustix::fs::OFlags;

use crate::Error;
use crate::account::RunAs;
use crate::dir::Dir;

/// Folder of root's clusters if the unprivileged account cannot reach the folder in the settings.
const SHARED: &str = "/var/lib/bellwether";
/// Marks a folder as Bellwether's, and is locked while a process uses it.
pub(crate) const LOCK: &str = "bellwether.lock";
pub(crate) const LOG: &str = "postgres.log";
pub(crate) const CLUSTER: &str = "cluster";

/// A data folder that this process alone uses, until the value is dropped.
#[derive(Debug)]
pub(crate) struct Folder {
    pub(crate) home: PathBuf,
    /// The open folder: if this process is root, the account that owns it may have put links in it.
    pub(crate) dir: Dir,
    pub(crate) run_as: RunAs,
    _lock: File,
}

impl Folder {
    /// Takes the folder, creating it if needed.
    pub(crate) fn take(asked: &Path) -> Result<Self, Error> {
        let asked = std::path::absolute(asked).map_err(Error::io("find", asked))?;
        let run_as = RunAs::resolve(&asked)?;
        let home = place(&asked, &run_as)?;
        let dir = Dir::open(&home)?;
        claim(&home, &dir)?;
        let lock = lock(&home, &dir)?;
        dir.own(&run_as)?;
        // its owner may be the next to start it, without root
        run_as.own(&lock, &home.join(LOCK))?;
        dir.close_to_others()?;
        Ok(Self { home, dir, run_as, _lock: lock })
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.home.join(name)
    }

    pub(crate) fn cluster(&self) -> PathBuf {
        self.path(CLUSTER)
    }
}

/// The real folder: the configured one, or one that the account can reach, with a link to it.
fn place(asked: &Path, run_as: &RunAs) -> Result<PathBuf, Error> {
    if let Ok(real) = fs::canonicalize(asked) {
        if run_as.reaches(real.parent().unwrap_or(&real)) {
            return Ok(real);
        }
        // an empty folder may be replaced by the link
        fs::remove_dir(&real).map_err(|_| Error::DataOutOfReach {
            path: real.clone(),
            user: run_as.name().to_owned(),
        })?;
    } else if fs::symlink_metadata(asked).is_ok_and(|link| link.is_symlink()) {
        // the target of the link no longer exists
        fs::remove_file(asked).map_err(Error::io("remove", asked))?;
    }
    let parent = asked.parent().unwrap_or(Path::new("/"));
    fs::create_dir_all(parent).map_err(Error::io("create", parent))?;
    let parent = fs::canonicalize(parent).map_err(Error::io("read", parent))?;
    let home = parent.join(asked.file_name().unwrap_or_default());
    if run_as.reaches(&parent) {
        fs::create_dir(&home).map_err(Error::io("create", &home))?;
        return Ok(home);
    }
    let shared = Path::new(SHARED).join(format!("{:016x}", fnv1a(home.as_os_str().as_bytes())));
    fs::create_dir_all(&shared).map_err(Error::io("create", &shared))?;
    symlink(&shared, &home).map_err(Error::io("create", &home))?;
    tracing::info!(
        "user {} cannot reach {}; the database lies in {}, with a link to it",
        run_as.name(),
        home.display(),
        shared.display()
    );
    Ok(shared)
}

/// A hash of a path that is the same in every build.
fn fnv1a(bytes: &[u8]) -> u64 {
    let mix = |hash: u64, byte: &u8| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, mix)
}

/// Refuses a folder with files of another program, or of another user.
fn claim(home: &Path, dir: &Dir) -> Result<(), Error> {
    let owner = dir.owner()?;
    let me = rustix::process::geteuid();
    if !me.is_root() && owner != me.as_raw() {
        return Err(Error::ForeignOwner { path: home.to_owned(), uid: owner });
    }
    let names = dir.names()?;
    if !names.is_empty() && !names.iter().any(|name| name == LOCK.as_bytes()) {
        return Err(Error::NotOurs { path: home.to_owned() });
    }
    Ok(())
}

/// Locks the folder against a second process. The system releases the lock of a killed process.
fn lock(home: &Path, dir: &Dir) -> Result<File, Error> {
    let path = home.join(LOCK);
    let mut file = dir.create(LOCK, OFlags::RDWR)?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            let mut text = String::new();
            let _ = file.read_to_string(&mut text);
            return Err(Error::InUse { path: home.to_owned(), pid: text.trim().parse().ok() });
        }
        Err(TryLockError::Error(error)) => return Err(Error::io("lock", &path)(error)),
    }
    file.set_len(0)
        .and_then(|()| file.rewind())
        .and_then(|()| writeln!(file, "{}", std::process::id()))
        .map_err(Error::io("write", &path))?;
    Ok(file)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_with_other_files_is_left_alone() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("letter.txt"), "dear").unwrap();
        let error = claim(dir.path(), &Dir::open(dir.path()).unwrap()).unwrap_err();
        assert!(matches!(error, Error::NotOurs { .. }), "{error}");
        assert!(!error.to_string().contains('\n'));
    }

    #[test]
    fn a_folder_in_use_names_the_process_that_uses_it() {
        let dir = tempfile::tempdir().unwrap();
        let open = Dir::open(dir.path()).unwrap();
        let held = lock(dir.path(), &open).unwrap();
        let error = lock(dir.path(), &open).unwrap_err();
        assert!(matches!(error, Error::InUse { pid: Some(pid), .. } if pid == std::process::id()));
        drop(held);
        assert!(lock(dir.path(), &open).is_ok());
    }
}
