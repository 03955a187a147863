//! Every route, in one place.

use axum::middleware::from_fn_with_state;
use axum::response::IntoResponse as _;
use axum::routing::{any, delete, get, post};
use axum::{Extension, Router};
use tower_http::catch_panic::CatchPanicLayer;

use crate::app::App;
use crate::edge::edge;
use crate::error::ApiError;
use crate::scim::OwnListener;
use crate::{
    audit, authorization, connections, email, factor, federation, keys, openapi, ops, pages,
    people, planes, policy, provider, quota, registry, rollout, scim, sessions, signin,
    status_lists, tenancy, tokens,
};

macro_rules! routes {
    ($($path:literal => $($method:ident $handler:path),+;)*) => {
        /// Every route: method and path. A test asks each one without, with a bad and with a weak
        /// credential.
        pub const ROUTES: &[(&str, &str)] = &[$($((stringify!($method), $path)),+),*];

        fn routes() -> Router<App> {
            Router::new()$(.route($path, routes!(@methods $($method $handler),+)))*
        }
    };
    (@methods $first:ident $handler:path $(, $method:ident $other:path)*) => {
        $first($handler)$(.$method($other))*
    };
}

routes! {
    "/" => get pages::account;
    "/assets/style.css" => get pages::style;
    "/assets/mark.svg" => get pages::mark;
    "/login" => get signin::login_get, post signin::login_post;
    "/login/code" => get signin::code_get, post signin::code_post;
    "/second-factor" => get factor::factor_get;
    "/second-factor/begin" => post factor::begin_post;
    "/second-factor/confirm" => post factor::confirm_post;
    "/second-factor/codes" => post factor::codes_post;
    "/second-factor/remove" => post factor::remove_post;
    "/account/ways/remove" => post people::remove_post;
    "/invitation/{value}" => get people::invitation_get;
    "/invitation/accept" => post people::accept_post;
    "/invitation/join" => post people::join_post;
    "/password/forgot" => get people::forgot_get, post people::forgot_post;
    "/password/reset" => post people::reset_post;
    "/password/reset/{value}" => get people::reset_get;
    "/setup" => get people::setup_get, post people::setup_post;
    "/setup/account" => post people::setup_account;
    "/logout" => get signin::logout_get, post signin::logout_post;
    "/device" => get provider::device_get, post provider::device_post;
    "/device/decide" => post provider::device_decide;
    "/token" => get pages::token_get, post provider::session_token;
    "/token/reveal" => post pages::token_reveal;
    "/livez" => get ops::livez;
    "/readyz" => get ops::readyz;
    "/v1/healthz" => get ops::readyz;
    "/.well-known/openid-configuration" => get provider::discovery;
    "/.well-known/oauth-authorization-server" => get provider::discovery;
    "/.well-known/jwks.json" => get keys::jwks;
    "/oauth2/authorize" => get provider::authorize;
    "/oauth2/token" => post provider::token;
    "/oauth2/device_authorization" => post provider::device_authorization;
    "/oauth2/revoke" => post provider::revoke;
    "/oauth2/introspect" => post provider::introspect;
    "/oauth2/logout" => get provider::logout_get, post provider::logout_post;
    "/oauth2/userinfo" => get provider::userinfo, post provider::userinfo;
    "/v1/oauth/start" => get federation::start, post federation::link;
    "/v1/oauth/callback" => get federation::callback_get, post federation::callback_post;
    "/v1/oauth/callback/" => get federation::callback_get, post federation::callback_post;
    "/v1/oauth/redirect" => get federation::redirect_get, post federation::redirect_post;
    "/v1/oauth/redirect/" => get federation::redirect_get, post federation::redirect_post;
    "/v1/oauth/backchannel-logout/{connection}" => post provider::backchannel_logout;
    "/v1/authorization" => get authorization::authorization;
    "/v1/authorization/permission-groups" => get tenancy::roles::catalogue;
    "/v1/.well-known/jwks.json" => get keys::legacy_jwk;
    "/v2/.well-known/jwks.json" => get keys::legacy_set;
    "/v1/registry/authorization" => get registry::authorize, post registry::exchange;
    "/v1/me" => get tenancy::me;
    "/v1/explain" => get tenancy::explain;
    "/v1/sessions" => get sessions::list, delete sessions::end_all;
    "/v1/sessions/{id}" => delete sessions::end;
    "/v1/users/{id}/second-factor" => delete factor::reset;
    "/v1/users/{id}/disable" => post people::disable;
    "/v1/users/{id}/enable" => post people::enable;
    "/v1/users/{id}/password-reset" => post people::reset;
    "/v1/openapi.json" => get openapi::document;
    "/v1/apply" => post tenancy::apply::apply;
    "/v1/organizations" => get tenancy::organizations::list, post tenancy::organizations::create;
    "/v1/organizations/{o}" =>
        get tenancy::organizations::get, delete tenancy::organizations::delete;
    "/v1/organizations/{o}/workspaces" =>
        get tenancy::workspaces::list, post tenancy::workspaces::create;
    "/v1/organizations/{o}/workspaces/{id}" =>
        get tenancy::workspaces::get, delete tenancy::workspaces::delete;
    "/v1/organizations/{o}/deployments" =>
        get tenancy::deployments::list, post tenancy::deployments::create;
    "/v1/organizations/{o}/deployments/{id}" =>
        get tenancy::deployments::get, delete tenancy::deployments::delete;
    "/v1/organizations/{o}/users" => get tenancy::users::list, post tenancy::users::create;
    "/v1/organizations/{o}/users/{id}" => delete tenancy::users::delete;
    "/v1/organizations/{o}/users/{id}/offboard" => post tenancy::users::offboard;
    "/v1/organizations/{o}/invitations" =>
        get people::invitations::list, post people::invitations::create;
    "/v1/organizations/{o}/invitations/{id}" => delete people::invitations::revoke;
    "/v1/organizations/{o}/teams" => get tenancy::teams::list, post tenancy::teams::create;
    "/v1/organizations/{o}/teams:import" => post tenancy::teams::import;
    "/v1/organizations/{o}/teams/{id}" =>
        get tenancy::teams::get, put tenancy::teams::set, delete tenancy::teams::delete;
    "/v1/organizations/{o}/teams/{id}/members" =>
        get tenancy::teams::members, post tenancy::teams::add;
    "/v1/organizations/{o}/teams/{id}/members/{user}" => delete tenancy::teams::remove;
    "/v1/organizations/{o}/roles" => get tenancy::roles::list, post tenancy::roles::create;
    "/v1/organizations/{o}/roles/{id}" =>
        get tenancy::roles::get, put tenancy::roles::update, delete tenancy::roles::delete;
    "/v1/organizations/{o}/grants" => get tenancy::grants::list, post tenancy::grants::create;
    "/v1/organizations/{o}/grants/{id}" => delete tenancy::grants::delete;
    "/v1/organizations/{o}/tokens" => get tokens::list, post tokens::create;
    "/v1/organizations/{o}/tokens:revoke" => post tokens::revoke;
    "/v1/organizations/{o}/tokens/{id}" =>
        get tokens::get, post tokens::update, delete tokens::delete;
    "/v1/organizations/{o}/tokens/{id}/roles" => post tokens::set_roles;
    "/v1/organizations/{o}/tokens/{id}/rotate" => post tokens::rotate;
    "/v1/organizations/{o}/tokens/{id}/rotate/end" => post tokens::end_rotation;
    "/v1/organizations/{o}/access" => get tenancy::access;
    "/v1/organizations/{o}/policy" => get policy::get, put policy::set;
    "/v1/organizations/{o}/quota" => get quota::get, put quota::set;
    "/v1/organizations/{o}/audit" => get audit::list;
    "/v1/organizations/{o}/audit:export" => get audit::export;
    "/v1/organizations/{o}/audit:verify" => get audit::verify;
    "/v1/organizations/{o}/audit:checkpoint" => get audit::checkpoint;
    "/v1/audit" => get audit::list_all;
    "/v1/audit:export" => get audit::export_all;
    "/v1/audit:verify" => get audit::verify_all;
    "/v1/audit:checkpoint" => get audit::checkpoint_all;
    "/v1/connections" => get connections::list;
    "/v1/connections/{connection}/planes" => get connections::registrations::list;
    "/v1/connections/{connection}/planes/{plane}" =>
        get connections::registrations::get, put connections::registrations::set,
        delete connections::registrations::delete;
    "/v1/connections/{connection}/scim/credentials" =>
        get scim::credentials::list, post scim::credentials::create;
    "/v1/connections/{connection}/scim/credentials/{id}" => delete scim::credentials::delete;
    "/v1/connections/{connection}/scim/credentials/{id}/rotate" => post scim::credentials::rotate;
    "/v1/connections/{connection}/scim/requests" => get scim::requests;
    "/v1/connections/{connection}/scim/events" => get scim::events::status;
    "/v1/scim/v2/{connection}/ServiceProviderConfig" => get scim::provider_config;
    "/v1/connections/{connection}/scim/templates:apply" => post scim::templates::apply;
    "/v1/email:test" => post email::test;
    "/v1/keys" => get keys::list;
    "/v1/keys/{id}" => delete keys::remove;
    "/v1/keys/{id}/rotate" => post keys::rotate;
    "/v1/status-lists/{organization}/{n}" => get status_lists::get;
    "/v1/planes" => get planes::list, post planes::create;
    "/v1/planes/enroll" => post planes::enroll;
    "/v1/planes/{id}" => get planes::get;
    "/v1/planes/{id}/quarantine" => post planes::quarantine;
    "/v1/planes/{id}/release" => post planes::release;
    "/v1/planes/self/manifest" => get planes::manifest;
    "/v1/planes/self/sections/{sha256}" => get planes::section;
    "/v1/planes/self/events" => post planes::events;
    "/v1/planes/self/status" => post planes::status;
    "/v1/planes/self/sessions/{sid}/renew" => post planes::renew;
    "/v1/planes/self/check" => post planes::check;
    "/v1/scim/v2/{connection}/Users" =>
        get scim::list::<scim::Users>, post scim::create::<scim::Users>;
    "/v1/scim/v2/{connection}/Users/{id}" =>
        get scim::get::<scim::Users>, put scim::replace::<scim::Users>,
        patch scim::patch::<scim::Users>, delete scim::delete::<scim::Users>;
    "/v1/scim/v2/{connection}/Users/.search" => post scim::search::<scim::Users>;
    "/v1/scim/v2/{connection}/Groups" =>
        get scim::list::<scim::Groups>, post scim::create::<scim::Groups>;
    "/v1/scim/v2/{connection}/Groups/{id}" =>
        get scim::get::<scim::Groups>, put scim::replace::<scim::Groups>,
        patch scim::patch::<scim::Groups>, delete scim::delete::<scim::Groups>;
    "/v1/scim/v2/{connection}/Groups/.search" => post scim::search::<scim::Groups>;
    "/v1/scim/v2/{connection}/.search" => post scim::search_all;
    "/v1/scim/v2/{connection}/Bulk" => post scim::bulk;
    "/v1/scim/v2/{connection}/ResourceTypes" => get scim::resource_types;
    "/v1/scim/v2/{connection}/ResourceTypes/{id}" => get scim::resource_type;
    "/v1/scim/v2/{connection}/Schemas" => get scim::schemas;
    "/v1/scim/v2/{connection}/Schemas/{id}" => get scim::schema;
    "/v1/rollouts" => get rollout::list;
    "/v1/rollouts/{name}" => get rollout::get, put rollout::set, delete rollout::delete;
    "/v1/rollouts/{name}/promote" => post rollout::promote;
    "/v1/rollouts/{name}/abort" => post rollout::abort;
}

