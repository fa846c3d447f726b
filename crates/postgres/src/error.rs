//! Errors that keep PostgreSQL from starting: one clear line each.

use std::path::PathBuf;

/// The reason why there is no server. Every case prints as one line that says what to do.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// No folder with `postgres` and `initdb` of a supported version was found.
    #[error(
        "no PostgreSQL server (version {min} or newer) was found; install one \
         (apt-get install postgresql, dnf install postgresql-server, apk add postgresql, \
         brew install postgresql@17), set BELLWETHER_PG_BIN to its bin folder, \
         or set DATABASE_URL to a running server",
        min = crate::binaries::OLDEST
    )]
    NoBinaries,
    /// The configured folder holds no usable server.
    #[error("{} holds no PostgreSQL server: {reason}", path.display())]
    BadBinaries {
        /// The configured folder.
        path: PathBuf,
        /// The fault in it.
        reason: String,
    },
    /// The account that runs the server cannot reach the binaries.
    #[error(
        "PostgreSQL does not run as root, and user {user} cannot reach {}; install \
         PostgreSQL from the system's packages", path.display()
    )]
    BinariesOutOfReach {
        /// Path of the binaries.
        path: PathBuf,
        /// The user that would run them.
        user: String,
    },
    /// The data lies where the account that runs the server cannot reach it.
    #[error(
        "PostgreSQL does not run as root, and user {user} cannot reach the data in {}; move it \
         or choose another folder by BELLWETHER_DATA_DIR", path.display()
    )]
    DataOutOfReach {
        /// The data folder.
        path: PathBuf,
        /// The user that would run the server.
        user: String,
    },
    /// Neither `postgres` nor `nobody` is an account of this machine.
    #[error(
        "PostgreSQL does not run as root, and there is no user postgres or nobody to run it as; \
         create one or start as an ordinary user"
    )]
    NoAccount,
    /// A folder or file could not be read or written.
    #[error("cannot {what} {}: {source}", path.display())]
    Io {
        /// The operation: read, create, …
        what: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// Error of the operating system.
        source: std::io::Error,
    },
    /// An entry of the data folder is a link, or no regular file.
    #[error(
        "{} is a link or no regular file, and none is followed in the data folder; remove it, or \
         move what it points to in its place", path.display()
    )]
    Link {
        /// The entry.
        path: PathBuf,
    },
    /// The data belongs to another account of this machine.
    #[error(
        "the data folder {} belongs to another user (uid {uid}): start as that user or as root, \
         or choose another folder by BELLWETHER_DATA_DIR", path.display()
    )]
    ForeignOwner {
        /// The data folder.
        path: PathBuf,
        /// Its owner.
        uid: u32,
    },
    /// The folder is not empty and was not created by Bellwether.
    #[error(
        "{} is not empty and is no data folder of Bellwether; choose another folder \
         by BELLWETHER_DATA_DIR", path.display()
    )]
    NotOurs {
        /// The folder.
        path: PathBuf,
    },
    /// Another running process uses the folder.
    #[error("the data folder {} is in use by another running process{}", path.display(), holder(*.pid))]
    InUse {
        /// The data folder.
        path: PathBuf,
        /// The process, if known.
        pid: Option<u32>,
    },
    /// The data was written by another major version than the binaries found.
    #[error(
        "the data in {} is of PostgreSQL {data}, and version {found} was found; {advice}",
        path.display(),
        advice = advice(*data, *found)
    )]
    OtherVersion {
        /// The data folder.
        path: PathBuf,
        /// Major version of the data.
        data: u32,
        /// Major version of the binaries.
        found: u32,
    },
    /// The configured port is taken.
    #[error("port {port} on 127.0.0.1 is in use; free it or leave the port open")]
    PortInUse {
        /// The port.
        port: u16,
    },
    /// `initdb` or a first statement failed.
    #[error("a new database could not be made in {}: {detail}", path.display())]
    Create {
        /// The data folder.
        path: PathBuf,
        /// The last line that PostgreSQL printed.
        detail: String,
    },
    /// The server ended or hung while it started.
    #[error("PostgreSQL did not start: {detail} (log: {})", log.display())]
    Start {
        /// The last line of its log with the reason.
        detail: String,
        /// The server's log file.
        log: PathBuf,
    },
    /// The server ended without a request.
    #[error("PostgreSQL has ended by itself: {detail} (log: {})", log.display())]
    Ended {
        /// The last line of its log with the reason.
        detail: String,
        /// The server's log file.
        log: PathBuf,
    },
    /// The caller stopped the start before the server was up.
    #[error("the start of PostgreSQL was stopped")]
    Stopped,
    /// A server that an earlier process left behind does not end.
    #[error("an earlier PostgreSQL (pid {pid}) on the same data does not stop; stop that process")]
    Orphan {
        /// Its process id.
        pid: i32,
    },
}

impl Error {
    pub(crate) fn io(
        what: &'static str,
        path: impl Into<PathBuf>,
    ) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.into();
        move |source| Self::Io { what, path, source }
    }
}

fn holder(pid: Option<u32>) -> String {
    pid.map(|pid| format!(" (pid {pid})")).unwrap_or_default()
}

fn advice(data: u32, found: u32) -> String {
    if data > found {
        format!("install PostgreSQL {data} or choose another folder by BELLWETHER_DATA_DIR")
    } else {
        format!(
            "install PostgreSQL {data} beside it; or move the data over: `bellwether backup` with {data}, \
             `bellwether restore` into another folder with {found}"
        )
    }
}
