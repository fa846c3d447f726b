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
pub use process::{Config, Process, QueueConfig};
pub use registry::{ArgsError, Handler, Handlers, Kind, Registry};

/// The queue's own tables and functions, in schema `queue`; they are recorded apart from the
/// application's migrations, in `queue.migration`.
pub static MIGRATOR: std::sync::LazyLock<sqlx::migrate::Migrator> =
    std::sync::LazyLock::new(|| {
        let mut migrator = sqlx::migrate!("./migrations");
        migrator.create_schema("queue");
        migrator.dangerous_set_table_name("queue.migration");
        migrator
    });