/// The public routes behind the edge.
pub(crate) fn router(app: App) -> Router {
    routes()
        .route("/v1/scim/v2/{connection}", any(scim::unknown))
        .route("/v1/scim/v2/{connection}/", any(scim::unknown))
        .route("/v1/scim/v2/{connection}/Me", any(scim::me))
        .route("/v1/scim/v2/{connection}/{*rest}", any(scim::unknown))
        .fallback(no_endpoint)
        .method_not_allowed_fallback(no_method)
        .layer(CatchPanicLayer::custom(|_| {
            let broken = ApiError::Internal("a handler panicked".into());
            broken.into_response()
        }))
        .layer(from_fn_with_state(app.clone(), scim::record))
        .layer(from_fn_with_state(app.clone(), edge))
        .with_state(app)
}

/// The routes of the listener that is for provisioning alone: SCIM, the token endpoint for its clients, and whether
/// control runs.
pub(crate) fn scim(app: App) -> Router {
    router(app).layer(Extension(OwnListener))
}

/// The operator's routes, on a listener of their own.
pub(crate) fn metrics(app: App) -> Router {
    Router::new()
        .route("/metrics", get(ops::metrics))
        .route("/livez", get(ops::livez))
        .route("/readyz", get(ops::readyz))
        .with_state(app)
}

async fn no_endpoint() -> ApiError {
    ApiError::NoEndpoint
}

async fn no_method() -> ApiError {
    ApiError::Method
}
