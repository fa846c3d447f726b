//! One port from its first request to its last.

use std::{io, time::Duration};

use axum::{Extension, Router};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

/// How long requests may go on after the stop: longer than any of them is allowed to take.
const GRACE: Duration = Duration::from_secs(20);

/// Fires when the port is about to close: event streams end, `/ready` says so.
#[derive(Clone)]
pub(crate) struct Stopping(pub(crate) CancellationToken);

/// Serves until the token fires; then takes no new connections, ends the event streams, and waits
/// for the requests under way, at most 20 s.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    shutdown: CancellationToken,
) -> io::Result<()> {
    let router = router.layer(Extension(Stopping(shutdown.clone())));
    let server = axum::serve(listener, router)
        .with_graceful_shutdown(shutdown.clone().cancelled_owned())
        .into_future();
    let too_long = async {
        shutdown.cancelled().await;
        tokio::time::sleep(GRACE).await;
    };
    tokio::select! {
        ended = server => ended,
        () = too_long => {
            tracing::warn!(grace_s = GRACE.as_secs(), "connections were still open and are cut");
            Ok(())
        }
    }
}
