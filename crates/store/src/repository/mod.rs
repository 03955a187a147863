//! One repository per aggregate: its record, its SQL and the mapping between the two.

use crate::engine::{Row, words};
use crate::{Step, StoreError};

/// Names statements and lists them, so that a test can prepare every one on every engine.
macro_rules! statements {
    ($($(#[$doc:meta])* $name:ident = $sql:expr;)*) => {
        $($(#[$doc])* const $name: &str = $sql;)*
        pub(super) const ALL: &[&str] = &[$($name),*];
    };
}

/// What may be the same in two records of this kind: turns the engine's "not unique" into it.
macro_rules! taken {
    ($result:expr, $what:ident) => {
        $result.map_err(|error| match error {
            $crate::StoreError::Taken(_) => $crate::StoreError::Taken($crate::Taken::$what),
            other => other,
        })
    };
}

/// Whether a grant reaches a deployment of the plane `$1`, from the deployment up to the system.
macro_rules! reaches {
    () => {
        "(resource_kind = 'system'
            OR resource IN (SELECT organization FROM deployments WHERE plane = $1)
            OR resource IN (SELECT workspace FROM deployments WHERE plane = $1)
            OR resource IN (SELECT id FROM deployments WHERE plane = $1))"
    };
}

/// The next `$3` people after `$2` whom a grant reaches, of their own or through a team. Both halves
/// are cut before they are put together, so that a page costs what a page holds.
macro_rules! people {
    () => {
        concat!(
            "(SELECT subject FROM (SELECT DISTINCT subject FROM grants
                WHERE subject_kind = 'user' AND subject > $2 AND ",
            reaches!(),
            " ORDER BY subject LIMIT $3) AS themselves
            UNION SELECT member FROM (SELECT DISTINCT member FROM team_members
                WHERE member > $2 AND team IN (SELECT subject FROM grants
                    WHERE subject_kind = 'team' AND ",
            reaches!(),
            ") ORDER BY member LIMIT $3) AS members
            ORDER BY subject LIMIT $3) AS people"
        )
    };
}

/// The ids that `$1` is made of, as rows: one statement for any number of them, on either engine. What stands beside the
/// parameter says only its type.
macro_rules! ids {
    ($rest:expr) => {
        concat!(
            "WITH RECURSIVE ids (at, id) AS (
                SELECT 1, substr(COALESCE($1, (SELECT id FROM connections WHERE 1 = 0)), 1, 16)
                UNION ALL
                SELECT at + 16, substr($1, at + 16, 16) FROM ids WHERE at + 16 <= length($1)) ",
            $rest
        )
    };
}

mod audit;
pub(crate) mod audit_chain;
mod audit_cut;
mod audit_sinks;
mod batches;
pub(crate) mod changed_subjects;
mod codes;
mod connections;
mod deployments;
mod device_codes;
mod emails;
mod first_admin;
mod grants;
mod group_teams;
mod idempotency;
mod identities;
mod introductions;
mod invitations;
mod keys;
mod memberships;
mod notices;
mod offboarding;
mod organizations;
mod password_resets;
mod planes;
mod provider_keys;
mod publications;
mod refresh_tokens;
mod replicas;
pub(crate) mod revocations;
mod roles;
mod rollouts;
mod roots;
mod scim_credentials;
pub(crate) mod scim_events;
mod scim_groups;
mod scim_members;
mod scim_requests;
mod scim_users;
mod second_factors;
mod session_hints;
mod sessions;
pub(crate) mod settings;
mod shortening;
mod teams;
mod throttles;
mod token_values;
mod tokens;
mod users;
mod waiting_addresses;
mod workspaces;

pub use audit::{AuditCursor, AuditLine, AuditLog, AuditRecord, Direction};
pub use audit_chain::{AuditBegin, AuditChain};
pub use audit_cut::AuditCut;
pub use audit_sinks::{AuditSink, AuditSinks, Hold};
pub use batches::Batches;
pub use changed_subjects::ChangedSubjects;
pub use codes::Codes;
pub use connections::{Connection, Connections};
pub use deployments::{Deployment, Deployments, Route};
pub use device_codes::DeviceCodes;
pub use emails::{Emails, OutgoingEmail};
pub use first_admin::FirstAdminCodes;
pub use grants::{GrantRecord, GrantRepository};
pub use group_teams::{GroupTeam, GroupTeams};
pub use idempotency::{Claim, IdempotencyKeys};
pub use identities::{Identities, Identity};
pub use introductions::Introductions;
pub use invitations::{InvitationRecord, Invitations, InvitationsSent, InvitedRole};
pub use keys::{KeyNeed, KeyStage, Keys, SigningKey};
pub use notices::{Notice, NoticeKind, TokenWindow};
pub use organizations::{Organization, Organizations};
pub use password_resets::{PasswordRequest, PasswordReset, PasswordResets};
pub use planes::{Plane, PlaneStage, Planes};
pub use provider_keys::{ProviderEndpoints, ProviderKey, ProviderKeySets, ProviderKeys};
pub use publications::{Blob, Publication, Publications, Told};
pub use refresh_tokens::RefreshTokens;
pub use replicas::{Replica, Replicas};
pub use revocations::{Mark, RevocationList, Revocations, StatusBits, StatusEnd};
pub use roles::{RoleRecord, Roles};
pub use rollouts::{Rollout, RolloutStage, Rollouts};
pub use roots::{RootDocument, Roots};
pub use scim_credentials::{
    ScimCredential, ScimCredentialKind, ScimCredentials, ScimSecret, ScimSecretDue,
};
pub use scim_events::{ScimEvent, ScimEventWaiting, ScimEvents, ScimHold, ScimReceiver};
pub use scim_groups::{ScimGroup, ScimGroupKey, ScimGroups};
pub use scim_members::ScimGroupOf;
pub use scim_requests::{ScimRequest, ScimRequests};
pub use scim_users::{ScimUser, ScimUserKey, ScimUsers};
pub use second_factors::{SecondFactor, SecondFactors, Tries};
pub use session_hints::SessionHints;
pub use sessions::{SessionRecord, Sessions, SignInSource};
pub use settings::{Feed, Settings};
pub use shortening::Shortened;
pub use teams::{Member, Team, Teams};
pub use throttles::{Throttle, Throttles};
pub use token_values::ValueRecord;
pub use tokens::{ScopeFilter, TokenFilter, TokenRecord, Tokens};
pub use users::{User, Users};
pub use waiting_addresses::WaitingAddresses;
pub use workspaces::{Workspace, Workspaces};

/// A SHA-256.
pub type Digest = [u8; 32];

/// Every statement of this crate.
pub(crate) const STATEMENTS: &[&[&str]] = &[
    audit::ALL,
    audit_chain::ALL,
    audit_cut::ALL,
    audit_sinks::ALL,
    batches::ALL,
    changed_subjects::ALL,
    codes::ALL,
    connections::ALL,
    deployments::ALL,
    device_codes::ALL,
    emails::ALL,
    first_admin::ALL,
    grants::ALL,
    group_teams::ALL,
    idempotency::ALL,
    identities::ALL,
    introductions::ALL,
    invitations::ALL,
    keys::ALL,
    memberships::ALL,
    notices::ALL,
    offboarding::ALL,
    organizations::ALL,
    password_resets::ALL,
    planes::ALL,
    provider_keys::ALL,
    publications::ALL,
    refresh_tokens::ALL,
    replicas::ALL,
    revocations::ALL,
    roles::ALL,
    rollouts::ALL,
    roots::ALL,
    scim_credentials::ALL,
    scim_requests::ALL,
    scim_events::ALL,
    scim_groups::ALL,
    scim_members::ALL,
    scim_users::ALL,
    second_factors::ALL,
    session_hints::ALL,
    sessions::ALL,
    settings::ALL,
    shortening::ALL,
    teams::ALL,
    throttles::ALL,
    token_values::ALL,
    tokens::ALL,
    users::ALL,
    waiting_addresses::ALL,
    workspaces::ALL,
];

/// Who looks after a record. Pruning removes only what an apply made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ManagedBy {
    /// A fleet document.
    Apply,
    /// People and programs through the API.
    Api,
    /// Control's configuration.
    Configuration,
}

words!(ManagedBy { Apply = "apply", Api = "api", Configuration = "configuration" });

/// A value as it is kept in a TEXT column.
pub(crate) fn json(value: &impl serde::Serialize) -> Result<String, StoreError> {
    serde_json::to_string(value).map_err(|error| StoreError::Engine(error.to_string()))
}

/// How many of the next records, of these sizes, are one step.
fn fits(step: Step, sizes: &[Row]) -> Result<u32, StoreError> {
    let sizes: Result<Vec<u64>, _> = sizes.iter().map(Row::only).collect();
    Ok(step.fits(&sizes?))
}

/// What a TEXT column keeps as JSON.
pub(crate) fn from_json<T: serde::de::DeserializeOwned>(text: &str) -> Result<T, StoreError> {
    serde_json::from_str(text)
        .map_err(|_| StoreError::Corrupt("a JSON column is unreadable".to_owned()))
}
