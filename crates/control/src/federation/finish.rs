//! The end of a sign-in at a provider: somebody who is somebody here gets a session.

use std::time::Duration;

use aeolus_model::{Amr, Secret};
use aeolus_oidc::{Connection, Identity};
use aeolus_store::Unit as _;
use axum::response::Response;
use http::HeaderMap;

use super::attempts::{Begun, LIFE};
use super::refused::{Refused, Stop};
use crate::app::App;
use crate::connections::Settings;
use crate::ctx::RequestInfo;
use crate::error::ApiError;
use crate::groups;
use crate::people::{self, Arrival};
use crate::signin::continuation::Continuation;
use crate::signin::standing::Standing;
use crate::signin::{begin, parent, session};

/// A spent attempt is remembered until its cookie can't be opened any more, and a while longer.
const REMEMBERED: Duration = Duration::from_secs(2 * LIFE.as_secs());

/// Longest `id_token` that is kept for the sign-out: it goes into a URL, and servers take no longer ones.
const MAX_HINT: usize = 6 * 1024;

/// Who came, and how.
pub(super) struct Came<'a> {
    pub(super) begun: &'a Begun,
    pub(super) connection: &'a Connection,
    pub(super) settings: &'a Settings,
    pub(super) identity: &'a Identity,
    /// What the provider wants to see when the session ends, if it wants something.
    pub(super) hint: Option<Secret<String>>,
    pub(super) to: &'a Continuation,
}

/// Begins their session and sends them on. Each attempt ends so once, whoever has copied its cookie.
pub(super) async fn finish(
    app: &App,
    (info, headers): (&RequestInfo, &HeaderMap),
    came: &Came<'_>,
) -> Result<Response, Stop> {
    let begun = came.begun;
    let link_to = match begun.link {
        None => None,
        Some(wanted) => {
            let current = session::current(app, headers).await?;
            let same = current.filter(|session| session.id == wanted);
            let same = same.ok_or(Stop::Refused(Refused::Linking))?;
            Some(same.user)
        }
    };
    let mut write = app.store.write().await?;
    let now = app.clock.now();
    let once = begun.once();
    if write.throttles().hit(&once, REMEMBERED, now).await?.hits > 1 {
        return Err(Stop::Refused(Refused::Again));
    }
    let arrival = Arrival {
        connection: begun.connection,
        provider: came.connection,
        identity: came.identity,
        invitation: begun.invitation.as_ref(),
        link_to,
    };
    // What many wait for comes before the person, in one order (note 003).
    let place = people::queue(app, &mut write, &arrival).await?;
    let of = (begun.connection, came.connection);
    let groups = groups::ready(app, info, &mut write, of, (came.identity, place));
    let groups = Box::pin(groups).await?;
    let user = match people::admit(app, info, &mut write, &arrival).await? {
        Ok(user) => user,
        Err(why) => return Err(no(app, info, &arrival, why)),
    };
    if let Some(said) = &groups {
        groups::follow(app, info, &mut write, (said, user.id)).await?;
    }
    let Some(who) = Standing::of(&mut write, user.id).await? else {
        return Err(no(app, info, &arrival, people::Refused::Disabled));
    };
    let through = begin::Through {
        connection: begun.connection,
        amr: amr(came),
        reason: format!("through:{}", came.connection.name()),
    };
    let session = begin::begin_through(app, (info, headers), &mut write, (&who, through)).await?;
    let hint = came.hint.as_ref();
    if let Some(hint) = hint.filter(|hint| hint.expose().len() <= MAX_HINT) {
        let sealed = app.master.seal_hint(session.id, hint, &*app.rng);
        let sealed = sealed.map_err(ApiError::internal)?;
        write.session_hints().keep(session.id, &sealed).await?;
    }
    app.commit(write).await?;
    app.metrics
        .sign_in("success", came.connection.name().as_str());
    let mut response = parent::go_on(app, came.to, &session).await?;
    begin::set_cookie(app, &mut response, &session)?;
    Ok(response)
}

fn no(app: &App, info: &RequestInfo, arrival: &Arrival<'_>, why: people::Refused) -> Stop {
    let event = Box::new(people::denied(app, info, arrival, why));
    Stop::Refused(Refused::People(why, Some(event)))
}

/// How they proved who they are, in the provider's words. Whoever had to prove a second factor, or says so
/// in an `acr` that the connection names, has (note 023).
fn amr(came: &Came<'_>) -> Amr {
    let said = Amr::said(&came.identity.amr);
    let named = came.identity.acr.as_ref().is_some_and(|acr| {
        let mut own = came.settings.second_factor_acr.iter();
        own.any(|own| own == acr)
    });
    if named || came.connection.mfa().is_some() {
        said.and_second_factor()
    } else {
        said
    }
}
