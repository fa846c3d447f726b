//! How many attempts of a queue may be under way in this process.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use tokio::sync::Notify;

/// A queue's places: `capacity` of them, changed while attempts run.
pub(crate) struct Slots {
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
    pub(crate) fn new(configured: usize) -> Self {
        Self {
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
            self.changed.notify_one();
        }
    }

    /// Returns once something has changed since the last wait.
    pub(crate) async fn changed(&self) {
        self.changed.notified().await;
    }

    pub(crate) fn take(self: &Arc<Self>) -> Slot {
        self.in_use.fetch_add(1, Ordering::AcqRel);
        Slot(Arc::clone(self))
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.0.in_use.fetch_sub(1, Ordering::AcqRel);
        self.0.changed.notify_one();
    }
}
