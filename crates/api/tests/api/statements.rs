//! Counts the statements that a test has sent.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use tracing::subscriber::DefaultGuard;
use tracing_subscriber::{Layer, layer::Context, prelude::*};

/// Counts the statements of this thread, which is the test's whole runtime.
pub(crate) struct Statements {
    count: Arc<AtomicUsize>,
    _here: DefaultGuard,
}

struct Counter(Arc<AtomicUsize>);

impl<S: tracing::Subscriber> Layer<S> for Counter {
    fn on_event(&self, event: &tracing::Event<'_>, _: Context<'_, S>) {
        if event.metadata().target() == "sqlx::query" {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }
}

impl Statements {
    pub(crate) fn count() -> Self {
        let count = Arc::new(AtomicUsize::new(0));
        let subscriber = tracing_subscriber::registry().with(Counter(Arc::clone(&count)));
        Self { count, _here: tracing::subscriber::set_default(subscriber) }
    }

    pub(crate) fn seen(&self) -> usize {
        self.count.load(Ordering::Relaxed)
    }
}
