//! A job that a request adds goes on in the request's trace.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
};

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use tracing::{
    Subscriber,
    field::{Field, Visit},
    span::{Attributes, Id, Record},
};
use tracing_subscriber::{Layer, layer::Context, prelude::*};

use crate::door::{Answer, Door};

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";

async fn add(door: &Door, traceparents: &[&str]) -> Value {
    let mut request = door.request(Method::POST, "/jobs").json(&json!({ "kind": "prune" }));
    for one in traceparents {
        request = request.header("traceparent", *one);
    }
    let answer = Answer::of(request.send().await.unwrap()).await;
    assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.text);
    answer.body
}

#[tokio::test]
async fn the_callers_trace_is_gone_on_with() {
    let door = Door::open().await;
    let job = add(&door, &[&format!("00-{TRACE}-00f067aa0ba902b7-01")]).await;
    assert_eq!(job["trace_id"], TRACE);
    let found = door.get(&format!("/api/jobs/{}", job["id"].as_str().unwrap())).await;
    assert_eq!(found.body["trace_id"], TRACE);
    let kept: String = sqlx::query_scalar("select trace from queue.job")
        .fetch_one(door.pool.pool())
        .await
        .unwrap();
    assert!(kept.starts_with(&format!("00-{TRACE}-")) && kept.ends_with("-01"), "{kept}");
    assert!(!kept.contains("00f067aa0ba902b7"), "below the request, not beside it: {kept}");
}

#[tokio::test]
async fn without_a_usable_one_a_trace_is_started() {
    let door = Door::open().await;
    let good = format!("00-{TRACE}-00f067aa0ba902b7-01");
    let mut seen = vec![TRACE.to_owned()];
    for traceparents in [&[][..], &["nonsense"], &[&good, &good]] {
        let job = add(&door, traceparents).await;
        let id = job["trace_id"].as_str().unwrap_or_else(|| panic!("{traceparents:?}: {job}"));
        assert_eq!(id.len(), 32);
        assert!(!seen.contains(&id.to_owned()), "{traceparents:?} led to {id} again");
        seen.push(id.to_owned());
    }
}

/// The trace of each request's span, by the span's number.
#[derive(Clone, Default)]
struct Spans(Arc<Mutex<HashMap<u64, String>>>);

struct TraceId(String);

impl Visit for TraceId {
    fn record_str(&mut self, field: &Field, value: &str) {
        if field.name() == "trace_id" {
            value.clone_into(&mut self.0);
        }
    }

    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        self.record_str(field, &format!("{value:?}"));
    }
}

impl<S: Subscriber> Layer<S> for Spans {
    fn on_new_span(&self, span: &Attributes<'_>, id: &Id, _: Context<'_, S>) {
        if span.metadata().name() == "http.request" {
            self.0.lock().unwrap().insert(id.into_u64(), String::new());
        }
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, _: Context<'_, S>) {
        let mut found = TraceId(String::new());
        values.record(&mut found);
        if let Some(trace) = self.0.lock().unwrap().get_mut(&id.into_u64())
            && !found.0.is_empty()
        {
            *trace = found.0;
        }
    }
}

#[tokio::test]
async fn a_caller_without_a_token_gets_no_span_into_a_trace_of_its_choice() {
    let door = Door::guarded("viewer:see").await;
    let spans = Spans::default();
    let subscriber = tracing_subscriber::registry().with(spans.clone());
    let _here = tracing::subscriber::set_default(subscriber);
    let traced = async |path: &str, token: Option<&str>| {
        spans.0.lock().unwrap().clear();
        let mut request = door.request(Method::GET, path);
        request = request.header("traceparent", format!("00-{TRACE}-00f067aa0ba902b7-01"));
        if let Some(token) = token {
            request = request.bearer_auth(token);
        }
        let status = request.send().await.unwrap().status();
        (status.as_u16(), spans.0.lock().unwrap().values().cloned().collect::<Vec<_>>())
    };
    assert_eq!(traced("/api/queues", Some("see")).await, (200, vec![TRACE.to_owned()]));
    // refused before a span is made
    assert_eq!(traced("/api/queues", None).await, (401, vec![]));
    let (status, spans) = traced("/health", None).await;
    assert_eq!((status, spans.len()), (200, 1));
    assert_ne!(spans[0], TRACE, "a route for every caller starts a trace of its own");
}
