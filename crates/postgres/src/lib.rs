//! PostgreSQL without Docker: found on the machine, started on a folder, stopped with its caller.
//!
//! A person who tries Bellwether has one command and perhaps no database. This crate runs the
//! PostgreSQL that the machine already has, on a folder of its own, on a loopback port, behind a
//! password made once. It runs as any user: as root it steps down to `postgres` or `nobody`,
//! because PostgreSQL refuses root, and containers and CI are root.
//!
//! Crates that embed PostgreSQL fetch their own build of it from the network at the first start
//! and do not step down from root; here nothing is downloaded, and security updates of the
//! system's package reach the data. What remains is small: find, make, start, stop.
//!
//! Promises:
//! * the data survives the server, its caller and a `SIGKILL` of either;
//! * one process uses a folder at a time: a second one is told who has it;
//! * a server left behind by a killed process is stopped before the next one starts;
//! * a Ctrl-C in the terminal does not reach the server: its caller stops it when it has drained.

mod account;
mod binaries;
mod cluster;
mod error;
mod folder;
mod postmaster;
mod running;
mod server;

use std::ffi::OsString;
use std::path::PathBuf;

pub use binaries::{Binaries, find};
pub use error::Error;
pub use running::running;
pub use server::{Server, discard};

/// What to start, and where.
#[derive(Debug, Clone)]
pub struct Settings {
    /// A folder of the server's own; made if it is missing. A relative one counts from the
    /// working folder. It will hold `cluster/`, `password`, `postgres.log` and `bellwether.lock`.
    pub data_dir: PathBuf,
    /// The port on 127.0.0.1; a free one at each start if none.
    pub port: Option<u16>,
    /// Whether a commit survives a power cut. Scratch databases of tests go without, and faster.
    pub durable: bool,
    /// How many connections the server accepts.
    pub max_connections: u16,
    /// The folder of `postgres` and `initdb`, when a person has named it: nothing else is tried.
    pub bin: Option<PathBuf>,
    /// The search path of programs (`PATH`), tried before the well-known folders.
    pub path: Option<OsString>,
}

impl Settings {
    /// A durable server on `data_dir`, on a free port, with 100 connections.
    pub fn new(data_dir: impl Into<PathBuf>) -> Self {
        Self {
            data_dir: data_dir.into(),
            port: None,
            durable: true,
            max_connections: 100,
            bin: None,
            path: None,
        }
    }
}
