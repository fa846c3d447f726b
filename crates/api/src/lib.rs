//! The HTTP API: routes, problems, tokens, events, and their description.
//!
//! `routes` holds one module a resource, `http` what all of them share, `live` the events of the
//! stream. A request reads the product's tables and the queue's, and adds jobs;
//! it never calls a provider and never runs a job. [`App`] is one port's state, [`router`] its
//! routes, [`serve()`] its life, [`openapi`] the description of all of it.

mod http;
mod live;
mod routes;

use std::sync::Arc;

use axum::{Router, middleware};
use tower_http::catch_panic::CatchPanicLayer;
use utoipa_axum::router::OpenApiRouter;

use crate::{
    http::{guard, query, request, spec},
    live::events,
    routes::{
        alerts, audit, bars, health, home, jobs, kinds, limits, me, metrics, news, notices, queues,
        quotes, schedules, scrape, sentiment, signals, stats, watchlist, workers,
    },
};

pub use http::{
    app::{App, Mode, Notice, Service, Settings},
    exposure::{Exposure, ExposureError, check_exposure},
    extract::BODY_LIMIT,
    problem::{Problem, ProblemKind},
    serve::{Caps, serve, serve_within},
    spec::openapi,
    token::{Role, Tokens, TokensError},
};
pub use routes::{
    jobs::{job_detail, job_page},
    limits::{limit_page, limit_view},
    queues::queue_page,
    schedules::schedule_page,
    watchlist::watchlist_page,
    workers::worker_page,
};

/// The routes of a port, by its service and by how far it is open.
pub fn router(app: Arc<App>) -> Router {
    let (routes, _) = match app.settings.exposure {
        Exposure::HealthOnly => health_routes(),
        Exposure::Open | Exposure::Guarded => service_routes(app.settings.service),
    }
    .split_for_parts();
    let routes = match (app.settings.exposure, app.settings.service) {
        (Exposure::Open | Exposure::Guarded, Service::Api) => {
            routes.merge(home::routes()).merge(spec::routes())
        }
        _ => routes,
    };
    // the last layer is the first to see a request
    routes
        .fallback(request::no_route)
        .method_not_allowed_fallback(request::no_method)
        .layer(CatchPanicLayer::custom(request::panicked))
        .layer(middleware::from_fn(query::check))
        .layer(middleware::from_fn(request::limit_time))
        .layer(middleware::from_fn(request::trace))
        .layer(middleware::from_fn_with_state(Arc::clone(&app), guard::guard))
        .layer(middleware::from_fn(request::set_headers))
        .layer(middleware::from_fn(metrics::count))
        .with_state(app)
}

fn health_routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::default().merge(health::routes()).merge(metrics::routes())
}

fn service_routes(service: Service) -> OpenApiRouter<Arc<App>> {
    let scraper = || {
        OpenApiRouter::default()
            .merge(scrape::routes())
            .merge(quotes::routes())
            .merge(bars::routes())
            .merge(news::routes())
    };
    let analyzer = || OpenApiRouter::default().merge(sentiment::routes()).merge(signals::routes());
    let routes = health_routes();
    match service {
        Service::Scraper => routes.merge(scraper()),
        Service::Analyzer => routes.merge(analyzer()),
        Service::Alert => routes.merge(alerts::routes()),
        Service::Api => routes
            .merge(scraper())
            .merge(analyzer())
            .merge(alerts::routes())
            .merge(watchlist::routes())
            .merge(notices::routes())
            .merge(jobs::routes())
            .merge(kinds::routes())
            .merge(queues::routes())
            .merge(limits::routes())
            .merge(schedules::routes())
            .merge(workers::routes())
            .merge(stats::routes())
            .merge(audit::routes())
            .merge(me::routes())
            .merge(events::routes()),
    }
}
