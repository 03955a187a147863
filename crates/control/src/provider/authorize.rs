//! `GET /oauth2/authorize` (RFC 6749 §4.1.1 with PKCE, `resource` and `iss`).
//!
//! What is wrong with the client or its redirect is shown here; nothing is ever sent to a redirect
//! that hasn't been checked. Everything else goes back to the client.

use aeolus_keys::digest;
use aeolus_model::{AuthorizationCode, Session};
use aeolus_store::{PlaneStage, Unit as _};
use axum::extract::{RawQuery, State};
use axum::response::{IntoResponse, Redirect, Response};
use http::HeaderMap;

use super::client::{self, Client};
use super::params::{Params, ParamsError};
use super::{pkce, scope};
use crate::app::App;
use crate::error::{ApiError, Failure};
use crate::signin::continuation::Continuation;
use crate::signin::session::{self, Shut};
use crate::signin::step;

/// Nothing of ours is longer.
const MAX_STATE: usize = 1024;
const MAX_NONCE: usize = 255;

/// What is known once the redirect may be trusted.
struct Checked {
    client: Client,
    redirect: String,
    audience: String,
    state: Option<String>,
}

/// What a client is told at its redirect (RFC 6749 §4.1.2.1).
struct Refused(&'static str, &'static str);

pub(crate) async fn authorize(
    State(app): State<App>,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
) -> Result<Response, Failure> {
    let query = query.unwrap_or_default();
    go_on(&app, &headers, &query).await.map_err(into_page)
}

/// A request that makes no sense is a program's mistake; a person sees it.
fn into_page(error: ApiError) -> Failure {
    let meant = !matches!(error, ApiError::Body(_));
    let page = error.into_page();
    Failure {
        title: if meant {
            page.title
        } else {
            "This sign-in can't be begun"
        },
        ..page
    }
}

async fn go_on(app: &App, headers: &HeaderMap, query: &str) -> Result<Response, ApiError> {
    let params = Params::parse(query.as_bytes());
    let params = params.map_err(|error| invalid(&error))?;
    let checked = check_client(app, &params).await?;
    let ready = match check_request(&params) {
        Ok(challenge) => challenge,
        Err(refused) => {
            return Ok(send_back(
                app,
                &checked,
                &[("error", refused.0), ("error_description", refused.1)],
            ));
        }
    };
    let session = session::current(app, headers).await?;
    let deployment = client::deployment_of(&checked.audience);
    let shut = session::shut_at(app, session.as_ref(), deployment).await?;
    let over = shut == Some(Shut::Over);
    let good = |session: &Session| !over && recent_enough(app, &params, session);
    let Some(session) = session.filter(good) else {
        if params.get("prompt") == Some("none") {
            return Ok(send_back(app, &checked, &[("error", "login_required")]));
        }
        return Ok(sign_in_first(query, over));
    };
    if shut == Some(Shut::SecondFactor) {
        if params.get("prompt") == Some("none") {
            return Ok(send_back(
                app,
                &checked,
                &[("error", "interaction_required")],
            ));
        }
        let to = Continuation::Here(format!("/oauth2/authorize?{query}"));
        return Ok(Redirect::to(&step::at("/second-factor", &to)).into_response());
    }
    let code = digest::random_token(&*app.rng, 32);
    let issued = AuthorizationCode::Issued {
        client_id: checked.client.id(),
        redirect_uri: checked.redirect.clone(),
        challenge: ready,
        audience: checked.audience.clone(),
        scope: scope::granted(checked.client, params.get("scope").unwrap_or("")),
        nonce: params.get("nonce").map(str::to_owned),
        session: session.id,
        issued_at: app.clock.now(),
    };
    let mut write = app.store.write().await?;
    if let Some(id) = deployment
        && let Some(found) = write.deployments().get(id).await?
    {
        session::count(app, &mut write, (&session, found.organization)).await?;
    }
    let digest = digest::sha256(code.expose().as_bytes());
    write.codes().insert(&digest, &issued).await?;
    app.commit(write).await?;
    Ok(send_back(app, &checked, &[("code", code.expose())]))
}

fn invalid(error: &ParamsError) -> ApiError {
    ApiError::Body(format!("invalid_request: {error}"))
}

fn page(what: &str) -> ApiError {
    ApiError::Body(what.to_owned())
}

