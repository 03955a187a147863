//! The claims of an `id_token`, as far as they are read.

use aeolus_keys::jws::{Aud, date, maybe_date, maybe_text, maybe_texts};
use aeolus_model::IdentitySubject;
use serde::Deserialize;
use serde::de::IgnoredAny;

use crate::provider::SubjectClaim;
use crate::provider::claims::is_second_factor;

/// What is read of an `id_token`.
#[derive(Deserialize)]
pub(super) struct Claims {
    pub(super) iss: String,
    #[serde(default)]
    pub(super) aud: Aud,
    #[serde(default)]
    pub(super) sub: Option<String>,
    #[serde(default)]
    pub(super) tid: Option<String>,
    #[serde(default)]
    pub(super) oid: Option<String>,
    #[serde(default)]
    pub(super) azp: Option<String>,
    #[serde(default)]
    pub(super) nonce: Option<String>,
    #[serde(deserialize_with = "date")]
    pub(super) iat: i64,
    #[serde(deserialize_with = "date")]
    pub(super) exp: i64,
    #[serde(default, deserialize_with = "maybe_date")]
    pub(super) nbf: Option<i64>,
    #[serde(default, deserialize_with = "maybe_date")]
    pub(super) auth_time: Option<i64>,
    #[serde(default, deserialize_with = "maybe_texts")]
    pub(super) amr: Aud,
    #[serde(default, deserialize_with = "maybe_text")]
    pub(super) acr: Option<String>,
    /// Cognito: `access` or `id`.
    pub(super) token_use: Option<String>,
    /// Keycloak: `Bearer`, `ID`, `Refresh`, `Offline`, `Logout`.
    pub(super) typ: Option<String>,
    /// Logout tokens and other security events.
    pub(super) events: Option<IgnoredAny>,
    /// Tokens that are bound to a key.
    pub(super) cnf: Option<IgnoredAny>,
}

impl Claims {
    /// Whether it says that there was a second factor.
    pub(super) fn is_second_factor(&self, own: &[Box<str>]) -> bool {
        is_second_factor(&self.amr, self.acr.as_deref(), own)
    }

    /// Whether it says that it is another kind of token.
    pub(super) fn is_other(&self) -> bool {
        let named = |typ: &String| ["ID", "JWT"].iter().any(|id| typ.eq_ignore_ascii_case(id));
        self.events.is_some()
            || self.cnf.is_some()
            || self.token_use.as_ref().is_some_and(|used| used != "id")
            || self.typ.as_ref().is_some_and(|typ| !named(typ))
    }

    /// The text that people are linked by. `sub` is never missing in an `id_token`.
    pub(super) fn subject(&self, claim: SubjectClaim) -> Option<IdentitySubject> {
        let sub = self.sub.as_ref()?;
        let parsed = match claim {
            SubjectClaim::Sub => sub.parse(),
            SubjectClaim::TidOid => {
                format!("{}/{}", self.tid.as_ref()?, self.oid.as_ref()?).parse()
            }
            SubjectClaim::Uid => return None,
        };
        parsed.ok()
    }
}
