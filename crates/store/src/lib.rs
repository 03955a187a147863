//! Control's database.
//!
//! A [`Store`] opens units of work: [`Store::read`] a consistent view, [`Store::write`] a
//! transaction. Both give the repositories of [`Unit`], one per aggregate; only a [`Write`] has
//! those methods that change something. Dropping a unit takes everything back.
//!
//! ```no_run
//! # use aeolus_store::*;
//! # async fn example(store: Store, email: aeolus_model::Email) -> Result<(), StoreError> {
//! let mut write = store.write().await?;
//! if let Some(mut user) = write.users().by_email(&email).await? {
//!     user.name = "Ann".to_owned();
//!     write.users().update(&user).await?;
//! }
//! let position = write.commit().await?;
//! # Ok(())
//! # }
//! ```
//!
//! # How to add a repository
//!
//! A migration with the table (never edit a released one), a file under `repository/` with its
//! record type and its SQL in [`statements!`](macro@crate::statements), an accessor in `unit.rs`,
//! its statements in `repository::STATEMENTS`, and tests in `tests/it/` that run on both engines.

mod database_url;
mod engine;
mod error;
mod migrate;
mod page;
mod repository;
mod unit;

pub use database_url::{DatabaseUrl, DatabaseUrlError};
pub use engine::Store;
pub use error::{StoreError, Taken};
pub use page::{Listing, Page, Step};
pub use repository::{
    AuditBegin, AuditChain, AuditCursor, AuditCut, AuditLine, AuditLog, AuditRecord, AuditSink,
    AuditSinks, Batches, Blob, ChangedSubjects, Claim, Codes, Connection, Connections, Deployment,
    Deployments, DeviceCodes, Digest, Direction, Emails, Feed, FirstAdminCodes, GrantRecord,
    GrantRepository, GroupTeam, GroupTeams, Hold, IdempotencyKeys, Identities, Identity,
    Introductions, InvitationRecord, Invitations, InvitationsSent, InvitedRole, KeyNeed, KeyStage,
    Keys, ManagedBy, Mark, Member, Notice, NoticeKind, Organization, Organizations, OutgoingEmail,
    PasswordRequest, PasswordReset, PasswordResets, Plane, PlaneStage, Planes, ProviderEndpoints,
    ProviderKey, ProviderKeySets, ProviderKeys, Publication, Publications, RefreshTokens, Replica,
    Replicas, RevocationList, Revocations, RoleRecord, Roles, Rollout, RolloutStage, Rollouts,
    RootDocument, Roots, Route, ScimCredential, ScimCredentialKind, ScimCredentials, ScimEvent,
    ScimEventWaiting, ScimEvents, ScimGroup, ScimGroupKey, ScimGroupOf, ScimGroups, ScimHold,
    ScimReceiver, ScimRequest, ScimRequests, ScimSecret, ScimSecretDue, ScimUser, ScimUserKey,
    ScimUsers, ScopeFilter, SecondFactor, SecondFactors, SessionHints, SessionRecord, Sessions,
    Settings, Shortened, SignInSource, SigningKey, StatusBits, StatusEnd, Team, Teams, Throttle,
    Throttles, TokenFilter, TokenRecord, TokenWindow, Tokens, Told, Tries, User, Users,
    ValueRecord, WaitingAddresses, Workspace, Workspaces,
};
pub use unit::{Ending, Read, Unit, Write};
