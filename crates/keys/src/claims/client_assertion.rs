//! What a client says of itself at an identity provider's token endpoint. We only write it.

use std::time::Duration;

use aeolus_model::Time;
use serde::Serialize;

/// How long it is good: one call, and clocks that differ a little.
const LIFE: Duration = Duration::from_secs(60);

/// The claims of `private_key_jwt` (RFC 7523 §3, OpenID Connect Core §9).
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ClientAssertion {
    iss: String,
    sub: String,
    aud: String,
    iat: i64,
    exp: i64,
    jti: String,
}

impl ClientAssertion {
    /// For one call of a client, from now on. `audience` is the provider, as a sole string: what is for
    /// two can be used by one of them at the other. `jti` has to be new.
    pub fn new(client_id: &str, audience: &str, now: Time, jti: String) -> Self {
        Self {
            iss: client_id.to_owned(),
            sub: client_id.to_owned(),
            aud: audience.to_owned(),
            iat: now.secs(),
            exp: now.plus(LIFE).secs(),
            jti,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn o16_it_is_for_one_audience_and_one_minute() {
        let now = Time::from_secs(1_800_000_000);
        let claims = ClientAssertion::new("client", "https://idp.test", now, "n".to_owned());
        let said = json!({
            "iss": "client", "sub": "client", "aud": "https://idp.test",
            "iat": 1_800_000_000, "exp": 1_800_000_060, "jti": "n",
        });
        assert_eq!(serde_json::to_value(&claims).unwrap(), said);
    }
}
