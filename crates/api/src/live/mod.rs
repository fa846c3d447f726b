//! Live events: the reader of the table, and the stream that clients open.

pub(crate) mod events;
pub(crate) mod hub;
