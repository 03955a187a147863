//! What is in an organization.

use aeolus_api::explain::Explanation;
use aeolus_api::fleet::ApplyRequest;
use aeolus_api::invitation::{Invitation, InvitationCreate, InvitationCreated};
use aeolus_api::offboard::{OffboardRequest, Offboarded};
use aeolus_api::policy::{Policy, PolicyChanged, PolicyShown};
use aeolus_api::quota::{Quota, QuotaShown};
use aeolus_api::role::{PermissionGroup, Role, RoleChanged, RoleSet};
use aeolus_api::tenancy::{
    ApplyAnswer, Created, Deployment, DeploymentCreate, Grant, GrantCreate, NamedCreate,
    Organization, User, UserCreate, Workspace,
};
use aeolus_api::token::{
    Token, TokenCreate, TokenCreated, TokenRoles, TokenRotate, TokenUpdate, TokensRevoke,
    TokensRevoked,
};
use aeolus_api::{Deleted, Page, access};

use super::{DRY_RUN, PAGE, WAIT, delete, get, parameter, post, put};
use crate::openapi::content::Form;
use crate::openapi::operation::Operation;

pub(super) fn organizations() -> Vec<Operation> {
    let (workspaces, workspace) = (
        "/v1/organizations/{o}/workspaces",
        "/v1/organizations/{o}/workspaces/{id}",
    );
    let (deployments, deployment) = (
        "/v1/organizations/{o}/deployments",
        "/v1/organizations/{o}/deployments/{id}",
    );
    vec![
        get(
            "/v1/organizations",
            "listOrganizations",
            "Organizations you may know of",
        )
        .query(&PAGE)
        .answers::<Page<Organization>>(200),
        post(
            "/v1/organizations",
            "createOrganization",
            "Makes an organization",
        )
        .takes::<NamedCreate>()
        .answers::<Created<Organization>>(201),
        get(
            "/v1/organizations/{o}",
            "getOrganization",
            "One organization",
        )
        .answers::<Organization>(200),
        delete(
            "/v1/organizations/{o}",
            "deleteOrganization",
            "Removes an empty one",
        )
        .answers::<Deleted>(200),
        get(workspaces, "listWorkspaces", "Workspaces")
            .query(&PAGE)
            .answers::<Page<Workspace>>(200),
        post(workspaces, "createWorkspace", "Makes a workspace")
            .takes::<NamedCreate>()
            .answers::<Created<Workspace>>(201),
        get(workspace, "getWorkspace", "One workspace").answers::<Workspace>(200),
        delete(workspace, "deleteWorkspace", "Removes an empty one").answers::<Deleted>(200),
        get(deployments, "listDeployments", "Deployments")
            .query(&PAGE)
            .answers::<Page<Deployment>>(200),
        post(deployments, "createDeployment", "Makes a deployment")
            .takes::<DeploymentCreate>()
            .answers::<Created<Deployment>>(201),
        get(deployment, "getDeployment", "One deployment").answers::<Deployment>(200),
        delete(deployment, "deleteDeployment", "Removes a deployment").answers::<Deleted>(200),
    ]
}

pub(super) fn people() -> Vec<Operation> {
    let (users, invitations, grants) = (
        "/v1/organizations/{o}/users",
        "/v1/organizations/{o}/invitations",
        "/v1/organizations/{o}/grants",
    );
    vec![
        get(users, "listUsers", "People with a role")
            .query(&PAGE)
            .answers::<Page<User>>(200),
        post(users, "createUser", "Adds somebody with a role")
            .takes::<UserCreate>()
            .answers::<Created<User>>(201),
        delete(
            "/v1/organizations/{o}/users/{id}",
            "deleteUser",
            "Takes a person out, and ends their tokens",
        )
        .query(&[WAIT])
        .answers::<Deleted>(200),
        post(
            "/v1/organizations/{o}/users/{id}/offboard",
            "offboardUser",
            "Ends what a person has here, or gives their tokens on",
        )
        .query(&[WAIT])
        .takes::<OffboardRequest>()
        .answers::<Offboarded>(200),
        get(invitations, "listInvitations", "Who is invited")
            .query(&PAGE)
            .answers::<Page<Invitation>>(200),
        post(invitations, "createInvitation", "Invites somebody")
            .takes::<InvitationCreate>()
            .answers::<InvitationCreated>(201),
        delete(
            "/v1/organizations/{o}/invitations/{id}",
            "revokeInvitation",
            "Takes an invitation back",
        )
        .answers::<Deleted>(200),
        get(grants, "listGrants", "Who has which role where")
            .query(&PAGE)
            .answers::<Page<Grant>>(200),
        post(grants, "createGrant", "Gives somebody a role")
            .takes::<GrantCreate>()
            .answers::<Created<Grant>>(201),
        delete(
            "/v1/organizations/{o}/grants/{id}",
            "deleteGrant",
            "Takes a role back",
        )
        .answers::<Deleted>(200),
        get(
            "/v1/organizations/{o}/access",
            "reviewAccess",
            "Who may do what at which deployment, and why",
        )
        .query(&PAGE)
        .query(&[
            parameter("deployment", "At one, by id or path.", Form::Text),
            parameter("subject", "Of one person or token, by id.", Form::Text),
        ])
        .answers::<Page<access::Access>>(200),
    ]
}

