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
mod fault;
pub mod inspect;
mod job;
pub mod limits;
mod migrator;
mod name;
mod output;
mod process;
mod registry;
mod retention;
mod run;
pub mod schedule;
pub mod testing;
pub mod trace;
mod worker;

pub use attempt::{Attempt, NotGranted};
pub use db::{Db, SETTINGS};
pub use enqueue::{Enqueued, NewJob, OnFailure, enqueue, enqueue_all};
pub use error::Error;
pub use failure::{Failure, Outcome, Verdict};
pub use fault::Fault;
pub use job::{Job, JobArgs, JobId, State, UniqueUntil};
pub use migrator::{MIGRATOR, migrate, upgrade};
pub use output::output;
pub use process::{Config, Process, QueueConfig};
pub use registry::{ArgsError, Handlers, Kind, Registry};
pub use run::CANCEL_GRACE;
pub use worker::Worker;
/// Of the versions that this crate's types belong to.
pub use {schemars, sqlx};
