//! The OpenAPI description, made of the routes themselves.

use std::{collections::BTreeMap, sync::Arc};

use axum::{Json, Router, http::StatusCode, routing::get};
use utoipa::{
    OpenApi as _, PartialSchema, ToSchema,
    openapi::{
        ContentBuilder, Info, OpenApi, Ref, RefOr, Response, ResponseBuilder, Schema,
        SecurityRequirement,
        path::{Operation, ParameterIn, PathItem},
        schema::ArrayItems,
        security::{HttpAuthScheme, HttpBuilder, SecurityScheme},
    },
};

use crate::{
    App, Service,
    problem::{ProblemBody, ProblemKind},
    service_routes,
};

#[derive(utoipa::OpenApi)]
#[openapi(tags(
    (name = "product", description = "What was seen, and what was made of it"),
    (name = "pipeline", description = "Asking for work now"),
    (name = "jobs", description = "The job monitor"),
    (name = "queues", description = "Depth, pace, pausing"),
    (name = "limits", description = "What each provider's quota has left"),
    (name = "schedules", description = "What the clock adds"),
    (name = "workers", description = "Who works"),
    (name = "audit", description = "Who did what"),
    (name = "events", description = "What changes, as it changes"),
    (name = "health", description = "Life, readiness, metrics; without a token"),
))]
struct Base;

/// Describes every route of the API.
pub fn openapi() -> OpenApi {
    let (_, mut api) = service_routes(Service::Api).split_for_parts();
    let mut info = Info::new("Bellwether", env!("CARGO_PKG_VERSION"));
    info.description = Some(
        "Market data and news in, sentiment, signals and alerts out, every step a durable job. \
         Times are RFC 3339 in UTC, prices are decimal strings, ids are strings, errors are \
         RFC 9457 problems."
            .to_owned(),
    );
    api.info = info;
    api.tags = Base::openapi().tags;
    let components = api.components.get_or_insert_default();
    name_items(&mut components.schemas);
    components.schemas.insert(ProblemBody::name().into_owned(), problem_schema());
    let bearer = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).build();
    components.security_schemes.insert("token".to_owned(), SecurityScheme::Http(bearer).into());
    for (path, item) in &mut api.paths.paths {
        let health = ["/health", "/ready", "/metrics"].contains(&path.as_str());
        for operation in operations(item) {
            describe(&mut operation.responses.responses);
            tell_problems(operation, health);
            if !health {
                let token = SecurityRequirement::new("token", [] as [&str; 0]);
                operation.security = Some(vec![SecurityRequirement::default(), token]);
            }
        }
    }
    api
}

/// The specification wants a description of every answer; where none was written the status's own
/// words do.
fn describe(responses: &mut BTreeMap<String, RefOr<Response>>) {
    for (status, response) in responses {
        if let RefOr::T(response) = response
            && response.description.is_empty()
        {
            let status = status.parse().ok().and_then(|code| StatusCode::from_u16(code).ok());
            let words = status.and_then(|status| status.canonical_reason()).unwrap_or("Done");
            words.clone_into(&mut response.description);
        }
    }
}

/// The items of a page are written out where they are a schema with a name of its own; named, a
/// generated client has one type for them.
fn name_items(schemas: &mut BTreeMap<String, RefOr<Schema>>) {
    for (name, schema) in schemas {
        if let Some(item) = name.strip_prefix("Items_")
            && let RefOr::T(Schema::Object(page)) = schema
            && let Some(RefOr::T(Schema::Array(items))) = page.properties.get_mut("items")
        {
            items.items = ArrayItems::RefOrSchema(Box::new(Ref::from_schema_name(item).into()));
        }
    }
}

fn operations(item: &mut PathItem) -> impl Iterator<Item = &mut Operation> {
    [&mut item.get, &mut item.post, &mut item.patch, &mut item.delete, &mut item.put]
        .into_iter()
        .flatten()
}

/// Every operation tells what can go wrong with it: by its own words where it has some, else by what
/// it takes.
fn tell_problems(operation: &mut Operation, health: bool) {
    use ProblemKind as P;
    let takes = |place: &ParameterIn| {
        let mut all = operation.parameters.iter().flatten();
        all.any(|p| matches!(p, RefOr::T(p) if p.parameter_in == *place))
    };
    let mut told: Vec<&[P]> = Vec::new();
    if takes(&ParameterIn::Query) {
        told.push(&[P::BadQuery]);
    }
    if takes(&ParameterIn::Path) {
        told.push(&[P::NotFound]);
    }
    if operation.request_body.is_some() {
        told.extend([&[P::MalformedJson][..], &[P::TooLarge], &[P::NotJson], &[P::InvalidField]]);
    }
    if !health {
        told.extend([&[P::Unauthorized][..], &[P::Forbidden, P::ForeignOrigin]]);
        told.push(&[P::DatabaseUnavailable, P::Timeout]);
    }
    let responses = &mut operation.responses.responses;
    for (status, response) in responses.iter_mut() {
        if let RefOr::T(response) = response
            && status.starts_with('4')
            && response.content.is_empty()
        {
            let words = std::mem::take(&mut response.description);
            *response = problem(&words);
        }
    }
    for kinds in told {
        let slugs: Vec<String> = kinds.iter().map(|kind| format!("`{}`", kind.uri())).collect();
        let status = kinds[0].status().as_u16().to_string();
        responses.entry(status).or_insert_with(|| problem(&slugs.join(" or ")).into());
    }
    let other = problem("What went wrong, as RFC 9457 says it");
    responses.insert("default".to_owned(), other.into());
}

fn problem(words: &str) -> Response {
    let schema = Ref::from_schema_name(ProblemBody::name());
    ResponseBuilder::new()
        .description(words)
        .content("application/problem+json", ContentBuilder::new().schema(Some(schema)).build())
        .build()
}

/// The problem's schema, with every type that there is.
fn problem_schema() -> RefOr<Schema> {
    let mut schema = ProblemBody::schema();
    if let RefOr::T(Schema::Object(body)) = &mut schema
        && let Some(RefOr::T(Schema::Object(kind))) = body.properties.get_mut("type")
    {
        kind.enum_values = Some(ProblemKind::ALL.iter().map(|kind| kind.uri().into()).collect());
    }
    schema
}

pub(crate) fn routes() -> Router<Arc<App>> {
    Router::new().route("/api/openapi.json", get(async || Json(openapi())))
}
