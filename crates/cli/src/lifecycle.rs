//! From the first signal to the last task.

use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

/// Two tokens: `soft` asks everything to drain, `hard` ends what has not.
#[derive(Clone, Default)]
pub(crate) struct Lifecycle {
    pub(crate) soft: CancellationToken,
    pub(crate) hard: CancellationToken,
}

impl Lifecycle {
    /// Listens for SIGINT and SIGTERM: the first drains, the second ends at once.
    pub(crate) fn start() -> anyhow::Result<Self> {
        let lifecycle = Self::default();
        let mut interrupt = signal(SignalKind::interrupt())?;
        let mut terminate = signal(SignalKind::terminate())?;
        let tokens = lifecycle.clone();
        tokio::spawn(async move {
            for round in 0..2 {
                tokio::select! {
                    _ = interrupt.recv() => {}
                    _ = terminate.recv() => {}
                }
                if round == 0 {
                    tracing::info!("stopping: finishing what runs; once more to stop at once");
                    tokens.soft.cancel();
                } else {
                    tracing::warn!("stopping at once");
                    tokens.hard.cancel();
                }
            }
        });
        Ok(lifecycle)
    }
}
