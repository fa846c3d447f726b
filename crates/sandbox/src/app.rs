//! The sandbox's state, and the single entry point of requests.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, Utc};
use tokio_util::sync::CancellationToken;

use crate::call::Identity;
use crate::clock::Clock;
use crate::faults::{Faults, Fired};
use crate::imitation::Provider;
use crate::ledger::{Entry, Ledger};
use crate::limits::{Broken, Counted, Limits, Windows};
use crate::options::Options;
use crate::outbox::Outbox;
use crate::world::World;

pub(crate) struct App {
    pub(crate) options: Options,
    pub(crate) stop: CancellationToken,
    inner: Mutex<Inner>,
}

pub(crate) struct Inner {
    pub(crate) clock: Clock,
    pub(crate) world: Arc<World>,
    pub(crate) limits: Limits,
    pub(crate) windows: Windows,
    pub(crate) faults: Faults,
    pub(crate) ledger: Ledger,
    pub(crate) outbox: Outbox,
}

/// The referee's decision about a request, before it is answered.
#[derive(Clone, Debug)]
pub(crate) enum Ruling {
    /// The key is missing or bad; nothing was counted.
    BadKey,
    /// Over a limit; nothing was counted.
    Over(Vec<Broken>),
    Admitted,
}

#[derive(Clone)]
pub(crate) struct Arrival {
    pub(crate) seq: u64,
    pub(crate) at: DateTime<Utc>,
    pub(crate) identity: Identity,
    pub(crate) ruling: Ruling,
    /// Only admitted requests have faults.
    pub(crate) fired: Vec<Fired>,
    pub(crate) world: Arc<World>,
    limits: Limits,
}

impl Arrival {
    /// For bodies that name the limit.
    pub(crate) fn limit_of(&self, provider: &'static str, name: &'static str) -> u64 {
        self.limits.of(provider, name)
    }

    pub(crate) fn fault(&self, id: &str) -> Option<&Fired> {
        self.fired.iter().find(|fired| fired.id == id)
    }

    pub(crate) fn has(&self, id: &str) -> bool {
        self.fault(id).is_some()
    }
}

/// Origin and subject of a request.
pub(crate) struct Visit<'a> {
    pub(crate) provider: Provider,
    pub(crate) source: &'a str,
    pub(crate) method: &'a str,
    pub(crate) target: &'a str,
    pub(crate) identity: Identity,
}

impl App {
    pub(crate) fn new(options: Options) -> Self {
        let inner = Inner {
            clock: Clock::starting_at(options.now.or(options.profile.now())),
            world: Arc::new(World::new(options.seed)),
            limits: options.profile.limits(options.limits.clone()),
            windows: Windows::default(),
            faults: options.profile.faults(),
            ledger: Ledger::default(),
            outbox: Outbox::default(),
        };
        Self { options, stop: CancellationToken::new(), inner: Mutex::new(inner) }
    }

    /// a panic while it was held leaves a complete state: every change is one push
    pub(crate) fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Records the request, counts it and draws its faults, in one step.
    pub(crate) fn arrive(&self, visit: Visit<'_>) -> Arrival {
        let mut guard = self.lock();
        let inner = &mut *guard;
        let at = inner.clock.now();
        let seq = inner.ledger.next_seq();
        let Visit { provider, source, method, target, identity } = visit;
        let ruling = if !identity.admitted {
            Ruling::BadKey
        } else if identity.counted {
            let request = Counted {
                provider,
                source,
                key: identity.key.as_deref().unwrap_or(""),
                model: identity.model.as_deref().unwrap_or(""),
                tokens: identity.tokens,
            };
            match inner.windows.count(&inner.limits, &request, at) {
                Ok(()) => Ruling::Admitted,
                Err(broken) => Ruling::Over(broken),
            }
        } else {
            Ruling::Admitted
        };
        let fired = match ruling {
            Ruling::Admitted => inner.faults.strike(inner.world.seed, provider, target),
            Ruling::BadKey | Ruling::Over(_) => Vec::new(),
        };
        inner.ledger.add(Entry {
            seq,
            time: at,
            provider: provider.name,
            key: identity.key.clone(),
            model: identity.model.clone(),
            source: source.to_owned(),
            method: method.to_owned(),
            route: target.to_owned(),
            tokens: identity.tokens,
            status: None,
            verdict: "unanswered".to_owned(),
            answered: None,
        });
        let (world, limits) = (Arc::clone(&inner.world), inner.limits.clone());
        Arrival { seq, at, identity, ruling, fired, world, limits }
    }

    /// Writes the answer into the ledger. Without a verdict of its own, the verdict follows from
    /// the ruling and the faults.
    pub(crate) fn close(&self, arrival: &Arrival, status: Option<u16>, verdict: Option<&str>) {
        let verdict = match (&arrival.ruling, verdict) {
            (Ruling::BadKey, _) => "refused:bad_key".to_owned(),
            (Ruling::Over(broken), _) => {
                let names: Vec<_> = broken.iter().map(|b| b.rule.name).collect();
                format!("limit:{}", names.join("+"))
            }
            (Ruling::Admitted, Some(verdict)) => verdict.to_owned(),
            (Ruling::Admitted, None) if arrival.fired.is_empty() => "ok".to_owned(),
            (Ruling::Admitted, None) => {
                let ids: Vec<_> = arrival.fired.iter().map(|f| f.id).collect();
                format!("fault:{}", ids.join("+"))
            }
        };
        let mut inner = self.lock();
        let now = inner.clock.now();
        inner.ledger.close(arrival.seq, status, &verdict, now);
    }
}
