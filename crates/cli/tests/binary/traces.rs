//! One trace from a request to what a provider was asked, over three processes.

use std::{
    process::Command,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use axum::{Router, body::Bytes, extract::State, routing};
use bellwether_queue::MIGRATOR;
use bellwether_sandbox::{Options, Sandbox};
use bellwether_testing::{database, wait_until_within};
use opentelemetry_proto::tonic::{
    collector::trace::v1::ExportTraceServiceRequest,
    common::v1::{KeyValue, any_value::Value},
};
use prost::Message;
use serde_json::json;

use crate::support::{Running, bellwether, get, output, stderr};

/// A span as the collector was sent it.
#[derive(Clone, Debug)]
struct Span {
    service: String,
    trace: String,
    id: String,
    parent: String,
    name: String,
    kind: i32,
    attributes: Vec<(String, String)>,
}

impl Span {
    fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }
}

const SERVER: i32 = 2;
const CLIENT: i32 = 3;
const CONSUMER: i32 = 5;

/// Takes spans over HTTP, as a collector does, and remembers them.
#[derive(Clone, Default)]
struct Collector(Arc<Mutex<Vec<Span>>>);

impl Collector {
    async fn start() -> (Self, String) {
        let collector = Self::default();
        let app =
            Router::new().route("/v1/traces", routing::post(take)).with_state(collector.clone());
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = format!("http://{}", listener.local_addr().expect("an address"));
        tokio::spawn(async move { axum::serve(listener, app).await });
        (collector, address)
    }

    fn spans(&self) -> Vec<Span> {
        self.0.lock().expect("no holder panics").clone()
    }

    fn of(&self, trace: &str) -> Vec<Span> {
        self.spans().into_iter().filter(|span| span.trace == trace).collect()
    }
}

async fn take(State(collector): State<Collector>, body: Bytes) -> &'static str {
    let request = ExportTraceServiceRequest::decode(body).expect("OTLP over protobuf");
    let mut taken = collector.0.lock().expect("no holder panics");
    for resource in request.resource_spans {
        let of_resource = resource.resource.map(|r| attributes(r.attributes)).unwrap_or_default();
        let service = of_resource.iter().find(|(key, _)| key == "service.name");
        let service = service.map(|(_, value)| value.clone()).unwrap_or_default();
        for span in resource.scope_spans.into_iter().flat_map(|scope| scope.spans) {
            taken.push(Span {
                service: service.clone(),
                trace: hex(&span.trace_id),
                id: hex(&span.span_id),
                parent: hex(&span.parent_span_id),
                name: span.name,
                kind: span.kind,
                attributes: attributes(span.attributes),
            });
        }
    }
    ""
}

fn attributes(list: Vec<KeyValue>) -> Vec<(String, String)> {
    let text = |value: Option<Value>| match value {
        Some(Value::StringValue(text)) => text,
        Some(Value::IntValue(number)) => number.to_string(),
        Some(Value::BoolValue(flag)) => flag.to_string(),
        other => format!("{other:?}"),
    };
    list.into_iter().map(|one| (one.key, text(one.value.and_then(|v| v.value)))).collect()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"))
}

fn exporting(mut command: Command, database: &str, sandbox: &str, collector: &str) -> Command {
    command
        .env("DATABASE_URL", database)
        .env("BELLWETHER_HTTP_ADDR", "127.0.0.1:0")
        .env("BELLWETHER_SYMBOLS", "AAPL,MSFT")
        .env("OTEL_EXPORTER_OTLP_ENDPOINT", collector)
        .env("OTEL_BSP_SCHEDULE_DELAY", "100")
        .env("BELLWETHER_LOG_FORMAT", "json")
        .env("RUST_LOG", "info,bellwether_worker=debug")
        .env("GEMINI_API_KEY", "test")
        .env("GEMINI_BASE_URL", format!("{sandbox}/gemini"))
        .env("GEMINI_PRICE_INPUT", "0.5")
        .env("NEWSAPI_API_KEY", "test")
        .env("NEWSAPI_BASE_URL", format!("{sandbox}/newsapi"))
        .env("ALPHA_VANTAGE_API_KEY", "test")
        .env("ALPHA_VANTAGE_BASE_URL", format!("{sandbox}/alphavantage"));
    command
}

