//! Roles, hosts and origins that may use each route.

use bellwether_api::Service;
use futures_util::future::join_all;
use reqwest::{Method, StatusCode};
use serde_json::json;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::door::{Answer, Door};

const TOKENS: &str = "viewer:see,operator:do,admin:rule";

#[tokio::test]
async fn each_role_may_do_what_it_should_and_no_more() {
    let door = Door::guarded(TOKENS).await;
    let see = (Method::GET, "/api/jobs");
    let enqueue = (Method::POST, "/jobs");
    let pause = (Method::POST, "/api/queues/none/pause");
    let concurrency = (Method::PATCH, "/api/queues/none");
    let limit = (Method::PATCH, "/api/limits/none");
    let delete = (Method::DELETE, "/api/jobs/1");
    let unknown = (Method::GET, "/nowhere");
    for (token, allowed) in [
        (None, 0),
        (Some("wrong"), 0),
        (Some(""), 0),
        (Some("see"), 2),
        (Some("do"), 5),
        (Some("rule"), 7),
    ] {
        let routes = [&see, &unknown, &enqueue, &pause, &concurrency, &limit, &delete];
        for (i, (method, path)) in routes.into_iter().enumerate() {
            let mut request = door.request(method.clone(), path);
            if let Some(token) = token {
                request = request.bearer_auth(token);
            }
            let answer = Answer::of(request.send().await.unwrap()).await;
            let refused =
                [StatusCode::UNAUTHORIZED, StatusCode::FORBIDDEN].contains(&answer.status);
            assert_eq!(!refused, i < allowed, "{token:?} {method} {path}: {}", answer.text);
        }
    }
    door.close().await;
}

#[tokio::test]
async fn a_refusal_says_what_is_missing() {
    let door = Door::guarded(TOKENS).await;
    let answer = door.get("/api/jobs").await;
    answer.is_problem(401, "unauthorized", None);
    assert!(answer.header("www-authenticate").starts_with("Bearer"));
    let wrong = door.request(Method::GET, "/api/jobs").bearer_auth("hunter2").send().await.unwrap();
    let wrong = Answer::of(wrong).await;
    wrong.is_problem(401, "unauthorized", None);
    assert!(!wrong.text.contains("hunter2"));
    let low = door.request(Method::POST, "/jobs").bearer_auth("see").json(&json!({}));
    let low = Answer::of(low.send().await.unwrap()).await;
    low.is_problem(403, "forbidden", None);
    assert!(low.body["detail"].as_str().unwrap().contains("operator"));
}

#[tokio::test]
async fn health_and_the_dashboard_need_no_token() {
    let door = Door::guarded(TOKENS).await;
    for path in ["/health", "/ready", "/metrics", "/", "/jobs", "/jobs/7", "/favicon.svg"] {
        assert_eq!(door.get(path).await.status, StatusCode::OK, "{path}");
    }
    for path in ["/api/openapi.json", "/api/latest-data", "/api/notices", "/api/events"] {
        assert_eq!(door.get(path).await.status, StatusCode::UNAUTHORIZED, "{path}");
    }
}

#[tokio::test]
async fn a_token_in_the_query_opens_nothing() {
    let door = Door::guarded(TOKENS).await;
    for path in ["/api/events?access_token=see", "/api/jobs?access_token=see"] {
        door.get(path).await.is_problem(401, "unauthorized", None);
    }
    let request = door.request(Method::GET, "/api/events").bearer_auth("see");
    assert_eq!(request.send().await.unwrap().status(), StatusCode::OK);
}

#[tokio::test]
async fn an_open_port_answers_no_foreign_page() {
    let door = Door::open().await;
    let send = async |header: &'static str, value: &str| {
        let request = door.request(Method::GET, "/api/jobs").header(header, value);
        Answer::of(request.send().await.unwrap()).await
    };
    for origin in ["https://evil.example", "null", "http://127.0.0.1.evil.example"] {
        send("Origin", origin).await.is_problem(403, "foreign-origin", Some("Origin"));
    }
    for host in ["evil.example", "10.1.2.3:3000"] {
        send("Host", host).await.is_problem(403, "foreign-origin", Some("Host"));
    }
    for origin in ["http://localhost:5173", "http://127.0.0.1:3000", "http://[::1]:3000"] {
        assert_eq!(send("Origin", origin).await.status, StatusCode::OK, "{origin}");
    }
    for host in ["localhost:3000", "127.0.0.1"] {
        assert_eq!(send("Host", host).await.status, StatusCode::OK, "{host}");
    }
}

