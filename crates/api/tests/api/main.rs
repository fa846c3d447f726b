//! The API over a real socket, on a real database.

mod access;
mod audit;
mod bulk;
mod dashboard;
mod door;
mod events;
mod health;
mod idempotency;
mod jobs;
mod kinds;
mod limits;
mod monitor;
mod problems;
mod product;
mod snapshot;
mod stats;
mod traces;
mod trigger;
