//! Refresh tokens: families of values of which one at a time is good (RFC 6749 §6, RFC 9700 §4.14.2).

use std::time::Duration;

use crate::{RefreshFamilyId, SessionId, Time};

/// All refresh tokens that followed from one sign-in of a client. It hangs on that session: it can't
/// outlive it, and nothing extends either.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefreshFamily {
    /// Its id.
    pub id: RefreshFamilyId,
    /// The session it hangs on.
    pub session: SessionId,
    /// The one client that may use it.
    pub client_id: String,
    /// The `aud` of the access tokens it leads to.
    pub audience: String,
    /// What was granted at first, names separated by a space. Later requests may ask for less.
    pub scope: String,
    /// When the first one was handed out.
    pub began_at: Time,
    /// Whether it still leads anywhere.
    pub stage: FamilyStage,
}

/// Whether a family still leads anywhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FamilyStage {
    /// Its newest member is good.
    Alive,
    /// None of its members is good ever again.
    Ended {
        /// Since when.
        at: Time,
    },
}

/// A member of a family.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RefreshToken {
    /// The newest, not used yet.
    Current {
        /// Its family.
        family: RefreshFamily,
        /// Its place in the family, from 0.
        place: u32,
    },
    /// Used: another one follows it.
    Spent {
        /// Its family.
        family: RefreshFamily,
        /// Its place in the family.
        place: u32,
        /// When it was used.
        at: Time,
        /// Whether the one that follows it was used as well: then the answer with that one arrived.
        passed: bool,
    },
}

/// What a good refresh leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rotation {
    /// A new member follows.
    Next,
    /// The answer was lost or two asked at once: the member that follows already is given again.
    Again,
}

/// Why a member leads to nothing. But for the scope, the client learns only `invalid_grant`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RefreshError {
    /// The family is over.
    #[error("the family has ended")]
    Ended,
    /// Another client asks.
    #[error("the refresh token was given to another client")]
    Client,
    /// More is asked for than was granted.
    #[error("the scope is wider than what was granted")]
    Scope,
    /// It was used before, and not just now: one of the two who had it is a thief.
    #[error("the refresh token was used before")]
    Replayed,
}

impl RefreshToken {
    /// How long a member that was used is answered with the one that follows it: an answer may be lost,
    /// and two programs of one person may ask at once.
    pub const GRACE: Duration = Duration::from_secs(10);

    /// Its family.
    pub const fn family(&self) -> &RefreshFamily {
        match self {
            Self::Current { family, .. } | Self::Spent { family, .. } => family,
        }
    }

    /// Its place in the family.
    pub const fn place(&self) -> u32 {
        match self {
            Self::Current { place, .. } | Self::Spent { place, .. } => *place,
        }
    }

    /// Whether it was used before `client` presents it now, and what follows. `scope` is what is asked
    /// for, if anything is. Whoever is not the family's client, or asks for too much, changes nothing.
    pub fn rotate(
        &self,
        client: &str,
        scope: Option<&str>,
        now: Time,
    ) -> Result<Rotation, RefreshError> {
        let family = self.family();
        if family.client_id != client {
            return Err(RefreshError::Client);
        }
        if family.stage != FamilyStage::Alive {
            return Err(RefreshError::Ended);
        }
        let rotation = match self {
            Self::Current { .. } => Rotation::Next,
            Self::Spent {
                at, passed: false, ..
            } if now <= at.plus(Self::GRACE) => Rotation::Again,
            Self::Spent { .. } => return Err(RefreshError::Replayed),
        };
        if !scope.is_none_or(|asked| is_within(asked, &family.scope)) {
            return Err(RefreshError::Scope);
        }
        Ok(rotation)
    }
}

/// Whether every name of `asked` is one of `granted`.
fn is_within(asked: &str, granted: &str) -> bool {
    asked
        .split(' ')
        .all(|name| granted.split(' ').any(|held| held == name))
}

#[cfg(test)]
mod tests {
    use super::*;

    const USED: Time = Time::from_secs(1_000);

    fn family() -> RefreshFamily {
        RefreshFamily {
            id: RefreshFamilyId::from_bytes([1; 16]),
            session: SessionId::from_bytes([2; 16]),
            client_id: "cli".into(),
            audience: "https://a".into(),
            scope: "openid offline_access".into(),
            began_at: Time::from_secs(0),
            stage: FamilyStage::Alive,
        }
    }

    fn current() -> RefreshToken {
        RefreshToken::Current {
            family: family(),
            place: 3,
        }
    }

    fn spent(passed: bool) -> RefreshToken {
        RefreshToken::Spent {
            family: family(),
            place: 3,
            at: USED,
            passed,
        }
    }

    #[test]
    fn f47_a_member_that_was_just_used_leads_to_the_same_one_for_ten_seconds() {
        let at = |seconds: i64| spent(false).rotate("cli", None, Time::from_secs(1_000 + seconds));
        assert_eq!(current().rotate("cli", None, USED), Ok(Rotation::Next));
        assert_eq!(at(0), Ok(Rotation::Again));
        assert_eq!(at(10), Ok(Rotation::Again));
        let late = Time::from_millis(1_010_001);
        let late = spent(false).rotate("cli", None, late);
        assert_eq!(late, Err(RefreshError::Replayed));
        // A clock that stepped back makes nobody a thief.
        assert_eq!(at(-5), Ok(Rotation::Again));
    }

    #[test]
    fn o12_a_member_whose_follower_was_used_is_replayed_whenever_it_comes() {
        let again = spent(true).rotate("cli", None, USED);
        assert_eq!(again, Err(RefreshError::Replayed));
    }

    #[test]
    fn o12_nothing_of_an_ended_family_is_good() {
        for member in [current(), spent(false), spent(true)] {
            let family = RefreshFamily {
                stage: FamilyStage::Ended { at: USED },
                ..family()
            };
            let member = match member {
                RefreshToken::Current { place, .. } => RefreshToken::Current { family, place },
                RefreshToken::Spent {
                    place, at, passed, ..
                } => RefreshToken::Spent {
                    family,
                    place,
                    at,
                    passed,
                },
            };
            assert_eq!(member.rotate("cli", None, USED), Err(RefreshError::Ended));
        }
    }

    #[test]
    fn o13_another_client_and_a_wider_scope_are_refused_before_anything_else() {
        for member in [current(), spent(false), spent(true)] {
            assert_eq!(member.rotate("gate", None, USED), Err(RefreshError::Client));
        }
        let ask = |scope| current().rotate("cli", Some(scope), USED);
        assert_eq!(ask("openid offline_access"), Ok(Rotation::Next));
        assert_eq!(ask("offline_access openid"), Ok(Rotation::Next));
        assert_eq!(ask("openid"), Ok(Rotation::Next));
        for wider in ["openid admin", "email", "openid  offline_access", "OPENID"] {
            assert_eq!(ask(wider), Err(RefreshError::Scope), "{wider}");
        }
    }
}
