//! Values of options that several commands share.

use std::net::SocketAddr;

use bellwether_queue::State;
use chrono::{DateTime, Utc};

/// Address to listen on. The only name that is known is `localhost`, as 127.0.0.1.
pub(crate) fn parse_address(text: &str) -> Result<SocketAddr, &'static str> {
    let address = match text.strip_prefix("localhost:") {
        Some(port) => format!("127.0.0.1:{port}").parse(),
        None => text.parse(),
    };
    address.map_err(|_| {
        "an address is an IP address (or localhost) and a port, as in 127.0.0.1:3000 or [::1]:3000"
    })
}

pub(crate) fn parse_id(text: &str) -> Result<i64, &'static str> {
    text.parse().map_err(|_| "a job's id is a whole number, as `jobs list` shows it")
}

/// State of a job; `failed` stands for `discarded`.
pub(crate) fn parse_state(text: &str) -> Result<State, String> {
    if text == "failed" { Ok(State::Discarded) } else { text.parse() }
}

pub(crate) fn parse_time(text: &str) -> Result<DateTime<Utc>, &'static str> {
    let no = |_| "a time is written as in 2026-11-30T14:30:00Z";
    DateTime::parse_from_rfc3339(text).map(|at| at.to_utc()).map_err(no)
}
