//! Access tokens that stand in for an `id_token`: `response_type=token`, as the documented values for
//! Cognito ask for it (row A17).

use aeolus_keys::jws;

use crate::id_token::{Claims, Judge, outside};
use crate::{Kind, SignInError};

/// The `sub` of an access token that this client was given a moment ago. There is no nonce: what binds
/// it to the browser is the state alone, and only userinfo, asked with it, says who that is.
pub(crate) fn subject(judge: Judge<'_>, token: &str) -> Result<String, SignInError> {
    let unverified = jws::parse_foreign_access(token.as_bytes()).map_err(outside)?;
    judge.algorithm(&unverified)?;
    let claims: Claims = unverified
        .unverified_claims()
        .map_err(|_| SignInError::Malformed)?;
    if !is_access(&claims, judge.connection.kind()) {
        return Err(SignInError::Kind);
    }
    judge.issuer(&claims)?;
    let own = judge.connection.client_id();
    let clients = [&claims.client_id, &claims.azp, &claims.cid, &claims.appid];
    let mut named = clients.into_iter().flatten().peekable();
    let ours = match named.peek() {
        Some(_) => named.all(|client| client == own),
        None => claims.aud.has(own),
    };
    if !ours {
        return Err(SignInError::Audience);
    }
    judge.times(&claims)?;
    let sub = claims.sub.filter(|sub| !sub.is_empty());
    let sub = sub.ok_or(SignInError::Subject)?;
    judge.signature(unverified)?;
    Ok(sub)
}

/// Cognito always says so; others may not, but never say something else.
fn is_access(claims: &Claims, kind: Kind) -> bool {
    let usage = match &claims.token_use {
        Some(usage) => usage == "access",
        None => kind != Kind::Cognito,
    };
    let typ = claims.typ.as_deref();
    let typ = typ.is_none_or(|typ| ["Bearer", "JWT", "at+jwt"].contains(&typ));
    usage && typ && claims.events.is_none() && claims.nonce.is_none() && claims.at_hash.is_none()
}
