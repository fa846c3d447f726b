//! The account that runs the server: the caller, or an unprivileged one when the caller is root.

use std::fs;
use std::os::fd::AsFd;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

use rustix::fs::{Gid, Uid, fchown};

use crate::Error;
use crate::dir::Dir;

/// Variables that PostgreSQL's programs may see. All others, with the caller's secrets, stay out of
/// their environment, which other programs of the account and SQL can read.
const ENVIRONMENT: [&str; 5] = ["PATH", "HOME", "TMPDIR", "TZ", "LD_LIBRARY_PATH"];

/// An account of this machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Account {
    pub(crate) name: String,
    pub(crate) uid: u32,
    pub(crate) gid: u32,
}

/// The account that the server runs as. PostgreSQL refuses root, so root uses an unprivileged
/// account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum RunAs {
    Caller,
    Other(Account),
}

impl RunAs {
    /// The owner of the cluster in `home`, else `postgres`, else `nobody`; the caller unless it is
    /// root. The owner of the folder is kept: an unprivileged account cannot change owners.
    pub(crate) fn resolve(home: &Path) -> Result<Self, Error> {
        if !rustix::process::geteuid().is_root() {
            return Ok(Self::Caller);
        }
        let passwd = fs::read_to_string("/etc/passwd").unwrap_or_default();
        let cluster = match fs::canonicalize(home) {
            Ok(home) if home.is_dir() => Dir::open(&home)?.sub("cluster")?,
            _ => None,
        };
        if let Some(cluster) = cluster
            && let uid @ 1.. = cluster.owner()?
        {
            let known = account(&passwd, |account| account.uid == uid);
            let unknown = || Account { name: uid.to_string(), uid, gid: uid };
            return Ok(Self::Other(known.unwrap_or_else(unknown)));
        }
        ["postgres", "nobody"]
            .iter()
            .find_map(|name| account(&passwd, |account| account.name == *name && account.uid != 0))
            .map(Self::Other)
            .ok_or(Error::NoAccount)
    }

    /// A command of this account in `dir`, with the few variables that PostgreSQL needs.
    #[expect(clippy::disallowed_methods, reason = "handed on to a child, no setting of this crate")]
    pub(crate) fn command(&self, program: &Path, dir: &Path) -> Command {
        let mut command = Command::new(program);
        command.current_dir(dir).env_clear().env("LC_ALL", "C");
        for name in ENVIRONMENT {
            if let Some(value) = std::env::var_os(name) {
                command.env(name, value);
            }
        }
        if let Self::Other(account) = self {
            command.uid(account.uid).gid(account.gid).env_remove("HOME");
        }
        command
    }

    /// Gives an open file or folder, named `path` in errors, to the account.
    pub(crate) fn own(&self, file: impl AsFd, path: &Path) -> Result<(), Error> {
        let Self::Other(account) = self else { return Ok(()) };
        fchown(file, Some(Uid::from_raw(account.uid)), Some(Gid::from_raw(account.gid)))
            .map_err(|e| Error::io("change the owner of", path)(e.into()))
    }

    /// Returns true if the account can pass through every folder from the root down to `dir`
    /// itself. `dir` is absolute; folders that do not exist yet will be created by us.
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
    fn a_private_folder_of_another_account_is_out_of_reach() {
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
