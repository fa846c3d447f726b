//! One port, from its start to its drain.

use std::{
    collections::HashMap,
    io,
    net::{IpAddr, SocketAddr},
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use axum::{Extension, Router, http::Request};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    server::graceful::GracefulShutdown,
};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore},
};
use tokio_io_timeout::TimeoutStream;
use tokio_util::sync::CancellationToken;
use tower::ServiceExt;

/// Time that requests may go on after the stop: longer than any of them is allowed to take.
const GRACE: Duration = Duration::from_secs(20);
/// Open files that are left to the database, the providers and the rest of the process.
const OTHER_FILES: u64 = 256;
/// Most connections, however many files may be open: each costs some 30 KiB.
const CONNECTIONS: u64 = 2048;
/// Most bytes of a request's head.
const HEAD_BYTES: usize = 64 * 1024;
/// Pause in accepting connections after the system has refused one.
const PAUSE: Duration = Duration::from_millis(200);

/// Fires when the port is about to close: event streams end, `/ready` answers 503.
#[derive(Clone)]
pub(crate) struct Stopping(pub(crate) CancellationToken);

/// The address at the other end of the connection.
#[derive(Clone, Copy)]
pub(crate) struct Peer(pub(crate) IpAddr);

/// Limits on connections.
#[derive(Clone, Copy, Debug)]
pub struct Caps {
    /// Open at a time. Further ones wait until one has closed.
    pub connections: usize,
    /// Open at a time from one address. Further ones are closed at once.
    pub per_address: usize,
    /// Time that a request's head may take, and that a connection may be idle before it.
    pub head: Duration,
    /// Time that a client may leave an answer unread.
    pub unread: Duration,
}

impl Default for Caps {
    fn default() -> Self {
        let files = raise_open_files().saturating_sub(OTHER_FILES).clamp(64, CONNECTIONS);
        let connections = usize::try_from(files).unwrap_or(64);
        Self {
            connections,
            per_address: connections / 2,
            head: Duration::from_secs(10),
            unread: Duration::from_secs(30),
        }
    }
}

/// Raises this process's limit of open files as far as the system lets it; returns the limit.
fn raise_open_files() -> u64 {
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit { current: limit.maximum, maximum: limit.maximum };
    if setrlimit(Resource::Nofile, raised).is_err() {
        tracing::debug!("cannot raise the limit of open files");
    }
    getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX)
}

/// Serves until the token fires; then takes no new connections, ends the event streams, and waits
/// for the requests under way, at most 20 s.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    shutdown: CancellationToken,
) -> io::Result<()> {
    serve_within(listener, router, shutdown, Caps::default()).await
}

/// As [`serve`], with caps of the caller's own.
pub async fn serve_within(
    listener: TcpListener,
    router: Router,
    shutdown: CancellationToken,
    caps: Caps,
) -> io::Result<()> {
    // shown from the start: an absent counter cannot be told from an absent process
    metrics::counter!("bellwether_http_connections_refused_total").increment(0);
    metrics::counter!("bellwether_http_wrong_tokens_total").increment(0);
    let router = router.layer(Extension(Stopping(shutdown.clone())));
    let graceful = GracefulShutdown::new();
    let seats = Arc::new(Semaphore::new(caps.connections));
    let addresses = Addresses::default();
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(caps.head).max_buf_size(HEAD_BYTES);
    while let Some((socket, from, seat)) = accept(&listener, &seats, &shutdown).await {
        let Some(guest) = addresses.enter(from.ip(), caps.per_address) else {
            metrics::counter!("bellwether_http_connections_refused_total").increment(1);
            continue;
        };
        let (router, peer) = (router.clone(), Peer(from.ip().to_canonical()));
        let service = service_fn(move |mut request: Request<Incoming>| {
            request.extensions_mut().insert(peer);
            router.clone().oneshot(request)
        });
        let connection = graceful.watch(http.serve_connection(timed(socket, caps.unread), service));
        tokio::spawn(async move {
            if let Err(error) = connection.await {
                tracing::debug!(%error, "a connection ended early");
            }
            drop((seat, guest));
        });
    }
    drop(listener);
    if tokio::time::timeout(GRACE, graceful.shutdown()).await.is_err() {
        tracing::warn!(grace_s = GRACE.as_secs(), "closing connections that are still open");
    }
    Ok(())
}

/// The next connection; `None` once the token has fired.
async fn accept(
    listener: &TcpListener,
    seats: &Arc<Semaphore>,
    shutdown: &CancellationToken,
) -> Option<(TcpStream, SocketAddr, OwnedSemaphorePermit)> {
    let next = async {
        let seat = Arc::clone(seats).acquire_owned().await.ok()?;
        loop {
            match listener.accept().await {
                Ok((socket, from)) => return Some((socket, from, seat)),
                // the client has already gone
                Err(error) if error.kind() == io::ErrorKind::ConnectionAborted => {}
                Err(error) => {
                    tracing::error!(%error, "cannot accept a connection; trying again");
                    tokio::time::sleep(PAUSE).await;
                }
            }
        }
    };
    tokio::select! {
        () = shutdown.cancelled() => None,
        next = next => next,
    }
}

type Io = TokioIo<Pin<Box<TimeoutStream<TcpStream>>>>;

/// Cuts a client that leaves an answer unread for longer.
fn timed(socket: TcpStream, unread: Duration) -> Io {
    // an event is a small packet that must not wait for the next one
    let _ = socket.set_nodelay(true);
    let mut socket = TimeoutStream::new(socket);
    socket.set_write_timeout(Some(unread));
    TokioIo::new(Box::pin(socket))
}

/// Number of connections of each address.
#[derive(Clone, Default)]
struct Addresses(Arc<Mutex<HashMap<IpAddr, usize>>>);

impl Addresses {
    /// `None`: the address has as many as it may have.
    fn enter(&self, address: IpAddr, most: usize) -> Option<Guest> {
        let mut open = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let count = open.entry(address).or_default();
        if *count >= most {
            return None;
        }
        *count += 1;
        Some(Guest { address, all: self.clone() })
    }
}

/// One connection of an address, counted as long as this lives.
struct Guest {
    address: IpAddr,
    all: Addresses,
}

impl Drop for Guest {
    fn drop(&mut self) {
        let mut open = self.all.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = open.get_mut(&self.address) {
            *count -= 1;
            if *count == 0 {
                open.remove(&self.address);
            }
        }
    }
}
