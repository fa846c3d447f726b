//! The kinds that exist, the form of their arguments, and their handlers.

mod entered;

use std::{
    any::{TypeId, type_name},
    collections::BTreeMap,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::Pin,
    sync::Arc,
    time::Duration,
};

use serde_json::Value;

use crate::{Attempt, Job, JobArgs, NewJob, Outcome, UniqueUntil, failure::panic_text, name};

/// The arguments do not fit the kind.
#[derive(Debug, thiserror::Error)]
pub enum ArgsError {
    #[error("unknown job kind {kind:?}; known are {known}")]
    UnknownKind { kind: String, known: String },
    /// `field` is `args`, or the place inside it: `args.symbol`.
    #[error("{field} does not fit {kind}: {reason}")]
    Invalid { kind: String, field: String, reason: String },
}

/// The field that does not fit, and the reason.
type Misfit = (String, String);

/// A kind as the queue knows it without running it.
#[derive(Clone, Copy)]
pub struct Kind {
    pub name: &'static str,
    pub queue: &'static str,
    pub priority: u8,
    pub max_attempts: u16,
    pub timeout: Duration,
    pub unique_until: UniqueUntil,
    pub backoff: fn(u16) -> Option<Duration>,
    type_id: TypeId,
    type_name: &'static str,
    fits: fn(&Value) -> Result<(), Misfit>,
    job: fn(&Value) -> Result<NewJob, Misfit>,
    schema: fn() -> Option<schemars::Schema>,
}

impl Kind {
    fn of<J: JobArgs>() -> Self {
        // Said by the compiler: a job of such a kind could never be claimed.
        const {
            assert!(!J::KIND.is_empty(), "a kind has a name");
            assert!(name::is_queue(J::QUEUE), "QUEUE is [a-z][a-z0-9_]{{0,39}}, and not `cancel`");
            assert!(J::PRIORITY <= 9, "PRIORITY is 0 (first) to 9 (last)");
            assert!(J::MAX_ATTEMPTS >= 1 && J::MAX_ATTEMPTS <= 25, "MAX_ATTEMPTS is 1 to 25");
        }
        Self {
            name: J::KIND,
            queue: J::QUEUE,
            priority: J::PRIORITY,
            max_attempts: J::MAX_ATTEMPTS,
            timeout: J::TIMEOUT,
            unique_until: J::UNIQUE_UNTIL,
            backoff: J::backoff,
            type_id: TypeId::of::<J>(),
            type_name: type_name::<J>(),
            fits: |args| read::<J>(args).map(drop),
            job: job::<J>,
            schema: J::schema,
        }
    }

    /// The JSON schema of the kind's arguments as a caller enters them, without other fields than the
    /// kind's own; `None`: the kind has none.
    pub fn schema(&self) -> Option<Value> {
        let mut schema = (self.schema)()?;
        let is_object = schema.get("type").is_some_and(|kind| kind == "object");
        if is_object && schema.get("additionalProperties").is_none() {
            schema.insert("additionalProperties".to_owned(), false.into());
        }
        Some(schema.to_value())
    }

    fn invalid(&self, (field, reason): Misfit) -> ArgsError {
        ArgsError::Invalid { kind: self.name.to_owned(), field, reason }
    }
}

