//! One command, one file, with its options.

pub(crate) mod api;
pub(crate) mod backup;
pub(crate) mod completions;
pub(crate) mod enqueue;
pub(crate) mod evaluate;
pub(crate) mod jobs;
pub(crate) mod limits;
pub(crate) mod migrate;
pub(crate) mod openapi;
pub(crate) mod queues;
pub(crate) mod restore;
pub(crate) mod sandbox;
pub(crate) mod schedules;
pub(crate) mod sentiment_eval;
pub(crate) mod try_;
pub(crate) mod up;
pub(crate) mod wait;
pub(crate) mod watch;
pub(crate) mod worker;
pub(crate) mod workers;