#[tokio::test]
async fn an_open_port_is_changed_by_its_own_pages_alone() {
    let door = Door::open().await;
    let own = format!("http://{}", door.addr);
    let send = async |method: Method, headers: &[(&'static str, &str)]| {
        let path = if method == Method::GET { "/api/jobs" } else { "/scrape" };
        let mut request = door.request(method, path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        Answer::of(request.send().await.unwrap()).await
    };
    for headers in [&[][..], &[("Origin", &*own), ("Sec-Fetch-Site", "same-origin")]] {
        assert_eq!(send(Method::POST, headers).await.status, StatusCode::ACCEPTED);
    }
    for origin in ["http://localhost:9999", "http://127.0.0.1:1", "http://[::1]:3000"] {
        let answer = send(Method::POST, &[("Origin", origin)]).await;
        answer.is_problem(403, "foreign-origin", Some("Origin"));
    }
    for (method, site) in
        [(Method::POST, "cross-site"), (Method::POST, "same-site"), (Method::GET, "cross-site")]
    {
        let answer = send(method, &[("Sec-Fetch-Site", site)]).await;
        answer.is_problem(403, "foreign-origin", Some("Sec-Fetch-Site"));
    }
    let followed = [("Sec-Fetch-Site", "cross-site"), ("Sec-Fetch-Mode", "navigate")];
    assert_eq!(send(Method::GET, &followed).await.status, StatusCode::OK);
    for name in ["Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Real-IP", "Via"] {
        let answer = send(Method::GET, &[(name, "203.0.113.9")]).await;
        answer.is_problem(403, "foreign-origin", Some(&name.to_ascii_lowercase()));
    }
}

/// The answer of an open port to a request as it stands.
async fn raw(request: &str) -> String {
    let door = Door::open().await;
    let mut socket = TcpStream::connect(door.addr).await.unwrap();
    socket.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    socket.read_to_string(&mut answer).await.unwrap();
    answer
}

#[tokio::test]
async fn an_open_port_answers_no_request_with_two_hosts() {
    let request = "GET /api/jobs HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\n\
                   Connection: close\r\n\r\n";
    let answer = raw(request).await;
    assert!(answer.starts_with("HTTP/1.1 403"), "{answer}");
}

#[tokio::test]
async fn an_open_port_answers_no_proxy_that_adds_no_header() {
    // as nginx's `proxy_pass` asks without further settings
    let request = "GET /api/jobs HTTP/1.0\r\nHost: 127.0.0.1:3000\r\nConnection: close\r\n\r\n";
    let answer = raw(request).await;
    assert!(answer.starts_with("HTTP/1.0 403"), "{answer}");
}

#[tokio::test]
async fn an_address_that_guesses_tokens_is_refused() {
    let door = Door::guarded(TOKENS).await;
    let send = async |token: String| {
        let request = door.request(Method::GET, "/api/jobs").bearer_auth(token);
        Answer::of(request.send().await.unwrap()).await
    };
    // the same wrong token is no guess
    for _ in 0..2 {
        send("old".to_owned()).await.is_problem(401, "unauthorized", None);
    }
    assert_eq!(send("see".to_owned()).await.status, StatusCode::OK);
    let began = std::time::Instant::now();
    let guesses = join_all((0..19).map(|n| send(format!("guess-{n}")))).await;
    assert!(began.elapsed() >= std::time::Duration::from_millis(500), "they are delayed");
    for guess in guesses {
        guess.is_problem(401, "unauthorized", None);
    }
    let refused = send("see".to_owned()).await;
    refused.is_problem(429, "too-many-requests", None);
    assert!(refused.header("retry-after").parse::<u64>().unwrap() > 500);
    assert_eq!(door.get("/health").await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_guarded_port_goes_by_the_token_alone() {
    let door = Door::guarded(TOKENS).await;
    let request = door.request(Method::GET, "/api/jobs").header("Host", "bellwether.example");
    let answer = request.bearer_auth("see").send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::OK);
}

#[tokio::test]
async fn a_worker_without_tokens_on_any_address_answers_for_its_health_only() {
    let door = Door::of(Service::Scraper, "0.0.0.0:0", "").await;
    for path in ["/health", "/ready", "/metrics"] {
        assert_eq!(door.get(path).await.status, StatusCode::OK, "{path}");
    }
    door.get("/api/latest-data").await.is_problem(404, "not-found", None);
    door.command("/scrape").await.is_problem(404, "not-found", None);
}

#[tokio::test]
async fn each_worker_serves_its_own_routes() {
    let routes = [
        (Service::Scraper, "/api/latest-data"),
        (Service::Scraper, "/api/news/AAPL"),
        (Service::Analyzer, "/api/sentiment-summary"),
        (Service::Analyzer, "/api/signals/AAPL"),
        (Service::Alert, "/api/alerts/recent"),
        (Service::Alert, "/api/alerts/AAPL"),
    ];
    for service in [Service::Scraper, Service::Analyzer, Service::Alert] {
        let door = Door::of(service, "127.0.0.1:0", "").await;
        for (owner, path) in routes {
            let expected = if owner == service { StatusCode::OK } else { StatusCode::NOT_FOUND };
            assert_eq!(door.get(path).await.status, expected, "{service:?} {path}");
        }
        assert_eq!(door.get("/api/jobs").await.status, StatusCode::NOT_FOUND);
        for path in ["/", "/alerts", "/favicon.svg"] {
            assert_eq!(door.get(path).await.status, StatusCode::NOT_FOUND, "{path}");
        }
        door.close().await;
    }
}
