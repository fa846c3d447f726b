//! W3C trace context: the place of a request or an attempt in its trace, and the `traceparent` that
//! carries it to the jobs that it adds.
//!
//! This module exports nothing itself. A program may install an [`Exporter`]; without one, traces
//! still have ids, which logs and jobs carry.

use std::{fmt, str::FromStr, sync::OnceLock};

use tracing::{Span, field::display};

/// A place in a trace, as a `traceparent` states it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct TraceContext {
    trace: u128,
    span: u64,
    sampled: bool,
}

/// The text is not a valid `traceparent`.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("not a traceparent: version-trace-span-flags in lower-case hexadecimal digits")]
pub struct NoTraceparent;

impl TraceContext {
    /// `None` if either id is zero, which W3C reserves for "invalid".
    pub const fn new(trace: u128, span: u64, sampled: bool) -> Option<Self> {
        if trace == 0 || span == 0 { None } else { Some(Self { trace, span, sampled }) }
    }

    /// The first place of a new trace.
    pub fn start() -> Self {
        Self { trace: rand::random::<u128>().max(1), span: random_span(), sampled: true }
    }

    /// Another place in the same trace.
    #[must_use]
    pub fn next(self) -> Self {
        Self { span: random_span(), ..self }
    }

    pub const fn trace(self) -> u128 {
        self.trace
    }

    pub const fn span(self) -> u64 {
        self.span
    }

    /// True if the caller may have recorded the trace.
    pub const fn is_sampled(self) -> bool {
        self.sampled
    }

    /// The trace's id in 32 hexadecimal digits, as logs, tables and pages show it.
    pub fn trace_id(self) -> String {
        format!("{:032x}", self.trace)
    }
}

fn random_span() -> u64 {
    rand::random::<u64>().max(1)
}

impl fmt::Display for TraceContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "00-{:032x}-{:016x}-{:02x}", self.trace, self.span, u8::from(self.sampled))
    }
}

impl FromStr for TraceContext {
    type Err = NoTraceparent;

    /// Reads the known fields of a newer version, as W3C requires.
    fn from_str(text: &str) -> Result<Self, NoTraceparent> {
        let mut fields = text.trim().split('-');
        let mut field = |digits: usize| {
            let field = fields.next().ok_or(NoTraceparent)?;
            let fits = field.len() == digits
                && field.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
            if fits { Ok(field) } else { Err(NoTraceparent) }
        };
        let (version, trace, span, flags) = (field(2)?, field(32)?, field(16)?, field(2)?);
        let more = fields.next().is_some();
        if version == "ff" || (version == "00" && more) {
            return Err(NoTraceparent);
        }
        let flags = u8::from_str_radix(flags, 16).map_err(|_| NoTraceparent)?;
        let trace = u128::from_str_radix(trace, 16).map_err(|_| NoTraceparent)?;
        let span = u64::from_str_radix(span, 16).map_err(|_| NoTraceparent)?;
        Self::new(trace, span, flags & 1 == 1).ok_or(NoTraceparent)
    }
}

/// Hooks of an exporter of spans.
pub struct Exporter {
    /// Makes the span a child of a remote span; called before the span is entered.
    pub adopt: fn(&Span, TraceContext),
    /// Returns the place of the span; `None` if it is not exported.
    pub locate: fn(&Span) -> Option<TraceContext>,
}

static EXPORTER: OnceLock<Exporter> = OnceLock::new();

/// Installs the process's exporter; later calls have no effect.
pub fn export_with(exporter: Exporter) {
    EXPORTER.get_or_init(|| exporter);
}

/// Places a span that has not been entered yet: below `parent`, or at the start of a new trace.
/// Records its field `trace_id`, if it has one.
pub fn place(span: &Span, parent: Option<TraceContext>) -> TraceContext {
    let exported = EXPORTER.get().and_then(|exporter| {
        if let Some(parent) = parent {
            (exporter.adopt)(span, parent);
        }
        (exporter.locate)(span)
    });
    let here =
        exported.unwrap_or_else(|| parent.map_or_else(TraceContext::start, TraceContext::next));
    span.record("trace_id", display(here.trace_id()));
    here
}

tokio::task_local! {
    static CURRENT: TraceContext;
}

/// Runs `work` at this place: jobs that it adds carry the place. Tokio tasks that it spawns do not
/// inherit it.
pub async fn within<F: Future>(here: TraceContext, work: F) -> F::Output {
    CURRENT.scope(here, work).await
}

/// Returns the place of the innermost [`within`].
pub fn current() -> Option<TraceContext> {
    CURRENT.try_with(|here| *here).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    #[test]
    fn a_traceparent_is_read_and_written_alike() {
        let here: TraceContext = TEXT.parse().unwrap();
        assert_eq!(here.to_string(), TEXT);
        assert_eq!(here.trace_id(), "4bf92f3577b34da6a3ce929d0e0e4736");
        assert!(here.is_sampled());
        let unsampled = TEXT.replace("-01", "-00");
        assert_eq!(unsampled.parse::<TraceContext>().unwrap().to_string(), unsampled);
    }

    #[test]
    fn an_invalid_traceparent_is_refused() {
        let zeros = format!("00-{}-00f067aa0ba902b7-01", "0".repeat(32));
        let upper = TEXT.to_uppercase();
        let longer = format!("{TEXT}-00");
        let forbidden = TEXT.replacen("00", "ff", 1);
        for text in ["", "00", "00-short-00f067aa0ba902b7-01", &zeros, &upper, &longer, &forbidden]
        {
            assert_eq!(text.parse::<TraceContext>(), Err(NoTraceparent), "{text:?}");
        }
    }

    #[test]
    fn the_known_fields_of_a_newer_version_are_read() {
        let newer = format!("{}-more", TEXT.replacen("00", "01", 1));
        assert_eq!(newer.parse::<TraceContext>().unwrap().to_string(), TEXT);
    }

    #[test]
    fn the_next_place_is_in_the_same_trace() {
        let here = TraceContext::start();
        let next = here.next();
        assert_eq!(here.trace_id(), next.trace_id());
        assert_ne!(here.span(), next.span());
        assert_ne!(TraceContext::start().trace(), here.trace());
    }

    #[tokio::test]
    async fn the_place_holds_for_the_work_inside_it() {
        assert_eq!(current(), None);
        let here = TraceContext::start();
        assert_eq!(within(here, async { current() }).await, Some(here));
        assert_eq!(current(), None);
    }
}
