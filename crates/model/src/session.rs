//! Sessions and the authorization codes that lead to them.

use std::time::Duration;

use crate::{Amr, ConnectionId, SessionId, Time, UserId};

/// A signed-in person, as control keeps it; gates carry its id in their cookies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    /// Its id, the `sid` of every token that hangs on it.
    pub id: SessionId,
    /// Who.
    pub user: UserId,
    /// Through which identity provider.
    pub connection: ConnectionId,
    /// When the person proved who they are.
    pub auth_time: Time,
    /// How.
    pub amr: Amr,
    /// After this nothing extends it: measured from sign-in, never sliding.
    pub absolute_end: Time,
    /// Set once the session is over.
    pub end: Option<SessionEnd>,
}

/// Why and when a session ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SessionEnd {
    /// When.
    pub at: Time,
}

impl Session {
    /// Whether the session may still be used or renewed.
    pub fn is_alive(&self, now: Time) -> bool {
        self.end.is_none() && now < self.absolute_end
    }

    /// Ends the session; ending it again changes nothing.
    #[must_use]
    pub fn ended(self, now: Time) -> Self {
        let end = self.end.or(Some(SessionEnd { at: now }));
        Self { end, ..self }
    }
}

/// An OAuth2 authorization code (RFC 6749 §4.1) bound to its client, redirect and PKCE challenge.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AuthorizationCode {
    /// Handed out, not yet used.
    Issued {
        /// To which client.
        client_id: String,
        /// For which redirect, byte for byte (RFC 9700 §2.1).
        redirect_uri: String,
        /// Base64url SHA-256 of the verifier; S256 is the only method (RFC 7636 §4.2).
        challenge: String,
        /// The resource asked for (RFC 8707), the access token's `aud`.
        audience: String,
        /// What was asked for.
        scope: String,
        /// The client's nonce for the `id_token`.
        nonce: Option<String>,
        /// On whose session it hangs.
        session: SessionId,
        /// When it was handed out.
        issued_at: Time,
    },
    /// Used; a second use ends the session it made (RFC 6749 §10.5).
    Exchanged {
        /// The session.
        session: SessionId,
    },
}

/// Why a code can't be exchanged. The client learns only `invalid_grant`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CodeError {
    /// It was used before: somebody may have stolen it.
    #[error("the code was used before")]
    Replayed(SessionId),
    /// It is older than its minute.
    #[error("the code has expired")]
    Expired,
    /// Another client asks.
    #[error("the code was given to another client")]
    Client,
    /// The redirect differs.
    #[error("the redirect_uri differs from the authorization request's")]
    Redirect,
    /// The verifier doesn't fit.
    #[error("the code_verifier does not fit the challenge")]
    Verifier,
}

impl AuthorizationCode {
    /// How long a code is good (ASVS 10.4.3, level 3).
    pub const LIFE: Duration = Duration::from_secs(60);

    /// Uses the code. `challenge` is computed from the verifier that the client sent.
    pub fn exchange(
        self,
        client: &str,
        redirect: &str,
        proven_challenge: &str,
        now: Time,
    ) -> Result<Self, CodeError> {
        let Self::Issued {
            client_id,
            redirect_uri,
            challenge,
            session,
            issued_at,
            ..
        } = self
        else {
            let Self::Exchanged { session } = self else {
                return Err(CodeError::Expired);
            };
            return Err(CodeError::Replayed(session));
        };
        if now > issued_at.plus(Self::LIFE) {
            return Err(CodeError::Expired);
        }
        if client_id != client {
            return Err(CodeError::Client);
        }
        if redirect_uri != redirect {
            return Err(CodeError::Redirect);
        }
        if challenge != proven_challenge {
            return Err(CodeError::Verifier);
        }
        Ok(Self::Exchanged { session })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn issued() -> AuthorizationCode {
        AuthorizationCode::Issued {
            client_id: "gate".into(),
            redirect_uri: "https://a/cb".into(),
            challenge: "c".into(),
            audience: "x".into(),
            scope: "openid".into(),
            nonce: None,
            session: SessionId::from_bytes([1; 16]),
            issued_at: Time::from_secs(100),
        }
    }

    #[test]
    fn o1_o2_a_code_serves_once_one_client_one_redirect_one_minute() {
        let session = SessionId::from_bytes([1; 16]);
        let now = Time::from_secs(160);
        let used = issued().exchange("gate", "https://a/cb", "c", now).unwrap();
        let again = used.exchange("gate", "https://a/cb", "c", now);
        assert_eq!(again, Err(CodeError::Replayed(session)));
        let late = issued().exchange("gate", "https://a/cb", "c", Time::from_secs(161));
        assert_eq!(late, Err(CodeError::Expired));
        assert_eq!(
            issued().exchange("cli", "https://a/cb", "c", now),
            Err(CodeError::Client)
        );
        assert_eq!(
            issued().exchange("gate", "https://a/cb/", "c", now),
            Err(CodeError::Redirect)
        );
        assert_eq!(
            issued().exchange("gate", "https://a/cb", "d", now),
            Err(CodeError::Verifier)
        );
    }

    #[test]
    fn a_session_ends_once_and_never_outlives_its_absolute_end() {
        let session = Session {
            id: SessionId::from_bytes([1; 16]),
            user: UserId::from_bytes([2; 16]),
            connection: ConnectionId::from_bytes([3; 16]),
            auth_time: Time::from_secs(0),
            amr: Amr::password(),
            absolute_end: Time::from_secs(30),
            end: None,
        };
        assert!(session.is_alive(Time::from_secs(29)));
        assert!(!session.is_alive(Time::from_secs(30)));
        let ended = session.ended(Time::from_secs(5));
        assert!(!ended.is_alive(Time::from_secs(6)));
        assert_eq!(ended.clone().ended(Time::from_secs(9)), ended);
    }
}
