//! Views of jobs, queues, limits and workers for monitors and operators.

mod estimate;
mod family;
mod gauges;
mod jobs;
mod ledger;
mod limits;
mod queues;
mod relatives;
mod stats;
mod why;

pub(crate) use self::jobs::contains;
pub use self::{
    family::{Failed, Family},
    gauges::{
        JobsGauge, LimitGauge, QueueGauge, WindowGauge, jobs_gauges, limit_gauges, queue_gauges,
        window_gauges,
    },
    jobs::{AttemptView, JobDetail, JobFilter, JobPage, JobView, find, list},
    ledger::{DayUse, Point, limit_history, spending},
    limits::{BreakerView, LaneView, LimitView, WindowView, limits},
    queues::{Percentiles, QueueView, WorkerView, queues, workers},
    relatives::Relative,
    stats::{Ended, Range, Spread, Stats, StatsKind, StatsPoint, stats},
    why::{Why, why},
};
