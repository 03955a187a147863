//! Token exchange (RFC 8693): a token for control becomes a short-lived one that a single deployment takes.
//!
//! What is given holds no more than what it is given for, ends no later, and ends with it: a person's hangs
//! on the same session, a program's has the same place in the status list. Nobody acts for somebody else:
//! there is no `actor_token`, no `act`, no refresh token.

use aeolus_api::oauth::{CLI_CLIENT_ID, TOKEN_TYPE_ACCESS, TokenAnswer};
use aeolus_keys::claims::{Access, Api, Surface};
use aeolus_keys::{Kind, digest, jws};
use aeolus_model::{Action, Actor, AuditEvent, DeploymentId, OrganizationId, Permission, Resource};
use aeolus_store::{Deployment, Unit as _, Write};

use super::failure::OAuthFailure;
use super::params::Params;
use super::{client, issue, pace};
use crate::app::App;
use crate::auth;
use crate::authority::{Asked, Authority, deployment_path};
use crate::ctx::RequestInfo;
use crate::error::ApiError;

/// Whose token it is.
enum Subject {
    /// A person's, made for the command line.
    Person(Access),
    /// A program's: an API token is its own client.
    Program(Api),
}

/// Exchanges.
pub(super) async fn exchange(
    app: &App,
    info: &RequestInfo,
    form: &Params,
) -> Result<TokenAnswer, OAuthFailure> {
    let target = target(form)?;
    let subject = subject(app, form)?;
    let mut write = app.store.write().await?;
    match subject {
        Subject::Person(claims) => person(app, info, write, (claims, target)).await,
        Subject::Program(claims) => {
            let answer = program(app, info, &mut write, (claims, target)).await?;
            let (token, organization, answer) = answer;
            write.audit(line(app, info, Actor::Token(token), (target, organization)));
            app.commit(write).await?;
            Ok(answer)
        }
    }
}

/// What is asked for, as far as there is such a thing here.
fn target(form: &Params) -> Result<DeploymentId, OAuthFailure> {
    if form.get("actor_token").is_some() || form.get("actor_token_type").is_some() {
        return Err(OAuthFailure::Request(
            "there is no acting for somebody else: leave actor_token out",
        ));
    }
    let wanted = form.get("requested_token_type");
    if wanted.is_some_and(|wanted| wanted != TOKEN_TYPE_ACCESS) {
        return Err(OAuthFailure::Request(
            "requested_token_type can only be that of access tokens",
        ));
    }
    if form.get("scope").is_some() {
        return Err(OAuthFailure::Scope);
    }
    let named = match (form.get("audience"), form.get("resource")) {
        (None, None) => return Err(OAuthFailure::Request("there is no audience")),
        (Some(one), None) | (None, Some(one)) => one,
        (Some(one), Some(other)) if one == other => one,
        (Some(_), Some(_)) => return Err(OAuthFailure::Target),
    };
    client::deployment_of(named).ok_or(OAuthFailure::Target)
}

/// The token to be exchanged, if it is one of ours for control and the client is the one that has it.
fn subject(app: &App, form: &Params) -> Result<Subject, OAuthFailure> {
    let token = form.get("subject_token");
    let token = token.ok_or(OAuthFailure::Request("there is no subject_token"))?;
    if form.get("subject_token_type") != Some(TOKEN_TYPE_ACCESS) {
        return Err(OAuthFailure::Request(
            "subject_token_type must be that of access tokens",
        ));
    }
    if form.get("client_assertion").is_some() {
        return Err(OAuthFailure::Client);
    }
    let bad = |_| OAuthFailure::Subject;
    let token = jws::parse(token.as_bytes()).map_err(bad)?;
    let ring = app.keys.ring();
    let kind = ring.kind_of(&token.kid(), &[Kind::Access, Kind::Api]);
    let kind = kind.ok_or(OAuthFailure::Subject)?;
    let verified = ring.verify(kind, token).map_err(bad)?;
    let named = form.get("client_id");
    if kind == Kind::Api {
        let claims: Api = verified.claims().map_err(bad)?;
        let own = claims.client_id.to_string();
        return match named {
            Some(named) if named != own => Err(OAuthFailure::Client),
            _ => Ok(Subject::Program(claims)),
        };
    }
    let claims: Access = verified.claims().map_err(bad)?;
    match named {
        Some(CLI_CLIENT_ID) if claims.client_id == CLI_CLIENT_ID => Ok(Subject::Person(claims)),
        Some(CLI_CLIENT_ID) => Err(OAuthFailure::Subject),
        _ => Err(OAuthFailure::Client),
    }
}

