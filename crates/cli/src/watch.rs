//! Lists on stdout: once, or with `--watch` every 2 s.

use std::{
    io::{IsTerminal, Write},
    time::Duration,
};

use clap::Args;
use serde::Serialize;

/// Interval of the rounds.
const INTERVAL: Duration = Duration::from_secs(2);
/// Moves the cursor home and clears the screen.
const CLEAR: &str = "\u{1b}[H\u{1b}[2J";

#[derive(Args, Clone, Copy)]
pub(crate) struct Watch {
    /// Show the list every 2 s until Ctrl-C: in place at a terminal, else one block a round
    #[arg(long, short, env = "BELLWETHER_WATCH")]
    pub(crate) watch: bool,
}

impl Watch {
    /// Prints the text that `render` returns. A signal ends the rounds with exit code 0.
    pub(crate) async fn show(
        self,
        render: impl AsyncFn() -> anyhow::Result<String>,
    ) -> anyhow::Result<bool> {
        let clear = if self.watch && std::io::stdout().is_terminal() { CLEAR } else { "" };
        loop {
            let text = render().await?;
            let mut out = std::io::stdout().lock();
            write!(out, "{clear}{text}").and_then(|()| out.flush())?;
            drop(out);
            if !self.watch {
                return Ok(true);
            }
            tokio::time::sleep(INTERVAL).await;
        }
    }
}

/// One line of JSON.
pub(crate) fn json(value: &impl Serialize) -> anyhow::Result<String> {
    Ok(serde_json::to_string(value)? + "\n")
}
