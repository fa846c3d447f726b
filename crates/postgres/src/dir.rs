//! A folder whose entries are opened without following links.
//!
//! As root the server's folder belongs to another account, whose programs may put a link there in
//! the hope that root writes, reads or gives away what it points to.

use std::ffi::OsStr;
use std::fs::File;
use std::io::Read;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, Mode, OFlags};
use rustix::io::Errno;

use crate::Error;
use crate::account::RunAs;

const FOLDER: OFlags =
    OFlags::RDONLY.union(OFlags::DIRECTORY).union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);
/// A pipe is opened at once, to be refused as no regular file.
const FILE: OFlags = OFlags::NOFOLLOW.union(OFlags::CLOEXEC).union(OFlags::NONBLOCK);

/// An open folder.
#[derive(Debug)]
pub(crate) struct Dir {
    fd: OwnedFd,
    path: PathBuf,
}

impl Dir {
    /// Opens a folder whose path is trusted up to its last component.
    pub(crate) fn open(path: &Path) -> Result<Self, Error> {
        match rustix::fs::open(path, FOLDER, Mode::empty()) {
            Ok(fd) => Ok(Self { fd, path: path.to_owned() }),
            Err(error) => Err(refused(error, path.to_owned())),
        }
    }

    /// The folder `name` in this one; `None` if there is none.
    pub(crate) fn sub(&self, name: impl AsRef<OsStr>) -> Result<Option<Self>, Error> {
        let path = self.path.join(name.as_ref());
        match rustix::fs::openat(&self.fd, name.as_ref(), FOLDER, Mode::empty()) {
            Ok(fd) => Ok(Some(Self { fd, path })),
            Err(Errno::NOENT) => Ok(None),
            Err(error) => Err(refused(error, path)),
        }
    }

    /// The user id of the folder's owner.
    pub(crate) fn owner(&self) -> Result<u32, Error> {
        let found = rustix::fs::fstat(&self.fd).map_err(|e| refused(e, self.path.clone()))?;
        Ok(found.st_uid)
    }

    /// Opens a regular file without further links, creating it for its owner alone if `flags`
    /// include that; `None` if there is none. `flags` must not truncate: that would precede the
    /// check.
    pub(crate) fn file(&self, name: &str, flags: OFlags) -> Result<Option<File>, Error> {
        let path = self.path.join(name);
        let mode = Mode::RUSR | Mode::WUSR;
        let file = match rustix::fs::openat(&self.fd, name, flags | FILE, mode) {
            Ok(fd) => File::from(fd),
            Err(Errno::NOENT) => return Ok(None),
            Err(error) => return Err(refused(error, path)),
        };
        let found = file.metadata().map_err(Error::io("read", &path))?;
        if found.is_file() && found.nlink() == 1 {
            Ok(Some(file))
        } else {
            Err(Error::Link { path })
        }
    }

    /// As [`Self::file`], which must be there or be created.
    pub(crate) fn create(&self, name: &str, flags: OFlags) -> Result<File, Error> {
        let path = self.path.join(name);
        self.file(name, flags | OFlags::CREATE)?
            .ok_or_else(|| Error::io("create", path)(std::io::ErrorKind::NotFound.into()))
    }

    /// The text of the file `name`; `None` if there is none.
    pub(crate) fn read(&self, name: &str) -> Result<Option<String>, Error> {
        let Some(mut file) = self.file(name, OFlags::RDONLY)? else { return Ok(None) };
        let mut text = String::new();
        file.read_to_string(&mut text).map_err(Error::io("read", self.path.join(name)))?;
        Ok(Some(text))
    }

    /// Removes the file `name`, if it is there.
    pub(crate) fn remove(&self, name: &str) -> Result<(), Error> {
        match rustix::fs::unlinkat(&self.fd, name, AtFlags::empty()) {
            Ok(()) | Err(Errno::NOENT) => Ok(()),
            Err(error) => Err(Error::io("remove", self.path.join(name))(error.into())),
        }
    }

    /// The names of all entries.
    pub(crate) fn names(&self) -> Result<Vec<Vec<u8>>, Error> {
        let read = |error: Errno| Error::io("read", &self.path)(error.into());
        let mut names = Vec::new();
        for entry in rustix::fs::Dir::read_from(&self.fd).map_err(read)? {
            let name = entry.map_err(read)?.file_name().to_bytes().to_vec();
            if name != b"." && name != b".." {
                names.push(name);
            }
        }
        Ok(names)
    }

    /// Sets the permissions of the folder itself.
    pub(crate) fn close_to_others(&self) -> Result<(), Error> {
        rustix::fs::fchmod(&self.fd, Mode::RWXU)
            .map_err(|e| Error::io("set the permissions of", &self.path)(e.into()))
    }

    /// Gives the folder to the account that runs the server.
    pub(crate) fn own(&self, run_as: &RunAs) -> Result<(), Error> {
        run_as.own(&self.fd, &self.path)
    }

    /// Gives the folder and every folder and regular file below it to the account. Links and a
    /// file that has a second name elsewhere are left as they are.
    pub(crate) fn own_all(&self, run_as: &RunAs) -> Result<(), Error> {
        for name in self.names()? {
            let name = OsStr::from_bytes(&name);
            let path = self.path.join(name);
            let fd = match rustix::fs::openat(&self.fd, name, OFlags::RDONLY | FILE, Mode::empty())
            {
                Ok(fd) => fd,
                Err(Errno::LOOP | Errno::NOENT | Errno::NXIO) => continue,
                Err(error) => return Err(refused(error, path)),
            };
            let file = File::from(fd);
            let found = file.metadata().map_err(Error::io("read", &path))?;
            if found.is_dir() {
                Self { fd: file.into(), path }.own_all(run_as)?;
            } else if found.is_file() && found.nlink() == 1 {
                run_as.own(&file, &path)?;
            }
        }
        self.own(run_as)
    }
}

/// The system's errors for a refused link differ: ELOOP, or ENOTDIR for a folder.
fn refused(error: Errno, path: PathBuf) -> Error {
    match error {
        Errno::LOOP | Errno::NOTDIR | Errno::NXIO => Error::Link { path },
        other => Error::io("open", path)(other.into()),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn links_pipes_and_files_with_a_second_name_are_refused_untouched() {
        let scratch = tempfile::tempdir().unwrap();
        let victim = scratch.path().join("victim");
        fs::write(&victim, "kept").unwrap();
        let home = scratch.path().join("home");
        fs::create_dir(&home).unwrap();
        symlink(&victim, home.join("soft")).unwrap();
        fs::hard_link(&victim, home.join("hard")).unwrap();
        symlink(scratch.path(), home.join("folder")).unwrap();
        std::process::Command::new("mkfifo").arg(home.join("pipe")).status().unwrap();
        let dir = Dir::open(&home).unwrap();
        for name in ["soft", "hard", "pipe"] {
            let error = dir.create(name, OFlags::WRONLY).unwrap_err();
            assert!(matches!(error, Error::Link { .. }), "{name}: {error}");
        }
        assert!(matches!(dir.sub("folder"), Err(Error::Link { .. })));
        assert!(matches!(Dir::open(&home.join("folder")), Err(Error::Link { .. })));
        assert_eq!(fs::read_to_string(&victim).unwrap(), "kept");
        assert!(dir.sub("none").unwrap().is_none() && dir.read("none").unwrap().is_none());
    }
}
