//! The table of routes: path, method and who may call. The router is built from it and from nothing
//! else, so a route that is not in the table does not exist, and one that is has its access checked.

use std::time::Duration;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware::{from_fn, from_fn_with_state};
use axum::routing::{MethodFilter, MethodRouter, on};
use bartizan_core::access::Right;
use bartizan_core::access::Right::{
    ApproveChanges, ChangeClientKeys, ChangeEndpoints, SeeEndpoints, SeeEvents, SeeKeys,
    SeePayloads,
};

use crate::api::{changes, endpoints, events, inference, keys};
use crate::error::ConsoleError;
use crate::state::ConsoleState;
use crate::{door, health, log, pages};

/// Longest time for one request, reading its body included.
pub const REQUEST_TIMEOUT: Duration = Duration::from_secs(15);

/// Who may call a route.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Access {
    /// Everyone who reaches the port.
    Open,
    /// Pages of this console, whoever has them open, while the policy lets people sign in.
    OwnPage,
    /// Everybody who may do something here, by key or by session.
    Somebody,
    /// Holders of a key, and people with a session, whose scope has this right.
    Needs(Right),
}

/// One line of the table.
pub(crate) struct Route {
    pub(crate) method: MethodFilter,
    pub(crate) path: &'static str,
    pub(crate) access: Access,
    handler: fn(MethodFilter) -> MethodRouter<ConsoleState>,
}

const GET: MethodFilter = MethodFilter::GET;
const POST: MethodFilter = MethodFilter::POST;
const PUT: MethodFilter = MethodFilter::PUT;
const DELETE: MethodFilter = MethodFilter::DELETE;

#[rustfmt::skip]
pub(crate) static ROUTES: &[Route] = &[
    open(GET, "/", |method| on(method, pages::start::page)),
    open(GET, "/console.css", |method| on(method, pages::start::style)),
    open(GET, "/login", |method| on(method, pages::sign_in::page)),
    own_page(POST, "/login", |method| on(method, pages::sign_in::submit)),
    open(GET, "/login/enrol", |method| on(method, pages::enrol::page)),
    own_page(POST, "/login/enrol", |method| on(method, pages::enrol::submit)),
    own_page(POST, "/login/provider", |method| on(method, pages::provider::leave)),
    open(GET, "/login/callback", |method| on(method, pages::provider::come_back)),
    somebody(POST, "/logout", |method| on(method, pages::sessions::logout)),
    somebody(GET, "/sessions", |method| on(method, pages::sessions::page)),
    somebody(POST, "/sessions/{id}/end", |method| on(method, pages::sessions::end)),
    open(GET, "/healthz", |method| on(method, health::healthz)),
    open(GET, "/readyz", |method| on(method, health::readyz)),
    open(GET, "/metrics", |method| on(method, health::metrics)),
    needs(SeeKeys, GET, "/api/v1/keys", |method| on(method, keys::list)),
    needs(ChangeClientKeys, POST, "/api/v1/keys", |method| on(method, keys::create)),
    needs(ChangeClientKeys, DELETE, "/api/v1/keys/{id}", |method| on(method, keys::revoke)),
    needs(ChangeClientKeys, POST, "/api/v1/keys/{id}/replace", |method| on(method, keys::replace)),
    needs(SeeEndpoints, GET, "/api/v1/endpoints", |method| on(method, endpoints::list)),
    needs(SeeEndpoints, GET, "/api/v1/endpoints/{name}", |method| on(method, endpoints::get)),
    needs(ChangeEndpoints, PUT, "/api/v1/endpoints/{name}", |method| on(method, endpoints::put)),
    needs(ChangeEndpoints, DELETE, "/api/v1/endpoints/{name}", |method| on(method, endpoints::delete)),
    needs(SeeEvents, GET, "/api/v1/changes", |method| on(method, changes::list)),
    needs(SeeEvents, GET, "/api/v1/changes/{id}", |method| on(method, changes::show)),
    needs(ApproveChanges, POST, "/api/v1/changes/{id}/approve", |method| on(method, changes::approve)),
    needs(ApproveChanges, POST, "/api/v1/changes/{id}/reject", |method| on(method, changes::reject)),
    needs(SeeEvents, GET, "/api/v1/events", |method| on(method, events::list)),
    needs(SeePayloads, GET, "/api/v1/inference/{request_id}", |method| on(method, inference::get)),
    open(GET, "/ledger/checkpoint", |method| on(method, log::checkpoint)),
    open(GET, "/ledger/tile/{level}/{*rest}", |method| on(method, log::hashes)),
    needs(SeeEvents, GET, "/ledger/tile/entries/{*rest}", |method| on(method, log::entries)),
    open(POST, "/ledger/witness/add-checkpoint", |method| on(method, log::add_checkpoint)),
];

/// Builds the console.
pub fn router(state: ConsoleState) -> Router {
    let mut router = Router::new();
    for route in ROUTES {
        let handler = (route.handler)(route.method);
        let handler = match route.access {
            Access::Open => handler,
            Access::OwnPage => {
                handler.route_layer(from_fn_with_state(state.clone(), door::require_own_page))
            }
            Access::Somebody => {
                handler.route_layer(from_fn_with_state(state.clone(), door::require_somebody))
            }
            Access::Needs(right) => {
                handler.route_layer(from_fn_with_state((state.clone(), right), door::require))
            }
        };
        router = router.route(route.path, handler);
    }
    router
        .fallback(async || ConsoleError::NotFound)
        .method_not_allowed_fallback(async || ConsoleError::MethodNotAllowed)
        .layer(DefaultBodyLimit::max(crate::api::BODY_BYTES))
        .layer(from_fn_with_state(state.clone(), door::check_host))
        .layer(from_fn(door::time_limit))
        .layer(from_fn(door::frame))
        .with_state(state)
}

const fn open(
    method: MethodFilter,
    path: &'static str,
    handler: fn(MethodFilter) -> MethodRouter<ConsoleState>,
) -> Route {
    Route { method, path, access: Access::Open, handler }
}

const fn own_page(
    method: MethodFilter,
    path: &'static str,
    handler: fn(MethodFilter) -> MethodRouter<ConsoleState>,
) -> Route {
    Route { method, path, access: Access::OwnPage, handler }
}

const fn somebody(
    method: MethodFilter,
    path: &'static str,
    handler: fn(MethodFilter) -> MethodRouter<ConsoleState>,
) -> Route {
    Route { method, path, access: Access::Somebody, handler }
}

const fn needs(
    right: Right,
    method: MethodFilter,
    path: &'static str,
    handler: fn(MethodFilter) -> MethodRouter<ConsoleState>,
) -> Route {
    Route { method, path, access: Access::Needs(right), handler }
}

#[cfg(test)]
mod tests;
