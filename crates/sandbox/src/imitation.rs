//! The imitations: each describes itself in its own module.

use std::sync::Arc;

use axum::Router;

use crate::IMITATIONS;
use crate::app::App;
use crate::call::{Call, Identity};
use crate::faults::{Class, Known};
use crate::limits::Rule;

/// An imitated provider.
#[derive(Debug)]
pub(crate) struct Imitation {
    /// The name in limits, ledger and metrics.
    pub(crate) name: &'static str,
    /// The first segment of its routes; `None`: not an HTTP service.
    pub(crate) path: Option<&'static str>,
    pub(crate) routes: fn() -> Router<Arc<App>>,
    /// Reads the caller from a request, as the provider would.
    pub(crate) identify: fn(&Call) -> Identity,
    /// The shared faults that apply.
    pub(crate) classes: &'static [Class],
    /// Faults of this provider alone.
    pub(crate) faults: &'static [Known],
    /// The quotas of its free plan.
    pub(crate) limits: &'static [Rule],
}

pub(crate) type Provider = &'static Imitation;

/// The provider of a request's path.
pub(crate) fn of_path(path: &str) -> Option<Provider> {
    let first = path.split('/').nth(1)?;
    IMITATIONS.iter().copied().find(|provider| provider.path == Some(first))
}

/// The path segments of all HTTP providers.
pub(crate) fn paths() -> impl Iterator<Item = &'static str> {
    IMITATIONS.iter().filter_map(|provider| provider.path)
}
