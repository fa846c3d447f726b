//! Log lines as flat JSON objects: `trace_id`, `job.id` and `job.kind` are at the top level, from
//! any span.

use std::fmt;

use serde_json::{Map, Value};
use tracing::{
    Event, Subscriber,
    field::{Field, Visit},
};
use tracing_subscriber::{
    fmt::{
        FmtContext, FormatEvent, FormatFields, FormattedFields,
        format::Writer,
        time::{FormatTime, SystemTime},
    },
    registry::LookupSpan,
};

/// `timestamp`, `level`, `target`, `message`, then the fields of the event and of the spans around
/// it; of two with one name the innermost counts.
pub(super) struct OneObject;

impl<S, N> FormatEvent<S, N> for OneObject
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(
        &self,
        cx: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let mut fields = Map::new();
        for span in cx.event_scope().into_iter().flatten().collect::<Vec<_>>().into_iter().rev() {
            let extensions = span.extensions();
            let Some(text) = extensions.get::<FormattedFields<N>>() else { continue };
            if let Ok(Value::Object(of_span)) = serde_json::from_str(&text.fields) {
                // fields for exporters only
                fields.extend(of_span.into_iter().filter(|(name, _)| !name.starts_with("otel.")));
            }
            fields.insert("span".to_owned(), span.name().into());
        }
        event.record(&mut Fields(&mut fields));

        let mut timestamp = String::new();
        SystemTime.format_time(&mut Writer::new(&mut timestamp))?;
        let message = fields.remove("message").unwrap_or_default();
        let head = [
            ("timestamp", Value::from(timestamp)),
            ("level", event.metadata().level().as_str().into()),
            ("target", event.metadata().target().into()),
            ("message", if message.is_null() { "".into() } else { message }),
        ];
        // Serialised field by field: a map would be sorted, and the first fields should come first.
        writer.write_char('{')?;
        for (no, (name, value)) in head.iter().enumerate() {
            write!(writer, "{}\"{name}\":{value}", if no == 0 { "" } else { "," })?;
        }
        for (name, value) in fields.iter().filter(|(name, _)| !head.iter().any(|h| h.0 == *name)) {
            write!(writer, ",{}:{value}", Value::from(name.as_str()))?;
        }
        writeln!(writer, "}}")
    }
}

struct Fields<'a>(&'a mut Map<String, Value>);

impl Fields<'_> {
    fn add(&mut self, field: &Field, value: impl Into<Value>) {
        self.0.insert(field.name().to_owned(), value.into());
    }
}

impl Visit for Fields<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.add(field, format!("{value:?}"));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.add(field, value);
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.add(field, value);
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.add(field, value);
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.add(field, value);
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.add(field, value);
    }
}

#[cfg(test)]
mod tests {
    use std::{
        io::{self, Write},
        sync::{Arc, Mutex},
    };

    use serde_json::json;
    use tracing_subscriber::{
        fmt::{self, format::JsonFields},
        layer::SubscriberExt,
    };

    use super::*;

    #[derive(Clone, Default)]
    struct Lines(Arc<Mutex<Vec<u8>>>);

    impl Write for Lines {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn lines(log: impl FnOnce()) -> Vec<Value> {
        let lines = Lines::default();
        let writer = lines.clone();
        let layer = fmt::layer()
            .with_writer(move || writer.clone())
            .fmt_fields(JsonFields::new())
            .event_format(OneObject);
        tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), log);
        let bytes = lines.0.lock().unwrap();
        let text = String::from_utf8(bytes.clone()).unwrap();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    #[test]
    fn the_fields_of_all_spans_are_at_the_top() {
        let lines = lines(|| {
            let job = tracing::info_span!(
                "job",
                otel.name = "x",
                job.id = 7,
                trace_id = tracing::field::Empty,
                outcome = "none"
            );
            job.record("trace_id", "abc");
            let _job = job.entered();
            let _call = tracing::info_span!("provider.call", provider = "gemini").entered();
            tracing::warn!(outcome = "ok", took = 1.5, good = true, "said \"yes\"\nand left");
        });
        assert_eq!(lines.len(), 1);
        let line = &lines[0];
        assert_eq!(line["message"], "said \"yes\"\nand left");
        assert_eq!(line["level"], "WARN");
        let found = json!([
            line["job.id"],
            line["trace_id"],
            line["provider"],
            line["outcome"],
            line["took"],
            line["good"],
            line["span"],
            line["otel.name"]
        ]);
        assert_eq!(found, json!([7, "abc", "gemini", "ok", 1.5, true, "provider.call", null]));
    }

    #[test]
    fn a_line_outside_any_span_is_an_object_too() {
        let lines = lines(|| tracing::info!(level = "mine", error = %"a\tb", "told"));
        assert_eq!(lines[0]["error"], "a\tb");
        assert_eq!(lines[0]["level"], "INFO");
    }
}
