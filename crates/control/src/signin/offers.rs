//! What the sign-in page offers: the identity providers that are set up, and the form for a password.

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
}

/// A provider's button.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Button {
    /// What people read on it.
    pub(crate) name: String,
    /// Where it leads.
    pub(crate) href: String,
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
        });
        Ok(Self {
            buttons: buttons.collect(),
            local: app.local_accounts.offered(),
        })
    }

    /// The one way in, if it is a provider: the page would have nothing to choose from.
    pub(crate) fn only(&self) -> Option<&Button> {
        match self.buttons.as_slice() {
            [button] if !self.local => Some(button),
            _ => None,
        }
    }
}
