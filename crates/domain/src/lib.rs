//! Types and decisions of the product: no I/O, no async, no clock.
//!
//! Time is an argument, and equal inputs have equal results, bit for bit.

pub mod alert;
pub mod article;
pub mod calendar;
pub mod clean;
pub mod cluster;
pub mod evaluation;
pub mod lexicon;
mod market;
pub mod planning;
mod sentiment;
pub mod signal;
mod symbol;
pub mod symbols;
mod trust;

pub(crate) use market::is_split_sized;
pub use market::{Bar, Quote, looks_like_a_split};
pub use sentiment::{EventType, Label, UnknownWord};
pub use signal::SignalLabel;
pub use symbol::{InvalidSymbol, Symbol};
pub use trust::source_trust;
