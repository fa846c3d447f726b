//! `bellwether openapi`: the API's description on stdout.

use std::io::Write;

pub(crate) fn run() -> anyhow::Result<bool> {
    let mut out = std::io::stdout().lock();
    serde_json::to_writer_pretty(&mut out, &bellwether_api::openapi())?;
    writeln!(out)?;
    Ok(true)
}