/// `null` stands for no arguments.
fn read<J: JobArgs>(args: &Value) -> Result<J, Misfit> {
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

/// The job that these arguments make. A panic in the kind's own code ends neither the ticks of other
/// schedules nor any other caller that names a kind.
fn job<J: JobArgs>(args: &Value) -> Result<NewJob, Misfit> {
    let job = read::<J>(args)?;
    let args = if args.is_null() { Value::Object(serde_json::Map::new()) } else { args.clone() };
    catch_unwind(AssertUnwindSafe(|| NewJob { args, ..NewJob::of(&job) })).map_err(|panic| {
        let why = panic_text(&*panic);
        ("args".to_owned(), format!("their lane or their unique key panicked: {why}"))
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

    /// Panics if another type has the same [`JobArgs::KIND`].
    #[must_use]
    pub fn with<J: JobArgs>(mut self) -> Self {
        let kind = Kind::of::<J>();
        let before = Arc::make_mut(&mut self.kinds).insert(kind.name, kind);
        if let Some(before) = before.filter(|before| before.type_id != kind.type_id) {
            let (one, other) = (before.type_name, kind.type_name);
            panic!("{one} and {other} have the same KIND, {:?}", kind.name);
        }
        self
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

    /// Fails unless a worker can read these as arguments of the kind, as it reads stored ones: fields
    /// that the kind does not know are passed over, since a newer release may have written them. `null`
    /// stands for no arguments.
    pub fn check(&self, kind: &str, args: &Value) -> Result<(), ArgsError> {
        let kind = self.find(kind)?;
        (kind.fits)(args).map_err(|misfit| kind.invalid(misfit))
    }

    /// A job of a kind known by name only, with arguments that a caller enters: checked against the
    /// kind and the bounds of its schema (`maxItems`, `maxLength`, …), and refused if they have a field
    /// that the kind does not know. `null` stands for no arguments.
    pub fn job(&self, kind: &str, args: &Value) -> Result<NewJob, ArgsError> {
        let known = self.find(kind)?;
        if let Some(schema) = known.schema() {
            entered::check(&schema, args).map_err(|misfit| known.invalid(misfit))?;
        }
        self.stored_job(kind, args)
    }

    /// A job of a kind known by name only, with arguments that are stored, such as a schedule's.
    pub(crate) fn stored_job(&self, kind: &str, args: &Value) -> Result<NewJob, ArgsError> {
        let kind = self.find(kind)?;
        (kind.job)(args).map_err(|misfit| kind.invalid(misfit))
    }
}

/// One kind's work, ready to be called with an attempt.
type Handler =
    Arc<dyn Fn(Arc<Attempt>) -> Pin<Box<dyn Future<Output = Outcome> + Send>> + Send + Sync>;

/// The kinds that a worker runs, each with its work and its context.
#[derive(Clone, Default)]
pub struct Handlers {
    by_kind: BTreeMap<&'static str, Handler>,
    registry: Registry,
}

impl Handlers {
    pub fn new() -> Self {
        Self::default()
    }

    /// Panics if another type has the same [`JobArgs::KIND`].
    #[must_use]
    pub fn with<J: Job>(mut self, context: J::Context) -> Self {
        let handler: Handler = Arc::new(move |attempt: Arc<Attempt>| {
            let context = context.clone();
            Box::pin(async move {
                let job = match read::<J>(attempt.args()) {
                    Ok(job) => job,
                    Err(misfit) => {
                        return Outcome::Undecodable(Kind::of::<J>().invalid(misfit).to_string());
                    }
                };
                let returned = job.run(context, &attempt).await.and_then(|output| {
                    if size_of::<J::Output>() > 0 && !attempt.is_completed_in() {
                        attempt.record_output(&output)?;
                    }
                    Ok(())
                });
                returned.into()
            })
        });
        self.registry = self.registry.with::<J>();
        self.by_kind.insert(J::KIND, handler);
        self
    }

    pub(crate) fn get(&self, kind: &str) -> Option<&Handler> {
        self.by_kind.get(kind)
    }

    pub fn registry(&self) -> &Registry {
        &self.registry
    }
}

/// ```compile_fail
/// # use bellwether_queue::{JobArgs, Registry};
/// #[derive(serde::Serialize, serde::Deserialize)]
/// struct Late {}
/// impl JobArgs for Late {
///     const KIND: &'static str = "late";
///     const QUEUE: &'static str = "mail";
///     const PRIORITY: u8 = 12;
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
            #[derive(serde::Serialize, serde::Deserialize)]
            struct $name {}
            impl JobArgs for $name {
                const KIND: &'static str = $kind;
                const QUEUE: &'static str = "mail";
            }
        };
    }

    kind!(Welcome, "welcome");
    kind!(Hello, "welcome");

    #[test]
    #[should_panic(
        expected = "Welcome and bellwether_queue::registry::tests::Hello have the same KIND"
    )]
    fn two_types_of_one_kind_are_both_named() {
        let _ = Registry::new().with::<Welcome>().with::<Hello>();
    }
}
