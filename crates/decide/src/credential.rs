//! Which credential a request was allowed for, to be asked about again once more is known.

use std::sync::Arc;

use aeolus_model::{SessionId, Subject, Time, TokenId};

use crate::cookie::SessionCookie;
use crate::token::Verified;
use crate::world::{Deployment, World};

/// A credential that was good when it was used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Credential {
    /// A token.
    Token(Arc<Verified>),
    /// A session of this plane.
    Session(SessionCookie),
}

/// What control knows a credential by; never its value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CredentialId {
    /// A session.
    Session(SessionId),
    /// A token with a record, and the place of the value that was used in its status list.
    Token(TokenId, Option<u32>),
}

impl Credential {
    /// None for what control keeps no record of: a token that an identity provider made.
    pub fn id(&self) -> Option<CredentialId> {
        match self {
            Self::Session(cookie) => Some(CredentialId::Session(cookie.session)),
            Self::Token(token) => match (token.session, token.subject) {
                (Some(session), _) => Some(CredentialId::Session(session)),
                (None, Subject::Token(id)) => Some(CredentialId::Token(id, token.index)),
                (None, Subject::User(_) | Subject::Team(_)) => None,
            },
        }
    }

    fn subject(&self) -> Subject {
        match self {
            Self::Session(cookie) => Subject::User(cookie.user),
            Self::Token(token) => token.subject,
        }
    }

    /// The second that not-before marks are compared with.
    fn issued(&self) -> i64 {
        match self {
            Self::Session(cookie) => cookie.auth_time.secs(),
            Self::Token(token) => token.issued,
        }
    }
}

impl World {
    /// Whether this world knows that a credential had been revoked when it was last used. Since when
    /// a status bit is set or a session ended, it can't tell: control can.
    pub fn was_revoked(
        &self,
        credential: &Credential,
        deployment: &Deployment,
        last: Time,
    ) -> bool {
        let Some(revoked) = self.revoked(deployment.organization) else {
            return false;
        };
        let ended = |session| revoked.check_session(session).is_err();
        let mark = revoked.mark_after(credential.subject(), credential.issued());
        let marked = mark.is_some_and(|mark| last.secs() >= mark);
        marked
            || match credential {
                Credential::Session(cookie) => ended(cookie.session),
                Credential::Token(token) => {
                    let index = token.index;
                    index.is_some_and(|index| revoked.check_index(index, last).is_err())
                        || token.session.is_some_and(ended)
                }
            }
    }
}
