//! Hears that there is work, or that a job was called off. Only a hint: polls find both.

use std::{sync::Arc, time::Duration};

use sqlx::postgres::{PgListener, PgPoolOptions};
use tokio_util::sync::CancellationToken;

use super::shared::Shared;

const CANCELLED: &str = "queue_cancel";
const RECONNECT: Duration = Duration::from_secs(1);

pub(crate) async fn run(shared: Arc<Shared>, stop: CancellationToken) {
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            result = listen(&shared) => {
                if let Err(e) = result {
                    tracing::debug!("not listening, polls go on: {e}");
                }
            }
        }
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(RECONNECT) => {}
        }
    }
}

async fn listen(shared: &Shared) -> sqlx::Result<()> {
    let pool = PgPoolOptions::new().max_connections(1).connect_lazy_with(shared.direct.clone());
    let mut listener = PgListener::connect_with(&pool).await?;
    let channels: Vec<String> =
        shared.slots.keys().map(|q| format!("queue_{q}")).chain([CANCELLED.to_owned()]).collect();
    listener.listen_all(channels.iter().map(String::as_str)).await?;
    // Notifications sent while no connection listened are lost: assume one of each.
    wake_all(shared);
    loop {
        match listener.try_recv().await? {
            Some(notification) if notification.channel() == CANCELLED => {
                shared.check_running.notify_one();
            }
            Some(notification) => {
                if let Some(slots) =
                    notification.channel().strip_prefix("queue_").and_then(|q| shared.slots.get(q))
                {
                    slots.work.notify_one();
                }
            }
            // Reconnected: something may have been missed.
            None => wake_all(shared),
        }
    }
}

fn wake_all(shared: &Shared) {
    shared.check_running.notify_one();
    for slots in shared.slots.values() {
        slots.work.notify_one();
    }
}
