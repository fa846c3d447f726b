//! What changed, as it changes: one reader per process, fanned out to every open stream.

use std::{convert::Infallible, str::FromStr, sync::Arc, time::Duration};

use axum::{
    Extension,
    extract::State,
    http::{HeaderMap, HeaderValue, header},
    response::{
        IntoResponse, Response,
        sse::{self, KeepAlive, Sse},
    },
};
use bellwether_queue::{
    Db,
    event::{self, Event, Position},
};
use futures_util::{Stream, StreamExt, future::Either, stream};
use serde_json::{Value, json};
use tokio::sync::{Mutex, broadcast};
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    App,
    app::Shared,
    problem::{Problem, ProblemKind, Result},
    serve::Stopping,
};

const POLL: Duration = Duration::from_millis(250);
const HEARTBEAT: Duration = Duration::from_secs(15);
/// Events per look at the table.
const BATCH: i64 = 500;
/// What a slow stream may fall behind before it reads the table itself.
const BUFFER: usize = 1024;
/// Streams open at a time.
const STREAMS: usize = 1000;

pub(crate) fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new().routes(routes!(events))
}

/// What every stream hears.
#[derive(Clone)]
enum News {
    Event(Arc<Event>),
    /// The reader has lost its place: look at everything again.
    Reset,
}

/// Reads the events while anybody listens.
pub(crate) struct Hub {
    pool: Db,
    sender: broadcast::Sender<News>,
    /// Whether the reader runs; held while it decides to end.
    reading: Arc<Mutex<bool>>,
}

impl Hub {
    pub(crate) fn new(pool: Db) -> Self {
        let (sender, _) = broadcast::channel(BUFFER);
        Self { pool, sender, reading: Arc::default() }
    }

    /// From the return on, every later event reaches the receiver.
    async fn subscribe(&self) -> Result<broadcast::Receiver<News>> {
        let mut reading = self.reading.lock().await;
        if self.sender.receiver_count() >= STREAMS {
            return Err(Problem::new(
                ProblemKind::TooManyStreams,
                format!("{STREAMS} event streams are open; ask again later"),
            )
            .header(header::RETRY_AFTER, "30"));
        }
        let receiver = self.sender.subscribe();
        if !*reading {
            let from = event::now(&self.pool).await?;
            *reading = true;
            tokio::spawn(read(
                self.pool.clone(),
                self.sender.clone(),
                Arc::clone(&self.reading),
                from,
            ));
        }
        Ok(receiver)
    }
}

async fn read(
    pool: Db,
    sender: broadcast::Sender<News>,
    reading: Arc<Mutex<bool>>,
    mut position: Position,
) {
    let mut wait = POLL;
    loop {
        {
            let mut reading = reading.lock().await;
            if sender.receiver_count() == 0 {
                *reading = false;
                return;
            }
        }
        match event::after(&pool, position, BATCH).await {
            Ok(Some(events)) => {
                wait = POLL;
                let more = events.len() as i64 >= BATCH;
                for event in events {
                    position = event.position;
                    let _ = sender.send(News::Event(Arc::new(event)));
                }
                if more {
                    continue;
                }
            }
            Ok(None) => {
                if let Ok(now) = event::now(&pool).await {
                    position = now;
                    let _ = sender.send(News::Reset);
                }
            }
            Err(error) => {
                if wait == POLL {
                    tracing::warn!(%error, "events cannot be read; trying again");
                }
                wait = (wait * 2).min(Duration::from_secs(2));
            }
        }
        tokio::time::sleep(wait).await;
    }
}

