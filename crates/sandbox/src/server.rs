//! Starting and stopping: one HTTP port for all providers, one SMTP port.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::middleware;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::IMITATIONS;
use crate::app::App;
use crate::guard::guard;
use crate::options::Options;
use crate::referee::referee;
use crate::{control, smtp, world};

/// The provider sandbox, before it runs.
#[derive(Debug)]
pub struct Sandbox;

impl Sandbox {
    /// Returns once both ports accept connections.
    ///
    /// Fails if a port is taken, or if `now` lies outside the years whose trading days it knows.
    pub async fn start(options: Options) -> io::Result<Running> {
        if options.now.is_some_and(|now| !world::knows(now)) {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, world::KNOWN_SPAN));
        }
        let http = TcpListener::bind(options.http_addr).await?;
        let mail = match options.smtp_addr {
            Some(addr) => Some(TcpListener::bind(addr).await?),
            None => None,
        };
        let http_addr = http.local_addr()?;
        let smtp_addr = mail.as_ref().map(TcpListener::local_addr).transpose()?;

        for addr in [Some(http_addr), smtp_addr].into_iter().flatten() {
            if !addr.ip().to_canonical().is_loopback() {
                tracing::warn!(
                    "the sandbox listens on {addr}: other machines can use the imitated providers"
                );
            }
        }

        let app = Arc::new(App::new(options));
        let tasks = TaskTracker::new();
        let service = routes(&app).into_make_service_with_connect_info::<SocketAddr>();
        let stopped = app.stop.clone();
        tasks.spawn(async move {
            let served = axum::serve(http, service)
                .with_graceful_shutdown(async move { stopped.cancelled().await })
                .await;
            if let Err(error) = served {
                tracing::error!(%error, "the sandbox's HTTP server ended");
            }
        });
        if let Some(mail) = mail {
            tasks.spawn(smtp::serve(Arc::clone(&app), mail, tasks.clone()));
        }
        tasks.close();
        Ok(Running { http: http_addr, smtp: smtp_addr, stop: app.stop.clone(), tasks })
    }
}

fn routes(app: &Arc<App>) -> Router {
    IMITATIONS
        .iter()
        .fold(Router::new(), |routes, provider| routes.merge((provider.routes)()))
        .layer(middleware::from_fn_with_state(Arc::clone(app), referee))
        .merge(control::routes().layer(middleware::from_fn_with_state(Arc::clone(app), guard)))
        .with_state(Arc::clone(app))
}

/// A running sandbox. Dropping it stops it without waiting.
#[derive(Debug)]
pub struct Running {
    pub http: SocketAddr,
    pub smtp: Option<SocketAddr>,
    stop: CancellationToken,
    tasks: TaskTracker,
}

impl Running {
    /// The base address of all HTTP providers, without a slash at its end.
    pub fn url(&self) -> String {
        format!("http://{}", self.http)
    }

    /// The address in the form of `SMTP_URL`.
    pub fn smtp_url(&self) -> Option<String> {
        self.smtp.map(|addr| format!("smtp://{addr}"))
    }

    /// Closes both ports; running answers get a moment to be sent, held ones are released.
    pub async fn stop(self) {
        self.stop.cancel();
        if tokio::time::timeout(Duration::from_secs(2), self.tasks.wait()).await.is_err() {
            tracing::debug!("a client kept its connection to the sandbox open");
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}
