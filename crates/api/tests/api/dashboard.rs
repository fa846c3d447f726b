//! The dashboard's files over a socket. They have to be built: `just web`.

use bellwether_api::Service;
use reqwest::{Method, StatusCode};
use serde_json::json;

use crate::door::{Answer, Door};

const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; \
                      img-src 'self' data:; connect-src 'self'; font-src 'self'; \
                      manifest-src 'self'; base-uri 'none'; form-action 'none'; \
                      frame-ancestors 'none'";

/// The letters after the last dot.
fn kind(name: &str) -> &str {
    name.rsplit('.').next().unwrap_or_default()
}

/// The addresses of the scripts and styles that the page asks for.
fn assets(page: &str) -> Vec<&str> {
    page.split('"').filter(|part| part.starts_with("/assets/")).collect()
}

#[tokio::test]
async fn each_address_of_the_dashboard_is_the_same_page() {
    let door = Door::open().await;
    let home = door.get("/").await;
    assert_eq!(home.status, StatusCode::OK, "{}", home.text);
    assert!(home.text.contains("id=\"root\""), "{}", home.text);
    for path in ["/", "/alerts", "/jobs", "/jobs/123", "/jobs?state=discarded", "/system"] {
        let page = door.get(path).await;
        assert_eq!(page.status, StatusCode::OK, "{path}");
        assert_eq!(page.text, home.text, "{path}");
        assert_eq!(page.header("content-type"), "text/html; charset=utf-8");
        assert_eq!(page.header("content-security-policy"), POLICY);
        assert_eq!(page.header("cache-control"), "no-cache");
        assert_eq!(page.header("x-content-type-options"), "nosniff");
        assert_eq!(page.header("referrer-policy"), "no-referrer");
        assert_eq!(page.header("x-frame-options"), "DENY");
        assert_eq!(page.header("cross-origin-opener-policy"), "same-origin");
        assert_eq!(page.header("cross-origin-resource-policy"), "same-origin");
        assert!(page.header("permissions-policy").contains("camera=()"));
    }
}

#[tokio::test]
async fn the_page_is_made_of_what_its_policy_allows() {
    let door = Door::open().await;
    let page = door.get("/").await;
    assert!(!page.text.contains("<style") && !page.text.contains("style="), "{}", page.text);
    for script in page.text.split("<script").skip(1) {
        let own = script.contains("src=\"/assets/") || script.starts_with(" src=\"/theme.js\">");
        assert!(own, "a script within the page: {script}");
    }
}

#[tokio::test]
async fn an_asset_is_kept_for_ever_and_comes_compressed() {
    let door = Door::open().await;
    let page = door.get("/").await;
    let names = assets(&page.text);
    assert!(names.iter().any(|name| kind(name) == "js"), "{}", page.text);
    assert!(names.iter().any(|name| kind(name) == "css"), "{}", page.text);
    let as_it_comes = bellwether_testing::http_client().no_gzip().build().unwrap();
    for name in names {
        let request = door.request(Method::GET, name).header("Accept-Encoding", "gzip");
        let asset = as_it_comes.execute(request.build().unwrap()).await.unwrap();
        assert_eq!(asset.status(), StatusCode::OK, "{name}");
        let header = |key: &str| asset.headers()[key].to_str().unwrap();
        assert_eq!(header("cache-control"), "public, max-age=31536000, immutable");
        let expected = if kind(name) == "js" { "text/javascript" } else { "text/css" };
        assert!(header("content-type").starts_with(expected), "{name}: {}", header("content-type"));
        assert_eq!(header("content-encoding"), "gzip");
        assert_eq!(header("vary"), "accept-encoding");
    }
    let icon = door.get("/favicon.svg").await;
    assert_eq!(icon.header("content-type"), "image/svg+xml");
    assert_eq!(icon.header("cache-control"), "no-cache");
}

#[tokio::test]
async fn no_other_file_and_no_other_address_is_served() {
    let door = Door::open().await;
    for path in [
        "/assets/none.js",
        "/assets/",
        "/assets/..%2findex.html",
        "/assets/..%2f..%2fpackage.json",
        "/index.html",
        "/.vite/manifest.json",
        "/assets/%2e%2e/.vite/manifest.json",
        "/nowhere",
        "/api",
        "/api/nowhere",
        "/jobs/1/nowhere",
    ] {
        door.get(path).await.is_problem(404, "not-found", None);
    }
}

#[tokio::test]
async fn a_browser_gets_the_page_at_an_unknown_address_and_a_program_a_problem() {
    const ACCEPT: &str = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";
    let ask = async |door: &Door, path: &str, accept: &str| {
        let request = door.request(Method::GET, path).header("Accept", accept);
        Answer::of(request.send().await.unwrap()).await
    };
    let guarded = Door::guarded("viewer:see").await;
    for door in [&Door::open().await, &guarded] {
        let home = door.get("/").await;
        for path in ["/nowhere", "/symbols/AAPL", "/jobs/1/nowhere", "/settings?tab=1"] {
            let page = ask(door, path, ACCEPT).await;
            assert_eq!(page.status, StatusCode::OK, "{path}: {}", page.text);
            assert_eq!(page.text, home.text, "{path}");
            assert_eq!(page.header("content-security-policy"), POLICY);
            assert_eq!(page.header("cache-control"), "no-cache");
            assert_eq!(page.header("vary"), "accept");
        }
    }
    let open = Door::open().await;
    ask(&open, "/nowhere", "application/json").await.is_problem(404, "not-found", None);
    for path in ["/api", "/api/nowhere", "/assets/none.js"] {
        ask(&open, path, ACCEPT).await.is_problem(404, "not-found", None);
    }
    ask(&guarded, "/api/nowhere", ACCEPT).await.is_problem(401, "unauthorized", None);
    let worker = Door::of(Service::Scraper, "127.0.0.1:0", "").await;
    ask(&worker, "/nowhere", ACCEPT).await.is_problem(404, "not-found", None);
}

#[tokio::test]
async fn what_is_posted_to_a_page_is_no_page() {
    let door = Door::open().await;
    let job = door.post("/jobs", &json!({ "kind": "prune" })).await;
    assert_eq!(job.status, StatusCode::CREATED, "{}", job.text);
    assert_eq!(job.header("content-security-policy"), "");
    let id = job.body["id"].as_str().unwrap();
    assert_eq!(job.header("location"), format!("/api/jobs/{id}"));
    door.command("/jobs/1").await.is_problem(405, "method-not-allowed", None);
    door.command("/alerts").await.is_problem(405, "method-not-allowed", None);
    let wrong = Answer::of(door.request(Method::PUT, "/jobs").send().await.unwrap()).await;
    wrong.is_problem(405, "method-not-allowed", None);
    let allowed = wrong.header("allow");
    assert!(allowed.contains("GET") && allowed.contains("POST"), "{allowed}");
    let head = door.request(Method::HEAD, "/alerts").send().await.unwrap();
    assert_eq!(head.status(), StatusCode::OK);
}

#[tokio::test]
async fn a_worker_has_no_dashboard() {
    let door = Door::of(Service::Analyzer, "127.0.0.1:0", "").await;
    for path in ["/", "/jobs", "/favicon.svg"] {
        door.get(path).await.is_problem(404, "not-found", None);
    }
}
