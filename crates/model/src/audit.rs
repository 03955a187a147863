//! What the audit log says: who did what to what, and how it went. Never a secret.

use serde::{Deserialize, Serialize};

use crate::{OrganizationId, PlaneId, Time, TokenId, UserId};

/// Who acted.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(tag = "type", content = "id", rename_all = "lowercase")]
pub enum Actor {
    /// A person.
    User(UserId),
    /// An API token.
    Token(TokenId),
    /// A gate of a plane.
    Plane(PlaneId),
    /// A provisioning client of a connection, as `CONNECTION/CREDENTIAL`.
    Scim(String),
    /// Aeolus itself, or its operator at the machine.
    System,
    /// Somebody who has not proved who they are.
    Anonymous,
}

macro_rules! actions {
    ($($(#[$doc:meta])* $variant:ident = $name:literal,)*) => {
        /// What was done. The names are stable: people search and alert on them.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
        pub enum Action { $($(#[$doc])* #[serde(rename = $name)] $variant,)* }

        impl Action {
            /// The stable name.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }
        }
    };
}

actions! {
    /// Somebody signed in, or tried to.
    SignIn = "session.sign_in",
    /// A session was ended.
    SignOut = "session.sign_out",
    /// A session's life was extended.
    SessionRenew = "session.renew",
    /// An authorization code was used twice.
    CodeReplay = "session.code_replay",
    /// Somebody was shown an access token to paste into the command line.
    TokenShow = "session.token_show",
    /// A refresh token was used twice.
    RefreshReplay = "session.refresh_replay",
    /// A fleet document was applied.
    Apply = "fleet.apply",
    /// An API token was made.
    TokenCreate = "token.create",
    /// An API token was given another name or description.
    TokenUpdate = "token.update",
    /// An API token was given other roles.
    TokenRoles = "token.roles",
    /// An API token was given a new value.
    TokenRotate = "token.rotate",
    /// The earlier values of an API token were ended before their grace was over.
    TokenRotateEnd = "token.rotate_end",
    /// An API token was deleted.
    TokenDelete = "token.delete",
    /// Tokens were deleted together, or everything older than some time was ended.
    TokensRevoke = "token.revoke_many",
    /// A plane was added.
    PlaneAdd = "plane.add",
    /// A gate enrolled, or tried to.
    PlaneEnroll = "plane.enroll",
    /// A grant was given.
    GrantCreate = "grant.create",
    /// A grant was taken back.
    GrantDelete = "grant.delete",
    /// An organization made a role for itself.
    RoleCreate = "role.create",
    /// Such a role was changed.
    RoleUpdate = "role.update",
    /// Such a role was removed.
    RoleDelete = "role.delete",
    /// A built-in role allows something else since control was started with another configuration.
    RoleCustomise = "role.customise",
    /// A group of an identity provider became a team.
    TeamCreate = "team.create",
    /// A team was given another name, or its group has one.
    TeamUpdate = "team.update",
    /// A team was removed.
    TeamDelete = "team.delete",
    /// Somebody is in other teams because of their groups at an identity provider.
    TeamMembers = "team.members",
    /// The group that a team stands for is gone at the identity provider: nobody is in it.
    TeamGone = "team.gone",
    /// Such a group is there again.
    TeamBack = "team.back",
    /// An organization was added.
    OrganizationCreate = "organization.create",
    /// An organization was removed with everything in it.
    OrganizationDelete = "organization.delete",
    /// A workspace was added.
    WorkspaceCreate = "workspace.create",
    /// A workspace was removed.
    WorkspaceDelete = "workspace.delete",
    /// A user was added.
    UserCreate = "user.create",
    /// A user was removed.
    UserDelete = "user.delete",
    /// An identity provider made a user by SCIM.
    ScimUserCreate = "scim.user_create",
    /// Such a user was changed by the provider.
    ScimUserUpdate = "scim.user_update",
    /// Such a user was deleted by the provider.
    ScimUserDelete = "scim.user_delete",
    /// An identity provider disabled or deleted the last owner of an organization, or the last administrator.
    NobodyLeft = "scim.nobody_left",
    /// A deployment was added.
    DeploymentCreate = "deployment.create",
    /// A deployment was changed.
    DeploymentUpdate = "deployment.update",
    /// A deployment was removed.
    DeploymentDelete = "deployment.delete",
    /// How people sign in at an identity provider is another in control's configuration.
    ConnectionConfigure = "connection.configure",
    /// A plane has a client of its own at a connection's identity provider from now on, or another one.
    PlaneRegister = "connection.plane_register",
    /// A plane has none there any more.
    PlaneUnregister = "connection.plane_unregister",
    /// A credential was made with which a provider provisions.
    ScimCredentialCreate = "scim.credential_create",
    /// Such a credential was given a new value.
    ScimCredentialRotate = "scim.credential_rotate",
    /// Such a credential was deleted.
    ScimCredentialDelete = "scim.credential_delete",
    /// Such a credential ends soon.
    ScimCredentialExpiresSoon = "scim.credential_expires_soon",
    /// Events that a receiver was to be told of what is provisioned were dropped.
    ScimEventsDrop = "scim.events_drop",
    /// The keys of a connection's identity provider were dropped: it could not be asked for too long.
    ProviderKeysDrop = "connection.keys_drop",
    /// A gate proved that control's database was restored; publishing stopped.
    RestoreFound = "control.restore_found",
    /// An operator made publishing go on after a restore.
    Recover = "control.recover",
    /// A gate reminded control of revocations that a restore had lost.
    RevocationsRestored = "control.revocations_restored",
    /// A gate refused a request.
    GateDeny = "gate.deny",
    /// A revoked credential was used while a plane was cut off.
    UseAfterRevocation = "gate.use_after_revocation",
    /// A token's value ends soon.
    TokenExpiresSoon = "token.expires_soon",
    /// Nobody has used a token for long.
    TokenUnused = "token.unused",
    /// An API token's value is as old as its organization wants to hear of.
    TokenRotationDue = "token.rotation_due",
    /// Whoever answers for a token has no role in its organization any more, or is disabled.
    TokenOwnerLeft = "token.owner_left",
    /// A plane's identity is believed no more.
    PlaneQuarantine = "plane.quarantine",
    /// It is believed again.
    PlaneRelease = "plane.release",
    /// An organization was given other rules.
    PolicySet = "organization.policy_set",
    /// An organization was allowed more or less of what all share.
    QuotaSet = "organization.quota_set",
    /// A rollout was added or its settings were changed.
    RolloutSet = "rollout.set",
    /// Everything a rollout is about was given its path.
    RolloutPromote = "rollout.promote",
    /// Everything a rollout is about was taken off its path.
    RolloutAbort = "rollout.abort",
    /// A rollout was removed.
    RolloutDelete = "rollout.delete",
    /// A gate moved a deployment off its rollout's path by itself.
    RolloutFallBack = "rollout.fall_back",
    /// A gate moved it back.
    RolloutReturn = "rollout.return",
    /// Everything that a person had signed in to an organization until then is refused there.
    SessionsEnd = "session.end_all",
    /// A person's access to an organization was ended, with everything in it that hung on them.
    UserOffboard = "user.offboard",
    /// Another person answers for an API token from now on.
    TokenGive = "token.give",
    /// A signing key was made that will sign later, or its date was changed.
    KeyAnnounce = "key.announce",
    /// A signing key began to sign, and the one before it ended.
    KeyActivate = "key.activate",
    /// A signing key was removed: what it signed is refused.
    KeyRemove = "key.remove",
    /// A signing key that somebody else had was replaced at once.
    KeyReplace = "key.replace",
    /// An upgrade replaced all signing keys but the snapshot key, and ended every session.
    KeysRegenerate = "key.regenerate",
    /// The private keys were sealed under another master key.
    KeysReseal = "key.reseal",
    /// A container registry's client was given a token for a repository.
    RegistryAuthorize = "registry.authorize",
    /// A token for control was exchanged for one that a single deployment takes.
    TokenExchange = "token.exchange",
    /// Somebody let a machine without a browser sign in as them, or refused to.
    DeviceDecide = "session.device_decide",
    /// A machine that somebody let sign in as them was given its tokens.
    DeviceRedeem = "session.device_redeem",
    /// Somebody set up a second factor.
    SecondFactorEnroll = "user.second_factor_enroll",
    /// Somebody removed their second factor.
    SecondFactorRemove = "user.second_factor_remove",
    /// An administrator removed somebody's second factor.
    SecondFactorReset = "user.second_factor_reset",
    /// Somebody made their recovery codes anew.
    RecoveryCodesRenew = "user.recovery_codes_renew",
    /// Somebody used a recovery code instead of their second factor.
    RecoveryCodeUse = "user.recovery_code_use",
    /// Somebody is known by an identity of a provider from now on.
    IdentityLink = "user.identity_link",
    /// Somebody is not known by an identity of a provider any more.
    IdentityUnlink = "user.identity_unlink",
    /// An account lost its address, which nobody had shown to be its owner's, to whom a provider proves it of.
    AddressLose = "user.address_lose",
    /// Somebody may not sign in any more, and everything that they had signed in to ended.
    UserDisable = "user.disable",
    /// Somebody may sign in again.
    UserEnable = "user.enable",
    /// A link was made by which somebody sets a new password.
    PasswordResetCreate = "user.password_reset_create",
    /// Somebody set a new password by such a link.
    PasswordReset = "user.password_reset",
    /// Somebody used the code that makes the first administrator.
    FirstAdmin = "control.first_admin",
    /// Somebody was invited into an organization.
    InvitationCreate = "invitation.create",
    /// An invitation was taken up.
    InvitationAccept = "invitation.accept",
    /// An invitation was taken back.
    InvitationRevoke = "invitation.revoke",
    /// Requests to control's API were refused.
    ApiDeny = "api.deny",
    /// An e-mail was sent to try out what is configured, or the server refused it.
    EmailTest = "email.test",
    /// An e-mail that the server did not take for long, or for good, will not be sent.
    EmailGiveUp = "email.give_up",
    /// The oldest lines of the audit log were deleted for their age.
    AuditTrim = "audit.trim",
}

/// How it went.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// Done.
    Success,
    /// Refused, with the reason in the event.
    Denied,
    /// Something broke.
    Failure,
}

/// One line of the audit log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AuditEvent {
    /// When.
    pub at: Time,
    /// Who.
    pub actor: Actor,
    /// What.
    pub action: Action,
    /// In which organization, if in one.
    pub organization: Option<OrganizationId>,
    /// To what: an id or a name, as text.
    pub target: String,
    /// How it went.
    pub outcome: Outcome,
    /// The cause of a refusal or failure, as a stable code; empty on success.
    pub reason: String,
    /// From which address, where there is one.
    pub source: String,
    /// The request's id, to find it in the logs.
    pub request_id: String,
    /// What it changed. Never a secret.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub changes: Vec<Change>,
}

impl AuditEvent {
    /// What the installation did by itself, and did: in no organization, to nothing in particular, and without a
    /// request.
    pub const fn of_system(at: Time, action: Action) -> Self {
        Self {
            at,
            actor: Actor::System,
            action,
            organization: None,
            target: String::new(),
            outcome: Outcome::Success,
            reason: String::new(),
            source: String::new(),
            request_id: String::new(),
            changes: Vec::new(),
        }
    }
}

/// One thing that an act changed, as text for people to read and compare.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    /// What.
    pub field: String,
    /// What it was; absent where there was nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<String>,
    /// What it is now; absent where nothing is left.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<String>,
}

impl Change {
    /// Something that is new.
    pub fn to(field: &str, after: impl Into<String>) -> Self {
        Self {
            field: field.to_owned(),
            before: None,
            after: Some(after.into()),
        }
    }

    /// Something that was before and is no more.
    pub fn from(field: &str, before: impl Into<String>) -> Self {
        Self {
            field: field.to_owned(),
            before: Some(before.into()),
            after: None,
        }
    }

    /// Something that is another than before; none if it is the same.
    pub fn of(field: &str, before: &str, after: &str) -> Option<Self> {
        (before != after).then(|| Self {
            field: field.to_owned(),
            before: Some(before.to_owned()),
            after: Some(after.to_owned()),
        })
    }
}
