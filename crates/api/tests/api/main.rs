//! The API over a real socket, on a real database.

mod access;
mod audit;
mod bulk;
mod caps;
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
mod queries;
mod snapshot;
mod statements;
mod stats;
mod traces;
mod trigger;
mod watchlist;
