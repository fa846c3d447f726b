//! What can keep PostgreSQL from starting: one clear line each.

use std::path::PathBuf;

/// Why there is no server. Every case prints as one line that says what to do.
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
    /// The folder handed in holds no usable server.
    #[error("{} holds no PostgreSQL server: {reason}", path.display())]
    BadBinaries {
        /// The folder that was named.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The account that runs the server cannot reach the binaries.
    #[error(
        "PostgreSQL does not run as root, and user {user} cannot reach {}; install \
         PostgreSQL from the system's packages", path.display()
    )]
    BinariesOutOfReach {
        /// Where the binaries are.
        path: PathBuf,
        /// Who would run them.
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
        /// Who would run the server.
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
        /// What was tried: read, create, …
        what: &'static str,
        /// On which file or folder.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
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
    /// The folder is not empty and was not made by us.
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
        /// The process, when it is known.
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
    /// The port that was asked for is taken.
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
        /// The last line of its log that says why.
        detail: String,
        /// The server's log file.
        log: PathBuf,
    },
    /// A server that an earlier process left behind does not end.
    #[error("an earlier PostgreSQL (pid {pid}) on the same data does not stop; stop it by hand")]
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
        format!("install PostgreSQL {data} beside it, or move the data over with pg_upgrade")
    }
}
