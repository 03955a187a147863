//! Sign-ins on their way. The browser carries each in a sealed cookie: strangers can begin as many as they
//! like without a write.

use std::time::Duration;

use aeolus_keys::digest;
use aeolus_model::{ConnectionId, Secret, SessionId, Time};
use aeolus_oidc::{Attempt, Connection, Flow};
use axum::response::Response;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::HeaderMap;
use http::header::SET_COOKIE;
use serde::{Deserialize, Serialize};

use super::cookie::{Name, Style};
use crate::app::App;
use crate::error::ApiError;

/// How long a sign-in may take.
pub(super) const LIFE: Duration = Duration::from_secs(600);
/// How many one browser may have on their way; the oldest is dropped.
const MOST: usize = 5;
/// And how long their values may be together: proxies don't take headers of any length.
const ROOM: usize = 6 * 1024;

/// One of them.
#[derive(Clone, Debug)]
pub(super) struct Begun {
    /// What the answer has to repeat and to show.
    pub(super) attempt: Attempt,
    /// Through which connection.
    pub(super) connection: ConnectionId,
    /// Of which revision its settings were.
    pub(super) revision: u64,
    /// At which provider: [`provider_of`].
    pub(super) provider: String,
    /// Where the person wants to go.
    pub(super) rd: String,
    /// What they were invited by, as it came.
    pub(super) invitation: Option<Secret<String>>,
    /// The session of somebody who wants to be known by this identity as well.
    pub(super) link: Option<SessionId>,
    /// When it began.
    pub(super) at: Time,
}

/// The same as it is sealed.
#[derive(Serialize, Deserialize)]
struct Written {
    #[serde(rename = "f")]
    flow: Flow,
    #[serde(rename = "s")]
    state: String,
    #[serde(rename = "n")]
    nonce: String,
    #[serde(rename = "v")]
    verifier: String,
    #[serde(rename = "c")]
    connection: ConnectionId,
    #[serde(rename = "g")]
    revision: u64,
    #[serde(rename = "d")]
    provider: String,
    #[serde(rename = "r")]
    rd: String,
    #[serde(rename = "i", default, skip_serializing_if = "Option::is_none")]
    invitation: Option<String>,
    #[serde(rename = "l", default, skip_serializing_if = "Option::is_none")]
    link: Option<SessionId>,
    #[serde(rename = "p", default, skip_serializing_if = "Option::is_none")]
    fresh_since: Option<i64>,
    #[serde(rename = "t")]
    at: i64,
}

impl Begun {
    fn seal(&self, app: &App, name: &Name) -> Option<String> {
        let attempt = &self.attempt;
        let written = Written {
            flow: attempt.flow(),
            state: attempt.state().to_owned(),
            nonce: attempt.nonce().to_owned(),
            verifier: attempt.verifier().expose().clone(),
            connection: self.connection,
            revision: self.revision,
            provider: self.provider.clone(),
            rd: self.rd.clone(),
            invitation: self.invitation.as_ref().map(|held| held.expose().clone()),
            link: self.link,
            fresh_since: attempt.fresh_since().map(Time::secs),
            at: self.at.secs(),
        };
        let plain = Secret::new(serde_json::to_vec(&written).ok()?);
        app.master
            .seal_carried(&name.purpose(), plain.expose(), &*app.rng)
    }

    fn open(app: &App, name: &Name, value: &[u8]) -> Option<Self> {
        let plain = app.master.open_carried(&name.purpose(), value)?;
        let written: Written = serde_json::from_slice(plain.expose()).ok()?;
        let begun = Self {
            attempt: Attempt::kept(
                written.flow,
                written.state,
                written.nonce,
                written.verifier.into(),
            )
            .proven_since(written.fresh_since.map(Time::from_secs)),
            connection: written.connection,
            revision: written.revision,
            provider: written.provider,
            rd: written.rd,
            invitation: written.invitation.map(Secret::new),
            link: written.link,
            at: Time::from_secs(written.at),
        };
        let now = app.clock.now();
        (begun.at.plus(LIFE) > now).then_some(begun)
    }

    /// Under which this attempt is answered once.
    pub(super) fn once(&self) -> String {
        let hash = digest::sha256(self.attempt.state().as_bytes());
        let hash = URL_SAFE_NO_PAD.encode(hash);
        format!("attempt/{hash}")
    }
}

/// Names a provider, whatever else is set about the connection: no answer is judged as another one's, and no
/// other one is shown what it sent.
pub(super) fn provider_of(connection: &Connection) -> String {
    let (kind, issuer) = (connection.kind().name(), connection.discovery().issuer());
    let hash = digest::sha256(format!("{kind} {issuer}").as_bytes());
    URL_SAFE_NO_PAD.encode(hash.get(..12).unwrap_or_default())
}

/// Gives the browser one more, and takes the oldest from it where it has too many, and those that are over.
pub(super) fn keep(
    app: &App,
    (headers, response): (&HeaderMap, &mut Response),
    begun: &Begun,
    cross_site: bool,
) -> Result<(), ApiError> {
    let style = Style::of(&app.issuer);
    let name = Name::of(begun.attempt.state());
    let value = begun.seal(app, &name);
    let value = value.ok_or_else(|| ApiError::internal("the attempt can't be sealed"))?;
    let mut others: Vec<(Name, usize, Option<Time>)> = style
        .read(headers)
        .into_iter()
        .map(|(name, value)| {
            let begun = Begun::open(app, &name, &value);
            (name, value.len(), begun.map(|begun| begun.at))
        })
        .collect();
    // Newest first; what doesn't open is older than everything.
    others.sort_by_key(|(_, _, at)| std::cmp::Reverse(*at));
    let (mut count, mut room) = (1, value.len());
    for (other, length, at) in &others {
        count += 1;
        room += length;
        if (at.is_none() || count > MOST || room > ROOM)
            && let Some(cleared) = style.clear(other)
        {
            response.headers_mut().append(SET_COOKIE, cleared);
        }
    }
    let set = style.set(&name, &value, cross_site);
    let set = set.ok_or_else(|| ApiError::internal("the cookie can't be written"))?;
    response.headers_mut().append(SET_COOKIE, set);
    Ok(())
}

/// The one that an answer with this state is to, if this browser began it and it isn't over (O7).
pub(super) fn of_state(app: &App, headers: &HeaderMap, state: &str) -> Option<Begun> {
    let wanted = Name::of(state);
    let all = Style::of(&app.issuer).read(headers);
    let (name, value) = all.into_iter().find(|(name, _)| *name == wanted)?;
    let begun = Begun::open(app, &name, &value)?;
    begun.attempt.is_answered_by(state).then_some(begun)
}

/// Takes one from the browser, whatever came of it.
pub(super) fn forget(app: &App, response: &mut Response, state: &str) {
    if let Some(cleared) = Style::of(&app.issuer).clear(&Name::of(state)) {
        response.headers_mut().append(SET_COOKIE, cleared);
    }
}

/// Where the sign-ins that a browser has on their way want to go.
pub(super) fn all_of(app: &App, headers: &HeaderMap) -> Vec<Begun> {
    let all = Style::of(&app.issuer).read(headers);
    let opened = all
        .into_iter()
        .filter_map(|(name, value)| Begun::open(app, &name, &value));
    opened.collect()
}