pub(super) fn roles() -> Vec<Operation> {
    let (roles, role) = (
        "/v1/organizations/{o}/roles",
        "/v1/organizations/{o}/roles/{id}",
    );
    let end = parameter(
        "end_grants",
        "Also ends grants that are in the way.",
        Form::Flag,
    );
    vec![
        get(roles, "listRoles", "Roles that can be given")
            .query(&PAGE)
            .answers::<Page<Role>>(200),
        post(
            roles,
            "createRole",
            "Makes a role of the organization's own",
        )
        .takes::<RoleSet>()
        .answers::<RoleChanged>(201),
        get(role, "getRole", "One role, by name or id")
            .conditional()
            .answers::<Role>(200),
        put(role, "setRole", "Changes a role for everybody who has it")
            .conditional()
            .query(&[WAIT, end])
            .takes::<RoleSet>()
            .answers::<RoleChanged>(200),
        delete(role, "deleteRole", "Removes a role")
            .conditional()
            .query(&[WAIT, end])
            .answers::<Deleted>(200),
        get(
            "/v1/authorization/permission-groups",
            "listPermissions",
            "What roles can be made of",
        )
        .answers::<Page<PermissionGroup>>(200),
        get(
            "/v1/explain",
            "explain",
            "What somebody may do somewhere, and why",
        )
        .query(&[
            parameter("subject", "Who, by id, address or name.", Form::Text),
            parameter("resource", "Where, by id or path.", Form::Text),
            parameter("permission", "Only this one.", Form::Text),
        ])
        .refuses(&[404])
        .answers::<Explanation>(200),
    ]
}

pub(super) fn tokens() -> Vec<Operation> {
    let (tokens, token) = (
        "/v1/organizations/{o}/tokens",
        "/v1/organizations/{o}/tokens/{id}",
    );
    let days = |name, what| parameter(name, what, Form::Number(0, 36_500));
    vec![
        get(
            tokens,
            "listTokens",
            "API tokens. Where a filter wants few of very many, a page may have fewer than its limit, even \
             none, and a cursor: ask on",
        )
            .query(&PAGE)
            .query(&[
                days("expiringWithinDays", "They expire within so many days."),
                days("olderThanDays", "Their newest value is older."),
                days("unusedForDays", "Nobody used them for so long."),
                parameter("createdBy", "This person made them.", Form::Id),
                parameter(
                    "scope",
                    "They reach so far.",
                    Form::OneOf(&["ORGANIZATION", "WORKSPACE", "DEPLOYMENT"]),
                ),
                parameter(
                    "entityId",
                    "They were made for this organization, workspace or deployment.",
                    Form::Id,
                ),
                parameter(
                    "kind",
                    "Of this kind.",
                    Form::OneOf(&["STANDARD", "DIRECT_ACCESS"]),
                ),
            ])
            .answers::<Page<Token>>(200),
        post(
            tokens,
            "createToken",
            "Makes an API token; its value is in this answer alone",
        )
        .query(&[WAIT])
        .takes::<TokenCreate>()
        .answers::<TokenCreated>(201),
        post(
            "/v1/organizations/{o}/tokens:revoke",
            "revokeTokens",
            "Deletes many in one step",
        )
        .query(&[WAIT])
        .takes::<TokensRevoke>()
        .answers::<TokensRevoked>(200),
        get(token, "getToken", "One API token")
            .answers::<Token>(200)
            .conditional(),
        post(token, "updateToken", "Gives it another name or description")
            .takes::<TokenUpdate>()
            .answers::<Token>(200)
            .conditional(),
        delete(token, "deleteToken", "Ends it at once")
            .query(&[WAIT])
            .answers::<Deleted>(200)
            .conditional(),
        post(
            "/v1/organizations/{o}/tokens/{id}/roles",
            "setTokenRoles",
            "Gives it these roles and no others",
        )
        .takes::<TokenRoles>()
        .answers::<Token>(200)
        .conditional(),
        post(
            "/v1/organizations/{o}/tokens/{id}/rotate",
            "rotateToken",
            "Gives it a new value, which is in this answer alone",
        )
        .query(&[WAIT])
        .may_take::<TokenRotate>()
        .answers::<TokenCreated>(200)
        .conditional(),
        post(
            "/v1/organizations/{o}/tokens/{id}/rotate/end",
            "endTokenGrace",
            "Ends the values from before the last rotation",
        )
        .query(&[WAIT])
        .answers::<Deleted>(200)
        .conditional(),
    ]
}

pub(super) fn rules() -> Vec<Operation> {
    let policy = "/v1/organizations/{o}/policy";
    vec![
        get(policy, "getPolicy", "What an organization allows itself")
            .answers::<PolicyShown>(200)
            .conditional(),
        put(policy, "setPolicy", "Other rules, as a whole")
            .query(&[WAIT, DRY_RUN])
            .takes::<Policy>()
            .answers::<PolicyChanged>(200)
            .conditional(),
        get(
            "/v1/organizations/{o}/quota",
            "getQuota",
            "What an organization may use",
        )
        .answers::<QuotaShown>(200),
        put(
            "/v1/organizations/{o}/quota",
            "setQuota",
            "Allows it more or less, as a whole",
        )
        .takes::<Quota>()
        .answers::<QuotaShown>(200),
        post(
            "/v1/apply",
            "apply",
            "Brings a fleet document about, as a whole or not at all",
        )
        .query(&[
            DRY_RUN,
            parameter(
                "prune",
                "Remove what an apply made and this one lacks.",
                Form::Flag,
            ),
        ])
        .takes::<ApplyRequest>()
        .answers::<ApplyAnswer>(200),
    ]
}
