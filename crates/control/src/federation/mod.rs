//! One sign-in at an identity provider: where the browser is sent, what it carries meanwhile, and what
//! its answer proves (note 027). What is proved is judged by `aeolus_oidc`; who may come in, by `people`.

mod answer;
mod ask;
mod attempts;
mod began;
mod callback;
mod cookie;
mod finish;
mod github;
pub(crate) mod graph;
mod landing;
mod link;
mod pace;
mod person;
mod posted;
mod provider;
mod refused;
mod sign_out;
mod spent;
mod start;
mod trouble;

use std::sync::OnceLock;
use std::time::Duration;

use aeolus_api::egress::{Bounds, Egress, Way};

use self::began::Began;
use self::pace::Pace;
use self::provider::Providers;
use self::spent::Spent;
use self::trouble::Trouble;

pub(crate) use self::callback::{callback_get, callback_post};
pub(crate) use self::landing::{redirect_get, redirect_post};
pub(crate) use self::link::{lead_on, link};
pub(crate) use self::sign_out::sign_out_at_provider;
pub(crate) use self::start::{Start, start};

/// What a provider's answer may take. Several are waited for one after the other, within the edge's minute.
const BOUNDS: Bounds = Bounds {
    bytes: 1024 * 1024,
    time: Duration::from_secs(8),
};

/// What this process remembers of sign-ins at providers. Nothing that a sign-in needs is here alone: it may
/// come back to another replica.
#[derive(Default)]
pub(crate) struct Federation {
    egress: OnceLock<Option<Egress>>,
    providers: Providers,
    began: Began,
    pace: Pace,
    spent: Spent,
}

impl Federation {
    /// What asks providers, by the way out that is configured.
    fn egress(&self, way: &Way) -> Result<&Egress, Trouble> {
        let made = self.egress.get_or_init(|| match Egress::by(way, BOUNDS) {
            Ok(egress) => Some(egress),
            Err(error) => {
                tracing::error!(%error, "no trust anchors: no identity provider can be asked");
                None
            }
        });
        made.as_ref().ok_or(Trouble::NoAnchors)
    }
}
