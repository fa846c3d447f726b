//! The data folder: whose it is, who may use it now, and where it really lies.

use std::collections::hash_map::DefaultHasher;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::hash::{Hash, Hasher};
use std::io::{Read, Seek, Write};
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use crate::Error;
use crate::account::RunAs;

/// Where root's clusters lie when the unprivileged account cannot reach the folder asked for.
const SHARED: &str = "/var/lib/bellwether";
/// Marks a folder as ours, and is locked while a process uses it.
const LOCK: &str = "bellwether.lock";

/// A data folder that this process alone uses, until the value is dropped.
#[derive(Debug)]
pub(crate) struct Folder {
    pub(crate) home: PathBuf,
    pub(crate) run_as: RunAs,
    _lock: File,
}

impl Folder {
    /// Takes the folder, making it if needed.
    pub(crate) fn take(asked: &Path) -> Result<Self, Error> {
        let asked = std::path::absolute(asked).map_err(Error::io("find", asked))?;
        let run_as = RunAs::resolve(&asked.join("cluster"))?;
        let home = place(&asked, &run_as)?;
        claim(&home)?;
        let lock = lock(&home)?;
        run_as.own(&home)?;
        // Its owner may be the next to start it, without root's help.
        run_as.own(&home.join(LOCK))?;
        fs::set_permissions(&home, fs::Permissions::from_mode(0o700))
            .map_err(Error::io("set the permissions of", &home))?;
        Ok(Self { home, run_as, _lock: lock })
    }

    pub(crate) fn cluster(&self) -> PathBuf {
        self.home.join("cluster")
    }

    pub(crate) fn log(&self) -> PathBuf {
        self.home.join("postgres.log")
    }

    pub(crate) fn password(&self) -> PathBuf {
        self.home.join("password")
    }
}

/// The real folder: the one asked for, or one that the account can reach and a link to it.
fn place(asked: &Path, run_as: &RunAs) -> Result<PathBuf, Error> {
    if let Ok(real) = fs::canonicalize(asked) {
        if run_as.reaches(real.parent().unwrap_or(&real)) {
            return Ok(real);
        }
        // Nothing of value is in an empty folder, so it may give way to the link.
        fs::remove_dir(&real).map_err(|_| Error::DataOutOfReach {
            path: real.clone(),
            user: run_as.name().to_owned(),
        })?;
    } else if fs::symlink_metadata(asked).is_ok_and(|link| link.is_symlink()) {
        // The link outlived what it pointed to.
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
    let mut hasher = DefaultHasher::new();
    home.hash(&mut hasher);
    let shared = Path::new(SHARED).join(format!("{:016x}", hasher.finish()));
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

/// Refuses a folder with somebody else's files, or of another user.
fn claim(home: &Path) -> Result<(), Error> {
    let owner = fs::metadata(home).map_err(Error::io("read", home))?.uid();
    let me = rustix::process::geteuid();
    if !me.is_root() && owner != me.as_raw() {
        return Err(Error::ForeignOwner { path: home.to_owned(), uid: owner });
    }
    let mut entries = fs::read_dir(home).map_err(Error::io("read", home))?;
    if entries.next().is_some() && !home.join(LOCK).exists() {
        return Err(Error::NotOurs { path: home.to_owned() });
    }
    Ok(())
}

/// Locks the folder against a second process. The system releases the lock of a killed process.
fn lock(home: &Path) -> Result<File, Error> {
    let path = home.join(LOCK);
    let mut file = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .open(&path)
        .map_err(Error::io("open", &path))?;
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
        let error = claim(dir.path()).unwrap_err();
        assert!(matches!(error, Error::NotOurs { .. }), "{error}");
        assert!(!error.to_string().contains('\n'));
    }

    #[test]
    fn a_folder_in_use_names_the_process_that_uses_it() {
        let dir = tempfile::tempdir().unwrap();
        let held = lock(dir.path()).unwrap();
        let error = lock(dir.path()).unwrap_err();
        assert!(matches!(error, Error::InUse { pid: Some(pid), .. } if pid == std::process::id()));
        drop(held);
        assert!(lock(dir.path()).is_ok());
    }
}
