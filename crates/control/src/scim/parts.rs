//! What requests of provisioning clients share.

use std::sync::Arc;

use aeolus_model::Secret;
use arc_swap::ArcSwap;

use super::code::digest_key_from;
use super::flood::Floods;
use super::log::ScimLog;
use super::uses::ScimUses;
use crate::config::{ControlConfig, ScimConfig};

/// What requests of provisioning clients share.
pub(crate) struct ScimParts {
    /// From where, how often, and at which listener, they may come.
    config: ArcSwap<ScimConfig>,
    /// Tells codes and access tokens apart; follows from the master key.
    pub(crate) key: Secret<[u8; 32]>,
    /// Requests until they are written down.
    pub(super) log: ScimLog,
    /// Bad credentials.
    pub(super) floods: Floods,
    /// When credentials were used, until it is written down.
    pub(super) uses: ScimUses,
}

impl ScimParts {
    /// Of what control is told.
    pub(crate) fn new(config: &ControlConfig) -> Self {
        Self {
            config: ArcSwap::from_pointee(config.scim.clone()),
            key: digest_key_from(&config.master_key),
            log: ScimLog::default(),
            floods: Floods::default(),
            uses: ScimUses::default(),
        }
    }

    /// From where, how often, and at which listener, they may come.
    pub(super) fn config(&self) -> Arc<ScimConfig> {
        self.config.load_full()
    }

    /// Takes what the configuration says now. Listeners are opened at a start: until then nobody is told to use one that isn't
    /// there.
    pub(crate) fn follow(&self, wanted: ScimConfig) {
        let listen = self.config().listen.clone();
        self.config.store(Arc::new(ScimConfig {
            only: wanted.only && listen.is_some(),
            listen,
            ..wanted
        }));
    }
}
