//! Signals, and the two stages of a stop.

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio_util::sync::CancellationToken;

/// Two tokens: `soft` asks all tasks to drain, `hard` ends the remaining ones.
#[derive(Clone, Default)]
pub(crate) struct Lifecycle {
    pub(crate) soft: CancellationToken,
    pub(crate) hard: CancellationToken,
}

impl Lifecycle {
    /// Listens for SIGINT, SIGTERM, SIGHUP, SIGQUIT and SIGUSR1: the first drains, the second ends at once.
    pub(crate) fn start() -> anyhow::Result<Self> {
        let lifecycle = Self::default();
        let mut signals = Signals::listen()?;
        let tokens = lifecycle.clone();
        tokio::spawn(async move {
            signals.next().await;
            tracing::info!("stopping: running jobs may finish; a second signal stops at once");
            tokens.soft.cancel();
            signals.next().await;
            tracing::warn!("stopping at once");
            tokens.hard.cancel();
        });
        Ok(lifecycle)
    }
}

/// Runs a command that does not drain, until a signal drops it: its children, a database among
/// them, are then told to stop. The signal is a failure unless the command `watches`: that has no
/// other end.
pub(crate) async fn until_told(
    work: impl Future<Output = anyhow::Result<bool>>,
    watches: bool,
) -> anyhow::Result<bool> {
    let mut signals = Signals::listen()?;
    tokio::select! {
        done = work => done,
        () = signals.next() => {
            anyhow::ensure!(watches, "stopped by a signal before the end");
            Ok(true)
        }
    }
}

/// The signals that end a process.
struct Signals {
    interrupt: Signal,
    terminate: Signal,
    /// SIGQUIT and SIGUSR1, whose default would end the process and leave its database behind.
    quit: Signal,
    user: Signal,
    /// Of a terminal that was closed; none where the caller ignores it, as `nohup` does.
    hangup: Option<Signal>,
}

impl Signals {
    fn listen() -> std::io::Result<Self> {
        let hangup = if ignores_hangup() { None } else { Some(signal(SignalKind::hangup())?) };
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            quit: signal(SignalKind::quit())?,
            user: signal(SignalKind::user_defined1())?,
            hangup,
        })
    }

    async fn next(&mut self) {
        let hangup = async {
            match &mut self.hangup {
                Some(hangup) => hangup.recv().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
            _ = self.quit.recv() => {}
            _ = self.user.recv() => {}
            _ = hangup => {}
        }
    }
}

/// Returns true if SIGHUP was ignored when this process started, according to Linux.
fn ignores_hangup() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    ignored(&status).is_some_and(|mask| mask & 1 == 1)
}

fn ignored(status: &str) -> Option<u64> {
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"))?;
    u64::from_str_radix(mask.trim(), 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ignored_signals_are_read_from_the_status_of_the_process() {
        assert_eq!(ignored("Name:\tx\nSigIgn:\t0000000000001001\n"), Some(0x1001));
        assert_eq!(ignored("Name:\tx\n"), None);
    }
}
