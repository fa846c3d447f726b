//! The real binary, started as a person or a cluster starts it.

mod support;

mod commands;
mod kill;
mod up;
