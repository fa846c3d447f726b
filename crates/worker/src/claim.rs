//! An attempt in this process's hands, which is reported exactly once.

use std::{fmt, sync::Arc};

use bellwether_queue::{Attempt, Outcome};

/// Gives the job back when the last holder drops it, unless the attempt has been reported before.
pub(crate) struct Claim(Arc<Attempt>);

impl Claim {
    pub(crate) fn new(attempt: Arc<Attempt>) -> Self {
        Self(attempt)
    }

    pub(crate) fn attempt(&self) -> &Arc<Attempt> {
        &self.0
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        self.0.finish(Outcome::Released);
    }
}

impl fmt::Debug for Claim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
