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
//! * a start that is stopped leaves no process, and nothing that the next start trips over;
//! * the programs see a few variables of the caller's environment and none of its secrets;
//! * as root, no link is followed in the folder, which belongs to another account;
//! * a Ctrl-C in the terminal does not reach the server: its caller stops it when it has drained.

mod account;
mod binaries;
mod children;
mod cluster;
mod dir;
mod error;
mod folder;
mod password;
mod postmaster;
mod running;
mod server;

use std::ffi::OsString;
use std::path::PathBuf;

pub use binaries::{Binaries, find};
pub use error::Error;
pub use running::{has_data, running};
pub use server::{Server, discard};

/// Settings of a server.
#[derive(Debug, Clone)]
pub struct Settings {
    /// A folder of the server's own; created if it is missing. A relative path is relative to the
    /// working folder. It will hold `cluster/`, `password`, `postgres.log` and `bellwether.lock`.
    pub data_dir: PathBuf,
    /// The port on 127.0.0.1; `None`: a free one at each start.
    pub port: Option<u16>,
    /// True if a commit must survive a power cut. Scratch databases of tests run without, and
    /// faster.
    pub durable: bool,
    /// Number of connections that the server accepts.
    pub max_connections: u16,
    /// The folder of `postgres` and `initdb`, if the user has configured one: no other is tried.
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
