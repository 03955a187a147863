//! `GET` and `POST /oauth2/logout` (OpenID Connect RP-Initiated Logout 1.0).
//!
//! Whoever shows an `id_token` of a session was told of it by us: with one, that session ends at once.
//! Without one a page asks, and only its own button signs out, so that no other site can (O31).

use aeolus_keys::claims::IdToken;
use aeolus_keys::{Kind, jws};
use aeolus_store::Unit as _;
use axum::extract::{RawQuery, Request, State};
use axum::response::{IntoResponse, Redirect, Response};
use http::{HeaderMap, StatusCode};

use super::client::{self, Client};
use super::params::Params;
use crate::app::App;
use crate::ctx::RequestInfo;
use crate::error::{ApiError, Failure};
use crate::extract;
use crate::pages::{self, Logout};
use crate::signin::{clear_cookies, same_origin, session, sign_out};

const PATH: &str = "/oauth2/logout";
const MAX_FORM: usize = 32 * 1024;
const MAX_STATE: usize = 1024;

/// How the request came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    /// By a link, from anywhere.
    Get,
    /// By a form of another site or of no site: it comes without our cookie.
    Post,
    /// By the button of our own page.
    Button,
}

/// What is asked for, as far as it may be.
struct Asked {
    client: Option<Client>,
    /// The session that a good `id_token_hint` is about, and whoever it was given to.
    hint: Option<IdToken>,
    /// Where to go afterwards: one of the client's own places.
    back: Option<String>,
    state: Option<String>,
}

pub(crate) async fn logout_get(
    State(app): State<App>,
    info: RequestInfo,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
) -> Result<Response, Failure> {
    let query = query.unwrap_or_default();
    let answered = logout(&app, &info, &headers, (Way::Get, query.as_bytes())).await;
    answered.map_err(ApiError::into_page)
}

pub(crate) async fn logout_post(
    State(app): State<App>,
    info: RequestInfo,
    headers: HeaderMap,
    request: Request,
) -> Result<Response, Failure> {
    let posted = async {
        if !extract::has_type(&request, "application/x-www-form-urlencoded") {
            return Err(ApiError::MediaType);
        }
        let body = extract::read(request, MAX_FORM).await?;
        let ours = same_origin::is_same_origin(&headers, &app.origin);
        let way = if ours { Way::Button } else { Way::Post };
        logout(&app, &info, &headers, (way, &body)).await
    };
    posted.await.map_err(ApiError::into_page)
}

async fn logout(
    app: &App,
    info: &RequestInfo,
    headers: &HeaderMap,
    (way, params): (Way, &[u8]),
) -> Result<Response, ApiError> {
    let params = Params::parse(params).map_err(|error| invalid(&error.to_string()))?;
    let asked = read(app, &params).await?;
    let here = session::current(app, headers).await?;
    let hinted = asked.hint.as_ref().map(|hint| hint.sid);
    match (way, &here, hinted) {
        (Way::Button, Some(here), _) => sign_out(app, info, here.id).await?,
        // The hint is about this browser's session, or the browser shows none.
        (_, here, Some(hinted)) if here.as_ref().is_none_or(|here| here.id == hinted) => {
            sign_out(app, info, hinted).await?;
        }
        (Way::Get, Some(_), _) => return Ok(ask(&asked)),
        // Followed by the browser, the same question comes with our cookie.
        (Way::Post, ..) => return Ok(Redirect::to(&asked.as_link()).into_response()),
        (Way::Get | Way::Button, None, _) => {}
    }
    let mut response = Redirect::to(&asked.leads_to()).into_response();
    // Only a cookie that was shown: another one is none of this request's business.
    if matches!(app.cookie.read(headers), Ok(Some(_))) {
        clear_cookies(app, &mut response);
    }
    Ok(response)
}

