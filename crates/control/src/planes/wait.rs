//! `wait=planes`: an answer that comes once planes obey.

use aeolus_api::PlaneAcks;
use aeolus_model::OrganizationId;
use aeolus_store::StoreError;
use serde::{Deserialize, Serialize};

use super::acks::{Change, wait_within};
use crate::app::App;

/// Whose planes an answer waits for, and for what.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Wait {
    organization: Option<OrganizationId>,
    revocation: bool,
}

impl Wait {
    /// Until everything is in force on planes of an organization, or of any.
    pub(crate) const fn any(organization: Option<OrganizationId>) -> Self {
        Self {
            organization,
            revocation: false,
        }
    }

    /// Until what was revoked is refused there.
    pub(crate) const fn revocation(organization: OrganizationId) -> Self {
        Self {
            organization: Some(organization),
            revocation: true,
        }
    }

    /// Waits for what was committed at a position, at most two seconds, and says who obeys.
    pub(crate) async fn heard(self, app: &App, seq: u64) -> Result<PlaneAcks, StoreError> {
        let change = if self.revocation {
            Change::Revocation(seq)
        } else {
            Change::Any(seq)
        };
        let organizations = self.organization.as_ref().map(std::slice::from_ref);
        wait_within(app, organizations, change).await
    }
}

/// As [`Wait::heard`], if that is asked for.
pub(crate) async fn heard(
    app: &App,
    wait: Option<Wait>,
    seq: u64,
) -> Result<Option<PlaneAcks>, StoreError> {
    match wait {
        Some(wait) => wait.heard(app, seq).await.map(Some),
        None => Ok(None),
    }
}
