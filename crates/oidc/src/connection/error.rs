//! What a connection can't be.

use crate::{DiscoveryUrlError, Kind};

/// Something that a connection can't be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SettingsError {
    /// A key that has to be there.
    #[error("is missing: {1}")]
    Missing(&'static str, &'static str),
    /// Another flow.
    #[error("can't be {0:?}: use \"code\" or \"implicit\"")]
    Flow(String),
    /// A kind whose people can't come that way.
    #[error("can't be \"implicit\" here: {0} has no such flow; use \"code\"")]
    NoImplicit(Kind),
    /// The discovery URL.
    #[error("{0}")]
    Discovery(DiscoveryUrlError),
    /// Two keys that say different things.
    #[error("{1}")]
    Contradiction(&'static str, String),
    /// A parameter that security depends on.
    #[error("can't set {0}: a sign-in makes that itself")]
    Reserved(String),
    /// Not a text of its kind.
    #[error("{1}")]
    Text(&'static str, String),
    /// A second factor can't be had here.
    #[error("{0} never says how somebody signed in: require the second factor there")]
    Mfa(Kind),
    /// A second factor that nothing proves.
    #[error("needs an id_token, and response_type \"token\" doesn't ask for one: use \"code\"")]
    MfaUnproved,
}

impl SettingsError {
    /// The key it is about, below the connection.
    pub fn key(&self) -> &'static str {
        match self {
            Self::Missing(key, _) | Self::Contradiction(key, _) | Self::Text(key, _) => key,
            Self::Flow(_) | Self::NoImplicit(_) => "flow",
            Self::Discovery(_) => "discoveryUrl",
            Self::Reserved(_) => "authUrlParams",
            Self::Mfa(_) | Self::MfaUnproved => "requireMfa",
        }
    }
}
