//! The resources, one module each; `routes()` of a module lists its paths.

pub(crate) mod alerts;
pub(crate) mod audit;
pub(crate) mod bars;
pub(crate) mod health;
pub(crate) mod home;
pub(crate) mod jobs;
pub(crate) mod kinds;
pub(crate) mod limits;
pub(crate) mod me;
pub(crate) mod metrics;
pub(crate) mod news;
pub(crate) mod notices;
pub(crate) mod queues;
pub(crate) mod quotes;
pub(crate) mod schedules;
pub(crate) mod scrape;
pub(crate) mod sentiment;
pub(crate) mod signals;
pub(crate) mod stats;
pub(crate) mod watchlist;
pub(crate) mod workers;
