//! Typed ids: UUIDv7 built from an injected clock and generator (RFC 9562 §5.7), but for people's, which are
//! of version 4.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use uuid::{Builder, Uuid};

use crate::{Clock, Rng};

/// A text or byte string that is no id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an id is a lower-case UUID such as 01890a5d-ac96-774b-bcce-b302099a8057")]
pub struct IdError;

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident)*) => {$(
        $(#[$doc])*
        ///
        /// Sorts by creation time and is never reused. Mixing kinds doesn't compile.
        #[derive(
            Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
        )]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(Uuid);

        impl $name {
            /// A new id.
            pub fn new(clock: &(impl Clock + ?Sized), rng: &(impl Rng + ?Sized)) -> Self {
                Self(new_v7(clock, rng))
            }

            /// From the 16 bytes in which stores and snapshots keep it.
            pub const fn from_bytes(bytes: [u8; 16]) -> Self {
                Self(Uuid::from_bytes(bytes))
            }

            /// From a byte string of unknown length.
            pub fn from_slice(bytes: &[u8]) -> Result<Self, IdError> {
                Uuid::from_slice(bytes).map(Self).map_err(|_| IdError)
            }

            /// The 16 bytes in which stores and snapshots keep it.
            pub const fn as_bytes(&self) -> &[u8; 16] {
                self.0.as_bytes()
            }
        }

        impl FromStr for $name {
            type Err = IdError;

            fn from_str(text: &str) -> Result<Self, IdError> {
                parse(text).map(Self)
            }
        }

        impl TryFrom<String> for $name {
            type Error = IdError;

            fn try_from(text: String) -> Result<Self, IdError> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> Self {
                id.to_string()
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.hyphenated().fmt(f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}({})", stringify!($name), self.0.hyphenated())
            }
        }
    )*};
}

ids! {
    /// An organization: the outermost owner of everything.
    OrganizationId
    /// A workspace of an organization.
    WorkspaceId
    /// A deployment: one Airflow.
    DeploymentId
    /// A data plane: the cluster a deployment lives on.
    PlaneId
    /// A person.
    UserId
    /// A team of people.
    TeamId
    /// An API token (the record; each value of it has a `jti` of its own).
    TokenId
    /// A signed-in session.
    SessionId
    /// A family of refresh tokens.
    RefreshFamilyId
    /// A configured identity provider.
    ConnectionId
    /// A grant.
    GrantId
    /// A role that an organization made for itself.
    RoleId
    /// A signing key's record.
    KeyId
    /// An invitation into an organization.
    InvitationId
    /// A link that sets a new password.
    PasswordResetId
    /// A credential with which a provider provisions.
    ScimCredentialId
    /// A request of a provisioning client, in its log.
    ScimRequestId
    /// Something that happened to a provisioned user or group: the `jti` of its token.
    ScimEventId
    /// An e-mail on its way out, or something that will be in one.
    EmailId
}

impl UserId {
    /// A new id that tells nobody when it was made: whoever adds somebody by their address must not see
    /// whether they were known before.
    pub fn random(rng: &(impl Rng + ?Sized)) -> Self {
        let mut random = [0; 16];
        rng.fill(&mut random);
        Self(Builder::from_random_bytes(random).into_uuid())
    }
}

/// Only the hyphenated lower-case form: one id has one spelling, so that it can be compared,
/// cached and searched for as text.
fn parse(text: &str) -> Result<Uuid, IdError> {
    let id = Uuid::try_parse(text).map_err(|_| IdError)?;
    let mut buffer = Uuid::encode_buffer();
    if &*id.hyphenated().encode_lower(&mut buffer) == text {
        Ok(id)
    } else {
        Err(IdError)
    }
}

fn new_v7(clock: &(impl Clock + ?Sized), rng: &(impl Rng + ?Sized)) -> Uuid {
    let mut random = [0; 10];
    rng.fill(&mut random);
    let millis = u64::try_from(clock.now().millis()).unwrap_or(0);
    Builder::from_unix_timestamp_millis(millis, &random).into_uuid()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Time;

    struct At(i64);
    impl Clock for At {
        fn now(&self) -> Time {
            Time::from_millis(self.0)
        }
    }
    struct Fill(u8);
    impl Rng for Fill {
        fn fill(&self, buffer: &mut [u8]) {
            buffer.fill(self.0);
        }
    }

    #[test]
    fn ids_sort_by_time_and_have_one_spelling() {
        let earlier = TokenId::new(&At(1_000), &Fill(0xff));
        let later = TokenId::new(&At(1_001), &Fill(0));
        assert!(earlier < later);
        let text = later.to_string();
        assert_eq!(text.parse(), Ok(later));
        assert_eq!(text.to_uppercase().parse::<TokenId>(), Err(IdError));
        assert_eq!(text.replace('-', "").parse::<TokenId>(), Err(IdError));
        assert_eq!(TokenId::from_slice(later.as_bytes()), Ok(later));
    }
}
