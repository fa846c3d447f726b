//! The names in `/metrics`, compared with docs/metrics.md.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use bellwether_queue::MIGRATOR;
use bellwether_testing::{database, wait_until_within};
use serde_json::json;

use crate::support::{Running, bellwether, folder, post, until, up};

#[derive(Debug, PartialEq, Eq)]
struct Documented {
    kind: String,
    scope: String,
    labels: BTreeSet<String>,
}

/// The rows of the tables in docs/metrics.md, by name.
fn documented() -> BTreeMap<String, Documented> {
    let text = include_str!("../../../../docs/metrics.md");
    let mut found = BTreeMap::new();
    for row in text.lines().filter(|line| line.starts_with("| `bellwether_")) {
        let cells: Vec<&str> = row.trim_matches('|').split('|').map(str::trim).collect();
        let [name, kind, scope, labels, unit, meaning] = cells[..] else {
            panic!("six columns: {row}");
        };
        assert!(!unit.is_empty() && !meaning.is_empty(), "{row}");
        let labels = labels.split(',').map(|l| l.trim().trim_matches('`').to_owned());
        let row = Documented {
            kind: kind.to_owned(),
            scope: scope.to_owned(),
            labels: labels.filter(|label| !label.is_empty()).collect(),
        };
        assert_eq!(found.insert(name.trim_matches('`').to_owned(), row), None, "{name} twice");
    }
    assert!(found.len() > 30, "the table was found");
    found
}

#[derive(Debug, Default)]
struct Served {
    kind: String,
    help: String,
    labels: BTreeSet<BTreeSet<String>>,
    buckets: usize,
}

/// Prometheus text as families; panics on what Prometheus would not read.
fn families(text: &str) -> BTreeMap<String, Served> {
    let mut found: BTreeMap<String, Served> = BTreeMap::new();
    let mut series = BTreeSet::new();
    for line in text.lines().filter(|line| !line.is_empty()) {
        if let Some(rest) = line.strip_prefix("# HELP ") {
            let (name, help) = rest.split_once(' ').expect("a help has words");
            help.clone_into(&mut found.entry(name.to_owned()).or_default().help);
        } else if let Some(rest) = line.strip_prefix("# TYPE ") {
            let (name, kind) = rest.split_once(' ').expect("a type");
            let family = found.entry(name.to_owned()).or_default();
            assert!(family.kind.is_empty(), "{name} has two types");
            kind.clone_into(&mut family.kind);
        } else {
            let (id, value) = line.rsplit_once(' ').expect("a series has a value");
            assert!(value == "+Inf" || value.parse::<f64>().is_ok(), "{line}");
            assert!(series.insert(id.to_owned()), "{id} twice");
            let (name, labels) = id.split_once('{').unwrap_or((id, ""));
            let base = ["_bucket", "_sum", "_count"]
                .iter()
                .find_map(|end| name.strip_suffix(end).filter(|base| found.contains_key(*base)))
                .unwrap_or(name);
            let family = found.get_mut(base).unwrap_or_else(|| panic!("{name} has no type"));
            // every label's value is free of the characters that separate labels
            let mut labels: BTreeSet<String> = labels
                .trim_end_matches('}')
                .split("\",")
                .filter_map(|label| Some(label.split_once("=\"")?.0.to_owned()))
                .collect();
            family.buckets += usize::from(labels.remove("le"));
            family.labels.insert(labels);
        }
    }
    found
}

/// Rules of `promtool check metrics`.
fn lint(name: &str, family: &Served) {
    assert!(name.starts_with("bellwether_"), "{name}");
    assert!(!family.help.is_empty(), "{name} has no help");
    assert_eq!(name.ends_with("_total"), family.kind == "counter", "{name} is a {}", family.kind);
    for end in ["_count", "_sum", "_bucket", "_ms", "_milliseconds", "_gauge", "_counter"] {
        assert!(!name.ends_with(end), "{name} ends in {end}");
    }
    if family.kind == "histogram" {
        assert!(family.buckets > 0, "{name} has buckets, so that processes can be added up");
    }
}

async fn scrape(api: &str) -> BTreeMap<String, Served> {
    let text = bellwether_testing::http_get(format!("{api}/metrics")).await.expect("an answer");
    families(&text.text().await.expect("text"))
}

#[tokio::test]
async fn what_is_served_is_what_is_documented() {
    let documented = documented();
    let folder = folder();
    let mut up = up(folder.path());
    let api = up.address_after("up at").await;
    until(&format!("{api}/ready"), "readiness", |status, _| status == 200).await;
    let listening =
        bellwether_testing::http_get(format!("{api}/api/events")).await.expect("a stream");
    let (status, job) = post(&format!("{api}/jobs"), &json!({"kind": "prune"})).await;
    assert_eq!(status, 201, "{job}");

    let names: BTreeSet<String> = documented.keys().cloned().collect();
    let served = wait_until_within(Duration::from_secs(90), "every documented name", || async {
        let served = scrape(&api).await;
        let missing: Vec<_> = names.iter().filter(|n| !served.contains_key(*n)).collect();
        println!("not served yet: {missing:?}");
        missing.is_empty().then_some(served)
    })
    .await;
    drop(listening);

    let undocumented: Vec<_> = served.keys().filter(|n| !names.contains(*n)).collect();
    assert_eq!(undocumented, Vec::<&String>::new(), "served, and not in docs/metrics.md");
    for (name, family) in &served {
        lint(name, family);
        let row = &documented[name];
        assert_eq!(family.kind, row.kind, "{name}");
        for labels in &family.labels {
            assert_eq!(labels, &row.labels, "labels of {name}");
        }
    }
}

#[tokio::test]
async fn a_workers_port_serves_its_own_figures_and_not_the_clusters() {
    let documented = documented();
    let db = database(&[&MIGRATOR, &bellwether_store::MIGRATOR]).await;
    let mut command = bellwether(&["worker", "alert"]);
    command.env("DATABASE_URL", &db.url).env("BELLWETHER_HTTP_ADDR", "127.0.0.1:0");
    let mut worker = Running::start(command);
    let port = worker.address_after("listening on").await;
    let served = wait_until_within(Duration::from_secs(30), "a heartbeat", || async {
        let served = scrape(&port).await;
        served.contains_key("bellwether_heartbeats_total").then_some(served)
    })
    .await;
    for (name, family) in &served {
        lint(name, family);
        assert_eq!(documented[name].scope, "process", "{name}");
    }
    for name in ["bellwether_build_info", "bellwether_leases_lost_total", "bellwether_worker_slots"]
    {
        assert!(served.contains_key(name), "{name}: {:?}", served.keys());
    }
}

#[tokio::test]
async fn without_its_database_the_api_still_answers_for_itself() {
    let mut command = bellwether(&["api"]);
    command
        .env("DATABASE_URL", "postgres://nobody@127.0.0.1:1/none")
        .env("BELLWETHER_HTTP_ADDR", "127.0.0.1:0");
    let mut api = Running::start(command);
    let port = api.address_after("listening on").await;
    let text = bellwether_testing::http_get(format!("{port}/metrics"))
        .await
        .unwrap()
        .text()
        .await
        .unwrap();
    let served = families(&text);
    assert!(text.contains("\nbellwether_database_up 0\n"), "{text}");
    assert!(!served.contains_key("bellwether_jobs"), "what is not known is not told as 0");
    assert!(served.contains_key("bellwether_build_info"));
}
