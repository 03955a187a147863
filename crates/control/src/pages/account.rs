//! `GET /`: who is signed in, and where they can go.

use aeolus_model::{Permission, Slug};
use aeolus_store::{Page, Unit as _};
use askama::Template;
use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};
use http::{HeaderMap, StatusCode};

use crate::app::App;
use crate::authority::{Asked, Authority, deployment_path};
use crate::error::{ApiError, Failure};
use crate::factor;
use crate::people::{self, OwnWays};
use crate::signin::session;

#[derive(Template)]
#[template(path = "account.html")]
struct Account<'a> {
    name: &'a str,
    email: &'a str,
    /// What they have to know of the address.
    notice: Option<&'static str>,
    second_factor: bool,
    /// Whether an organization wants one that the session doesn't have.
    wanted: bool,
    password: bool,
    ways: OwnWays,
    deployments: Vec<Link>,
}

struct Link {
    name: Slug,
    url: String,
}

/// To whom the address was taken from.
const LOST: &str = "The address that this account had was shown to be somebody else's. Sign in with the name \
                    above in its place, or ask an administrator for another account.";

/// More links than this help nobody; the console lists them all.
const MAX_LINKS: u32 = 100;

pub(crate) async fn account(
    State(app): State<App>,
    headers: HeaderMap,
) -> Result<Response, Failure> {
    render(&app, &headers).await.map_err(ApiError::into_page)
}

async fn render(app: &App, headers: &HeaderMap) -> Result<Response, ApiError> {
    let Some(session) = session::current(app, headers).await? else {
        return Ok(Redirect::to("/login?rd=%2F").into_response());
    };
    let mut view = app.store.read().await?;
    let user = view.users().get(session.user).await?;
    let user = user.ok_or(ApiError::NotFound("user"))?;
    // Whoever has a second factor is shown nothing by a session that began without it.
    if factor::is_missing(&mut view, &session).await? {
        return Ok(Redirect::to("/login?rd=%2F&again=1").into_response());
    }
    let actor = aeolus_model::Actor::User(user.id);
    let authority = Authority::load(app, &mut view, &actor).await?;
    let authority = authority.asked(Asked {
        second_factor: Some(session.amr.has_second_factor()),
        ..Asked::default()
    });
    let mut wanted = false;
    let mut deployments = Vec::new();
    let organizations = view.organizations().list(Page::first(MAX_LINKS)).await?;
    for organization in organizations.items {
        if !authority.knows(organization.id) {
            continue;
        }
        if authority.is_asked_for_more(&organization)? {
            wanted = true;
            continue;
        }
        let first = Page::first(MAX_LINKS);
        let listed = view
            .deployments()
            .in_organization(organization.id, first)
            .await?;
        for deployment in listed.items {
            let path = deployment_path(&deployment);
            let may = authority.may(Permission::DeploymentAirflowGet, &path);
            // A wildcard is no place to go to.
            let mut routes = deployment.routes.iter();
            let first = routes.find(|route| route.host.domain().is_none());
            if let (true, Some(route)) = (may, first) {
                let prefix = route.path_prefix.as_ref().map_or("", |p| p.as_str());
                deployments.push(Link {
                    url: format!("https://{}{prefix}/", route.host),
                    name: deployment.name,
                });
            }
        }
    }
    let account = Account {
        name: &user.name,
        email: user.email.as_str(),
        notice: people::is_stand_in(&user.email).then_some(LOST),
        password: user.password_hash.is_some(),
        ways: people::own_ways(app, &mut view, user.id).await?,
        second_factor: factor::counts(&mut view, user.id).await?,
        wanted,
        deployments,
    };
    Ok(super::page(StatusCode::OK, &account, None))
}
