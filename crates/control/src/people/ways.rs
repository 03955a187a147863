//! The ways to sign in, for pages that carry something along: in a form, because no URL may have it.

use aeolus_store::Unit;

use crate::app::App;
use crate::connections;
use crate::error::ApiError;

/// The ways.
pub(super) struct Ways {
    /// One for each provider.
    pub(super) providers: Vec<Way>,
    /// Whether people have passwords here.
    pub(super) local: bool,
}

/// A provider's button.
pub(super) struct Way {
    pub(super) provider: String,
    pub(super) name: String,
}

impl Way {
    /// The letter that stands for the provider beside its name.
    pub(super) fn mark(&self) -> String {
        connections::mark(&self.name)
    }
}

/// The ways there are.
pub(super) async fn ways(app: &App, unit: &mut impl Unit) -> Result<Ways, ApiError> {
    let offered = connections::offered(app, unit).await?;
    let providers = offered.into_iter().map(|offered| Way {
        provider: offered.name.to_string(),
        name: offered.display_name,
    });
    Ok(Ways {
        providers: providers.collect(),
        local: app.local_accounts.offered(),
    })
}
