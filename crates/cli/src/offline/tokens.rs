//! Tokens that no control plane made.

use aeolus_keys::claims::{Access, AccessKind, Api, ApiKind};
use aeolus_keys::digest::random_token;
use aeolus_keys::{KeyError, Kind};
use aeolus_model::{Clock, DeploymentId, Email, Rng, SessionId};
use serde::Serialize;

use super::sections::Place;
use super::{ISSUER, Keys, State, StoredToken, World};
use crate::report::{Failure, Report};

/// A token's value, shown once.
#[derive(Serialize)]
pub(crate) struct Minted {
    /// Its id.
    pub(crate) id: String,
    /// Its value.
    pub(crate) token: String,
}

/// An access token of a person for one deployment, as signing in would give.
pub(crate) fn access_token(
    world: &World<'_>,
    keys: &Keys,
    whom: (&Email, Place, DeploymentId),
    seconds: i64,
    (clock, rng): (&dyn Clock, &dyn Rng),
) -> Result<Minted, Failure> {
    let (email, place, deployment) = whom;
    let now = clock.now().secs();
    let jti = random_token(rng, 16).expose().clone();
    let claims = Access {
        iss: ISSUER.to_owned(),
        aud: format!("urn:aeolus:deployment:{deployment}"),
        sub: world.user(email),
        iat: now,
        exp: now.saturating_add(seconds),
        jti: jti.clone(),
        client_id: "aeolus-cli".to_owned(),
        org: Some(place.organization),
        sid: SessionId::new(clock, rng),
        auth_time: now,
        amr: Vec::new(),
        acr: None,
        kind: AccessKind,
    };
    let token = keys.access.sign(Kind::Access, &claims);
    Ok(Minted {
        id: jti,
        token: token.map_err(|error| failed(&error))?,
    })
}

/// An API token: its record goes into the state, from where the next build takes it to the gate.
pub(crate) fn api_token(
    state: &mut State,
    keys: &Keys,
    token: StoredToken,
    place: Place,
    (seconds, clock, rng): (i64, &dyn Clock, &dyn Rng),
) -> Result<Minted, Failure> {
    let now = clock.now().secs();
    let claims = Api {
        iss: ISSUER.to_owned(),
        aud: format!("urn:aeolus:org:{}", place.organization),
        sub: token.id,
        client_id: token.id,
        iat: now,
        nbf: now,
        exp: now.saturating_add(seconds),
        jti: random_token(rng, 16).expose().clone(),
        idx: token.index,
        status: None,
        ent: token.resource,
        surfaces: None,
        kind: ApiKind,
    };
    let value = keys.api.sign(Kind::Api, &claims);
    let minted = Minted {
        id: token.id.to_string(),
        token: value.map_err(|error| failed(&error))?,
    };
    state.tokens.push(token);
    state.save()?;
    Ok(minted)
}

/// The place in the status list for the next token.
pub(crate) fn next_index(state: &State) -> u32 {
    let used = state.tokens.iter().map(|token| token.index);
    used.max().map_or(0, |last| last.saturating_add(1))
}

fn failed(error: &KeyError) -> Failure {
    Report::new("KEY-0002", format!("the token can't be signed: {error}")).failed()
}
