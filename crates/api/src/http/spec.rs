//! The OpenAPI description, generated from the routes.

use std::{
    collections::BTreeMap,
    sync::{Arc, OnceLock},
};

use axum::{
    Router,
    body::Bytes,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};
use utoipa::{
    OpenApi as _, PartialSchema, ToSchema,
    openapi::{
        ContentBuilder, Info, OpenApi, Ref, RefOr, Required, Response as Described,
        ResponseBuilder, Schema, SecurityRequirement,
        path::{Operation, Parameter, ParameterIn, PathItem},
        schema::{ArrayItems, SchemaType, Type},
        security::{HttpAuthScheme, HttpBuilder, SecurityScheme},
    },
};

use crate::{
    App, Service,
    http::{
        page::List,
        problem::{ProblemBody, ProblemKind},
    },
    service_routes,
};

#[derive(utoipa::OpenApi)]
#[openapi(tags(
    (name = "product", description = "Prices, news, sentiments, signals and alerts"),
    (name = "pipeline", description = "Adding jobs of the pipeline"),
    (name = "jobs", description = "The job monitor"),
    (name = "queues", description = "Depth, throughput, pause and concurrency"),
    (name = "limits", description = "Usage of each provider's quota, and commands on it"),
    (name = "schedules", description = "Jobs added by cron expressions"),
    (name = "workers", description = "Processes that work jobs"),
    (name = "audit", description = "Actions of callers"),
    (name = "events", description = "Changes as server-sent events"),
    (name = "health", description = "Liveness, readiness, metrics; without a token"),
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
            exact(operation);
            tell_problems(operation, health);
            if !health {
                let token = SecurityRequirement::new("token", [] as [&str; 0]);
                operation.security = Some(vec![SecurityRequirement::default(), token]);
            }
        }
    }
    api
}

/// Adds the rules that hold for all parameters and bodies: a text is not empty, a symbol has its
/// form, a cursor is one of its list, and an optional body is not `null`.
fn exact(operation: &mut Operation) {
    let name = operation.operation_id.as_deref().unwrap_or_default();
    let list = List::ALL.into_iter().find(|list| list.operations.contains(&name));
    for parameter in operation.parameters.iter_mut().flatten() {
        let RefOr::T(parameter) = parameter else { continue };
        let Some(RefOr::T(Schema::Object(schema))) = &mut parameter.schema else { continue };
        match parameter.parameter_in {
            ParameterIn::Query if schema.schema_type == SchemaType::Type(Type::String) => {
                schema.min_length = schema.min_length.or(Some(1));
                if parameter.name == "cursor" {
                    schema.pattern = list.as_ref().map(List::pattern);
                }
            }
            ParameterIn::Path if parameter.name == SYMBOL => {
                schema.pattern = Some("^[A-Za-z][A-Za-z0-9.-]{0,9}$".to_owned());
            }
            _ => {}
        }
    }
    let Some(RefOr::T(body)) = &mut operation.request_body else { return };
    for content in body.content.values_mut() {
        if let RefOr::T(content) = content
            && let Some(RefOr::T(Schema::OneOf(either))) = &content.schema
            && let Some(only) = either.items.iter().find(|item| matches!(item, RefOr::Ref(_)))
        {
            content.schema = Some(only.clone());
            body.required = Some(Required::False);
        }
    }
}

/// The name of a path's symbol.
const SYMBOL: &str = "symbol";

/// Adds the description that the specification requires of every answer; by default the status's
/// name.
fn describe(responses: &mut BTreeMap<String, RefOr<Described>>) {
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

/// Inlines the items of a page where they have a schema of their own, so that a generated client
/// has one type for them.
fn name_items(schemas: &mut BTreeMap<String, RefOr<Schema>>) {
    for (name, schema) in schemas {
        if let Some(item) = name.strip_prefix("Page_")
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

/// Adds the problems that every operation can answer.
fn tell_problems(operation: &mut Operation, health: bool) {
    use ProblemKind as P;
    let takes = |place: &ParameterIn| {
        let mut all = operation.parameters.iter().flatten();
        all.any(|p| matches!(p, RefOr::T(p) if p.parameter_in == *place))
    };
    let mut told: Vec<&[P]> = Vec::new();
    if takes(&ParameterIn::Path) {
        told.push(&[P::NotFound]);
    }
    let of_symbol = |p: &RefOr<Parameter>| matches!(p, RefOr::T(p) if p.name == SYMBOL);
    if operation.parameters.iter().flatten().any(of_symbol) {
        told.push(&[P::InvalidField]);
    }
    if operation.request_body.is_some() {
        told.extend([&[P::MalformedJson][..], &[P::TooLarge], &[P::NotJson], &[P::InvalidField]]);
        told.push(&[P::SlowBody]);
    }
    told.extend([&[P::BadQuery][..], &[P::AddressTooLong]]);
    if !health {
        told.extend([&[P::Unauthorized][..], &[P::Forbidden, P::ForeignOrigin]]);
        told.push(&[P::TooManyRequests]);
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
    let other = problem("Problem details (RFC 9457)");
    responses.insert("default".to_owned(), other.into());
}

fn problem(words: &str) -> Described {
    let schema = Ref::from_schema_name(ProblemBody::name());
    ResponseBuilder::new()
        .description(words)
        .content("application/problem+json", ContentBuilder::new().schema(Some(schema)).build())
        .build()
}

/// The schema of problems, with every type.
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
    Router::new().route("/api/openapi.json", get(served))
}

async fn served() -> Response {
    static TEXT: OnceLock<Bytes> = OnceLock::new();
    let text = TEXT.get_or_init(|| openapi().to_json().unwrap_or_default().into());
    ([(header::CONTENT_TYPE, "application/json")], text.clone()).into_response()
}
