//! Who runs the server: the caller, or an unprivileged account when the caller is root.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, lchown};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

use crate::Error;

/// An account of this machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Account {
    pub(crate) name: String,
    pub(crate) uid: u32,
    pub(crate) gid: u32,
}

/// Whom the server runs as. PostgreSQL refuses root, so root steps down.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum RunAs {
    Caller,
    Other(Account),
}

impl RunAs {
    /// The owner of data that exists, else `postgres`, else `nobody`; the caller unless it is root.
    pub(crate) fn resolve(cluster: &Path) -> Result<Self, Error> {
        if !rustix::process::geteuid().is_root() {
            return Ok(Self::Caller);
        }
        let passwd = fs::read_to_string("/etc/passwd").unwrap_or_default();
        if let Ok(data) = fs::metadata(cluster.join("PG_VERSION"))
            && data.uid() != 0
        {
            let known = account(&passwd, |account| account.uid == data.uid());
            let name = known.map_or_else(|| data.uid().to_string(), |account| account.name);
            return Ok(Self::Other(Account { name, uid: data.uid(), gid: data.gid() }));
        }
        ["postgres", "nobody"]
            .iter()
            .find_map(|name| account(&passwd, |account| account.name == *name && account.uid != 0))
            .map(Self::Other)
            .ok_or(Error::NoAccount)
    }

    /// A command of this account in `dir`, untouched by the caller's PostgreSQL variables.
    pub(crate) fn command(&self, program: &Path, dir: &Path) -> Command {
        let mut command = Command::new(program);
        command.current_dir(dir).env("LC_ALL", "C");
        for name in ["PGDATA", "PGPORT", "PGHOST", "PGUSER", "PGDATABASE", "PGOPTIONS", "PGTZ"] {
            command.env_remove(name);
        }
        if let Self::Other(account) = self {
            command.uid(account.uid).gid(account.gid);
        }
        command
    }

    /// Gives a file or folder to the account.
    pub(crate) fn own(&self, path: &Path) -> Result<(), Error> {
        let Self::Other(account) = self else { return Ok(()) };
        lchown(path, Some(account.uid), Some(account.gid))
            .map_err(Error::io("change the owner of", path))
    }

    /// Gives a folder and all below it to the account.
    pub(crate) fn own_all(&self, dir: &Path) -> Result<(), Error> {
        self.own(dir)?;
        for entry in fs::read_dir(dir).map_err(Error::io("read", dir))? {
            let entry = entry.map_err(Error::io("read", dir))?;
            let kind = entry.file_type().map_err(Error::io("read", entry.path()))?;
            if kind.is_dir() {
                self.own_all(&entry.path())?;
            } else if kind.is_file() {
                self.own(&entry.path())?;
            }
        }
        Ok(())
    }

    /// Whether the account can pass through every folder from the root down to `dir` itself.
    /// `dir` is absolute; folders that do not exist yet will be ours.
    pub(crate) fn reaches(&self, dir: &Path) -> bool {
        let Self::Other(account) = self else { return true };
        dir.ancestors().filter_map(|dir| fs::metadata(dir).ok()).all(|folder| {
            let mode = folder.permissions().mode();
            let bit = if folder.uid() == account.uid {
                0o100
            } else if folder.gid() == account.gid {
                0o010
            } else {
                0o001
            };
            mode & bit != 0
        })
    }

    pub(crate) fn name(&self) -> &str {
        match self {
            Self::Caller => "you",
            Self::Other(account) => &account.name,
        }
    }
}

fn account(passwd: &str, wanted: impl Fn(&Account) -> bool) -> Option<Account> {
    passwd.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next()?.to_owned();
        let uid = fields.nth(1)?.parse().ok()?;
        let gid = fields.next()?.parse().ok()?;
        Some(Account { name, uid, gid }).filter(&wanted)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_account_is_found_by_name_among_broken_lines() {
        let passwd = "root:x:0:0::/root:/bin/sh\n\nbroken\npostgres:x:101:104::/var:/bin/bash\n";
        let found = account(passwd, |account| account.name == "postgres");
        assert_eq!(found, Some(Account { name: "postgres".to_owned(), uid: 101, gid: 104 }));
        assert_eq!(account(passwd, |account| account.name == "nobody"), None);
    }

    #[test]
    fn a_private_folder_of_somebody_else_is_out_of_reach() {
        let dir = tempfile::tempdir().unwrap();
        let stranger = Account { name: "stranger".to_owned(), uid: 4_000_001, gid: 4_000_001 };
        let stranger = RunAs::Other(stranger);
        fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o700)).unwrap();
        assert!(!stranger.reaches(&dir.path().join("data")));
        fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o711)).unwrap();
        assert!(stranger.reaches(&dir.path().join("data")));
        assert!(RunAs::Caller.reaches(dir.path()));
    }
}
