//! Export of spans by OTLP over HTTP. Without an endpoint nothing is exported.

use std::time::Duration;

use bellwether_queue::trace::{self, Exporter, TraceContext};
use opentelemetry::{
    Context, KeyValue,
    trace::{
        SpanContext, SpanId, TraceContextExt, TraceFlags, TraceId, TraceState, TracerProvider,
    },
};
use opentelemetry_otlp::{Protocol, SpanExporter, WithExportConfig};
use opentelemetry_sdk::{Resource, trace::SdkTracerProvider};
use tracing::{Metadata, Span};
use tracing_opentelemetry::OpenTelemetrySpanExt;
use tracing_subscriber::{Layer, filter::filter_fn};

use super::Filtered;

/// One exporter with its queue. Sampler, batches, headers and timeouts follow the variables
/// `OTEL_…`.
pub(super) struct Traces {
    provider: SdkTracerProvider,
}

impl Traces {
    /// `endpoint` is the collector's base address, as in `OTEL_EXPORTER_OTLP_ENDPOINT`.
    pub(super) fn start(endpoint: &str, role: &str) -> anyhow::Result<Self> {
        bellwether_providers::install_cryptography();
        let exporter = SpanExporter::builder()
            .with_http()
            .with_protocol(Protocol::HttpBinary)
            .with_endpoint(format!("{}/v1/traces", endpoint.trim_end_matches('/')))
            .build()?;
        let provider = SdkTracerProvider::builder()
            .with_batch_exporter(exporter)
            .with_resource(resource(role))
            .build();
        trace::export_with(Exporter { adopt, locate });
        Ok(Self { provider })
    }

    pub(super) fn layer(&self) -> Box<dyn Layer<Filtered> + Send + Sync> {
        tracing_opentelemetry::layer()
            .with_tracer(self.provider.tracer("bellwether"))
            .with_location(false)
            .with_threads(false)
            .with_tracked_inactivity(false)
            .with_filter(filter_fn(is_ours))
            .boxed()
    }

    /// Exports the remaining spans and ends.
    pub(super) fn finish(self, patience: Duration) {
        if let Err(e) = self.provider.shutdown_with_timeout(patience) {
            tracing::warn!("the last spans were not exported: {e}");
        }
    }
}

/// The exporter's own requests must not be traced: each would cause another.
fn is_ours(metadata: &Metadata<'_>) -> bool {
    metadata.target().starts_with("bellwether")
}

/// The resource of traces: `OTEL_SERVICE_NAME` and `OTEL_RESOURCE_ATTRIBUTES`, or the name of this
/// process.
fn resource(role: &str) -> Resource {
    let told = Resource::builder().build();
    let name = "service.name".into();
    let named = told.get(&name).is_some_and(|v| !v.as_str().starts_with("unknown_service"));
    let mut builder = Resource::builder()
        .with_attribute(KeyValue::new("service.version", env!("CARGO_PKG_VERSION")))
        .with_attribute(KeyValue::new("service.namespace", "bellwether"));
    if !named {
        builder = builder.with_service_name(format!("bellwether-{role}"));
    }
    builder.build()
}

fn adopt(span: &Span, parent: TraceContext) {
    let flags = if parent.is_sampled() { TraceFlags::SAMPLED } else { TraceFlags::NOT_SAMPLED };
    let parent = SpanContext::new(
        TraceId::from(parent.trace()),
        SpanId::from(parent.span()),
        flags,
        true,
        TraceState::NONE,
    );
    // A span that is filtered out has no parent.
    span.set_parent(Context::new().with_remote_span_context(parent)).ok();
}

fn locate(span: &Span) -> Option<TraceContext> {
    let context = span.context();
    let here = context.span().span_context().clone();
    TraceContext::new(
        u128::from_be_bytes(here.trace_id().to_bytes()),
        u64::from_be_bytes(here.span_id().to_bytes()),
        here.is_sampled(),
    )
}
