//! A change of the root, step by step.

use serde::{Deserialize, Serialize};

/// Where a change of the root stands. Each stage but the last can be gone back from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Rotation {
    /// There is one root.
    #[default]
    Standby,
    /// The next root is made; clients are given both. Nothing is issued from it.
    Init,
    /// Certificates are issued from the next root and sent with a cross certificate: clients with either root
    /// verify them.
    UpdateClients,
    /// Every server has a certificate of the next root; the cross certificate is no longer sent.
    UpdateServers,
    /// The next root is taking the old one's place. This alone can't be gone back from, only ended.
    Retiring,
}

impl Rotation {
    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Standby => "standby",
            Self::Init => "init",
            Self::UpdateClients => "update_clients",
            Self::UpdateServers => "update_servers",
            Self::Retiring => "retiring",
        }
    }

    /// Whether certificates come from the next root.
    pub const fn issues_from_next(self) -> bool {
        matches!(
            self,
            Self::UpdateClients | Self::UpdateServers | Self::Retiring
        )
    }

    /// The stage after it.
    #[must_use]
    pub const fn next(self) -> Self {
        match self {
            Self::Standby => Self::Init,
            Self::Init => Self::UpdateClients,
            Self::UpdateClients => Self::UpdateServers,
            Self::UpdateServers => Self::Retiring,
            Self::Retiring => Self::Standby,
        }
    }

    /// The stage before it; none before there was a next root, or once it takes over.
    pub const fn back(self) -> Option<Self> {
        match self {
            Self::Standby | Self::Retiring => None,
            Self::Init => Some(Self::Standby),
            Self::UpdateClients => Some(Self::Init),
            Self::UpdateServers => Some(Self::UpdateClients),
        }
    }
}
