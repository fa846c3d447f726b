//! `GET /api/events`: server-sent events about changes.

use std::{convert::Infallible, str::FromStr, sync::Arc, time::Duration};

use axum::{
    Extension,
    extract::State,
    http::{HeaderMap, HeaderValue},
    response::{
        IntoResponse, Response,
        sse::{self, Sse},
    },
};
use bellwether_queue::{
    Db,
    event::{self, Event, Position},
};
use futures_util::{Stream, StreamExt, future::Either, stream};
use serde_json::{Value, json};
use tokio::{
    sync::broadcast::error::RecvError,
    time::{self, Instant, Interval},
};
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    App,
    http::{actor::Actor, app::Shared, problem::Result, serve::Stopping},
    live::hub::{BATCH, Hub, News, Subscription},
};

const PING: Duration = Duration::from_secs(15);
/// Time after which a stream ends. Its client reconnects with its last id; a token that was
/// withdrawn meanwhile is refused.
const LIFETIME: Duration = Duration::from_hours(1);

pub(crate) fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new().routes(routes!(events))
}

/// Changes as server-sent events: `event` is job, quote, article, sentiment, signal, alert or
/// limit; `data` is `{"id": …, "at": …}`, the id of what changed.
///
/// It is the symbol of a quote, an article, a sentiment or a signal, the id of an alert, the key of
/// a limit. Jobs are reported together, at most once a second: `{"id": "scraper/prune", "at": …,
/// "queue": "scraper", "kind": "prune"}` means that some jobs of that queue and kind changed, which
/// `GET /api/jobs?queue=scraper&kind=prune` lists.
///
/// A reconnecting client's `Last-Event-ID` resumes exactly where it stopped. `event: reset` means
/// that this is no longer possible, and that the client has to load everything again. `event: ping`
/// comes every 15 s with `data: {}` and no id: a client that receives nothing for longer has lost
/// the connection. A stream ends after at most an hour; its client reconnects with the last id.
#[utoipa::path(
    get, path = "/api/events", tag = "events", operation_id = "streamEvents",
    params(
        ("Last-Event-ID" = Option<String>, Header, description = "the id of the last event seen"),
    ),
    responses((status = 200, content_type = "text/event-stream", body = String)),
)]
async fn events(
    State(app): Shared,
    actor: Actor,
    stopping: Option<Extension<Stopping>>,
    headers: HeaderMap,
) -> Result<Response> {
    let last = headers.get("last-event-id").map(HeaderValue::to_str);
    let read = last.map(|id| id.ok().and_then(|id| Position::from_str(id.trim()).ok()));
    let subscription = app.events.subscribe(actor.name(), read.flatten()).await?;
    let from = subscription.position;
    let reset = read.is_some_and(|position| position.is_none());
    let opening = if reset { reset_at(from) } else { sse::Event::default().id(from.to_string()) };
    let reader = Reader::new(Arc::clone(&app.events), app.pool.clone(), subscription);
    let stream =
        stream::once(async move { opening }).chain(reader.stream()).map(Ok::<_, Infallible>);
    let stream = match stopping {
        Some(Extension(Stopping(token))) => {
            Either::Left(stream.take_until(token.cancelled_owned()))
        }
        None => Either::Right(stream),
    };
    let mut response = Sse::new(stream).into_response();
    // nginx would otherwise hold events back
    response.headers_mut().insert("x-accel-buffering", HeaderValue::from_static("no"));
    Ok(response)
}

/// One stream: the missed events, the table until it has caught up, then the events of the hub's
/// reader.
struct Reader {
    hub: Arc<Hub>,
    pool: Db,
    subscription: Subscription,
    ping: Interval,
    ends: Instant,
}

fn count(kind: &str) {
    metrics::counter!("bellwether_sse_events_total", "kind" => kind.to_owned()).increment(1);
}

impl Reader {
    fn new(hub: Arc<Hub>, pool: Db, subscription: Subscription) -> Self {
        let now = Instant::now();
        let ping = time::interval_at(now + PING, PING);
        Self { hub, pool, subscription, ping, ends: now + LIFETIME }
    }

