//! Token endpoints of identity providers, for sign-ins while control is away.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use aeolus_api::egress::{Bounds, Egress, EgressError, Way, reach_of};
use aeolus_api::oauth::{ASSERTION_TYPE, GRANT_AUTHORIZATION_CODE};
use aeolus_model::Secret;
use http::StatusCode;
use serde::Deserialize;
use tokio::sync::Semaphore;
use tokio::time::timeout;

use crate::ports::{ClientCredential, ProviderCode, ProviderTokens, Redeemed, TokenError};
use crate::replica::lock;

/// Codes that are exchanged at once at one provider: one that hangs keeps nobody from another.
const AT_ONCE: usize = 8;
/// How long somebody waits for a place; many come when a day begins.
const TURN: Duration = Duration::from_secs(5);
/// Providers of a plane, by far.
const PROVIDERS: usize = 256;
/// What an answer may take.
const BOUNDS: Bounds = Bounds {
    bytes: 64 * 1024,
    time: Duration::from_secs(5),
};

/// Providers over HTTP; none, and an alarm, where this machine trusts no authority.
pub(crate) fn client(way: &Way) -> Option<Arc<dyn ProviderTokens>> {
    match ProviderClient::by(way) {
        Ok(client) => Some(Arc::new(client)),
        Err(error) => {
            tracing::error!(%error, "no trust anchors: nobody can be signed in while control is away");
            None
        }
    }
}

struct ProviderClient {
    egress: Egress,
    places: Mutex<HashMap<String, Arc<Semaphore>>>,
}

/// What is read of an answer (OIDC Core §3.1.3.3): nothing is asked for with the access token.
#[derive(Deserialize)]
struct Answer {
    id_token: String,
}

impl ProviderClient {
    fn by(way: &Way) -> Result<Self, std::io::Error> {
        Ok(Self {
            egress: Egress::by(way, BOUNDS)?,
            places: Mutex::default(),
        })
    }

    fn places_at(&self, endpoint: &str) -> Arc<Semaphore> {
        let mut all = lock(&self.places);
        if let Some(places) = all.get(endpoint) {
            return Arc::clone(places);
        }
        // Endpoints come and go with snapshots.
        if all.len() >= PROVIDERS {
            all.retain(|_, places| places.available_permits() < AT_ONCE);
        }
        let places = Arc::new(Semaphore::new(AT_ONCE));
        all.insert(endpoint.to_owned(), Arc::clone(&places));
        places
    }

    async fn ask(&self, asked: ProviderCode) -> Result<Secret<String>, TokenError> {
        let places = self.places_at(&asked.endpoint);
        let place = timeout(TURN, places.acquire()).await;
        let _place = place
            .ok()
            .and_then(Result::ok)
            .ok_or(TokenError::Unavailable)?;
        let mut form = vec![
            ("grant_type", GRANT_AUTHORIZATION_CODE),
            ("code", asked.code.code.expose()),
            ("redirect_uri", &asked.code.redirect_uri),
            ("code_verifier", asked.code.verifier.expose()),
            ("client_id", &asked.client_id),
        ];
        if let ClientCredential::Assertion(assertion) = &asked.credential {
            form.extend([
                ("client_assertion_type", ASSERTION_TYPE),
                ("client_assertion", assertion.expose()),
            ]);
        }
        let reach = reach_of(&asked.endpoint, &asked.configured);
        let answered = self.egress.post_form(&asked.endpoint, &form, reach).await;
        let body = answered.map_err(|error| {
            tracing::warn!(%error, endpoint = asked.endpoint, "an identity provider exchanged no code");
            match error {
                // RFC 6749 §5.2: `invalid_client`, as everybody says it.
                EgressError::Status(StatusCode::UNAUTHORIZED) => TokenError::ClientRefused,
                EgressError::Status(status) if status.is_client_error() => TokenError::Refused,
                _ => TokenError::Unavailable,
            }
        })?;
        let answer: Result<Answer, _> = serde_json::from_slice(&body);
        answer
            .map(|answer| Secret::new(answer.id_token))
            .map_err(|_| {
                tracing::warn!(
                    endpoint = asked.endpoint,
                    "an identity provider gave no id_token"
                );
                TokenError::Refused
            })
    }
}

impl ProviderTokens for ProviderClient {
    fn redeem(&self, code: ProviderCode) -> Redeemed<'_> {
        Box::pin(self.ask(code))
    }
}

#[cfg(test)]
mod tests;