async fn person(
    app: &App,
    info: &RequestInfo,
    mut write: Write,
    (claims, target): (Access, DeploymentId),
) -> Result<TokenAnswer, OAuthFailure> {
    let live = auth::live_session(app, &mut write, &claims, &app.issuer).await;
    let session = live.map_err(not_good)?;
    still_good(app, claims.exp)?;
    pace::count(&mut write, &session.id.to_string(), app.clock.now()).await?;
    let actor = Actor::User(session.user);
    let second_factor = Some(session.amr.has_second_factor());
    let asked = (&actor, info, second_factor);
    let deployment = usable(app, &mut write, asked, target).await?;
    let organization = deployment.organization;
    let place = (&session, organization);
    let life = crate::signin::session::enter(app, &mut write, place).await?;
    let life = life.map_err(|_| OAuthFailure::Target)?;
    write.audit(line(app, info, actor, (target, organization)));
    app.commit(write).await?;
    let place = (client::deployment_audience(target), organization);
    let at = (&session, life);
    Ok(issue::narrowed(app, at, &claims, place).map_err(ApiError::internal)?)
}

async fn program(
    app: &App,
    info: &RequestInfo,
    write: &mut Write,
    (claims, target): (Api, DeploymentId),
) -> Result<(aeolus_model::TokenId, OrganizationId, TokenAnswer), OAuthFailure> {
    // What was made for planes alone is nothing to control, what came out of an exchange included.
    let here = |surfaces: &Vec<Surface>| surfaces.contains(&Surface::Control);
    if !claims.surfaces.as_ref().is_none_or(here) {
        return Err(OAuthFailure::Subject);
    }
    let now = app.clock.now();
    let token = auth::live_token(app, write, &claims).await;
    let token = token.map_err(not_good)?;
    let mut tokens = write.tokens();
    let value = tokens.value(token.organization, claims.idx).await?;
    let value = value.ok_or(OAuthFailure::Subject)?;
    let subject_end = claims.exp.min(value.good_until().secs());
    still_good(app, subject_end)?;
    pace::count(write, &token.id.to_string(), now).await?;
    let asked = (&Actor::Token(token.id), info, None);
    let deployment = usable(app, write, asked, target).await?;
    let path = deployment_path(&deployment);
    let planes = |surfaces: &Vec<Surface>| surfaces.contains(&Surface::Planes);
    let reaches = path.contains(&token.scope.resource())
        && deployment.organization == token.organization
        && claims.surfaces.as_ref().is_none_or(planes);
    if !reaches {
        return Err(OAuthFailure::Target);
    }
    app.uses
        .seen(token.id, (token.organization, claims.idx), now);
    let unique = digest::random_token(&*app.rng, 16);
    // Its `iat` is the value's: what ends everything from before some time ends both.
    let narrowed = Api {
        nbf: now.secs(),
        exp: subject_end.min(now.secs().saturating_add(issue::EXCHANGED_LIFE)),
        jti: claims.exchanged_jti(unique.expose()),
        ent: Resource::Deployment(target),
        surfaces: Some(vec![Surface::Planes]),
        ..claims
    };
    let signed = app.keys.api().sign(Kind::Api, &narrowed);
    let signed = signed.map_err(ApiError::internal)?;
    let answer = issue::exchanged(app, (signed, narrowed.exp));
    Ok((token.id, token.organization, answer))
}

/// A deployment whose Airflow the actor may use. Others are answered like those that there are not.
async fn usable(
    app: &App,
    write: &mut Write,
    (actor, info, second_factor): (&Actor, &RequestInfo, Option<bool>),
    id: DeploymentId,
) -> Result<Deployment, OAuthFailure> {
    let deployment = write.deployments().get(id).await?;
    let deployment = deployment.ok_or(OAuthFailure::Target)?;
    let authority = Authority::load(app, write, actor).await?;
    let path = deployment_path(&deployment);
    if !authority.may(Permission::DeploymentAirflowGet, &path) {
        return Err(OAuthFailure::Target);
    }
    // Its rules may name the networks to come from.
    let authority = authority.asked(Asked {
        from: info.source.parse().ok(),
        signed_in_for: None,
        second_factor,
        ..Asked::default()
    });
    let organization = deployment.organization.to_string();
    authority.organization(write, &organization).await?;
    Ok(deployment)
}

/// The leeway that other machines' clocks get has no place here: the time is our own.
fn still_good(app: &App, exp: i64) -> Result<(), OAuthFailure> {
    let good = exp > app.clock.now().secs();
    good.then_some(()).ok_or(OAuthFailure::Subject)
}

fn not_good(error: ApiError) -> OAuthFailure {
    match error {
        ApiError::BadCredential(_) => OAuthFailure::Subject,
        error => error.into(),
    }
}

fn line(
    app: &App,
    info: &RequestInfo,
    actor: Actor,
    (target, organization): (DeploymentId, OrganizationId),
) -> AuditEvent {
    AuditEvent {
        organization: Some(organization),
        target: target.to_string(),
        ..info.event(app, actor, Action::TokenExchange)
    }
}
