//! Who asks, and what the audit keeps of what they did.

use axum::{extract::FromRequestParts, http::request::Parts};
use bellwether_queue::audit;
use serde_json::json;
use sqlx::PgConnection;

use crate::{
    Role,
    problem::{Problem, ProblemKind, Result},
};

/// Whoever stands behind a request that has passed the guard.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Actor {
    role: Role,
    name: String,
}

impl Actor {
    /// On a port without tokens everybody on this machine may do everything.
    pub(crate) fn local() -> Self {
        Self { role: Role::Admin, name: "local".to_owned() }
    }

    /// `fingerprint` tells tokens of one role apart and leads back to none.
    pub(crate) fn of(role: Role, fingerprint: &str) -> Self {
        Self { role, name: format!("{}/{fingerprint}", role.as_str()) }
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// 403 for whoever has less than this role.
    pub(crate) fn needs(&self, needed: Role) -> Result<()> {
        if self.role >= needed {
            return Ok(());
        }
        Err(Problem::new(
            ProblemKind::Forbidden,
            format!(
                "this needs the role {}; the token has {}",
                needed.as_str(),
                self.role.as_str()
            ),
        ))
    }

    /// Writes down what this one did, in the transaction that did it.
    pub(crate) async fn did(
        &self,
        tx: &mut PgConnection,
        action: &str,
        subject: &str,
        before: impl serde::Serialize,
        after: impl serde::Serialize,
    ) -> Result<()> {
        let detail = json!({ "before": before, "after": after });
        Ok(audit::add(tx, &self.name, action, subject, &detail).await?)
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Actor {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self> {
        parts.extensions.get::<Self>().cloned().ok_or_else(|| {
            tracing::error!("a route that asks for its actor is not behind the guard");
            Problem::internal()
        })
    }
}
