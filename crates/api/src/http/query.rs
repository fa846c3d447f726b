//! The query: parameters that the description names, each at most once and with a value.

use std::{collections::HashMap, sync::OnceLock};

use axum::{
    extract::{MatchedPath, Request},
    http::Method,
    middleware::Next,
    response::{IntoResponse, Response},
};
use url::form_urlencoded;
use utoipa::openapi::{RefOr, path::ParameterIn};

use crate::http::{
    extract::cut,
    problem::{Problem, Result},
    spec,
};

/// Longest path and query.
const LONGEST: usize = 8 * 1024;

/// The parameters of each operation, by method and path.
type Known = HashMap<(Method, String), Vec<String>>;

fn known() -> &'static Known {
    static KNOWN: OnceLock<Known> = OnceLock::new();
    KNOWN.get_or_init(|| {
        let mut known = Known::new();
        for (path, item) in spec::openapi().paths.paths {
            let operations = [
                (Method::GET, item.get),
                (Method::POST, item.post),
                (Method::PATCH, item.patch),
                (Method::DELETE, item.delete),
            ];
            for (method, operation) in operations {
                let Some(operation) = operation else { continue };
                let names = operation.parameters.unwrap_or_default().into_iter();
                let names = names.filter_map(|parameter| match parameter {
                    RefOr::T(p) if p.parameter_in == ParameterIn::Query => Some(p.name),
                    _ => None,
                });
                known.insert((method, path.clone()), names.collect());
            }
        }
        known
    })
}

/// Refuses parameters that the route would ignore: a list with a mistyped filter would match
/// everything.
pub(crate) async fn check(request: Request, next: Next) -> Response {
    match misfit(&request) {
        Ok(()) => next.run(request).await,
        Err(problem) => problem.into_response(),
    }
}

fn misfit(request: &Request) -> Result<()> {
    let uri = request.uri();
    if uri.path().len() + uri.query().map_or(0, str::len) > LONGEST {
        return Err(Problem::new(
            crate::ProblemKind::AddressTooLong,
            format!("path and query have at most {LONGEST} bytes"),
        ));
    }
    let Some(query) = uri.query() else { return Ok(()) };
    let Some(path) = request.extensions().get::<MatchedPath>() else { return Ok(()) };
    let method = if request.method() == Method::HEAD { &Method::GET } else { request.method() };
    let Some(names) = known().get(&(method.clone(), path.as_str().to_owned())) else {
        return Ok(());
    };
    for (name, value) in form_urlencoded::parse(query.as_bytes()) {
        if !names.iter().any(|known| *known == name) {
            let detail = if names.is_empty() {
                "this route has no parameters".to_owned()
            } else {
                format!("there is no such parameter; known are {}", names.join(", "))
            };
            return Err(Problem::query(cut(&name), detail));
        }
        if value.is_empty() {
            return Err(Problem::query(name, "an empty parameter: leave it out"));
        }
    }
    Ok(())
}
