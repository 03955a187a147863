//! The words of Aeolus as types.
//!
//! Everything here is pure: no I/O, no clock, no randomness of its own. A value that exists is a
//! value that is allowed to exist; what can't be is refused where bytes become types.

mod amr;
mod audit;
mod built_ins;
mod cidr;
mod clock;
mod date;
mod device;
mod grant;
mod granted_role;
mod hex;
mod host_pattern;
mod id;
mod identity;
mod name;
mod permission;
mod profile;
mod refresh;
mod rng;
mod role;
mod rollout;
mod secret;
mod session;
mod source;
mod staleness;
mod text;
mod token;

pub use amr::Amr;
pub use audit::{Action, Actor, AuditEvent, Change, Outcome};
pub use built_ins::{BuiltInFault, BuiltIns};
pub use cidr::{Cidr, CidrError, admits};
pub use clock::{Clock, SystemClock, Time};
pub use date::{date, moment, rfc3339};
pub use device::{DeviceCode, DeviceError, DeviceStage};
pub use grant::{Grant, Grants, Resource, Subject};
pub use granted_role::{
    CustomRole, CustomScope, GrantedRole, RoleDefinition, RoleFault, RoleName, RoleNameFault,
};
pub use hex::{hex, unhex};
pub use host_pattern::{HostPattern, HostPatternError, domain_above};
pub use id::{
    ConnectionId, DeploymentId, EmailId, GrantId, IdError, InvitationId, KeyId, OrganizationId,
    PasswordResetId, PlaneId, RefreshFamilyId, RoleId, ScimCredentialId, ScimEventId,
    ScimRequestId, SessionId, TeamId, TokenId, UserId, WorkspaceId,
};
pub use identity::{IdentitySubject, IdentitySubjectError};
pub use name::{
    Email, EmailError, Host, HostError, PathPrefix, PathPrefixError, Slug, SlugError, is_loopback,
};
pub use permission::{Permission, PermissionSet, UnknownPermission};
pub use profile::{Method, PathPattern, PathPatternError, PathRule, Profile, Requirement};
pub use refresh::{FamilyStage, RefreshError, RefreshFamily, RefreshToken, Rotation};
pub use rng::Rng;
pub use role::{AirflowRole, Role, Scope, UnknownRole};
pub use rollout::{FallBack, RolloutPath, RolloutPathError, TreePlace, TreePlaceError};
pub use secret::Secret;
pub use session::{AuthorizationCode, CodeError, Session, SessionEnd};
pub use source::{Site, Source};
pub use staleness::{Staleness, StalenessError, StalenessPolicy};
pub use text::is_shown;
pub use token::{ApiToken, TokenKind, TokenScope, TokenStage, TokenValue, direct_ceiling};
