//! Which kinds exist, what their arguments must look like, and who runs them.

use std::{
    any::{TypeId, type_name},
    collections::BTreeMap,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::Pin,
    sync::Arc,
    time::Duration,
};

use serde_json::Value;

use crate::{Attempt, Failure, Holds, Job, NewJob, name, run::panic_text};

/// The arguments do not fit the kind.
#[derive(Debug, thiserror::Error)]
pub enum ArgsError {
    #[error("unknown job kind {kind:?}; known are {known}")]
    UnknownKind { kind: String, known: String },
    /// `field` is `args`, or the place inside it: `args.symbol`.
    #[error("{field} does not fit {kind}: {reason}")]
    Invalid { kind: String, field: String, reason: String },
}

/// Which field does not fit, and why.
type Misfit = (String, String);

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
    type_id: TypeId,
    type_name: &'static str,
    fits: fn(&Value) -> Result<(), Misfit>,
    unique_key: fn(&Value) -> Result<Option<String>, Misfit>,
    schema: fn() -> schemars::Schema,
}

impl Kind {
    fn of<J: Job>() -> Self {
        // Said by the compiler: a job of such a kind could never be claimed.
        const {
            assert!(!J::KIND.is_empty(), "a kind has a name");
            assert!(name::is_queue(J::QUEUE), "QUEUE is [a-z][a-z0-9_]{{0,39}}, and not `cancel`");
            assert!(name::is_lane(J::LANE), "LANE is [a-z][a-z0-9_./-]{{0,79}}");
            assert!(J::PRIORITY <= 9, "PRIORITY is 0 (first) to 9 (last)");
            assert!(J::MAX_ATTEMPTS >= 1 && J::MAX_ATTEMPTS <= 25, "MAX_ATTEMPTS is 1 to 25");
        }
        Self {
            name: J::KIND,
            queue: J::QUEUE,
            lane: J::LANE,
            priority: J::PRIORITY,
            max_attempts: J::MAX_ATTEMPTS,
            timeout: J::TIMEOUT,
            holds: J::HOLDS,
            backoff: J::backoff,
            type_id: TypeId::of::<J>(),
            type_name: type_name::<J>(),
            fits: |args| read::<J>(args).map(drop),
            unique_key: unique_key::<J>,
            schema: || schemars::schema_for!(J),
        }
    }

    /// The JSON schema of the kind's arguments.
    pub fn schema(&self) -> Value {
        (self.schema)().to_value()
    }

    fn invalid(&self, (field, reason): Misfit) -> ArgsError {
        ArgsError::Invalid { kind: self.name.to_owned(), field, reason }
    }
}

/// `null` stands for no arguments.
fn read<J: Job>(args: &Value) -> Result<J, Misfit> {
    let none = Value::Object(serde_json::Map::new());
    let args = if args.is_null() { &none } else { args };
    // serde would take a list for the fields in their order
    if !args.is_object() {
        return Err(("args".to_owned(), "the arguments are a JSON object".to_owned()));
    }
    serde_path_to_error::deserialize::<_, J>(args).map_err(|e| {
        let path = e.path().to_string();
        let field = if path == "." { "args".to_owned() } else { format!("args.{path}") };
        (field, e.into_inner().to_string())
    })
}

/// A panic in here ends neither the ticks of other schedules nor anything else that names a kind.
fn unique_key<J: Job>(args: &Value) -> Result<Option<String>, Misfit> {
    let job = read::<J>(args)?;
    catch_unwind(AssertUnwindSafe(|| job.unique_key())).map_err(|panic| {
        ("args".to_owned(), format!("their unique key panicked: {}", panic_text(&*panic)))
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

    /// Panics if another type has the same [`Job::KIND`].
    #[must_use]
    pub fn with<J: Job>(mut self) -> Self {
        self.insert(Kind::of::<J>());
        self
    }

    /// The kinds of both: for a process whose handlers have several contexts. Panics if two types
    /// have the same [`Job::KIND`].
    #[must_use]
    pub fn merge(mut self, other: &Self) -> Self {
        for kind in other.kinds() {
            self.insert(*kind);
        }
        self
    }

    fn insert(&mut self, kind: Kind) {
        let before = Arc::make_mut(&mut self.kinds).insert(kind.name, kind);
        if let Some(before) = before.filter(|before| before.type_id != kind.type_id) {
            let (one, other) = (before.type_name, kind.type_name);
            panic!("{one} and {other} have the same KIND, {:?}", kind.name);
        }
    }

    pub fn kinds(&self) -> impl Iterator<Item = &Kind> {
        self.kinds.values()
    }

    pub fn get(&self, kind: &str) -> Option<&Kind> {
        self.kinds.get(kind)
    }

    fn find(&self, kind: &str) -> Result<&Kind, ArgsError> {
        let known = || self.kinds.keys().copied().collect::<Vec<_>>().join(", ");
        self.get(kind)
            .ok_or_else(|| ArgsError::UnknownKind { kind: kind.to_owned(), known: known() })
    }

    /// Whether these are arguments of the kind. `null` stands for no arguments.
    pub fn check(&self, kind: &str, args: &Value) -> Result<(), ArgsError> {
        let kind = self.find(kind)?;
        (kind.fits)(args).map_err(|misfit| kind.invalid(misfit))
    }

    /// A job of a kind known by name only, its arguments checked against the kind. `null` stands
    /// for no arguments.
    pub fn job(&self, kind: &str, args: Value) -> Result<NewJob, ArgsError> {
        let kind = self.find(kind)?;
        let args = if args.is_null() { Value::Object(serde_json::Map::new()) } else { args };
        let unique_key = (kind.unique_key)(&args).map_err(|misfit| kind.invalid(misfit))?;
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

    /// Panics if another type has the same [`Job::KIND`].
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
        self.registry = self.registry.with::<J>();
        self.by_kind.insert(J::KIND, handler);
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

/// ```compile_fail
/// # use bellwether_queue::{Attempt, Failure, Job, Registry};
/// #[derive(serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
/// struct Late {}
/// impl Job for Late {
///     const KIND: &'static str = "late";
///     const QUEUE: &'static str = "mail";
///     const PRIORITY: u8 = 12;
///     type Context = ();
///     async fn run(self, _: (), _: &Attempt) -> Result<(), Failure> { Ok(()) }
/// }
/// let _ = Registry::new().with::<Late>();
/// ```
#[cfg(doctest)]
struct AKindThatCouldNeverBeClaimedDoesNotCompile;

#[cfg(test)]
mod tests {
    use super::*;

    macro_rules! kind {
        ($name:ident, $kind:literal) => {
            #[derive(serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
            struct $name {}
            impl Job for $name {
                const KIND: &'static str = $kind;
                const QUEUE: &'static str = "mail";
                type Context = ();
                async fn run(self, (): (), _: &Attempt) -> Result<(), Failure> {
                    Ok(())
                }
            }
        };
    }

    kind!(Welcome, "welcome");
    kind!(Farewell, "farewell");
    kind!(Hello, "welcome");

    #[test]
    fn registries_are_merged_and_a_kind_may_be_in_both() {
        let both = Registry::new().with::<Welcome>();
        let both = both.merge(&Registry::new().with::<Welcome>().with::<Farewell>());
        assert_eq!(both.kinds().map(|kind| kind.name).collect::<Vec<_>>(), ["farewell", "welcome"]);
    }

    #[test]
    #[should_panic(
        expected = "Welcome and bellwether_queue::registry::tests::Hello have the same KIND"
    )]
    fn two_types_of_one_kind_are_both_named() {
        let _ = Handlers::new(()).with::<Welcome>().with::<Hello>();
    }
}
