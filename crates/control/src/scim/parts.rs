//! What requests of provisioning clients share.

use aeolus_model::Secret;

use super::code::digest_key_from;
use super::flood::Floods;
use super::log::ScimLog;
use super::uses::ScimUses;
use crate::config::{ControlConfig, ScimConfig};

/// What requests of provisioning clients share.
pub(crate) struct ScimParts {
    /// From where, and at which listener, they come.
    pub(super) config: ScimConfig,
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
            config: config.scim.clone(),
            key: digest_key_from(&config.master_key),
            log: ScimLog::default(),
            floods: Floods::default(),
            uses: ScimUses::default(),
        }
    }
}
