//! State that the tasks of a process share: its identity, its attempts, its slots.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::{
        Arc, Mutex, RwLock,
        atomic::{AtomicI64, AtomicU64, Ordering},
    },
    time::Duration,
};

use sqlx::postgres::PgConnectOptions;
use tokio::{
    sync::{Notify, mpsc},
    time::Instant,
};
use uuid::Uuid;

use super::{
    Config,
    slots::{Slot, Slots},
};
use crate::{
    Attempt, Db, Error, JobId, Outcome, Registry,
    attempt::{Lease, Owner},
    name,
};

/// A claim without an answer is remembered for this long; the server has ended its statement long
/// before.
const UNCONFIRMED: Duration = Duration::from_mins(10);
/// Reports beyond this many, and twice the slots, stop further claims until they are written.
const UNWRITTEN: usize = 1_000;
/// Connections of the engine's own, for claims, reports, permits and maintenance: handlers that hold
/// every connection of the program's pool keep none of these waiting.
const CONNECTIONS: u32 = 4;
/// A permit is used only while the last beat got through this recently; peers wait 15 s before
/// they take a process for dead.
const FRESH: Duration = Duration::from_secs(9);

pub(crate) type Report = (Arc<Attempt>, Outcome);

pub(crate) struct Shared {
    pub(crate) pool: Db,
    pub(crate) direct: PgConnectOptions,
    pub(crate) listen: bool,
    pub(crate) registry: Registry,
    pub(crate) slots: HashMap<String, Arc<Slots>>,
    name: String,
    version: String,
    identity: RwLock<Uuid>,
    leases: AtomicI64,
    idle: tokio::sync::Mutex<BTreeSet<String>>,
    last_beat: Mutex<Instant>,
    /// Attempts whose end is not in the database yet.
    unwritten: Mutex<HashMap<(JobId, i64), Arc<Attempt>>>,
    /// Claims whose answer never arrived.
    unconfirmed: Mutex<HashMap<i64, Instant>>,
    /// When the last check of the running rows began that came to its end.
    checked: Mutex<Instant>,
    pub(crate) after_check: Notify,
    /// Slots of the attempts that have not reported yet, by the same key.
    working: Mutex<BTreeMap<(JobId, i64), Slot>>,
    pub(crate) finished: Notify,
    /// Check the running rows now: an operator has cancelled a job.
    pub(crate) check_running: Notify,
    /// Look at the jobs that wait for others now: one of ours has ended that they waited for.
    pub(crate) unblocked: Notify,
    /// Reports have been written.
    pub(crate) written: Notify,
    reports: mpsc::UnboundedSender<Report>,
    lost: AtomicU64,
}

impl Shared {
    pub(crate) async fn register(
        config: Config,
    ) -> Result<(Arc<Self>, mpsc::UnboundedReceiver<Report>), Error> {
        for queue in &config.queues {
            name::check_queue(&queue.name)?;
        }
        super::counts::begin();
        let (reports, rx) = mpsc::unbounded_channel();
        let slots = config
            .queues
            .iter()
            .map(|q| (q.name.clone(), Arc::new(Slots::new(&q.name, q.concurrency))))
            .collect();
        let shared = Self {
            pool: config.pool.sibling(CONNECTIONS),
            direct: config.direct,
            listen: config.listen,
            registry: config.registry,
            slots,
            name: config.name,
            version: config.version,
            identity: RwLock::new(Uuid::nil()),
            leases: AtomicI64::new(0),
            idle: tokio::sync::Mutex::default(),
            last_beat: Mutex::new(Instant::now()),
            unwritten: Mutex::default(),
            unconfirmed: Mutex::default(),
            checked: Mutex::new(Instant::now()),
            after_check: Notify::new(),
            working: Mutex::default(),
            finished: Notify::new(),
            check_running: Notify::new(),
            unblocked: Notify::new(),
            written: Notify::new(),
            reports,
            lost: AtomicU64::new(0),
        };
        crate::event::check_epoch(&shared.pool).await?;
        shared.register_anew().await?;
        Ok((Arc::new(shared), rx))
    }

    /// Takes a new identity. Whatever the old one still owned is lost.
    pub(crate) async fn register_anew(&self) -> Result<(), Error> {
        for attempt in self.unwritten.lock().expect("no holder panics").drain() {
            attempt.1.lose("registering anew");
        }
        let id = Uuid::new_v4();
        let queues: Vec<String> = self.slots.keys().cloned().collect();
        let mut idle = self.idle.lock().await;
        idle.clear();
        sqlx::query!("select queue.make_partitions()").execute(&self.pool).await?;
        sqlx::query!(
            "insert into queue.queue (name) select unnest($1::text[]) on conflict do nothing",
            &queues
        )
        .execute(&self.pool)
        .await?;
        sqlx::query!(
            "insert into queue.process (id, name, version, queues) values ($1, $2, $3, $4)",
            id,
            self.name,
            self.version,
            &queues
        )
        .execute(&self.pool)
        .await?;
        *self.identity.write().expect("no holder panics") = id;
        self.beaten();
        Ok(())
    }

    /// Marks this process as ended, so that peers rescue its jobs now instead of after the heartbeat
    /// timeout.
    pub(crate) async fn deregister(&self) -> Result<(), Error> {
        sqlx::query!(
            "update queue.process set ended_at = clock_timestamp(), idle = '{}' where id = $1",
            self.identity()
        )
        .execute(&self.pool)
        .await?;
        sqlx::query!("select queue.rescue('{}')").fetch_one(&self.pool).await?;
        Ok(())
    }

