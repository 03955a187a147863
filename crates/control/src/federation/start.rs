//! `GET /v1/oauth/start`: to the provider (rows A10, A11). A provider's own tile leads here as well.

use aeolus_model::{Secret, SessionId, Slug};
use aeolus_oidc::{Ask, Attempt, AuthorizationRequest, Redirects};
use axum::extract::{RawQuery, State};
use axum::response::{IntoResponse as _, Redirect, Response};
use http::HeaderMap;
use url::Url;

use super::attempts::{self, Begun};
use super::pace;
use super::provider::{Need, Place};
use super::refused::{About, OrRefused as _, Refused, Stop, page};
use crate::app::App;
use crate::connections::{self, SignIn};
use crate::ctx::RequestInfo;
use crate::error::ApiError;
use crate::provider::params::Params;
use crate::signin::continuation::Continuation;

/// Longest name of somebody at a provider, longest value that somebody was invited by, and longest place to
/// go on to: they travel in a URL and in a cookie.
const MAX_HINT: usize = 254;
const MAX_INVITATION: usize = 255;
const MAX_RD: usize = 1_500;

/// What a sign-in begins with.
#[derive(Clone, Debug, Default)]
pub(crate) struct Start<'a> {
    /// `provider`: the connection's name.
    pub(crate) provider: &'a str,
    /// `rd`: where to go afterwards.
    pub(crate) rd: Option<&'a str>,
    /// `login_hint`: who probably wants in.
    pub(crate) login_hint: Option<&'a str>,
    /// `invitation`: what they were invited by, as a form of ours brought it: no URL has it.
    pub(crate) invitation: Option<&'a str>,
    /// `again`: a session at the provider doesn't do.
    pub(crate) again: bool,
    /// Whose session wants to be linked.
    pub(crate) link: Option<SessionId>,
}

impl Start<'_> {
    /// As a link.
    pub(crate) fn link(&self) -> String {
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        query.append_pair("provider", self.provider);
        let more = [
            ("rd", self.rd),
            ("login_hint", self.login_hint),
            ("again", self.again.then_some("1")),
        ];
        for (name, value) in more {
            if let Some(value) = value {
                query.append_pair(name, value);
            }
        }
        format!("/v1/oauth/start?{}", query.finish())
    }
}

/// Sends the browser to the provider. Parameters that are not ours are ignored: providers add their own
/// (`iss`, `target_link_uri`).
pub(crate) async fn start(
    State(app): State<App>,
    info: RequestInfo,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
) -> Response {
    let query = query.unwrap_or_default();
    let params = match Params::parse(query.as_bytes()) {
        Ok(params) => params,
        Err(error) => {
            return ApiError::Body(error.to_string())
                .into_page()
                .into_response();
        }
    };
    let start = Start {
        provider: params.get("provider").unwrap_or_default(),
        rd: params.get("rd"),
        login_hint: params.get("login_hint"),
        invitation: None,
        again: params.get("again").is_some(),
        link: None,
    };
    let made = |url: &Url| Redirect::to(url.as_str()).into_response();
    begin(&app, (&info, &headers), &start, made).await
}

/// Begins a sign-in: `made` is the answer that sends the browser on, and gets the attempt's cookie.
pub(super) async fn begin(
    app: &App,
    (info, headers): (&RequestInfo, &HeaderMap),
    start: &Start<'_>,
    made: impl FnOnce(&Url) -> Response,
) -> Response {
    match begun(app, (info, headers), start, made).await {
        Ok(response) => response,
        Err((Stop::Broken(error), ..)) => error.into_page().into_response(),
        Err((Stop::Refused(refused), to)) => {
            // What is no name is logged as none: a stranger writes it, of any length.
            let asked = Slug::parse(start.provider).ok();
            let about = About {
                connection: None,
                asked: asked.as_ref(),
                to: to.as_ref(),
            };
            page(app, info, &refused, about).await
        }
    }
}

type Halted = (Stop, Option<Continuation>);

async fn begun(
    app: &App,
    (info, headers): (&RequestInfo, &HeaderMap),
    start: &Start<'_>,
    made: impl FnOnce(&Url) -> Response,
) -> Result<Response, Halted> {
    let now = app.clock.now();
    if let Some(seconds) = app
        .federation
        .pace
        .count(pace::Ask::Start, &info.counted_as(), now)
    {
        return Err((Stop::Refused(Refused::Pace(seconds)), None));
    }
    let to = place(app, start.rd).await.map_err(|e| (e.into(), None))?;
    let halted = |stop: Stop| (stop, Some(to.clone()));
    let sign_in = connection(app, start.provider).await.map_err(halted)?;
    let attempt = Attempt::begin(sign_in.connection.flow(), &*app.rng)
        .proven_since(start.again.then_some(now));
    let url = url(app, &sign_in, &attempt, start.login_hint)
        .await
        .map_err(halted)?;
    let invitation = start.invitation.filter(|text| text.len() <= MAX_INVITATION);
    let begun = Begun {
        attempt,
        connection: sign_in.id,
        revision: sign_in.revision,
        provider: attempts::provider_of(&sign_in.connection),
        rd: to.text(),
        invitation: invitation.map(|text| Secret::new(text.to_owned())),
        link: start.link,
        at: now,
    };
    app.federation.began.note(&sign_in, now);
    let mut response = made(&url);
    let cross_site = sign_in.connection.form_post();
    attempts::keep(app, (headers, &mut response), &begun, cross_site)
        .map_err(|error| halted(error.into()))?;
    Ok(response)
}

/// Where to go afterwards: what is too long for a cookie becomes its deployment's first page.
async fn place(app: &App, rd: Option<&str>) -> Result<Continuation, ApiError> {
    let to = Continuation::read(app, rd).await?;
    if to.text().len() <= MAX_RD {
        return Ok(to);
    }
    Ok(match to {
        Continuation::There(page) => {
            let first = format!("{}/", page.origin);
            Continuation::read(app, Some(&first)).await?
        }
        Continuation::Here(_) => Continuation::home(),
    })
}

async fn connection(app: &App, name: &str) -> Result<SignIn, Stop> {
    let none = || Stop::Refused(Refused::Connection);
    let name = Slug::parse(name).map_err(|_| none())?;
    let mut view = app.store.read().await?;
    let found = connections::by_name(app, &mut view, &name).await?;
    found.ok_or_else(none)
}

async fn url(
    app: &App,
    sign_in: &SignIn,
    attempt: &Attempt,
    login_hint: Option<&str>,
) -> Result<Url, Stop> {
    let connection = &sign_in.connection;
    let egress = app.federation.egress(&app.egress).or_refused()?;
    let provider = app.federation.providers.of(sign_in.id, connection);
    let _place = provider.place(Place::Start).or_refused()?;
    let need = (Need::Fresh, app.clock.now());
    let discovery = provider.discovery(egress, connection, need);
    let discovery = discovery.await.or_refused()?;
    let plain =
        |hint: &&str| (1..=MAX_HINT).contains(&hint.len()) && !hint.chars().any(char::is_control);
    let request = AuthorizationRequest {
        connection,
        discovery: &discovery,
        attempt,
        redirects: &Redirects::new(&app.issuer),
        ask: Ask {
            login_hint: login_hint.filter(plain),
        },
    };
    Ok(request.url())
}
