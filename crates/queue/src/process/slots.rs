//! Slots: the number of attempts of a queue that may be under way in this process.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use metrics::{Gauge, gauge};
use tokio::sync::Notify;

/// A queue's places: `capacity` of them, changed while attempts run.
pub(crate) struct Slots {
    running: Gauge,
    places: Gauge,
    configured: usize,
    capacity: AtomicUsize,
    in_use: AtomicUsize,
    changed: Notify,
    /// There may be something to claim.
    pub(crate) work: Notify,
}

/// One place, held by one attempt from its claim to its end.
pub(crate) struct Slot(Arc<Slots>);

impl Slots {
    pub(crate) fn new(queue: &str, configured: usize) -> Self {
        let queue = queue.to_owned();
        let running = gauge!("bellwether_worker_running_jobs", "queue" => queue.clone());
        let places = gauge!("bellwether_worker_slots", "queue" => queue);
        running.set(0.0);
        places.set(configured as f64);
        Self {
            running,
            places,
            configured,
            capacity: AtomicUsize::new(configured),
            in_use: AtomicUsize::new(0),
            changed: Notify::new(),
            work: Notify::new(),
        }
    }

    pub(crate) fn in_use(&self) -> usize {
        self.in_use.load(Ordering::Acquire)
    }

    pub(crate) fn capacity(&self) -> usize {
        self.capacity.load(Ordering::Acquire)
    }

    pub(crate) fn free(&self) -> usize {
        self.capacity().saturating_sub(self.in_use())
    }

    /// `None`: as the process was started.
    pub(crate) fn set_capacity(&self, capacity: Option<usize>) {
        let capacity = capacity.unwrap_or(self.configured);
        if self.capacity.swap(capacity, Ordering::AcqRel) != capacity {
            self.places.set(capacity as f64);
            self.changed.notify_one();
        }
    }

    /// Returns once something has changed since the last wait.
    pub(crate) async fn changed(&self) {
        self.changed.notified().await;
    }

    pub(crate) fn take(self: &Arc<Self>) -> Slot {
        self.in_use.fetch_add(1, Ordering::AcqRel);
        self.running.increment(1.0);
        Slot(Arc::clone(self))
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.0.in_use.fetch_sub(1, Ordering::AcqRel);
        self.0.running.decrement(1.0);
        self.0.changed.notify_one();
    }
}