#[tokio::test]
async fn one_trace_leads_from_the_request_to_the_model() {
    let db = database(&[&MIGRATOR, &bellwether_store::MIGRATOR]).await;
    let sandbox = Sandbox::start(Options::default()).await.expect("the sandbox starts");
    let (collector, address) = Collector::start().await;
    let start = |args: &[&str]| {
        Running::start(exporting(bellwether(args), &db.url, &sandbox.url(), &address))
    };
    let mut api = start(&["api"]);
    let _scraper = start(&["worker", "scraper"]);
    let analyzer = start(&["worker", "analyzer"]);
    let port = api.address_after("listening on").await;

    let (trace, caller) = ("4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7");
    let answer = bellwether_testing::http_client()
        .build()
        .expect("a client")
        .post(format!("{port}/jobs"))
        .header("traceparent", format!("00-{trace}-{caller}-01"))
        .json(&json!({"kind": "scrape_batch", "args": {"symbols": ["AAPL"]}}))
        .send()
        .await
        .expect("an answer");
    assert_eq!(answer.status(), 201);
    let job: serde_json::Value = answer.json().await.expect("the job");
    let id = job["id"].as_str().expect("an id").to_owned();

    // a span leaves when it ends, so a call may be there before the job around it
    let chat_in = |spans: &[Span]| {
        let within = |chat: &Span| spans.iter().any(|around| around.id == chat.parent);
        spans.iter().find(|span| span.name.starts_with("chat gemini-") && within(span)).cloned()
    };
    let (spans, chat) = wait_until_within(Duration::from_mins(1), "the whole trace", || async {
        let spans = collector.of(trace);
        let chat = chat_in(&spans)?;
        let all = ["POST /jobs", "scrape_batch", "scrape_news", "alpha_vantage"]
            .iter()
            .all(|name| spans.iter().any(|span| span.name == *name));
        all.then_some((spans, chat))
    })
    .await;
    let named = |name: &str| {
        let found = spans.iter().find(|span| span.name == name);
        found.unwrap_or_else(|| panic!("no span {name}: {spans:?}"))
    };
    let by_id = |id: &str| spans.iter().find(|span| span.id == id);

    // request → job
    let request = named("POST /jobs");
    assert_eq!((request.kind, request.parent.as_str()), (SERVER, caller));
    assert_eq!(request.service, "bellwether-api");
    assert_eq!(request.attribute("http.response.status_code"), Some("201"));
    let batch = named("scrape_batch");
    assert_eq!((batch.kind, &batch.parent), (CONSUMER, &request.id));
    assert_eq!(batch.attribute("job.id"), Some(id.as_str()));
    assert_eq!(batch.service, "bellwether-scraper");
    // → child job, and its child in another process
    let news = named("scrape_news");
    assert_eq!(news.parent, batch.id);
    // → provider call, with what it cost
    assert_eq!((chat.kind, chat.service.as_str()), (CLIENT, "bellwether-analyzer"));
    let reading = by_id(&chat.parent).expect("the job around the call");
    assert_eq!((reading.name.as_str(), &reading.parent), ("analyze_article", &news.id));
    assert_eq!(chat.attribute("gen_ai.operation.name"), Some("chat"));
    assert_eq!(chat.attribute("gen_ai.provider.name"), Some("gcp.gemini"));
    let model = chat.attribute("gen_ai.request.model").expect("a model");
    assert_eq!(chat.name, format!("chat {model}"));
    for tokens in ["gen_ai.usage.input_tokens", "gen_ai.usage.output_tokens"] {
        let count = chat.attribute(tokens).and_then(|n| n.parse::<u64>().ok());
        assert!(count.is_some_and(|n| n > 0), "{tokens}: {chat:?}");
    }
    let cost = chat.attribute("gen_ai.usage.cost_microdollars").and_then(|n| n.parse::<u64>().ok());
    assert!(cost.is_some_and(|micros| micros > 0), "{chat:?}");
    assert_eq!(named("alpha_vantage").attribute("gen_ai.request.model"), None);

    // The same trace on the job's page and in the logs.
    let (_, page) = get(&format!("{port}/api/jobs/{id}")).await;
    assert_eq!(page["trace_id"], trace);
    let line = wait_until_within(Duration::from_secs(10), "a line about the reading", || async {
        let said = analyzer.said();
        let mut lines = said.lines().filter_map(|line| serde_json::from_str(line).ok());
        lines.find(|line: &serde_json::Value| {
            line["trace_id"] == trace && line["job.kind"] == "analyze_article"
        })
    })
    .await;
    assert!(line["job.id"].is_string() && line["timestamp"].is_string(), "{line}");
}

#[tokio::test]
async fn what_has_not_left_leaves_when_the_process_ends() {
    let db = database(&[&MIGRATOR, &bellwether_store::MIGRATOR]).await;
    let (collector, address) = Collector::start().await;
    let ended = tokio::task::spawn_blocking({
        let url = db.url.clone();
        move || {
            output(
                bellwether(&["enqueue", "prune"])
                    .env("DATABASE_URL", &url)
                    .env("OTEL_EXPORTER_OTLP_ENDPOINT", &address)
                    .env("OTEL_BSP_SCHEDULE_DELAY", "60000"),
            )
        }
    })
    .await
    .expect("it ends");
    assert!(ended.status.success(), "{}", stderr(&ended));
    let spans = collector.spans();
    assert_eq!(spans.len(), 1, "{spans:?}");
    assert_eq!((spans[0].name.as_str(), spans[0].service.as_str()), ("enqueue", "bellwether-cli"));
    let kept: String = sqlx::query_scalar("select trace from queue.job where kind = 'prune'")
        .fetch_one(&db.pool())
        .await
        .expect("the job");
    assert_eq!(kept, format!("00-{}-{}-01", spans[0].trace, spans[0].id));
}

#[tokio::test]
async fn an_unreachable_collector_stops_no_process() {
    let db = database(&[&MIGRATOR, &bellwether_store::MIGRATOR]).await;
    let begun = Instant::now();
    let ended = tokio::task::spawn_blocking(move || {
        output(
            bellwether(&["enqueue", "prune"])
                .env("DATABASE_URL", &db.url)
                .env("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:1"),
        )
    })
    .await
    .expect("it ends");
    assert!(ended.status.success(), "{}", stderr(&ended));
    assert!(begun.elapsed() < Duration::from_secs(15), "{:?}", begun.elapsed());
}

#[tokio::test]
async fn without_a_collector_jobs_are_in_traces_all_the_same() {
    let db = database(&[&MIGRATOR, &bellwether_store::MIGRATOR]).await;
    let url = db.url.clone();
    let ended = tokio::task::spawn_blocking(move || {
        output(bellwether(&["enqueue", "prune"]).env("DATABASE_URL", &url))
    })
    .await
    .expect("it ends");
    assert!(ended.status.success(), "{}", stderr(&ended));
    let kept: Option<String> = sqlx::query_scalar("select trace from queue.job")
        .fetch_one(&db.pool())
        .await
        .expect("the job");
    assert_eq!(kept.map(|trace| trace.len()), Some(55));
}
