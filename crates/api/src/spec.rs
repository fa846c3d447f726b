//! The OpenAPI description, made of the routes themselves.

use std::{collections::BTreeMap, sync::Arc};

use axum::{Json, Router, http::StatusCode, routing::get};
use utoipa::{
    OpenApi as _, PartialSchema, ToSchema,
    openapi::{
        ContentBuilder, Info, OpenApi, Ref, RefOr, Response, ResponseBuilder, Schema,
        SecurityRequirement,
        path::{Operation, PathItem},
        schema::ArrayItems,
        security::{HttpAuthScheme, HttpBuilder, SecurityScheme},
    },
};

use crate::{App, Service, problem::ProblemBody, service_routes};

#[derive(utoipa::OpenApi)]
#[openapi(tags(
    (name = "product", description = "What was seen, and what was made of it"),
    (name = "pipeline", description = "Asking for work now"),
    (name = "jobs", description = "The job monitor"),
    (name = "queues", description = "Depth, pace, pausing"),
    (name = "limits", description = "What each provider's quota has left"),
    (name = "schedules", description = "What the clock adds"),
    (name = "workers", description = "Who works"),
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
    components.schemas.insert(ProblemBody::name().into_owned(), ProblemBody::schema());
    let bearer = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).build();
    components.security_schemes.insert("token".to_owned(), SecurityScheme::Http(bearer).into());
    for (path, item) in &mut api.paths.paths {
        let health = ["/health", "/ready", "/metrics"].contains(&path.as_str());
        for operation in operations(item) {
            describe(&mut operation.responses.responses);
            operation.responses.responses.insert("default".to_owned(), problem());
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

fn problem() -> RefOr<Response> {
    let schema = Ref::from_schema_name(ProblemBody::name());
    ResponseBuilder::new()
        .description("What went wrong, as RFC 9457 says it")
        .content("application/problem+json", ContentBuilder::new().schema(Some(schema)).build())
        .build()
        .into()
}

pub(crate) fn routes() -> Router<Arc<App>> {
    Router::new().route("/api/openapi.json", get(async || Json(openapi())))
}
