//! The caller of a request, and its entries in the audit.

use std::net::IpAddr;

use axum::{extract::FromRequestParts, http::request::Parts};
use bellwether_queue::audit;
use serde_json::json;
use sqlx::PgConnection;

use crate::{
    Role,
    http::problem::{Problem, ProblemKind, Result},
};

/// The caller of a request that the guard has let through.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Actor {
    role: Role,
    name: String,
    /// Address of the caller; behind a proxy in a private network the one that the proxy names.
    address: Option<IpAddr>,
}

impl Actor {
    /// On a port without tokens a program of this machine has every role.
    pub(crate) fn local() -> Self {
        Self { role: Role::Admin, name: "local".to_owned(), address: None }
    }

    /// Place of the token among the configured ones. It distinguishes the tokens of one role, and
    /// does not help to guess any.
    pub(crate) fn of(role: Role, part: usize) -> Self {
        Self { role, name: format!("{}/{part}", role.as_str()), address: None }
    }

    #[must_use]
    pub(crate) fn from(mut self, address: Option<IpAddr>) -> Self {
        self.address = address;
        self
    }

    pub(crate) fn role(&self) -> Role {
        self.role
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Refuses a caller with less than this role: 403.
    pub(crate) fn require_role(&self, needed: Role) -> Result<()> {
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

    /// Adds an entry to the audit, in the transaction that carries out the action.
    pub(crate) async fn record_audit(
        &self,
        tx: &mut PgConnection,
        action: &str,
        subject: &str,
        before: impl serde::Serialize,
        after: impl serde::Serialize,
    ) -> Result<()> {
        let detail = json!({ "before": before, "after": after, "address": self.address });
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
