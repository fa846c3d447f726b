//! A receiver of webhooks, which keeps each request.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use axum::routing::post;
use axum::{Extension, Router};
use serde_json::{Value, json};

use crate::answer;
use crate::app::{App, Arrival, Ruling};
use crate::call::{Call, Identity};
use crate::faults::Class;
use crate::imitation::Imitation;
use crate::outbox::Hook;

pub(crate) static IMITATION: Imitation = Imitation {
    name: "webhook",
    path: Some("webhook"),
    routes,
    identify,
    classes: &[Class::Http],
    faults: &[],
    limits: &[],
};

fn routes() -> Router<Arc<App>> {
    Router::new().route("/webhook", post(receive)).route("/webhook/{*rest}", post(receive))
}

/// A webhook needs no key; a bearer token is checked if there is one.
fn identify(call: &Call) -> Identity {
    let key = call.bearer().map(str::to_owned);
    let admitted = key.as_deref() != Some("invalid");
    Identity { key, admitted, ..Identity::default() }
}

async fn receive(
    State(app): State<Arc<App>>,
    Extension(call): Extension<Call>,
    Extension(arrival): Extension<Arrival>,
) -> Response {
    if matches!(arrival.ruling, Ruling::BadKey) {
        return answer::json(401, &json!({"error": "unknown token"}));
    }
    let payload = call
        .json()
        .unwrap_or_else(|_| Value::String(String::from_utf8_lossy(&call.body).into_owned()));
    let hook = Hook {
        at: arrival.at,
        path: call.path.clone(),
        idempotency_key: call.header("idempotency-key").map(str::to_owned),
        payload,
    };
    app.lock().outbox.webhook.push(call.body.len(), hook);
    answer::json(200, &json!({"ok": true}))
}
