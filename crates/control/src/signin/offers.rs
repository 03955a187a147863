//! What the sign-in page offers: the identity providers that are set up, and the form for a password.

use aeolus_model::{Email, Host, Slug};

use super::continuation::Continuation;
use crate::app::App;
use crate::connections;
use crate::error::ApiError;
use crate::federation::Start;

/// The ways in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Offers {
    /// One for each provider.
    pub(crate) buttons: Vec<Button>,
    /// Whether people sign in with a password here.
    pub(crate) local: bool,
    /// Whether who forgot it is sent a link.
    pub(crate) forgot: bool,
}

/// A provider's button.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Button {
    /// The connection.
    pub(crate) provider: Slug,
    /// What people read on it.
    pub(crate) name: String,
    /// Where it leads.
    pub(crate) href: String,
    /// The mail domains whose people sign in there.
    domains: Vec<Host>,
}

impl Button {
    /// The letter that stands for the provider beside its name.
    pub(crate) fn mark(&self) -> String {
        connections::mark(&self.name)
    }
}

impl Offers {
    /// On the way to a continuation. `again`: a session at the provider doesn't do.
    pub(crate) async fn read(app: &App, to: &Continuation, again: bool) -> Result<Self, ApiError> {
        let mut view = app.store.read().await?;
        let offered = connections::offered(app, &mut view).await?;
        let rd = to.text();
        let buttons = offered.into_iter().map(|offered| Button {
            href: Start {
                provider: offered.name.as_str(),
                rd: Some(&rd),
                again,
                ..Start::default()
            }
            .link(),
            name: offered.display_name,
            provider: offered.name,
            domains: offered.domains,
        });
        Ok(Self {
            buttons: buttons.collect(),
            local: app.local_accounts.offered(),
            forgot: app.sends_resets(),
        })
    }

    /// The one way in, if it is a provider: the page would have nothing to choose from.
    pub(crate) fn only(&self) -> Option<&Button> {
        match self.buttons.as_slice() {
            [button] if !self.local => Some(button),
            _ => None,
        }
    }

    /// Whether an address says where its owner signs in.
    pub(crate) fn go_by_address(&self) -> bool {
        self.buttons.iter().any(|button| !button.domains.is_empty())
    }

    /// Only those for the domain of an address.
    pub(super) fn for_address(&self, email: &Email) -> Self {
        let is_for = |button: &&Button| {
            let mut domains = button.domains.iter();
            domains.any(|domain| domain.as_str() == email.domain())
        };
        Self {
            buttons: self.buttons.iter().filter(is_for).cloned().collect(),
            local: self.local,
            forgot: self.forgot,
        }
    }
}