/// Changes as server-sent events: `event` is job, quote, article, sentiment, signal, alert or
/// limit; `data` is `{"id": …, "at": …}`, the id of what changed.
///
/// It is the symbol of a quote, an article, a sentiment or a signal, the id of an alert, the key of a
/// limit. Jobs are told of together, at most once a second: `{"id": "scraper/prune", "at": …, "queue": "scraper", "kind": "prune"}` says
/// that some of that queue and kind moved, which `GET /api/jobs?queue=scraper&kind=prune` lists.
///
/// A reconnecting client's `Last-Event-ID` resumes exactly where it stopped. `event: reset` says
/// that this is no longer possible, and everything has to be looked at again. A comment every
/// 15 s keeps the connection open. A browser passes its token as `?access_token=`.
#[utoipa::path(
    get, path = "/api/events", tag = "events", operation_id = "streamEvents",
    params(
        ("Last-Event-ID" = Option<String>, Header, description = "the id of the last event seen"),
        ("access_token" = Option<String>, Query, description = "the token, where no header can be set"),
    ),
    responses((status = 200, content_type = "text/event-stream", body = String)),
)]
async fn events(
    State(app): Shared,
    stopping: Option<Extension<Stopping>>,
    headers: HeaderMap,
) -> Result<Response> {
    let receiver = app.events.subscribe().await?;
    let last = headers.get("last-event-id").map(HeaderValue::to_str);
    let (from, reset) = match last {
        None => (event::now(&app.pool).await?, false),
        Some(id) => match id.ok().and_then(|id| Position::from_str(id.trim()).ok()) {
            Some(position) => (position, false),
            None => (event::now(&app.pool).await?, true),
        },
    };
    let opening = if reset { reset_at(from) } else { sse::Event::default().id(from.to_string()) };
    let reader = Reader {
        pool: app.pool.clone(),
        receiver,
        position: from,
        behind: true,
        _open: Open::new(),
    };
    let stream =
        stream::once(async move { opening }).chain(reader.stream()).map(Ok::<_, Infallible>);
    let stream = match stopping {
        Some(Extension(Stopping(token))) => {
            Either::Left(stream.take_until(token.cancelled_owned()))
        }
        None => Either::Right(stream),
    };
    let keep_alive = KeepAlive::new().interval(HEARTBEAT).text("heartbeat");
    let mut response = Sse::new(stream).keep_alive(keep_alive).into_response();
    // nginx would otherwise hold events back
    response.headers_mut().insert("x-accel-buffering", HeaderValue::from_static("no"));
    Ok(response)
}

/// One stream: the table until it has caught up, then what the hub's reader says.
struct Reader {
    pool: Db,
    receiver: broadcast::Receiver<News>,
    position: Position,
    behind: bool,
    _open: Open,
}

/// Counts a stream as long as it is open.
struct Open;

impl Open {
    fn new() -> Self {
        metrics::gauge!("bellwether_sse_clients").increment(1.0);
        Self
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        metrics::gauge!("bellwether_sse_clients").decrement(1.0);
    }
}

fn count(kind: &str) {
    metrics::counter!("bellwether_sse_events_total", "kind" => kind.to_owned()).increment(1);
}

impl Reader {
    fn stream(self) -> impl Stream<Item = sse::Event> {
        stream::unfold(self, |mut reader| async move {
            let batch = reader.next().await?;
            Some((stream::iter(batch), reader))
        })
        .flatten()
    }

    /// `None`: nothing will come any more.
    async fn next(&mut self) -> Option<Vec<sse::Event>> {
        loop {
            if self.behind {
                match event::after(&self.pool, self.position, BATCH).await {
                    Ok(Some(events)) => {
                        self.behind = events.len() as i64 >= BATCH;
                        if events.is_empty() {
                            continue;
                        }
                        return Some(events.iter().map(|e| self.pass(e)).collect());
                    }
                    Ok(None) => {
                        self.position = event::now(&self.pool).await.ok()?;
                        return Some(vec![reset_at(self.position)]);
                    }
                    // the client comes back with the id it has
                    Err(_) => return None,
                }
            }
            match self.receiver.recv().await {
                Ok(News::Event(event)) if event.position > self.position => {
                    return Some(vec![self.pass(&event)]);
                }
                Ok(News::Event(_)) => {}
                // whether this client has missed anything, its own position tells
                Ok(News::Reset) | Err(broadcast::error::RecvError::Lagged(_)) => self.behind = true,
                Err(broadcast::error::RecvError::Closed) => return None,
            }
        }
    }

    fn pass(&mut self, event: &Event) -> sse::Event {
        self.position = event.position;
        count(&event.kind);
        sse::Event::default()
            .event(&event.kind)
            .id(event.position.to_string())
            .data(data(event).to_string())
    }
}

/// Jobs are told of together, so that the stream costs the same however many there are; what they
/// share is named apart, for a filter of the list.
fn data(event: &Event) -> Value {
    let at = event.at.to_rfc3339_opts(chrono::SecondsFormat::Micros, true);
    match event.subject.rsplit_once('/') {
        Some((queue, kind)) if event.kind == "job" => {
            json!({ "id": event.subject, "at": at, "queue": queue, "kind": kind })
        }
        _ => json!({ "id": event.subject, "at": at }),
    }
}

fn reset_at(position: Position) -> sse::Event {
    count("reset");
    sse::Event::default().event("reset").id(position.to_string()).data("{\"id\":null}")
}
