//! The ways to sign in, for pages that carry something along.

use aeolus_model::Secret;
use aeolus_store::Unit;

use crate::app::App;
use crate::connections::{self, Settings};
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
    pub(super) name: String,
    pub(super) href: String,
}

/// The ways there are. `invitation` goes along to the provider's answer, sealed.
pub(super) async fn ways(
    app: &App,
    unit: &mut impl Unit,
    invitation: &Secret<String>,
) -> Result<Ways, ApiError> {
    let offered = connections::offered(app, unit).await?;
    let local = unit.connections().get(app.local).await?;
    let providers = offered.into_iter().map(|offered| {
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        query.append_pair("provider", offered.name.as_str());
        query.append_pair("invitation", invitation.expose());
        Way {
            name: offered.display_name,
            href: format!("/v1/oauth/start?{}", query.finish()),
        }
    });
    Ok(Ways {
        providers: providers.collect(),
        local: local
            .as_ref()
            .and_then(Settings::of)
            .is_none_or(|settings| !settings.absent),
    })
}
