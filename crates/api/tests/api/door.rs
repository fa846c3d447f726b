//! One port with a database of its own.

use std::{net::SocketAddr, sync::Arc};

use bellwether_api::{App, Caps, Mode, Notice, Service, Settings, router, serve_within};
use bellwether_queue::Db;
use bellwether_testing::{Database, database};
use reqwest::{Method, RequestBuilder, Response, StatusCode};
use serde_json::Value;
use tokio::{net::TcpListener, task::JoinHandle};
use tokio_util::sync::CancellationToken;

use crate::kinds::registry;

pub(crate) struct Door {
    pub(crate) app: Arc<App>,
    pub(crate) pool: Db,
    pub(crate) client: reqwest::Client,
    pub(crate) addr: SocketAddr,
    stop: CancellationToken,
    task: JoinHandle<std::io::Result<()>>,
    _database: Database,
}

impl Door {
    /// The API on loopback, without tokens.
    pub(crate) async fn open() -> Self {
        Self::of(Service::Api, "127.0.0.1:0", "").await
    }

    pub(crate) async fn guarded(tokens: &str) -> Self {
        Self::of(Service::Api, "127.0.0.1:0", tokens).await
    }

    pub(crate) async fn of(service: Service, addr: &str, tokens: &str) -> Self {
        Self::with(service, addr, tokens, |app| app).await
    }

    /// The same, with a last word on its state.
    pub(crate) async fn with(
        service: Service,
        addr: &str,
        tokens: &str,
        change: impl FnOnce(App) -> App,
    ) -> Self {
        Self::within(Caps::default(), service, addr, tokens, change).await
    }

    /// The API on loopback, with caps of its own.
    pub(crate) async fn capped(caps: Caps) -> Self {
        Self::within(caps, Service::Api, "127.0.0.1:0", "", |app| app).await
    }

    async fn within(
        caps: Caps,
        service: Service,
        addr: &str,
        tokens: &str,
        change: impl FnOnce(App) -> App,
    ) -> Self {
        let database = database(&[&*bellwether_queue::MIGRATOR, &bellwether_store::MIGRATOR]).await;
        let pool = Db::direct(database.pool());
        let listener = TcpListener::bind(addr).await.unwrap();
        let bound = listener.local_addr().unwrap();
        let tokens = tokens.parse().unwrap();
        let settings = Settings::new(service, "1.2.3", bound, tokens).unwrap();
        let notice = Notice {
            subject: "newsapi".to_owned(),
            mode: Mode::Simulated,
            reason: "NEWSAPI_API_KEY is not set".to_owned(),
        };
        let app = App::new(settings, pool.clone(), registry())
            .with_watchlist(vec!["AAPL".parse().unwrap(), "MSFT".parse().unwrap()])
            .with_notices(vec![notice]);
        let app = Arc::new(change(app));
        let stop = CancellationToken::new();
        let task =
            tokio::spawn(serve_within(listener, router(Arc::clone(&app)), stop.clone(), caps));
        let addr = SocketAddr::from(([127, 0, 0, 1], bound.port()));
        Self { app, pool, client: client(), addr, stop, task, _database: database }
    }

    pub(crate) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.client.request(method, format!("http://{}{path}", self.addr))
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        Answer::of(self.request(Method::GET, path).send().await.unwrap()).await
    }

    pub(crate) async fn post(&self, path: &str, body: &Value) -> Answer {
        Answer::of(self.request(Method::POST, path).json(body).send().await.unwrap()).await
    }

    /// A POST without a body.
    pub(crate) async fn command(&self, path: &str) -> Answer {
        Answer::of(self.request(Method::POST, path).send().await.unwrap()).await
    }

    /// Adds a job; its id.
    pub(crate) async fn add(&self, body: &Value) -> String {
        let answer = self.post("/jobs", body).await;
        assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.body);
        answer.body["id"].as_str().unwrap().to_owned()
    }

    /// Stops the port and waits for its end.
    pub(crate) async fn close(self) {
        self.stop.cancel();
        self.task.await.unwrap().unwrap();
    }

    pub(crate) fn stop(&self) {
        self.stop.cancel();
    }
}

fn client() -> reqwest::Client {
    let redirect = reqwest::redirect::Policy::none();
    bellwether_testing::http_client().redirect(redirect).build().unwrap()
}

/// An answer that has been read to its end.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: reqwest::header::HeaderMap,
    /// `null` where it is no JSON.
    pub(crate) body: Value,
    pub(crate) text: String,
}

impl Answer {
    pub(crate) async fn of(response: Response) -> Self {
        let (status, headers) = (response.status(), response.headers().clone());
        let text = response.text().await.unwrap();
        let body = serde_json::from_str(&text).unwrap_or_default();
        Self { status, headers, body, text }
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// Checks that it is this problem, told in the one form that problems have.
    #[track_caller]
    pub(crate) fn is_problem(&self, status: u16, slug: &str, field: Option<&str>) {
        assert_eq!(self.status.as_u16(), status, "{}", self.text);
        assert_eq!(self.header("content-type"), "application/problem+json");
        assert_eq!(self.body["type"], format!("/problems/{slug}"), "{}", self.text);
        assert_eq!(self.body["status"], status);
        assert_eq!(self.body["field"].as_str(), field, "{}", self.text);
        for part in ["title", "detail"] {
            assert!(!self.body[part].as_str().unwrap().is_empty(), "no {part}: {}", self.text);
        }
    }
}
