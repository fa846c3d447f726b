//! The real binary, started as a person or a cluster starts it.

mod support;

mod commands;
mod family;
mod kill;
mod metrics;
mod pooler;
mod quality;
mod traces;
mod up;
