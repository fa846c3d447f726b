//! How long the claims of this program took, from the figures that a process counts.

use std::sync::{Arc, Mutex};

use metrics::{
    Counter, Gauge, Histogram, HistogramFn, Key, KeyName, Metadata, Recorder, SharedString, Unit,
};

/// Milliseconds.
#[derive(Clone, Default)]
pub(crate) struct Claims(Arc<Mutex<Vec<f64>>>);

impl Claims {
    /// Of this program; once.
    pub(crate) fn watch() -> Self {
        let claims = Self::default();
        metrics::set_global_recorder(claims.clone()).expect("nobody else has set one");
        claims
    }

    /// Those since it was asked before, in order.
    pub(crate) fn take(&self) -> Vec<f64> {
        let mut took = std::mem::take(&mut *self.0.lock().expect("no holder panics"));
        took.sort_by(f64::total_cmp);
        took
    }
}

impl HistogramFn for Claims {
    fn record(&self, seconds: f64) {
        self.0.lock().expect("no holder panics").push(seconds * 1_000.0);
    }
}

impl Recorder for Claims {
    fn describe_counter(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
    fn describe_gauge(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
    fn describe_histogram(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

    fn register_counter(&self, _: &Key, _: &Metadata<'_>) -> Counter {
        Counter::noop()
    }

    fn register_gauge(&self, _: &Key, _: &Metadata<'_>) -> Gauge {
        Gauge::noop()
    }

    fn register_histogram(&self, key: &Key, _: &Metadata<'_>) -> Histogram {
        if key.name() == "bellwether_claim_seconds" {
            Histogram::from_arc(Arc::new(self.clone()))
        } else {
            Histogram::noop()
        }
    }
}

/// The value below which `percent` of these sorted ones are.
pub(crate) fn percentile(sorted: &[f64], percent: usize) -> f64 {
    sorted.get(sorted.len() * percent / 100).copied().unwrap_or(f64::NAN)
}
