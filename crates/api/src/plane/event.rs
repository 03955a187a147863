//! What gates report.

use aeolus_model::{
    ConnectionId, DeploymentId, OrganizationId, RolloutPath, SessionId, Slug, TokenId, UserId,
};
use serde::{Deserialize, Serialize};

use crate::Base64Bytes;

/// One line of `POST /v1/planes/self/events` (NDJSON). Lines of a type control doesn't know are
/// skipped and counted, so that a newer gate's spool never blocks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(
    tag = "type",
    rename_all = "snake_case",
    rename_all_fields = "camelCase"
)]
pub enum Event {
    /// A person signed out at a gate.
    SessionEnded {
        /// Which session.
        session: SessionId,
        /// When, in seconds since the epoch.
        at: i64,
    },
    /// While control was away, a person signed in at an identity provider by the plane's own client.
    SessionBegun {
        /// Which session: an id that the gate made.
        session: SessionId,
        /// Who.
        user: UserId,
        /// Through which connection.
        connection: ConnectionId,
        /// At which deployment.
        deployment: DeploymentId,
        /// When, in seconds since the epoch.
        at: i64,
        /// When the person proved who they are.
        auth_time: i64,
        /// How (RFC 8176), as far as the plane keeps it: `mfa`, or nothing.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        amr: Vec<String>,
        /// When the session ends at the plane, whatever happens.
        absolute_end: i64,
    },
    /// A request was refused.
    Denied {
        /// When, in seconds since the epoch.
        at: i64,
        /// At which deployment, if the route was known.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        deployment: Option<DeploymentId>,
        /// The client's address.
        source: String,
        /// The stable reason.
        reason: String,
        /// Who asked (an id), if known.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        subject: Option<String>,
        /// The gate's request id.
        #[serde(default)]
        request_id: String,
    },
    /// Refusals of one minute beyond those reported in full.
    DeniedCount {
        /// The minute's first second.
        minute: i64,
        /// At which deployment, if the route was known.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        deployment: Option<DeploymentId>,
        /// The client's address or network.
        source: String,
        /// The stable reason.
        reason: String,
        /// How many.
        count: u64,
    },
    /// Revocations that control once signed for the plane and no more knows: its database was
    /// restored from a backup. Control believes its own signature.
    Forgotten {
        /// Whose.
        organization: OrganizationId,
        /// The manifest that names them.
        manifest: String,
        /// The section, compressed.
        content: Base64Bytes,
    },
    /// A manifest that control once signed for the plane, of a plane without revocations that would show
    /// it: control may know of nothing so new. It believes its own signature.
    Signed {
        /// The manifest.
        manifest: String,
    },
    /// While cut off, the plane served a credential that had already been revoked here.
    UseAfterRevocation {
        /// When, in seconds since the epoch.
        at: i64,
        /// At which deployment.
        deployment: DeploymentId,
        /// Whose organization.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        organization: Option<OrganizationId>,
        /// The token's or session's id; never a value.
        credential: String,
    },
    /// The gate moved a deployment between the paths of a rollout by itself.
    RolloutMoved {
        /// When, in seconds since the epoch.
        at: i64,
        /// Which rollout.
        rollout: Slug,
        /// Which deployment.
        deployment: DeploymentId,
        /// The path it takes from now on.
        path: RolloutPath,
        /// Whether that is the path its rollout gives it.
        back: bool,
        /// Bad requests of those in the window that caused it.
        #[serde(default)]
        bad: u64,
        /// Requests in that window.
        #[serde(default)]
        requests: u64,
    },
    /// Values of API tokens that were used, each told again only after a while.
    TokensUsed {
        /// Which, and when.
        uses: Vec<TokenUse>,
    },
}

/// A use of a value of an API token.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TokenUse {
    /// The token.
    pub token: TokenId,
    /// The value's place in the status list of the token's organization.
    pub index: u32,
    /// When, in seconds since the epoch.
    pub at: i64,
}
