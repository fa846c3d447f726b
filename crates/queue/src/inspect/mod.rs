//! What people see of jobs, queues, limits and workers.

mod jobs;
mod limits;
mod queues;
mod why;

pub use self::{
    jobs::{AttemptView, JobDetail, JobFilter, JobPage, JobView, find, list},
    limits::{LimitView, WindowView, limits},
    queues::{Percentiles, QueueView, WorkerView, queues, workers},
    why::{Why, why},
};