/// Client, redirect and resource: until they fit, the answer is a page.
async fn check_client(app: &App, params: &Params) -> Result<Checked, ApiError> {
    let client = params.get("client_id").and_then(Client::parse);
    let client = client.ok_or_else(|| page("invalid_request: the client_id is not known here"))?;
    let redirect = params
        .get("redirect_uri")
        .ok_or_else(|| page("invalid_request: there is no redirect_uri"))?;
    let audience = match client {
        Client::Cli => client::is_cli_redirect(redirect).then(|| app.issuer.clone()),
        Client::Plane(plane) => {
            let mut view = app.store.read().await?;
            let record = view.planes().get(plane).await?;
            let enrolled = |stage: &PlaneStage| matches!(stage, PlaneStage::Enrolled { .. });
            if !record.is_some_and(|plane| enrolled(&plane.stage)) {
                return Err(page("invalid_request: the client_id is not known here"));
            }
            let resource = params.get("resource").and_then(client::deployment_of);
            let resource =
                resource.ok_or_else(|| page("invalid_target: the resource is not a deployment"))?;
            let deployment = view.deployments().get(resource).await?;
            let deployment = deployment.filter(|deployment| deployment.plane == plane);
            let deployment = deployment
                .ok_or_else(|| page("invalid_target: the plane has no such deployment"))?;
            // A host below the deployment's wildcard that another has by name is the other's.
            let known = match client::gate_redirect(redirect) {
                Some(host) => view.deployments().on_host(&host).await?,
                None => Vec::new(),
            };
            let known = known.iter().any(|(id, _)| *id == deployment.id);
            known.then(|| client::deployment_audience(deployment.id))
        }
    };
    let audience = audience
        .ok_or_else(|| page("invalid_request: the redirect_uri is not one of this client's"))?;
    let state = params.get("state").map(str::to_owned);
    if state.as_ref().is_some_and(|state| state.len() > MAX_STATE) {
        return Err(page("invalid_request: the state is too long"));
    }
    Ok(Checked {
        client,
        redirect: redirect.to_owned(),
        audience,
        state,
    })
}

/// The rest of the request. Returns the PKCE challenge.
fn check_request(params: &Params) -> Result<String, Refused> {
    if params.get("request").is_some() {
        return Err(Refused("request_not_supported", "send plain parameters"));
    }
    if params.get("request_uri").is_some() {
        return Err(Refused(
            "request_uri_not_supported",
            "send plain parameters",
        ));
    }
    if params.get("response_type") != Some("code") {
        return Err(Refused("unsupported_response_type", "use code"));
    }
    if params
        .get("response_mode")
        .is_some_and(|mode| mode != "query")
    {
        return Err(Refused("invalid_request", "response_mode must be query"));
    }
    let challenge = params
        .get("code_challenge")
        .filter(|c| pkce::is_challenge(c));
    let Some(challenge) = challenge else {
        return Err(Refused(
            "invalid_request",
            "an S256 code_challenge is required",
        ));
    };
    if params.get("code_challenge_method") != Some("S256") {
        return Err(Refused(
            "invalid_request",
            "code_challenge_method must be S256",
        ));
    }
    if !scope::has(params.get("scope").unwrap_or(""), scope::OPENID) {
        return Err(Refused("invalid_scope", "the scope must contain openid"));
    }
    if params
        .get("nonce")
        .is_some_and(|nonce| nonce.len() > MAX_NONCE)
    {
        return Err(Refused("invalid_request", "the nonce is too long"));
    }
    if params
        .get("max_age")
        .is_some_and(|age| age.parse::<u64>().is_err())
    {
        return Err(Refused(
            "invalid_request",
            "max_age must be a number of seconds",
        ));
    }
    Ok(challenge.to_owned())
}

/// Whether the session is recent enough for what the client asked: `prompt=login` wants a new one,
/// `max_age` one of at most that age. The page that follows drops both.
fn recent_enough(app: &App, params: &Params, session: &Session) -> bool {
    let age = app.clock.now().since(session.auth_time).as_secs();
    let max_age = params
        .get("max_age")
        .and_then(|max| max.parse::<u64>().ok());
    params.get("prompt") != Some("login") && max_age.is_none_or(|max| age <= max)
}

/// To the sign-in page and back here, without what was satisfied by it. `again`: although there is a
/// session.
fn sign_in_first(query: &str, again: bool) -> Response {
    let mut back = url::form_urlencoded::Serializer::new(String::new());
    let mut asked = again;
    for (name, value) in url::form_urlencoded::parse(query.as_bytes()) {
        if name == "prompt" || name == "max_age" {
            asked = true;
        } else {
            back.append_pair(&name, &value);
        }
    }
    let rd = format!("/oauth2/authorize?{}", back.finish());
    let mut login = url::form_urlencoded::Serializer::new(String::new());
    if asked {
        login.append_pair("again", "1");
    }
    login.append_pair("rd", &rd);
    Redirect::to(&format!("/login?{}", login.finish())).into_response()
}

/// To the client, with `state` and `iss` (RFC 9207).
fn send_back(app: &App, checked: &Checked, pairs: &[(&str, &str)]) -> Response {
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    query.extend_pairs(pairs);
    if let Some(state) = &checked.state {
        query.append_pair("state", state);
    }
    query.append_pair("iss", &app.issuer);
    Redirect::to(&format!("{}?{}", checked.redirect, query.finish())).into_response()
}
