//! Durations of this program's claims, from the metrics of its process.

use std::sync::{Arc, Mutex};

use metrics::{
    Counter, Gauge, Histogram, HistogramFn, Key, KeyName, Metadata, Recorder, SharedString, Unit,
};

/// Milliseconds.
#[derive(Clone, Default)]
pub(crate) struct Claims(Arc<Mutex<Vec<f64>>>);

impl Claims {
    /// Records the claims of this program; to be called once.
    pub(crate) fn watch() -> Self {
        let claims = Self::default();
        metrics::set_global_recorder(claims.clone()).expect("no other recorder is set");
        claims
    }

    /// Returns the durations since the last call, in order.
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

/// Returns the value below which `percent` of these sorted values are.
pub(crate) fn percentile(sorted: &[f64], percent: usize) -> f64 {
    sorted.get(sorted.len() * percent / 100).copied().unwrap_or(f64::NAN)
}
