#![doc = include_str!("../README.md")]

mod attempt;
pub mod audit;
pub mod batch;
pub mod bulk;
pub mod control;
mod db;
mod enqueue;
mod error;
pub mod event;
mod failure;
pub mod inspect;
mod job;
pub mod limits;
mod migrator;
mod name;
mod process;
mod registry;
mod retention;
mod run;
pub mod schedule;
pub mod testing;
pub mod trace;

pub use attempt::{Attempt, NotGranted};
pub use db::{Db, SETTINGS};
pub use enqueue::{Enqueued, NewJob, OnFailure, add, add_all, enqueue};
pub use error::Error;
pub use failure::{Failure, Outcome, Verdict};
pub use job::{Holds, Job, JobId, State};
pub use migrator::{MIGRATOR, migrate};
pub use process::{Config, Process, QueueConfig};
pub use registry::{ArgsError, Handler, Handlers, Kind, Registry};
/// Of the versions that this crate's types belong to.
pub use {schemars, sqlx};
