//! One span and one count for each request: provider, outcome, duration, cost. No body, no key.

use std::future::Future;

use metrics::{counter, histogram};
use tokio::time::Instant;
use tracing::{Instrument, Span, field::Empty, info_span};

use crate::{
    catalog::{Entry, Serves},
    error::{Error, Result},
    reading::Usage,
};

/// `key` is the limit key; a model's is `provider/model`.
pub(crate) async fn observed<T>(
    provider: &'static str,
    key: &str,
    request: impl Future<Output = Result<T>>,
) -> Result<T> {
    let generative = generative(provider);
    let model = key.split_once('/').filter(|_| generative.is_some()).map(|(_, model)| model);
    // The name of a span cannot be changed later.
    let name = model.map_or_else(|| provider.to_owned(), |model| format!("chat {model}"));
    let span = info_span!(
        "provider.call",
        otel.name = name,
        otel.kind = "client",
        otel.status_code = Empty,
        provider,
        outcome = Empty,
        duration_ms = Empty,
        gen_ai.operation.name = model.map(|_| "chat"),
        gen_ai.provider.name = model.and(generative),
        gen_ai.request.model = model,
        gen_ai.usage.input_tokens = Empty,
        gen_ai.usage.output_tokens = Empty,
        gen_ai.usage.cost_microdollars = Empty,
    );
    let began = Instant::now();
    let result = request.instrument(span.clone()).await;
    let outcome = result.as_ref().map_or_else(Error::class, |_| "ok");
    span.record("outcome", outcome);
    span.record("duration_ms", u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX));
    if result.is_err() {
        span.record("otel.status_code", "ERROR");
    }
    counter!("bellwether_provider_calls_total", "provider" => provider, "outcome" => outcome)
        .increment(1);
    histogram!("bellwether_provider_call_seconds", "provider" => provider).record(began.elapsed());
    result
}

/// The name of a model's provider in OpenTelemetry's conventions; `None`: it has no models.
fn generative(provider: &str) -> Option<&'static str> {
    match Entry::find(provider)?.serves {
        Serves::Models(models) => Some(models.generative),
        _ => None,
    }
}

/// Records the cost of an answer; called by a model's module inside [`observed`].
pub(crate) fn spent(provider: &'static str, model: &str, usage: Usage, micros: u64) {
    let output = usage.output.saturating_add(usage.thoughts);
    let span = Span::current();
    span.record("gen_ai.usage.input_tokens", usage.input);
    span.record("gen_ai.usage.output_tokens", output);
    span.record("gen_ai.usage.cost_microdollars", micros);
    let count = |direction: &'static str, tokens| {
        counter!(
            "bellwether_provider_tokens_total",
            "provider" => provider, "model" => model.to_owned(), "direction" => direction
        )
        .increment(tokens);
    };
    count("input", usage.input);
    count("output", output);
    counter!(
        "bellwether_provider_cost_microdollars_total",
        "provider" => provider, "model" => model.to_owned()
    )
    .increment(micros);
}
