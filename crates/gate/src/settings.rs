//! What a gate is told that may change while it runs.

use std::sync::Arc;
use std::time::Duration;

use aeolus_decide::Rails;
use arc_swap::{ArcSwap, Guard};

use crate::forwarded::TrustedProxies;
use crate::guard::Proxies;
use crate::limits::{Caps, Rates};
use crate::observe::Share;
use crate::patience::Patience;

/// Settings that take effect at once, all together.
#[derive(Default)]
pub struct Live {
    /// Who may ask from other machines.
    pub proxies: Proxies,
    /// Who is believed about where a request of the built-in proxy comes from.
    pub trusted_proxies: TrustedProxies,
    /// The share of allowances that the decision log shows; refusals are all there.
    pub allow_sample: Share,
    /// The name of the parent domain's cookie that counts at `/v1/authorization`, if one does.
    pub parent_cookie: Option<String>,
    /// How slow a client may be.
    pub patience: Patience,
    /// How often what may happen.
    pub rates: Rates,
    /// How much of what may be open at once.
    pub caps: Caps,
    /// How long requests go on after the stop was asked for, while whoever watches `/readyz` takes note.
    pub drain_delay: Duration,
    /// What this plane allows, whatever control says.
    pub rails: Rails,
}

/// The settings in force, shared by everything that reads them.
#[derive(Clone)]
pub struct Settings(Arc<ArcSwap<Live>>);

impl Settings {
    /// Begins with these.
    pub fn new(live: Live) -> Self {
        Self(Arc::new(ArcSwap::from_pointee(live)))
    }

    /// Those in force at this moment. Costs no lock; not to be held across an `await`.
    pub fn now(&self) -> Guard<Arc<Live>> {
        self.0.load()
    }

    /// Puts others in force, and returns those that were.
    pub fn replace(&self, live: impl Into<Arc<Live>>) -> Arc<Live> {
        self.0.swap(live.into())
    }
}
