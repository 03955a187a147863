//! What keeps control from hearing a provider.

use std::sync::Arc;

use aeolus_api::egress::EgressError;
use aeolus_keys::KeyError;
use aeolus_oidc::DiscoveryError;

/// Why a provider can't be heard. The text is for the log.
#[derive(Clone, Debug, thiserror::Error)]
pub(super) enum Trouble {
    /// This machine trusts nobody.
    #[error("there are no trust anchors here")]
    NoAnchors,
    /// So many sign-ins wait for it that one more would only wait as well.
    #[error("too many sign-ins wait for it already")]
    Busy,
    /// It doesn't answer.
    #[error("{0}: {1}")]
    Unreachable(&'static str, Arc<EgressError>),
    /// Its discovery document can't be used.
    #[error("discovery: {0}")]
    Document(#[from] DiscoveryError),
    /// Its keys can't be used.
    #[error("keys: {0}")]
    Keys(#[from] KeyError),
    /// What GitHub answered can't be read.
    #[error(transparent)]
    GitHub(#[from] aeolus_oidc::github::AnswerError),
    /// What it says of the person can't be read.
    #[error(transparent)]
    UserInfo(#[from] aeolus_oidc::UserInfoError),
}

impl Trouble {
    /// That something was asked for in vain.
    pub(super) fn unreachable(what: &'static str) -> impl FnOnce(EgressError) -> Self {
        move |error| Self::Unreachable(what, Arc::new(error))
    }

    /// The stable code.
    pub(super) const fn code(&self) -> &'static str {
        match self {
            Self::NoAnchors => "provider_no_trust_anchors",
            Self::Busy => "provider_busy",
            Self::Unreachable(..) => "provider_unreachable",
            Self::Document(_) => "provider_document",
            Self::Keys(_) => "provider_keys",
            Self::GitHub(_) => "provider_github",
            Self::UserInfo(_) => "provider_user_info",
        }
    }
}
