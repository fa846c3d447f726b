//! The product's reads go to a replica while it keeps up, else to the primary.

use std::time::Duration;

use axum::{
    Json,
    http::HeaderName,
    response::{IntoResponse, Response},
};
use bellwether_queue::Db;
use bellwether_store::replica;
use serde::Serialize;

use crate::{App, problem::Result};

/// A replica that is further behind is not read from.
const MOST_LAG_S: f64 = 30.0;
/// How long a replica may take to say how far it is behind.
const PATIENCE: Duration = Duration::from_secs(1);
const LAG: HeaderName = HeaderName::from_static("bellwether-replica-lag-seconds");

/// What was read, and how far behind the primary it may be.
pub(crate) struct Read<T> {
    pub(crate) value: T,
    lag_s: Option<f64>,
}

impl<T> Read<T> {
    pub(crate) fn map<U>(self, f: impl FnOnce(T) -> U) -> Read<U> {
        Read { value: f(self.value), lag_s: self.lag_s }
    }
}

/// JSON, with the replica's lag in a header if a replica was read.
impl<T: Serialize> IntoResponse for Read<T> {
    fn into_response(self) -> Response {
        let lag = self.lag_s.map(|lag| [(LAG, format!("{lag:.3}"))]);
        (lag, Json(self.value)).into_response()
    }
}

impl App {
    /// Runs a read on the replica; on the primary where there is none, or it is away, behind or
    /// refuses.
    pub(crate) async fn read<T, F, Fut>(&self, read: F) -> Result<Read<T>>
    where
        F: Fn(Db) -> Fut,
        Fut: Future<Output = sqlx::Result<T>>,
    {
        if let Some(replica) = &self.read_pool
            && let Ok(Ok(lag)) = tokio::time::timeout(PATIENCE, replica::lag(replica)).await
            && lag <= MOST_LAG_S
        {
            match read(replica.clone()).await {
                Ok(value) => return Ok(Read { value, lag_s: Some(lag) }),
                Err(error) => tracing::warn!(%error, "the replica refused; reading the primary"),
            }
        }
        Ok(Read { value: read(self.pool.clone()).await?, lag_s: None })
    }
}
