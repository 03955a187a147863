//! The providers known by name.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Which provider a connection is of (row A3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[expect(missing_docs, reason = "they are the products' names")]
pub enum Kind {
    Google,
    Github,
    /// Entra ID.
    Microsoft,
    Okta,
    Auth0,
    Cognito,
    /// Active Directory Federation Services.
    Adfs,
    /// Any other `OpenID` Connect provider.
    Custom,
}

impl Kind {
    /// Every kind.
    pub const ALL: [Self; 8] = [
        Self::Google,
        Self::Github,
        Self::Microsoft,
        Self::Okta,
        Self::Auth0,
        Self::Cognito,
        Self::Adfs,
        Self::Custom,
    ];

    /// As it is written.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Google => "google",
            Self::Github => "github",
            Self::Microsoft => "microsoft",
            Self::Okta => "okta",
            Self::Auth0 => "auth0",
            Self::Cognito => "cognito",
            Self::Adfs => "adfs",
            Self::Custom => "custom",
        }
    }

    /// The kind called `name`.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
