//! The description that is committed is the one that the routes give.

use std::{env, fs, path::Path};

use reqwest::StatusCode;

use crate::door::Door;

#[test]
#[expect(clippy::disallowed_methods, reason = "a switch of this test, not a setting")]
fn the_committed_description_is_current() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("openapi.json");
    let mut current = bellwether_api::openapi().to_pretty_json().unwrap();
    current.push('\n');
    if env::var_os("UPDATE_OPENAPI").is_some() {
        fs::write(&path, &current).unwrap();
    }
    let committed = fs::read_to_string(&path).unwrap_or_default();
    assert!(committed == current, "run this test with UPDATE_OPENAPI=1 and commit openapi.json");
}

#[tokio::test]
async fn the_api_serves_its_own_description() {
    let door = Door::open().await;
    let answer = door.get("/api/openapi.json").await;
    assert_eq!(answer.status, StatusCode::OK);
    assert_eq!(answer.body, serde_json::to_value(bellwether_api::openapi()).unwrap());
    for path in ["/jobs", "/api/jobs/{id}/why", "/api/events", "/scrape", "/health"] {
        assert!(answer.body["paths"][path].is_object(), "{path}");
    }
}

#[test]
fn every_operation_has_a_name_and_tells_its_problems() {
    let api = serde_json::to_value(bellwether_api::openapi()).unwrap();
    let mut names = std::collections::BTreeSet::new();
    for (path, item) in api["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let name = operation["operationId"].as_str().unwrap();
            assert!(names.insert(name.to_owned()), "{name} names two operations");
            let problem = &operation["responses"]["default"]["content"]["application/problem+json"];
            assert!(problem.is_object(), "{method} {path} tells no problems");
            let misfits = operation["requestBody"].is_object() || path.contains("{symbol}");
            assert_eq!(operation["responses"]["422"].is_object(), misfits, "{method} {path}");
            for (status, response) in operation["responses"].as_object().unwrap() {
                let problem = response["content"]["application/problem+json"].is_object();
                assert_eq!(problem, !status.starts_with(['1', '2']), "{method} {path} {status}");
                assert!(response["description"].is_string(), "{method} {path} {status}");
            }
        }
    }
    assert!(names.len() > 25, "{names:?}");
    let types = api["components"]["schemas"]["Problem"]["properties"]["type"]["enum"].clone();
    assert!(types.as_array().unwrap().contains(&"/problems/not-applicable".into()), "{types}");
}

#[test]
fn every_cursor_is_described_as_one_of_its_list() {
    let api = serde_json::to_value(bellwether_api::openapi()).unwrap();
    let mut seen = 0;
    for (path, item) in api["paths"].as_object().unwrap() {
        for parameter in item["get"]["parameters"].as_array().into_iter().flatten() {
            if parameter["name"] == "cursor" {
                let pattern = parameter["schema"]["pattern"].as_str().unwrap_or_default();
                assert!(pattern.starts_with('^') && pattern.ends_with('$'), "{path}: {pattern:?}");
                seen += 1;
            }
        }
    }
    assert_eq!(seen, 7);
}
