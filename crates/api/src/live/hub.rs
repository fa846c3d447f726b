//! The reader of events in a process, and the events that it keeps for streams that open or
//! reconnect.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use axum::http::header;
use bellwether_queue::{
    Db,
    event::{self, Event, Position},
};
use tokio::sync::{Semaphore, broadcast};

use crate::http::problem::{Problem, ProblemKind, Result};

const POLL: Duration = Duration::from_millis(250);
/// Events read in one statement.
pub(crate) const BATCH: i64 = 500;
/// Events that a slow stream may fall behind before it reads the table itself.
const BUFFER: usize = 1024;
/// Events kept for streams that reconnect.
const KEPT: usize = 4096;
/// Streams open at a time, and those of one caller.
const STREAMS: usize = 1000;
const OF_ONE: usize = 200;
/// Streams at a time that may read the table to catch up.
const READERS: usize = 2;

/// A message to every stream.
#[derive(Clone)]
pub(crate) enum News {
    Event(Arc<Event>),
    /// The reader has lost its position: clients have to load everything again.
    Reset,
}

/// Reads the events while any stream is open.
pub(crate) struct Hub {
    pool: Db,
    sender: broadcast::Sender<News>,
    seen: Arc<Mutex<Seen>>,
    /// Held while the reader starts.
    beginning: tokio::sync::Mutex<()>,
    /// Permits to read the table.
    pub(crate) table: Semaphore,
    callers: Arc<Mutex<HashMap<String, usize>>>,
}

/// The reader's position and the events before it.
#[derive(Default)]
struct Seen {
    /// `None`: no reader runs.
    position: Option<Position>,
    /// Every event after this one is kept.
    floor: Option<Position>,
    kept: VecDeque<Arc<Event>>,
}

/// The first events of a stream, and the channel of the later ones.
pub(crate) struct Subscription {
    pub(crate) receiver: broadcast::Receiver<News>,
    pub(crate) position: Position,
    /// Events after `position` that the receiver will not repeat.
    pub(crate) missed: Vec<Arc<Event>>,
    /// True if events that the hub no longer holds have to be read from the table first.
    pub(crate) behind: bool,
    /// Counts the stream.
    pub(crate) _caller: Caller,
}

impl Hub {
    pub(crate) fn new(pool: Db) -> Self {
        let (sender, _) = broadcast::channel(BUFFER);
        Self {
            pool,
            sender,
            seen: Arc::default(),
            beginning: tokio::sync::Mutex::new(()),
            table: Semaphore::new(READERS),
            callers: Arc::default(),
        }
    }

    /// Returns a subscription: every event after its position reaches the caller, those after
    /// `last` or, without it, those from now on.
    pub(crate) async fn subscribe(
        &self,
        caller: &str,
        last: Option<Position>,
    ) -> Result<Subscription> {
        let caller = self.enter(caller)?;
        let _beginning = self.beginning.lock().await;
        let mut from = None;
        loop {
            if let Some(begun) = self.begin(from, last) {
                let (receiver, position, missed, behind) = begun;
                return Ok(Subscription { receiver, position, missed, behind, _caller: caller });
            }
            from = Some(event::now(&self.pool).await?);
        }
    }

    /// `None`: no reader runs, and without a position none can be started.
    #[expect(clippy::type_complexity, reason = "the parts of one subscription")]
    fn begin(
        &self,
        from: Option<Position>,
        last: Option<Position>,
    ) -> Option<(broadcast::Receiver<News>, Position, Vec<Arc<Event>>, bool)> {
        let mut seen = lock(&self.seen);
        let runs = seen.position.is_some();
        if !runs {
            *seen = Seen::from(from?);
        }
        let now = seen.position?;
        // under the lock, so that the reader neither ends nor sends an event meanwhile
        let receiver = self.sender.subscribe();
        if !runs {
            let reader = read(self.pool.clone(), self.sender.clone(), Arc::clone(&self.seen));
            tokio::spawn(reader);
        }
        let position = last.unwrap_or(now);
        let whole = seen.floor.is_some_and(|floor| floor <= position) && position <= now;
        let after = seen.kept.iter().filter(|event| whole && event.position > position);
        Some((receiver, position, after.cloned().collect(), !whole))
    }

    /// A subscription at a position while the database does not answer.
    #[cfg(test)]
    pub(crate) fn subscribed(&self, position: Position) -> Subscription {
        *lock(&self.seen) = Seen::from(position);
        let Some((receiver, position, missed, behind)) = self.begin(None, None) else {
            unreachable!("the position is known")
        };
        let Ok(caller) = self.enter("test") else { unreachable!("it is the first") };
        Subscription { receiver, position, missed, behind, _caller: caller }
    }

    fn enter(&self, name: &str) -> Result<Caller> {
        let mut open = lock(&self.callers);
        let refuse = |kind, detail: String| {
            Err(Problem::new(kind, detail).header(header::RETRY_AFTER, "30"))
        };
        if open.values().sum::<usize>() >= STREAMS {
            return refuse(
                ProblemKind::TooManyStreams,
                format!("{STREAMS} event streams are open; ask again later"),
            );
        }
        let count = open.entry(name.to_owned()).or_default();
        if *count >= OF_ONE {
            return refuse(
                ProblemKind::TooManyRequests,
                format!("this caller has {OF_ONE} event streams open: close some of them"),
            );
        }
        *count += 1;
        metrics::gauge!("bellwether_sse_clients").increment(1.0);
        Ok(Caller { name: name.to_owned(), open: Arc::clone(&self.callers) })
    }
}

/// One stream of a caller, counted as long as this lives.
pub(crate) struct Caller {
    name: String,
    open: Arc<Mutex<HashMap<String, usize>>>,
}

impl Drop for Caller {
    fn drop(&mut self) {
        metrics::gauge!("bellwether_sse_clients").decrement(1.0);
        let mut open = lock(&self.open);
        if let Some(count) = open.get_mut(&self.name) {
            *count -= 1;
            if *count == 0 {
                open.remove(&self.name);
            }
        }
    }
}

impl Seen {
    fn from(position: Position) -> Self {
        Self { position: Some(position), floor: Some(position), kept: VecDeque::new() }
    }

    fn keep(&mut self, event: Arc<Event>) {
        self.position = Some(event.position);
        self.kept.push_back(event);
        if self.kept.len() > KEPT {
            self.floor = self.kept.pop_front().map(|event| event.position);
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn read(pool: Db, sender: broadcast::Sender<News>, seen: Arc<Mutex<Seen>>) {
    let mut wait = POLL;
    loop {
        let position = {
            let mut seen = lock(&seen);
            // a stream subscribes under this lock, so none can be missed
            if sender.receiver_count() == 0 {
                *seen = Seen::default();
                return;
            }
            let Some(position) = seen.position else { return };
            position
        };
        match event::after(&pool, position, BATCH).await {
            Ok(Some(events)) => {
                wait = POLL;
                let more = events.len() as i64 >= BATCH;
                let mut seen = lock(&seen);
                for event in events {
                    let event = Arc::new(event);
                    seen.keep(Arc::clone(&event));
                    let _ = sender.send(News::Event(event));
                }
                if more {
                    continue;
                }
            }
            Ok(None) => {
                if let Ok(now) = event::now(&pool).await {
                    let mut seen = lock(&seen);
                    *seen = Seen::from(now);
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
