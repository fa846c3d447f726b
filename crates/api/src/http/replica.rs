//! Read routes of the product use a replica while it keeps up, otherwise the primary.

use std::time::Duration;

use axum::{
    Json,
    http::HeaderName,
    response::{IntoResponse, Response},
};
use bellwether_queue::Db;
use bellwether_store::replica;
use serde::Serialize;

use crate::{App, http::problem::Result};

/// Largest lag of a replica that is read from.
const MOST_LAG_S: f64 = 30.0;
/// Time within which a replica must report its lag.
const PATIENCE: Duration = Duration::from_secs(1);
const LAG: HeaderName = HeaderName::from_static("bellwether-replica-lag-seconds");

/// Rows from a read, and the lag behind the primary that they may have.
pub(crate) struct ReplicaRead<T> {
    pub(crate) value: T,
    lag_s: Option<f64>,
}

impl<T> ReplicaRead<T> {
    pub(crate) fn map<U>(self, f: impl FnOnce(T) -> U) -> ReplicaRead<U> {
        ReplicaRead { value: f(self.value), lag_s: self.lag_s }
    }
}

/// JSON, with the replica's lag in a header if a replica was read.
impl<T: Serialize> IntoResponse for ReplicaRead<T> {
    fn into_response(self) -> Response {
        let lag = self.lag_s.map(|lag| [(LAG, format!("{lag:.3}"))]);
        (lag, Json(self.value)).into_response()
    }
}

impl App {
    /// Runs a read on the replica; on the primary if there is none, or if it is unreachable, behind
    /// or refuses.
    pub(crate) async fn read<T, F, Fut>(&self, read: F) -> Result<ReplicaRead<T>>
    where
        F: Fn(Db) -> Fut,
        Fut: Future<Output = sqlx::Result<T>>,
    {
        if let Some(replica) = &self.read_pool
            && let Ok(Ok(lag)) = tokio::time::timeout(PATIENCE, replica::lag(replica)).await
            && lag <= MOST_LAG_S
        {
            match read(replica.clone()).await {
                Ok(value) => return Ok(ReplicaRead { value, lag_s: Some(lag) }),
                Err(error) => tracing::warn!(%error, "the replica refused; reading the primary"),
            }
        }
        Ok(ReplicaRead { value: read(self.pool.clone()).await?, lag_s: None })
    }
}