async fn read(app: &App, params: &Params) -> Result<Asked, ApiError> {
    let hint = params.get("id_token_hint").and_then(|hint| good(app, hint));
    let named = match params.get("client_id") {
        None => None,
        Some(id) => {
            let known = Client::parse(id);
            Some(known.ok_or_else(|| invalid("the client_id is not known here"))?)
        }
    };
    let told = hint.as_ref().and_then(|hint| Client::parse(&hint.aud));
    if let (Some(named), Some(told)) = (named, told)
        && named != told
    {
        return Err(invalid(
            "the id_token_hint was given to another client than client_id",
        ));
    }
    let client = named.or(told);
    let state = params.get("state").map(str::to_owned);
    if state.as_ref().is_some_and(|state| state.len() > MAX_STATE) {
        return Err(invalid("the state is too long"));
    }
    let back = match (params.get("post_logout_redirect_uri"), client) {
        (None, _) => None,
        (Some(_), None) => {
            return Err(invalid(
                "post_logout_redirect_uri needs a client_id or a good id_token_hint",
            ));
        }
        (Some(uri), Some(client)) => {
            if !is_registered(app, client, uri).await? {
                return Err(invalid(
                    "the post_logout_redirect_uri is not one of this client's",
                ));
            }
            Some(uri.to_owned())
        }
    };
    Ok(Asked {
        client,
        hint,
        back,
        state,
    })
}

/// An `id_token` of ours. That it has expired doesn't matter (§2): it tells apart, it opens nothing.
fn good(app: &App, hint: &str) -> Option<IdToken> {
    let token = jws::parse(hint.as_bytes()).ok()?;
    let token = app.keys.ring().verify(Kind::Id, token).ok()?;
    let claims: IdToken = token.claims().ok()?;
    (claims.iss == app.issuer).then_some(claims)
}

/// Whether a browser may be sent there: the command line has its loopback address, a plane the first
/// page of each deployment that it serves.
async fn is_registered(app: &App, client: Client, uri: &str) -> Result<bool, ApiError> {
    let plane = match client {
        Client::Cli => return Ok(client::is_cli_signed_out(uri)),
        Client::Plane(plane) => plane,
    };
    let Some((host, path)) = client::gate_page(uri) else {
        return Ok(false);
    };
    let mut view = app.store.read().await?;
    for (id, prefix) in view.deployments().on_host(&host).await? {
        let first = prefix.map_or("/".to_owned(), |prefix| format!("{}/", prefix.as_str()));
        if path == first {
            let deployment = view.deployments().get(id).await?;
            return Ok(deployment.is_some_and(|deployment| deployment.plane == plane));
        }
    }
    Ok(false)
}

/// Asks the person, with what was asked for in the form. The hint stays out of the page.
fn ask(asked: &Asked) -> Response {
    let fields = asked.fields();
    let fields: Vec<(&str, &str)> = fields.iter().map(|(k, v)| (*k, v.as_str())).collect();
    let page = Logout {
        signed_in: true,
        action: PATH,
        fields: &fields,
        on_to: asked.back.as_deref(),
    };
    // Browsers apply the page's policy to the redirect that follows its form as well.
    let target = asked.back.as_deref().and_then(same_origin::origin_of);
    pages::page(StatusCode::OK, &page, target.as_deref())
}

impl Asked {
    fn fields(&self) -> Vec<(&'static str, String)> {
        let client = self.client.map(Client::id);
        [
            ("client_id", client.as_ref()),
            ("post_logout_redirect_uri", self.back.as_ref()),
            ("state", self.state.as_ref()),
        ]
        .into_iter()
        .filter_map(|(name, value)| Some((name, value?.clone())))
        .collect()
    }

    /// The same request as a link, without the hint: no token belongs into a URL.
    fn as_link(&self) -> String {
        let fields = self.fields();
        if fields.is_empty() {
            return PATH.to_owned();
        }
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        query.extend_pairs(fields);
        format!("{PATH}?{}", query.finish())
    }

    /// Where the person goes now: with `state`, as it came (§3).
    fn leads_to(&self) -> String {
        match (&self.back, &self.state) {
            (None, _) => "/logout".to_owned(),
            (Some(back), None) => back.clone(),
            (Some(back), Some(state)) => {
                let mut query = url::form_urlencoded::Serializer::new(String::new());
                query.append_pair("state", state);
                format!("{back}?{}", query.finish())
            }
        }
    }
}

/// Shown as a page: nobody is sent anywhere with a request that can't be trusted.
fn invalid(what: &str) -> ApiError {
    ApiError::Body(format!("invalid_request: {what}"))
}