    fn stream(self) -> impl Stream<Item = sse::Event> {
        stream::unfold(self, |mut reader| async move {
            let batch = reader.next().await?;
            Some((stream::iter(batch), reader))
        })
        .flatten()
    }

    /// `None`: the stream ends.
    async fn next(&mut self) -> Option<Vec<sse::Event>> {
        let missed = std::mem::take(&mut self.subscription.missed);
        if !missed.is_empty() {
            return Some(missed.iter().map(|event| self.pass(event)).collect());
        }
        loop {
            if self.subscription.behind {
                // a thousand streams that reconnect together leave the pool to the requests
                let hub = Arc::clone(&self.hub);
                let _place = hub.table.acquire().await.ok()?;
                match event::after(&self.pool, self.subscription.position, BATCH).await {
                    Ok(Some(events)) => {
                        self.subscription.behind = events.len() as i64 >= BATCH;
                        if events.is_empty() {
                            continue;
                        }
                        return Some(events.iter().map(|e| self.pass(e)).collect());
                    }
                    Ok(None) => {
                        self.subscription.position = event::now(&self.pool).await.ok()?;
                        return Some(vec![reset_at(self.subscription.position)]);
                    }
                    // the client reconnects with its last id
                    Err(_) => return None,
                }
            }
            let received = tokio::select! {
                received = self.subscription.receiver.recv() => received,
                _ = self.ping.tick() => return Some(vec![ping()]),
                () = time::sleep_until(self.ends) => return None,
            };
            match received {
                Ok(News::Event(event)) if event.position > self.subscription.position => {
                    return Some(vec![self.pass(&event)]);
                }
                Ok(News::Event(_)) => {}
                // its own position tells whether this client has missed anything
                Ok(News::Reset) | Err(RecvError::Lagged(_)) => self.subscription.behind = true,
                Err(RecvError::Closed) => return None,
            }
        }
    }

    fn pass(&mut self, event: &Event) -> sse::Event {
        self.subscription.position = event.position;
        count(&event.kind);
        sse::Event::default()
            .event(&event.kind)
            .id(event.position.to_string())
            .data(data(event).to_string())
    }
}

/// Events of jobs are merged, so that the stream costs the same however many jobs there are; the
/// common queue and kind are named, as a filter for the list.
fn data(event: &Event) -> Value {
    let at = event.at.to_rfc3339_opts(chrono::SecondsFormat::Micros, true);
    match event.subject.rsplit_once('/') {
        Some((queue, kind)) if event.kind == "job" => {
            json!({ "id": event.subject, "at": at, "queue": queue, "kind": kind })
        }
        _ => json!({ "id": event.subject, "at": at }),
    }
}

/// A ping, which a client's own code can see.
fn ping() -> sse::Event {
    sse::Event::default().event("ping").data("{}")
}

fn reset_at(position: Position) -> sse::Event {
    count("reset");
    sse::Event::default().event("reset").id(position.to_string()).data("{\"id\":null}")
}

#[cfg(test)]
mod tests {
    use sqlx::postgres::PgPoolOptions;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_stream_without_events_pings_every_fifteen_seconds_and_ends_after_an_hour() {
        let pool = PgPoolOptions::new().connect_lazy("postgres://127.0.0.1:1/none").unwrap();
        let pool = Db::direct(pool);
        let hub = Arc::new(Hub::new(pool.clone()));
        let subscription = hub.subscribed("1-1-1".parse().unwrap());
        let mut stream = std::pin::pin!(Reader::new(hub, pool, subscription).stream());
        let began = Instant::now();
        for n in 1..240 {
            let event = stream.next().await.unwrap();
            assert_eq!(format!("{event:?}"), format!("{:?}", ping()));
            assert_eq!(began.elapsed(), n * PING);
        }
        while stream.next().await.is_some() {}
        assert_eq!(began.elapsed(), LIFETIME);
    }
}
