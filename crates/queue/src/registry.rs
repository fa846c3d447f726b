//! Which kinds exist, what their arguments must look like, and who runs them.

use std::{collections::BTreeMap, pin::Pin, sync::Arc, time::Duration};

use serde_json::Value;

use crate::{Attempt, Failure, Holds, Job, NewJob};

/// The arguments do not fit the kind.
#[derive(Debug, thiserror::Error)]
pub enum ArgsError {
    #[error("unknown job kind {kind:?}; known are {known}")]
    UnknownKind { kind: String, known: String },
    /// `field` is `args`, or the place inside it: `args.symbol`.
    #[error("{field} does not fit {kind}: {reason}")]
    Invalid { kind: String, field: String, reason: String },
}

/// The job's own unique key, or which field does not fit and why.
type Check = fn(&Value) -> Result<Option<String>, (String, String)>;

/// What the queue knows of a kind without running it.
#[derive(Clone, Copy)]
pub struct Kind {
    pub name: &'static str,
    pub queue: &'static str,
    pub lane: &'static str,
    pub priority: u8,
    pub max_attempts: u16,
    pub timeout: Duration,
    pub holds: Holds,
    pub backoff: fn(u16) -> Option<Duration>,
    check: Check,
    schema: fn() -> schemars::Schema,
}

impl Kind {
    fn of<J: Job>() -> Self {
        Self {
            name: J::KIND,
            queue: J::QUEUE,
            lane: J::LANE,
            priority: J::PRIORITY,
            max_attempts: J::MAX_ATTEMPTS,
            timeout: J::TIMEOUT,
            holds: J::HOLDS,
            backoff: J::backoff,
            check: check::<J>,
            schema: || schemars::schema_for!(J),
        }
    }

    /// The JSON schema of the kind's arguments.
    pub fn schema(&self) -> Value {
        (self.schema)().to_value()
    }
}

fn check<J: Job>(args: &Value) -> Result<Option<String>, (String, String)> {
    // serde would take a list for the fields in their order
    if !args.is_object() && !args.is_null() {
        return Err(("args".to_owned(), "the arguments are a JSON object".to_owned()));
    }
    serde_path_to_error::deserialize::<_, J>(args).map(|job| job.unique_key()).map_err(|e| {
        let path = e.path().to_string();
        let field = if path == "." { "args".to_owned() } else { format!("args.{path}") };
        (field, e.into_inner().to_string())
    })
}

/// The kinds an application has.
#[derive(Clone, Default)]
pub struct Registry {
    kinds: Arc<BTreeMap<&'static str, Kind>>,
}

impl Registry {
    pub fn new() -> Self {
        Self::default()
    }

    #[must_use]
    pub fn with<J: Job>(mut self) -> Self {
        Arc::make_mut(&mut self.kinds).insert(J::KIND, Kind::of::<J>());
        self
    }

    pub fn kinds(&self) -> impl Iterator<Item = &Kind> {
        self.kinds.values()
    }

    pub fn get(&self, kind: &str) -> Option<&Kind> {
        self.kinds.get(kind)
    }

    /// A job of a kind known by name only, its arguments checked against the kind. `null` stands
    /// for no arguments.
    pub fn job(&self, kind: &str, args: Value) -> Result<NewJob, ArgsError> {
        let known = || self.kinds.keys().copied().collect::<Vec<_>>().join(", ");
        let kind = self
            .get(kind)
            .ok_or_else(|| ArgsError::UnknownKind { kind: kind.to_owned(), known: known() })?;
        let args = if args.is_null() { Value::Object(serde_json::Map::new()) } else { args };
        let unique_key = (kind.check)(&args).map_err(|(field, reason)| ArgsError::Invalid {
            kind: kind.name.to_owned(),
            field,
            reason,
        })?;
        Ok(NewJob {
            kind: kind.name.to_owned(),
            queue: kind.queue.to_owned(),
            lane: kind.lane.to_owned(),
            args,
            priority: kind.priority,
            max_attempts: kind.max_attempts,
            due_at: None,
            unique_key,
            holds: kind.holds,
            tags: Vec::new(),
            parent: None,
            trace: None,
            waits_for: Vec::new(),
        })
    }
}

/// One kind's work, ready to be called with an attempt.
pub type Handler = Arc<
    dyn Fn(Arc<Attempt>) -> Pin<Box<dyn Future<Output = Result<(), Failure>> + Send>> + Send + Sync,
>;

/// Who runs the kinds of a worker.
pub struct Handlers<C> {
    context: C,
    by_kind: BTreeMap<&'static str, Handler>,
    registry: Registry,
}

impl<C: Clone + Send + Sync + 'static> Handlers<C> {
    pub fn new(context: C) -> Self {
        Self { context, by_kind: BTreeMap::new(), registry: Registry::new() }
    }

    #[must_use]
    pub fn with<J: Job<Context = C>>(mut self) -> Self {
        let context = self.context.clone();
        let handler: Handler = Arc::new(move |attempt: Arc<Attempt>| {
            let context = context.clone();
            Box::pin(async move {
                let job: J = serde_json::from_value(attempt.args().clone())
                    .map_err(|e| Failure::discard(Undecodable(e.to_string())))?;
                job.run(context, &attempt).await
            })
        });
        self.by_kind.insert(J::KIND, handler);
        self.registry = self.registry.with::<J>();
        self
    }

    pub fn get(&self, kind: &str) -> Option<Handler> {
        self.by_kind.get(kind).cloned()
    }

    pub fn registry(&self) -> &Registry {
        &self.registry
    }
}

#[derive(Debug, thiserror::Error)]
#[error("the arguments do not fit the kind: {0}")]
struct Undecodable(String);
