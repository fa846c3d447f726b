//! The real binary, started as a person or a cluster starts it.

mod support;

mod backup;
mod commands;
mod configuration;
mod family;
mod guarded;
mod kill;
mod leaving;
mod limits;
mod metrics;
mod monitor;
mod pooler;
mod quality;
mod signals;
mod terminal;
mod traces;
mod up;
