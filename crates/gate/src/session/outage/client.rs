//! The plane's client at a provider: how it shows who it is, and the keys by which that is verified.

use aeolus_decide::{ClientAuthentication, Registration};
use aeolus_keys::claims::ClientAssertion;
use aeolus_keys::digest::random_token;
use aeolus_model::Time;
use http::header::CACHE_CONTROL;
use http::{HeaderValue, Response, StatusCode};

use crate::answer;
use crate::body::Body;
use crate::gate::Gate;
use crate::ports::ClientCredential;
use crate::session::Visit;

/// What goes with one call of the client; none where its key can't be had.
pub(super) fn credential(
    gate: &Gate,
    registration: &Registration,
    now: Time,
) -> Option<ClientCredential> {
    let ClientAuthentication::PrivateKeyJwt { audience } = &registration.authentication else {
        return Some(ClientCredential::None);
    };
    let jti = random_token(&*gate.rng, 16).expose().clone();
    let claims = ClientAssertion::new(&registration.client_id, audience, now, jti);
    let secret = gate.memory.secret.load();
    let signed = secret
        .as_ref()?
        .clients
        .sign(registration.connection, &claims);
    if let Err(error) = &signed {
        tracing::error!(%error, connection = registration.name, "the client's key does not sign");
    }
    signed.ok().map(ClientCredential::Assertion)
}

/// `GET /.aeolus/jwks/CONNECTION` at the plane's auth host: the client's public keys, for the provider.
pub(in crate::session) fn keys(gate: &Gate, visit: &Visit<'_>, name: &str) -> Response<Body> {
    let mut all = visit.world.registrations().iter();
    let found = all.find(|registration| {
        registration.name == name && registration.authentication != ClientAuthentication::None
    });
    let Some(registration) = found else {
        return answer::text(StatusCode::NOT_FOUND, "Nothing is served here.\n");
    };
    let secret = gate.memory.secret.load();
    let keys = secret
        .as_ref()
        .and_then(|secret| secret.clients.jwks(registration.connection).ok());
    let Some(keys) = keys else {
        return answer::text(StatusCode::SERVICE_UNAVAILABLE, "There are no keys.\n");
    };
    let mut answer = answer::json(StatusCode::OK, keys.to_json());
    // Far less than the time for which a generation is announced.
    let minutes = HeaderValue::from_static("max-age=300");
    answer.headers_mut().insert(CACHE_CONTROL, minutes);
    answer
}