    pub(crate) fn identity(&self) -> Uuid {
        *self.identity.read().expect("no holder panics")
    }

    /// A number that no other claim of this process has had.
    pub(crate) fn next_lease(&self) -> i64 {
        self.leases.fetch_add(1, Ordering::AcqRel) + 1
    }

    /// The answer to the claim of this number did not arrive: it may have taken jobs.
    pub(crate) fn mark_unconfirmed(&self, lease: i64) {
        let mut unconfirmed = self.unconfirmed.lock().expect("no holder panics");
        unconfirmed.retain(|_, since| since.elapsed() < UNCONFIRMED);
        unconfirmed.insert(lease, Instant::now());
    }

    pub(crate) fn is_unconfirmed(&self, lease: i64) -> bool {
        self.unconfirmed.lock().expect("no holder panics").contains_key(&lease)
    }

    /// A check of the running rows, begun at `began`, has given back what unconfirmed claims took.
    pub(crate) fn has_checked(&self, began: Instant) {
        *self.checked.lock().expect("no holder panics") = began;
        self.after_check.notify_waiters();
    }

    /// True if no check of the running rows has begun since then and come to its end.
    pub(crate) fn is_unchecked_since(&self, since: Instant) -> bool {
        *self.checked.lock().expect("no holder panics") < since
    }

    pub(crate) fn beaten(&self) {
        *self.last_beat.lock().expect("no holder panics") = Instant::now();
    }

    pub(crate) fn track(&self, attempt: &Arc<Attempt>, slot: Slot) {
        let key = (attempt.job(), attempt.lease().number);
        self.unwritten.lock().expect("no holder panics").insert(key, Arc::clone(attempt));
        self.working.lock().expect("no holder panics").insert(key, slot);
    }

    /// The attempt's end is in the database, or its lease is known to be lost.
    pub(crate) fn forget(&self, attempt: &Attempt) {
        self.unwritten
            .lock()
            .expect("no holder panics")
            .remove(&(attempt.job(), attempt.lease().number));
    }

    /// True if so many ended attempts are not in the database yet that further claims have to
    /// wait: what a crash now would run again, and what the memory holds, has a bound.
    pub(crate) fn is_behind(&self, slots: usize) -> bool {
        let working = self.working.lock().expect("no holder panics").len();
        let known = self.unwritten.lock().expect("no holder panics").len();
        known.saturating_sub(working) > UNWRITTEN + 2 * slots
    }

    /// Attempts that have not reported yet.
    pub(crate) fn unfinished(&self) -> Vec<Arc<Attempt>> {
        let known = self.unwritten();
        let working = self.working.lock().expect("no holder panics");
        working.keys().filter_map(|key| known.get(key).cloned()).collect()
    }

    /// Attempts whose end is not in the database yet.
    pub(crate) fn unwritten(&self) -> HashMap<(JobId, i64), Arc<Attempt>> {
        self.unwritten.lock().expect("no holder panics").clone()
    }

    pub(crate) fn is_working(&self, job: JobId, lease: i64) -> bool {
        self.working.lock().expect("no holder panics").contains_key(&(job, lease))
    }

    /// Tells enqueuers whether this process has a free slot for the queue, and so wants a NOTIFY.
    pub(crate) async fn set_idle(&self, queue: &str, idle: bool) -> Result<(), Error> {
        if !self.listen {
            return Ok(());
        }
        let mut now = self.idle.lock().await;
        let changed = if idle { now.insert(queue.to_owned()) } else { now.remove(queue) };
        if !changed {
            return Ok(());
        }
        let list: Vec<String> = now.iter().cloned().collect();
        let written = sqlx::query!(
            "update queue.process set idle = $2 where id = $1",
            self.identity(),
            &list
        )
        .execute(&self.pool)
        .await;
        if written.is_err() {
            // Unknown whether it was written: the next change writes the whole list again.
            now.clear();
        }
        written?;
        Ok(())
    }

    pub(crate) fn lost(&self) -> u64 {
        self.lost.load(Ordering::Acquire)
    }

    pub(crate) fn lease(&self, number: i64) -> Lease {
        Lease { process: self.identity(), number }
    }
}

impl Owner for Shared {
    fn pool(&self) -> &Db {
        &self.pool
    }

    fn heartbeat_is_fresh(&self) -> bool {
        self.last_beat.lock().expect("no holder panics").elapsed() < FRESH
    }

    fn report(&self, attempt: Arc<Attempt>, outcome: Outcome) {
        let key = (attempt.job(), attempt.lease().number);
        let slot = self.working.lock().expect("no holder panics").remove(&key);
        self.finished.notify_waiters();
        self.finished.notify_one();
        if attempt.is_awaited() {
            self.unblocked.notify_one();
        }
        // The completer outlives every attempt, so this cannot fail before the process closes.
        if self.reports.send((attempt, outcome)).is_err() {
            tracing::error!(job.id = %key.0, "a report came after the process had closed");
        }
        // The slot is free as soon as the work has ended; the report follows on its own.
        drop(slot);
    }

    fn count_lost(&self) {
        super::counts::lease_lost();
        self.lost.fetch_add(1, Ordering::AcqRel);
    }
}
